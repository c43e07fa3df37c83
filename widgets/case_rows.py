"""The saved cases of a script as rows: what state each is in, and how that is drawn and read out."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon

from widgets.glyphs import glyph_icon
from widgets.row_table import RowModel
from widgets.style import mix, tone_colour
from widgets.theme import Theme

Role = Qt.ItemDataRole
NAME, RESULT = 0, 1


class CaseState(enum.StrEnum):
    """What is known of a case; the values are read out."""

    NOT_RUN = "not run"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    NO_EXPECTATION = "no expectation"
    UNREADABLE = "unreadable"


BAD = (CaseState.FAILED, CaseState.UNREADABLE)
_LOOKS = {
    CaseState.NOT_RUN: ("ring", ""),
    CaseState.RUNNING: ("dots", "info"),
    CaseState.PASSED: ("check", "success"),
    CaseState.FAILED: ("error", "error"),
    CaseState.NO_EXPECTATION: ("minus", ""),
    CaseState.UNREADABLE: ("warning", "warning"),
}


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One saved case; `note` says more about its state: how long it took, how much differs."""

    name: str
    state: CaseState = CaseState.NOT_RUN
    note: str = ""


def summary(rows: tuple[CaseRow, ...]) -> str:
    """How many of each in words; empty when there are no cases, or none has run."""
    states = [row.state for row in rows]
    counts = [(states.count(state), state.value) for state in CaseState if state is not CaseState.NOT_RUN]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


class CaseModel(RowModel):
    """Name with a mark, and result.

    Attributes:
        stale: the script changed since these cases ran; their results are drawn faintly.
    """

    columns = ("Case", "Result")
    stale = False
    _theme: Theme | None = None
    _icons: dict[tuple[CaseState, bool], QIcon] = {}  # noqa: RUF012  replaced as a whole, never changed

    def cell(self, row: CaseRow, column: int) -> str:
        """The name, or the state in words."""
        if column == NAME:
            return row.name
        if row.state is CaseState.PASSED:
            return row.note or row.state.value
        return row.note if row.state in BAD and row.note else row.state.value

    def look(self, row: CaseRow, column: int, role: int) -> Any:
        """Mark, colour and the words for screen readers."""
        if role == Role.DecorationRole and column == NAME:
            return self._icons.get((row.state, self.stale))
        if role == Role.ForegroundRole and column == RESULT and self._theme:
            loud = row.state in BAD and not self.stale
            return QColor(self._theme.error if loud else self._theme.text_muted)
        if role == Role.AccessibleTextRole and column == NAME:
            more = f", {row.note}" if row.note else ""
            return f"{row.name}: {row.state.value}{more}{', before the last change' if self.stale else ''}"
        return None

    def apply_theme(self, theme: Theme) -> None:
        """Draws the marks anew."""
        self._theme = theme
        self._icons = {}
        for state, (glyph, tone) in _LOOKS.items():
            colour = tone_colour(theme, tone)
            self._icons[state, False] = glyph_icon(glyph, colour)
            self._icons[state, True] = glyph_icon(glyph, mix(colour, theme.base, 0.55))
