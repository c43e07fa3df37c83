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
REPEAT_SECONDS = 0.12
BATCH = 32
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
    """Microseconds for each run, of each repeat; the pipelined ones hand a host BATCH runs at a time."""

    in_process: list[float] = field(default_factory=list)
    one: list[float] = field(default_factory=list)
    two: list[float] = field(default_factory=list)
    one_pipelined: list[float] = field(default_factory=list)
    two_pipelined: list[float] = field(default_factory=list)

    def row(self, name: str) -> tuple[str, ...]:
        """The printed row."""
        rates = [number(1e6 / median(found)) for found in (self.one, self.one_pipelined, self.two_pipelined)]
        ratios = (_ratio(self.one, self.two), _ratio(self.one_pipelined, self.two_pipelined))
        return (
            name,
            number(median(self.in_process)),
            number(median(self.one)),
            *rates,
            *(f"{ratio:.2f}" for ratio in ratios),
        )


def _ratio(one: list[float], two: list[float]) -> float:
    """Throughput of two hosts over that of one, each pair measured back to back."""
    return median(first / second for first, second in zip(one, two, strict=True))


def run() -> list[Table]:
    """Measures every case."""
    table = Table(
        "Engine: microseconds per run (median)",
        (
            "script",
            "in process",
            "through a host",
            "one host, runs/s",
            "one, pipelined",
            "two, pipelined",
            "two / one",
            "two / one, pipelined",
        ),
        notes=[
            "In process is `ScriptRuntime.run`; through a host is `EnginePool.run`, one run at a time. "
            f"Pipelined is `EnginePool.run_batch`, {BATCH} runs in a frame. Two hosts work at once on two cores, which "
            "the parent shares with them."
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
        figures.one_pipelined.append(await _seconds(one, request, 1, host_calls, BATCH) * 1e6)
        figures.two_pipelined.append(await _seconds(two, request, 2, host_calls, BATCH) * 1e6)
    return figures


async def _seconds(pool: EnginePool, request: RunRequest, lanes: int, calls: int, batch: int = 1) -> float:
    """Seconds per run, with as many batches in progress as there are lanes."""
    requests = [request] * min(batch, calls)
    rounds = max(1, calls // len(requests))

    async def lane() -> None:
        for _ in range(rounds):
            for reply in await pool.run_batch(requests):
                _good(reply)

    gc.collect()
    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    return (time.perf_counter() - started) / (rounds * len(requests) * lanes)


def _good(reply: RunReply) -> None:
    if reply.error_type is not None:
        raise AssertionError(f"{reply.error_type}: {reply.error_message}")
