"""A compact meter for the status bar: what the last run took of its CPU time and of its memory."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from widgets.style import mix
from widgets.theme import Theme

AMBER_FROM = 0.6
RED_FROM = 0.9
MEGABYTE = 1024 * 1024


def number_in_words(value: float) -> str:
    """Three digits that matter at most: 0.21, 3.4, 120."""
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


class _Words(QLabel):
    """A label that keeps the room of its longest text, so that nothing beside it moves while numbers change."""

    def __init__(self) -> None:
        super().__init__()
        self._longest = ""
        self.setProperty("small", True)

    def keep_room(self, longest: str) -> None:
        self._longest = longest
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802
        hint, metrics = super().sizeHint(), self.fontMetrics()
        lacking = metrics.horizontalAdvance(self._longest) - metrics.horizontalAdvance(self.text())
        return QSize(hint.width() + max(lacking, 0), hint.height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()


class _Bar(QWidget):
    """A thin bar, filled to a share, in a colour that says how close the limit is."""

    def __init__(self) -> None:
        super().__init__()
        self.share: float | None = None
        self.theme: Theme | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(3)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self.theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(mix(self.theme.raised, self.theme.text, 0.14)))
        radius = self.height() / 2
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        if self.share:
            painter.setBrush(QColor(self._colour(self.theme)))
            width = max(self.width() * min(self.share, 1.0), self.height())
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), radius, radius)
        painter.end()

    def _colour(self, theme: Theme) -> str:
        share = self.share or 0.0
        return theme.error if share >= RED_FROM else theme.warning if share >= AMBER_FROM else theme.success


class BudgetMeter(QWidget):
    """CPU time and memory, each as words over a bar; green, amber and red are also said in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Budget of the last run")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._timeout_ms = 500.0
        self._memory_bytes = 50 * MEGABYTE
        self._usage: tuple[float, int] | None = None
        self._cpu, self._memory = _Words(), _Words()
        self._cpu_bar, self._memory_bar = _Bar(), _Bar()
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 1, 8, 2)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(1)
        for column, (label, bar) in enumerate(((self._cpu, self._cpu_bar), (self._memory, self._memory_bar))):
            grid.addWidget(label, 0, column)
            grid.addWidget(bar, 1, column)
        self._refresh()

    def set_budget(self, timeout_ms: float, memory_bytes: int) -> None:
        """What a run may take."""
        self._timeout_ms, self._memory_bytes = timeout_ms, memory_bytes
        self._refresh()

    def show_usage(self, cpu_ms: float, memory_bytes: int) -> None:
        """What the last run took."""
        self._usage = (cpu_ms, memory_bytes)
        self._refresh()

    def show_none(self) -> None:
        """Nothing has run."""
        self._usage = None
        self._refresh()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of the bars."""
        for bar in (self._cpu_bar, self._memory_bar):
            bar.theme = theme
            bar.update()

    def _refresh(self) -> None:
        limit_ms, limit_mb = number_in_words(self._timeout_ms), number_in_words(self._memory_bytes / MEGABYTE)
        cpu_ms, memory_bytes = self._usage or (0.0, 0)
        used_ms, used_mb = number_in_words(cpu_ms), number_in_words(memory_bytes / MEGABYTE)
        none = self._usage is None
        dash = "\u2013"
        self._cpu.setText(f"CPU {dash if none else used_ms} of {limit_ms} ms")
        self._memory.setText(f"Mem {dash if none else used_mb} of {limit_mb} MB")
        self._cpu_bar.share = None if none else cpu_ms / max(self._timeout_ms, 1e-9)
        self._memory_bar.share = None if none else memory_bytes / max(self._memory_bytes, 1)
        words = (
            f"Nothing has run yet. A run may take {limit_ms} milliseconds of CPU time and {limit_mb} megabytes."
            if none
            else f"The last run took {used_ms} of {limit_ms} milliseconds of CPU time{_alarm(self._cpu_bar.share)} "
            f"and {used_mb} of {limit_mb} megabytes of memory{_alarm(self._memory_bar.share)}."
        )
        self.setToolTip(words)
        self.setAccessibleDescription(words)
        self._cpu.keep_room(f"CPU 0.00 of {limit_ms} ms")
        self._memory.keep_room(f"Mem 0.00 of {limit_mb} MB")
        self._cpu_bar.update()
        self._memory_bar.update()


def _alarm(share: float | None) -> str:
    if share is None or share < AMBER_FROM:
        return ""
    return " (at its limit)" if share >= RED_FROM else " (close to its limit)"
