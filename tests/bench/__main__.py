"""`make bench`, or `python -m tests.bench [GROUP...] [--json FILE]`: measures, and prints one table per group."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

GROUPS = ("engine", "preview", "stalls", "start")


def main() -> int:
    """Runs the groups named, else all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of: {', '.join(GROUPS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every figure there")
    asked = parser.parse_args()
    unknown = sorted(set(asked.groups) - set(GROUPS))
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.stdout.write(machine() + "\n\n")
    saved: dict[str, object] = {"machine": machine()}
    for group in asked.groups or GROUPS:
        started = time.monotonic()
        for table in importlib.import_module(f"tests.bench.{group}").run():
            sys.stdout.write(table.markdown() + "\n\n")
            sys.stdout.flush()
            saved[table.title] = {"columns": table.columns, "rows": table.rows, "raw": table.raw}
        sys.stderr.write(f"[{group}: {time.monotonic() - started:.0f} s]\n")
    if asked.json is not None:
        asked.json.write_text(json.dumps(saved, indent=1), "utf-8")
    return 0


def machine() -> str:
    """What the figures were measured on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load {load:.1f} at the start, Qt platform {os.environ.get('QT_QPA_PLATFORM', 'default')}."
    )


if __name__ == "__main__":
    sys.exit(main())
