"""Memory over runs: samples, what they say, and a picture of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, linear_regression
from xml.sax.saxutils import escape

MB = 1024 * 1024
WARM_UP_SHARE = 0.2
MAX_GROWTH_MB = 5.0

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 900, 420, 70, 50, 20, 60
_COLOURS = ("#1f6feb", "#c2410c", "#15803d", "#7e22ce", "#525252")


@dataclass
class Series:
    """Bytes that one process held, each with the number of runs it was taken after."""

    name: str
    runs: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add(self, runs: int, size: int) -> None:
        """Takes a sample."""
        self.runs.append(runs)
        self.sizes.append(size)

    @property
    def warm(self) -> tuple[list[int], list[float]]:
        """The samples after warm-up, in MB."""
        start = int(len(self.runs) * WARM_UP_SHARE)
        return self.runs[start:], [size / MB for size in self.sizes[start:]]

    @property
    def slope(self) -> float:
        """MB for each 10,000 runs after warm-up: the straight line that fits best."""
        runs, sizes = self.warm
        return linear_regression(runs, sizes).slope * 10_000 if len(set(runs)) > 1 else 0.0

    @property
    def growth(self) -> float:
        """MB between the first and the last tenth after warm-up, on average."""
        _, sizes = self.warm
        tenth = max(1, len(sizes) // 10)
        return fmean(sizes[-tenth:]) - fmean(sizes[:tenth])

    def __str__(self) -> str:
        _, sizes = self.warm
        return (
            f"{self.name:<14}first {sizes[0]:6.1f} MB  last {sizes[-1]:6.1f} MB  most {max(sizes):6.1f} MB  "
            f"growth {self.growth:+6.2f} MB  slope {self.slope:+7.3f} MB per 10,000 runs"
        )


def svg(title: str, lines: Sequence[Series]) -> str:
    """A picture of the samples: MB over runs."""
    most_runs = max(line.runs[-1] for line in lines) or 1
    most_mb = _round_up(max(max(line.sizes) for line in lines) / MB)
    parts = [_frame(title, most_runs, most_mb)]
    for place, line in enumerate(lines):
        colour = _COLOURS[place % len(_COLOURS)]
        points = " ".join(
            f"{_x(runs, most_runs):.1f},{_y(size / MB, most_mb):.1f}"
            for runs, size in zip(line.runs, line.sizes, strict=True)
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
        left = _LEFT + 10 + place * 150
        parts.append(f'<rect x="{left}" y="32" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{left + 20}" y="38">{escape(line.name)}</text>')
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    style = 'font-family="sans-serif" font-size="12" fill="#222"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n' + "\n".join(parts) + "\n</svg>\n"


def _frame(title: str, most_runs: int, most_mb: float) -> str:
    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>']
    parts.append(f'<text x="{_LEFT}" y="20" font-size="15" font-weight="bold">{escape(title)}</text>')
    for step in range(6):
        mb, runs = most_mb * step / 5, most_runs * step // 5
        y, x = _y(mb, most_mb), _x(runs, most_runs)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{mb:g} MB</text>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{runs:,}</text>')
    parts.append(f'<text x="{_WIDTH // 2}" y="{_HEIGHT - 15}" text-anchor="middle">runs</text>')
    return "\n".join(parts)


def _x(runs: int, most: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * runs / most


def _y(mb: float, most: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * mb / most


def _round_up(mb: float) -> float:
    """The next multiple of 25: five steps of whole fives."""
    return float(-(-int(mb + 1) // 25) * 25)
