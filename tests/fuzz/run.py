"""Runs fuzzed scripts through a pool of hosts, many at a time, and keeps those that show a fault."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.errors import HowkError
from engine.sandbox.pool import EnginePool, wall_limit
from engine.sandbox.protocol import RunReply, RunRequest
from tests.engine.running import pool_is_right
from tests.fuzz.judge import fault
from tests.fuzz.memory import MB, idle_hosts_bytes, resident_bytes
from tests.fuzz.mutate import seeds
from tests.fuzz.outside import HostileModules
from tests.fuzz.script import CPU_SECONDS, FuzzScript, Maker, Watch

BATCH = 50
MISSION_EVERY = 500
WARM_UP_RUNS = 5000
MAX_PARENT_GROWTH_BYTES = 64 * MB
MAX_HOST_BYTES = 200 * MB
START_SLACK_SECONDS = 30.0


@dataclass
class Figures:
    """What a fuzzing session saw."""

    runs: int = 0
    seconds: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    hosts_ended: Counter[str] = field(default_factory=Counter)
    mission_checks: int = 0
    parent_bytes: list[int] = field(default_factory=list)
    largest_host_bytes: int = 0
    faults: list[tuple[FuzzScript | None, str]] = field(default_factory=list)


class Fuzzer:
    """Runs the scripts `first` to `first + runs - 1` of a seed."""

    def __init__(self, seed: int, hosts: int) -> None:
        self.figures = Figures()
        self._seed, self._hosts = seed, hosts
        self._maker, self._watch = Maker(seed, seeds()), Watch()

    async def run(self, runs: int, first: int = 0) -> Figures:
        """All of them; a fault stops nothing."""
        started = time.monotonic()
        ended = self.figures.hosts_ended
        async with EnginePool(
            size=self._hosts, spares=self._hosts, host_ended=lambda why: ended.update([why])
        ) as pool:
            for start in range(first, first + runs, MISSION_EVERY):
                numbers = range(start, min(start + MISSION_EVERY, first + runs))
                await self._round(pool, [self._maker.script(number) for number in numbers])
                self._note_memory(pool)
        self.figures.seconds = time.monotonic() - started
        return self.figures

    async def _round(self, pool: EnginePool, scripts: Sequence[FuzzScript]) -> None:
        batches = [scripts[start : start + BATCH] for start in range(0, len(scripts), BATCH)]
        await asyncio.gather(*(self._batch(pool, batch) for batch in batches))
        right = await asyncio.gather(*(pool_is_right(pool) for _ in range(self._hosts)))
        self.figures.mission_checks += len(right)
        if not all(right):
            self._fault(None, f"the mission's example is wrong after run {scripts[-1].number}")
        killed = self.figures.hosts_ended["killed"]
        if killed:
            self._fault(
                None, f"{killed} hosts ended and nothing explains why, up to run {scripts[-1].number}"
            )
            self.figures.hosts_ended["unexplained"] += self.figures.hosts_ended.pop("killed")

    async def _batch(self, pool: EnginePool, scripts: Sequence[FuzzScript]) -> None:
        requests = [self._watch.request(script) for script in scripts]
        modules = HostileModules(random.Random(f"{self._seed}:{scripts[0].number}"))
        limit = wall_limit(CPU_SECONDS) * len(scripts) * self._hosts * 10 + START_SLACK_SECONDS
        try:
            replies = await asyncio.wait_for(pool.run_batch(requests, modules), limit)
        except (HowkError, TimeoutError, ValueError) as problem:
            self._fault(scripts[0], f"no replies from here on: {type(problem).__name__} {problem}")
            return
        for script, request, reply in zip(scripts, requests, replies, strict=True):
            await self._judge(pool, script, request, reply)

    async def _judge(
        self, pool: EnginePool, script: FuzzScript, request: RunRequest, reply: RunReply
    ) -> None:
        self.figures.runs += 1
        self.figures.kinds[script.kind] += 1
        if _ended_by_wall_clock(reply):
            # The machine may have been busy. A run that is stuck where no CPU time passes is so again.
            self.figures.outcomes["ended by the wall clock"] += 1
            reply = await pool.run(request)
            if _ended_by_wall_clock(reply):
                self._fault(script, "only the wall clock ended it, twice")
        self.figures.outcomes[reply.error_type.value if reply.error_type else "ok"] += 1
        what = fault(script, reply)
        if what:
            self._fault(script, what)

    def _fault(self, script: FuzzScript | None, what: str) -> None:
        self.figures.faults.append((script, what))

    def _note_memory(self, pool: EnginePool) -> None:
        figures = self.figures
        figures.parent_bytes.append(resident_bytes(os.getpid()))
        figures.largest_host_bytes = max(figures.largest_host_bytes, *idle_hosts_bytes(pool), 0)
        warm = WARM_UP_RUNS // MISSION_EVERY
        if len(figures.parent_bytes) > warm:
            grown = figures.parent_bytes[-1] - figures.parent_bytes[warm]
            if grown > MAX_PARENT_GROWTH_BYTES:
                self._fault(None, f"the parent has grown by {grown // MB} MB")
        if figures.largest_host_bytes > MAX_HOST_BYTES:
            self._fault(None, f"a host holds {figures.largest_host_bytes // MB} MB")


def _ended_by_wall_clock(reply: RunReply) -> bool:
    return reply.error_message.startswith("the run did not end in time")
