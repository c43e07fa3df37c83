"""The engine: microseconds of a run in process, through one host, and runs per second of two hosts."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field
from statistics import median

from engine.model import script_hash
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply, RunRequest
from engine.sandbox.runtime import ScriptRuntime
from tests.bench import engine_steps
from tests.bench.report import Table, calls_for, number, one_repeat
from tests.bench.scripts import CASES, MB, Case

REPEATS = 7
REPEAT_SECONDS = 0.08
INCOMING = (b"Content-Type", b"application/json", b"User-Agent", b"bench/1.0")


def request_of(source: str, payload: bytes) -> RunRequest:
    """A run as a worker asks for it, with room for 1 MB of JSON."""
    code = source.encode()
    return RunRequest(
        script_hash=script_hash(code),
        source=code,
        payload=payload,
        headers=INCOMING,
        webhook_id="wh_01HZX3J9Y8Q2",
        config_id="test_config",
        attempt=0,
        max_attempts=20,
        created_at="2026-01-01T00:00:00Z",
        config=b"",
        previous_error=b"",
        cpu_seconds=5.0,
        memory_bytes=128 * MB,
    )


@dataclass
class Figures:
    """Microseconds of each repeat; `two` is the time for each run while two hosts work."""

    in_process: list[float] = field(default_factory=list)
    one: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)

    def row(self, name: str) -> tuple[str, ...]:
        """The printed row."""
        in_process, one, two = median(self.in_process), median(self.one), median(self.two)
        return (
            name,
            number(in_process),
            number(one),
            number(1e6 / one),
            number(1e6 / two),
            f"{self.ratio():.2f}",
        )

    def ratio(self) -> float:
        """Throughput of two hosts over that of one, each pair measured back to back."""
        return median(one / two for one, two in zip(self.one, self.two, strict=True))


def run() -> list[Table]:
    """Measures every case."""
    table = Table(
        "Engine: microseconds per run (median)",
        ("script", "in process", "through one host", "one host, runs/s", "two hosts, runs/s", "two / one"),
        notes=[
            "In process is `ScriptRuntime.run`; through a host is `EnginePool.run`, one run at a time; "
            "two hosts take two runs at a time."
        ],
    )
    for name, figures in asyncio.run(_measure()).items():
        table.rows.append(figures.row(name))
        table.raw[name] = vars(figures)
    return [table, *engine_steps.run()]


async def _measure() -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    async with EnginePool(size=1, spares=1) as one, EnginePool(size=2, spares=2) as two:
        for case in CASES:
            found[case.name] = await _measure_case(case, one, two)
    return found


async def _measure_case(case: Case, one: EnginePool, two: EnginePool) -> Figures:
    request, runtime, figures = request_of(case.source, case.payload), ScriptRuntime(), Figures()

    def in_process() -> None:
        _good(runtime.run(request))
        runtime.tidy()

    calls = calls_for(in_process, REPEAT_SECONDS)
    host_calls = max(2, round(REPEAT_SECONDS / await _seconds(one, request, 1, 5)))
    await _seconds(two, request, 2, 10)
    for _ in range(REPEATS):
        figures.in_process.append(one_repeat(in_process, calls))
        figures.one.append(await _seconds(one, request, 1, host_calls) * 1e6)
        figures.two.append(await _seconds(two, request, 2, host_calls) * 1e6)
    return figures


async def _seconds(pool: EnginePool, request: RunRequest, lanes: int, calls: int) -> float:
    """Seconds per run, with as many runs in progress as there are lanes."""

    async def lane() -> None:
        for _ in range(calls):
            _good(await pool.run(request))

    gc.collect()
    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    return (time.perf_counter() - started) / (calls * lanes)


def _good(reply: RunReply) -> None:
    if reply.error_type is not None:
        raise AssertionError(f"{reply.error_type}: {reply.error_message}")
