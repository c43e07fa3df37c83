"""Lists what is wrong with the open script; choosing a problem goes to its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QHeaderView, QStackedWidget, QVBoxLayout, QWidget

from engine.scripts.problem import Problem, Severity
from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.glyphs import glyph_icon
from widgets.row_table import RowModel, RowTable
from widgets.style import tone_colour
from widgets.theme import Theme

Role = Qt.ItemDataRole
MESSAGE, PLACE, CODE = 0, 1, 2
GLYPHS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}


class _ProblemsModel(RowModel):
    columns = ("Problem", "Line", "Code")
    theme: Theme | None = None
    icons: dict[Severity, QIcon] = {}  # noqa: RUF012  replaced as a whole, never changed

    def cell(self, row: Problem, column: int) -> str:
        if column == MESSAGE:
            return row.message
        return row.code if column == CODE else f"{row.line}:{max(row.column, 1)}"

    def look(self, row: Problem, column: int, role: int) -> Any:
        if role == Role.DecorationRole and column == MESSAGE:
            return self.icons.get(row.severity)
        if role == Role.ForegroundRole and column != MESSAGE and self.theme:
            return QColor(self.theme.text_muted)
        if role == Role.AccessibleTextRole and column == MESSAGE:
            return f"{row.severity.value}: {row.message}, line {row.line}"
        return None

    def copy_text(self, row: Problem) -> str:
        return str(row)


class ProblemsList(QWidget):
    """A table of problems.

    Attributes:
        table: the view, for focus and tests.

    Signals:
        jump_requested(int, int): 1-based line and column.
        changed(): other problems are shown.
    """

    jump_requested = Signal(int, int)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Problems")
        self._model = _ProblemsModel(self)
        self.table = RowTable(self._model, "Problems")
        self.table.setHeaderHidden(True)
        self.table.stretch_column(MESSAGE)
        for column in (PLACE, CODE):
            self.table.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.table.row_activated.connect(self._jump)
        self.table.clicked.connect(lambda index: self._jump(self._model.rows[index.row()]))
        self._empty = EmptyState("No problems")
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)

    def set_problems(self, problems: Sequence[Problem]) -> None:
        """Shows other problems in their order."""
        self.table.set_rows(problems)
        self._pages.setCurrentIndex(1 if problems else 0)
        proxy_to(self, self.table, shown=bool(problems))
        self.changed.emit()

    def problems(self) -> tuple[Problem, ...]:
        """What is shown."""
        return self._model.rows

    def note(self) -> str:
        """The summary, empty when there is nothing to sum up."""
        return self.summary() if self.problems() else ""

    def tone(self) -> str:
        """How bad it is: error, warning, info, or nothing."""
        found = {problem.severity for problem in self.problems()}
        return next((severity.value for severity in Severity if severity in found), "")

    def summary(self) -> str:
        """How many of each, in words, for a tab title or the status bar."""
        found = [row.severity for row in self._model.rows]
        counts = [(found.count(severity), severity.value) for severity in Severity]
        return (
            ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count)
            or "No problems"
        )

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of icons and text."""
        self._model.theme = theme
        self._model.icons = {
            severity: glyph_icon(glyph, tone_colour(theme, severity.value))
            for severity, glyph in GLYPHS.items()
        }
        self.table.viewport().update()

    def _jump(self, row: Problem) -> None:
        self.jump_requested.emit(row.line, max(row.column, 1))
