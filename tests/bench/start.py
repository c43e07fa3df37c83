"""The start: from process start to first paint, against a bare PySide6 window, and where ours goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import resources
from tests.bench.report import Table

STARTS = 11
IMPORT_RUNS = 3
FIRST_PAINT = "first paint"
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_OURS = ("app", "widgets", "engine", "resources")


def run() -> list[Table]:
    """The ratio, the phases, and the imports."""
    with tempfile.TemporaryDirectory(prefix="howk-bench-") as scratch:
        workspace = Path(scratch) / "workspace"
        resources.copy_example_workspace(workspace)
        environment = _environment(Path(scratch))
        for kind in ("bare", "studio"):
            _start(kind, workspace, environment)  # the disk cache is warm from here on
        found: dict[str, list[dict[str, float]]] = {"bare": [], "studio": []}
        for _ in range(STARTS):
            for kind, starts in found.items():
                starts.append(_start(kind, workspace, environment))
        return [_ratio(found), _phases(found), _imports(environment)]


def _environment(scratch: Path) -> dict[str, str]:
    """A home of its own, so that no session or draft of the user's takes part, and compiled modules as always."""
    home = {
        name: str(scratch / name) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    }
    compiled = {"PYTHONPYCACHEPREFIX": str(scratch / "pycache"), "PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, **home, **compiled}


def _start(kind: str, workspace: Path, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.start_child", kind, str(workspace)]
    started = {"BENCH_STARTED": str(time.time())}
    done = subprocess.run(
        command, env=environment | started, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    phases: dict[str, float] = json.loads(done.stdout)
    return phases


def _ratio(found: dict[str, list[dict[str, float]]]) -> Table:
    bare, ours = ([start[FIRST_PAINT] for start in found[kind]] for kind in ("bare", "studio"))
    preview = [start["first preview"] for start in found["studio"]]
    table = Table(
        "Start: process start to first paint, milliseconds",
        ("window", "median", "fastest", "slowest", "against bare"),
    )
    base = median(bare)
    for name, values in (
        ("bare PySide6 QMainWindow", bare),
        ("HOWK Studio", ours),
        ("... its first preview", preview),
    ):
        cells = (median(values), min(values), max(values))
        table.rows.append((name, *(f"{value:.0f}" for value in cells), f"{median(values) / base:.2f}"))
        table.raw[name] = values
    table.notes.append(f"{STARTS} starts of each in turn, files in the disk cache.")
    return table


def _phases(found: dict[str, list[dict[str, float]]]) -> Table:
    table = Table("Start: where the time goes, milliseconds (median)", ("phase", "bare", "HOWK Studio"))
    names = dict.fromkeys([*found["studio"][0], *found["bare"][0]])
    costs = {kind: [_steps(start) for start in starts] for kind, starts in found.items()}
    for name in names:
        row = [
            f"{median(cost.get(name, 0.0) for cost in costs[kind]):.0f}" if name in found[kind][0] else ""
            for kind in ("bare", "studio")
        ]
        table.rows.append((name, *row))
    table.raw = {"bare": found["bare"], "studio": found["studio"]}
    return table


def _steps(start: dict[str, float]) -> dict[str, float]:
    """The length of each phase, from the times at which they ended."""
    steps, before = {}, 0.0
    for name, at in start.items():
        steps[name], before = at - before, at
    return steps


def _imports(environment: dict[str, str]) -> Table:
    table = Table(
        "Start: imports of the window by package, milliseconds (own time, python -X importtime)",
        ("package", "time"),
    )
    runs = [_import_run(environment) for _ in range(IMPORT_RUNS)]
    costs = {name: median(one.get(name, 0.0) for one in runs) for name in set().union(*runs)}
    shown = sorted(costs, key=lambda name: -costs[name])[:14]
    table.rows = [(name, f"{costs[name]:.1f}") for name in shown]
    table.rows.append(("all others", f"{sum(cost for name, cost in costs.items() if name not in shown):.1f}"))
    table.rows.append(("**all**", f"{sum(costs.values()):.1f}"))
    table.raw = dict(costs)
    return table


def _import_run(environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-X", "importtime", "-c", "import app.entry, app.start"]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=True)
    costs: dict[str, float] = defaultdict(float)
    for own, module in _IMPORT.findall(done.stderr):
        name = ".".join(module.split(".")[:2]) if module.startswith("PySide6.") else module.partition(".")[0]
        costs[f"{name} (ours)" if name in _OURS else name] += int(own) / 1000
    return dict(costs)
