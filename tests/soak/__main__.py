"""`make soak`, or `python -m tests.soak [--runs N] [--plot FILE.svg]`: many runs, and the memory of all processes.

Exits with 1 when a run ended otherwise than it must, or memory grew after warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine.sandbox.pool import EnginePool
from tests.engine.running import pool_is_right
from tests.fuzz.memory import resident_bytes
from tests.soak.series import MAX_GROWTH_MB, Series, svg
from tests.soak.work import Storage, job, killer, wrong

HOSTS = 2
ROUND = 500  # runs between two samples
BATCHES = (1, 1, 5, 20, 100)


def main() -> int:
    """Runs the soak and prints its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the memory there")
    asked = parser.parse_args()
    soak, started = Soak(asked.seed), time.monotonic()
    asyncio.run(soak.run(asked.runs))
    text = (
        f"{soak.runs:,} runs, {soak.ended:,} hosts ended by scripts, in {time.monotonic() - started:.0f} s\n"
    )
    sys.stdout.write(text + "\n".join(map(str, soak.lines)) + "\n")
    if asked.plot is not None:
        asked.plot.write_text(svg(f"Resident memory over {soak.runs:,} mixed runs", soak.lines), "utf-8")
    grown = [line.name for line in soak.lines if line.growth > MAX_GROWTH_MB]
    problems = soak.problems[:20] + [f"{name} has grown" for name in grown]
    sys.stdout.write("".join(f"FAULT: {problem}\n" for problem in problems))
    return 1 if problems else 0


class Soak:
    """The session: two hosts that live from start to end, and others that hostile scripts end."""

    def __init__(self, seed: int) -> None:
        self.runs = self.ended = 0
        self.problems: list[str] = []
        self.parent = Series("parent")
        self.hosts: dict[int, Series] = {}
        self._choices, self._storage = random.Random(seed), Storage()

    @property
    def lines(self) -> Sequence[Series]:
        """What was sampled."""
        return (self.parent, *self.hosts.values())

    async def run(self, runs: int) -> None:
        """Does at least so many runs."""
        async with EnginePool(size=HOSTS, spares=0) as pool, EnginePool(spares=1) as battlefield:
            while self.runs < runs:
                await asyncio.gather(*(self._half(pool) for _ in range(HOSTS)))
                await self._kill(battlefield)
                if not await pool_is_right(pool):
                    self.problems.append("the mission's example is wrong")
                self._sample(pool)

    async def _half(self, pool: EnginePool) -> None:
        left = ROUND // HOSTS
        while left > 0:
            jobs = [job(self._choices) for _ in range(min(left, self._choices.choice(BATCHES)))]
            replies = await pool.run_batch([request for request, _ in jobs], self._storage)
            self.problems += wrong(jobs, replies)
            left -= len(jobs)
            self.runs += len(jobs)

    async def _kill(self, pool: EnginePool) -> None:
        jobs = [killer(self._choices)]
        replies = [await pool.run(jobs[0][0])]
        self.problems += wrong(jobs, replies)
        self.runs, self.ended = self.runs + 1, self.ended + 1

    def _sample(self, pool: EnginePool) -> None:
        self.parent.add(self.runs, resident_bytes(os.getpid()))
        for host in pool._idle:
            if host.pid not in self.hosts:
                self.hosts[host.pid] = Series(f"host {len(self.hosts) + 1}")
            self.hosts[host.pid].add(self.runs, resident_bytes(host.pid))


if __name__ == "__main__":
    sys.exit(main())
