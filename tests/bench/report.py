"""Figures and how they are printed: medians, percentiles, and Markdown tables that can go into the README."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Table:
    """One group of figures.

    Attributes:
        title: what was measured.
        columns, rows: as printed, the first column left-aligned.
        notes: what a reader must know, one sentence each.
        raw: the figures themselves, for `--json`.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    raw: dict[str, object] = field(default_factory=dict)

    def markdown(self) -> str:
        """The table as Markdown, readable as it is."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        rule = [
            "-" * widths[0],
            *("-" * (width - 1) + ":" for width in widths[1:]),
        ]
        printed = [_row(self.columns, widths), _row(rule, widths), *(_row(row, widths) for row in self.rows)]
        return "\n".join([f"**{self.title}**", "", *printed, *([""] if self.notes else []), *self.notes])


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *others]) + " |"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered) + 0.5) - 1))]


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def calls_for(call: Callable[[], object], seconds: float) -> int:
    """How many calls fit into that time, at least one."""
    started, calls = time.perf_counter(), 0
    while time.perf_counter() - started < seconds / 5:
        call()
        calls += 1
    return max(1, round(calls * 5))


def microseconds(call: Callable[[], object], seconds: float = 0.06, repeats: int = 7) -> float:
    """Microseconds of one call: the median of the repeats, each a mean over `seconds`."""
    calls = calls_for(call, seconds)
    return median(one_repeat(call, calls) for _ in range(repeats))


def one_repeat(call: Callable[[], object], calls: int) -> float:
    """Microseconds of one call, the mean of that many."""
    gc.collect()
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls * 1e6
