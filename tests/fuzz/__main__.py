"""`make fuzz`, or `python -m tests.fuzz [--runs N] [--seed S] [--hosts N] [--json FILE]`: attacks the sandbox.

Exits with 1 when a run showed a fault; the scripts are then in the folder that --keep names, made smaller where that
is possible, with the seed and number that make them again.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import random
import sys
from pathlib import Path

from engine.errors import HowkError
from engine.sandbox.pool import EnginePool
from tests.fuzz.judge import fault
from tests.fuzz.memory import MB
from tests.fuzz.minimise import minimised
from tests.fuzz.outside import HostileModules
from tests.fuzz.run import Figures, Fuzzer
from tests.fuzz.script import FuzzScript, Watch


def main() -> int:
    """Runs the fuzzer and prints its figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first script")
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures there")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), metavar="FOLDER")
    asked = parser.parse_args()
    figures = asyncio.run(Fuzzer(asked.seed, asked.hosts).run(asked.runs, asked.first))
    sys.stdout.write(text_of(figures, asked.seed) + "\n")
    if asked.json is not None:
        saved = vars(figures) | {"faults": [what for _, what in figures.faults]}
        asked.json.write_text(json.dumps(saved, indent=1), "utf-8")
    asyncio.run(keep(figures, asked.seed, asked.keep))
    return 1 if figures.faults else 0


def text_of(figures: Figures, seed: int) -> str:
    """The figures as lines of text."""
    warm = figures.parent_bytes[len(figures.parent_bytes) // 20 :]
    rows = {
        "runs": f"{figures.runs:,} (seed {seed}) in {figures.seconds:.0f} s",
        "scripts": _counts(figures.kinds),
        "outcomes": _counts(figures.outcomes),
        "hosts ended": _counts(figures.hosts_ended),
        "mission's example": f"exact in {figures.mission_checks:,} checks",
        "parent": f"{warm[0] / MB:.1f} MB after warm-up, {warm[-1] / MB:.1f} MB at the end",
        "largest host": f"{figures.largest_host_bytes / MB:.1f} MB",
        "faults": str(len(figures.faults)),
    }
    return "\n".join(f"{name + ':':<20}{value}" for name, value in rows.items())


def _counts(counted: dict[str, int]) -> str:
    ranked = sorted(counted.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:,}" for name, count in ranked) or "none"


async def keep(figures: Figures, seed: int, folder: Path) -> None:
    """Prints the faults and saves their scripts."""
    watch = Watch() if figures.faults else None
    for script, what in figures.faults:
        sys.stdout.write(f"FAULT: {what}\n")
        if script is None or watch is None:
            continue
        small = await smaller(watch, script)
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
        path = folder / f"{seed}-{script.number}-{script.way}.lua"
        path.write_bytes(f"-- {what[:200]!r}, seed {seed}, number {script.number}\n".encode() + small)
        sys.stdout.write(f"  {script.kind}, {script.way}: {path}\n")


async def smaller(watch: Watch, script: FuzzScript) -> bytes:
    """A script that shows the same kind of fault, or this one where the fault does not show again."""
    async with EnginePool(spares=1) as pool:

        async def still_faulty(source: bytes) -> bool:
            one = dataclasses.replace(script, source=source)
            try:
                reply = await pool.run(watch.request(one), HostileModules(random.Random(0)))
            except HowkError:
                return True
            return bool(fault(one, reply))

        shows = await still_faulty(script.source)
        return await minimised(script.source, still_faulty) if shows else script.source


if __name__ == "__main__":
    sys.exit(main())
