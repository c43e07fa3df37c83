"""A short list of what was checked or done, each with a mark, a sentence, and perhaps a link to where it is mended."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.scripts.store import Step, StepState
from widgets.error_banner import breakable
from widgets.glyphs import draw_glyph
from widgets.style import set_look, tone_colour
from widgets.theme import Theme

TEXT_LIMIT = 600


class CheckState(enum.StrEnum):
    """How a check or a step stands; the values are read out."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "not known yet"
    RUNNING = "running"
    SKIPPED = "skipped"


_LOOKS = {
    CheckState.PASSED: ("check", "success"),
    CheckState.FAILED: ("error", "error"),
    CheckState.WAITING: ("ring", ""),
    CheckState.RUNNING: ("dots", "info"),
    CheckState.SKIPPED: ("minus", ""),
}
_STEP_STATES = {
    StepState.DONE: CheckState.PASSED,
    StepState.FAILED: CheckState.FAILED,
    StepState.SKIPPED: CheckState.SKIPPED,
}
_STEP_WORDS = {
    "kafka": "Write to Kafka",
    "redis": "Write to the Redis mirror",
    "read_back_kafka": "Read back from Kafka and compare",
    "read_back_redis": "Read back from Redis and compare",
    "api": "Send to the API",
    "journal": "Note it in the workspace",
}
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")  # the first of it is shown everywhere


@dataclass(frozen=True, slots=True)
class Check:
    """One row.

    Attributes:
        id: what the link's signal carries.
        text: the sentence.
        link: the link's words; none when empty.
    """

    id: str
    state: CheckState
    text: str
    link: str = ""


def step_row(step: Step) -> Check:
    """A step of a publication as a row."""
    words = _STEP_WORDS.get(step.name, step.name)
    told = _HASH.sub(r"\1", step.detail) or ("skipped" if step.state is StepState.SKIPPED else "")
    return Check(step.name, _STEP_STATES[step.state], f"{words}: {told}" if told else words)


class _Mark(QWidget):
    """The state's glyph, as large as the text."""

    def __init__(self, state: CheckState, theme: Theme | None) -> None:
        super().__init__()
        self._state = state
        self.theme = theme
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        side = self.fontMetrics().height()
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self.theme is None:
            return
        glyph, tone = _LOOKS[self._state]
        painter = QPainter(self)
        draw_glyph(painter, glyph, tone_colour(self.theme, tone), QRectF(self.rect()))
        painter.end()


class CheckList(QScrollArea):
    """Rows under each other, scrolled when there are too many.

    Signals:
        link_chosen(str): the id of the row whose link was pressed.
    """

    link_chosen = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._checks: tuple[Check, ...] = ()
        self._theme: Theme | None = None
        self.setWidgetResizable(True)
        self.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._fill()

    def set_checks(self, checks: tuple[Check, ...]) -> None:
        """Shows other rows; the same ones keep the focus where it is."""
        if checks != self._checks:
            self._checks = checks
            self._fill()

    def checks(self) -> tuple[Check, ...]:
        """The rows shown."""
        return self._checks

    def unmet(self) -> int:
        """How many rows are not passed or skipped."""
        fine = {CheckState.PASSED, CheckState.SKIPPED}
        return sum(check.state not in fine for check in self._checks)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of the marks."""
        self._theme = theme
        for mark in self.findChildren(_Mark):
            mark.theme = theme
            mark.update()

    def _on_range(self, _least: int, most: int) -> None:
        """Tab passes over what has nothing to scroll."""
        policy = Qt.FocusPolicy.StrongFocus if most else Qt.FocusPolicy.NoFocus
        if not self.hasFocus():
            self.setFocusPolicy(policy)

    def _fill(self) -> None:
        page = QFrame()
        page.setProperty("page", True)
        column = QVBoxLayout(page)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        for check in self._checks:
            column.addLayout(self._row(check))
        column.addStretch(1)
        if before := self.takeWidget():
            before.deleteLater()  # not at once: this may be the answer to a press on one of its links
        self.setWidget(page)
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _row(self, check: Check) -> QHBoxLayout:
        text = QLabel(breakable(check.text[:TEXT_LIMIT]))
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setAccessibleName(f"{check.state.value}: {check.text[:TEXT_LIMIT]}")
        text.setToolTip(check.text if len(check.text) > TEXT_LIMIT else "")
        if check.state is CheckState.FAILED:
            set_look(text, "tone", "error")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(_Mark(check.state, self._theme), 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(text, 1)
        if check.link:
            link = QToolButton()
            link.setProperty("link", True)
            link.setText(check.link)
            link.setAccessibleName(f"{check.link}: {check.text[:TEXT_LIMIT]}")
            link.setCursor(Qt.CursorShape.PointingHandCursor)
            link.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            link.clicked.connect(lambda _checked=False, name=check.id: self.link_chosen.emit(name))
            row.addWidget(link, 0, Qt.AlignmentFlag.AlignTop)
        return row
