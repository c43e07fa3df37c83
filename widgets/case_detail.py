"""Shows why a case failed: fields as rows of expected and got, the body as a line-by-line difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QStackedWidget, QVBoxLayout, QWidget

from engine.cases.verdict import ABSENT, Mismatch
from engine.display import DiffLine
from widgets.diff_view import DiffView
from widgets.empty_state import EmptyState
from widgets.row_table import RowModel, RowTable
from widgets.theme import Theme

Role = Qt.ItemDataRole
FIELD, EXPECTED, GOT = range(3)
MOST_ROWS = 5
"""Beside a difference so many fields are in view; the others are scrolled to."""

FEWEST_CHARACTERS = 10
"""No column is narrower: in a narrow pane the table is scrolled instead."""


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """What there is to say about the selected case.

    `sentence` stands alone when there is nothing to compare. In `diff`, removed lines were expected, added ones came.
    """

    sentence: str = ""
    mismatches: tuple[Mismatch, ...] = ()
    diff: tuple[DiffLine, ...] = ()
    diff_note: str = ""


class _MismatchModel(RowModel):
    columns = ("Field", "Expected", "Got")
    theme: Theme | None = None

    def cell(self, row: Mismatch, column: int) -> str:
        return (row.field, row.expected, row.got)[column]

    def look(self, row: Mismatch, column: int, role: int) -> Any:
        if role == Role.ForegroundRole and self.theme and self.cell(row, column) == ABSENT:
            return QColor(self.theme.text_muted)
        if role == Role.AccessibleTextRole and column == FIELD:
            return str(row)
        return None

    def copy_text(self, row: Mismatch) -> str:
        return str(row)


class CaseDetailView(QWidget):
    """A sentence, or what differs.

    Attributes:
        fields, diff: the two views, for focus and tests.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Expected and got")
        self._model = _MismatchModel(self)
        self.fields = RowTable(self._model, "Fields that differ")
        self.fields.stretch_column(GOT)
        for column in (FIELD, EXPECTED):
            self.fields.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        self.diff = DiffView(keys=False)
        self._sentence = EmptyState("")
        self._pages = QStackedWidget()
        page = QWidget()
        stacked = QVBoxLayout(page)
        stacked.setContentsMargins(0, 0, 0, 0)
        stacked.setSpacing(0)
        stacked.addWidget(self.fields)
        stacked.addWidget(self.diff, 1)
        self._pages.addWidget(self._sentence)
        self._pages.addWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._pages)
        self._detail = CaseDetail()

    def show_detail(self, detail: CaseDetail) -> None:
        """Shows another case, or none."""
        self._detail = detail
        has_rows, has_diff = bool(detail.mismatches), bool(detail.diff)
        self._sentence.set_text(detail.sentence)
        self.fields.set_rows(detail.mismatches)
        self.fields.setVisible(has_rows)
        self.diff.setVisible(has_diff)
        if has_diff:
            self.diff.show_diff(detail.diff, detail.diff_note or "\u2212 expected, + got")
        self._pages.setCurrentIndex(1 if has_rows or has_diff else 0)
        self._fit()

    def sentence(self) -> str:
        """What it says in place of a comparison; empty while there is one."""
        return self._sentence.text() if self._pages.currentIndex() == 0 else ""

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self._model.theme = theme
        self.diff.apply_theme(theme)
        self.fields.viewport().update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with widths and heights."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    def resizeEvent(self, event: object) -> None:  # noqa: N802
        """Shares the width between the columns anew."""
        self._fit()

    def _fit(self) -> None:
        """A third of the width for what differs at most, and beside a difference no more height than the rows need."""
        metrics, header = self.fields.fontMetrics(), self.fields.header()
        header.setMinimumSectionSize(metrics.averageCharWidth() * FEWEST_CHARACTERS)
        widest = max(
            (metrics.horizontalAdvance(row.field[:60]) for row in self._detail.mismatches), default=0
        )
        width = self.fields.width()
        header.resizeSection(FIELD, min(max(widest + 20, width // 6), width * 2 // 5))
        header.resizeSection(EXPECTED, (width - header.sectionSize(FIELD)) // 2)
        shown = min(len(self._detail.mismatches), MOST_ROWS)
        row = max(self.fields.sizeHintForRow(0), metrics.height())
        limit = header.sizeHint().height() + shown * row + 4
        self.fields.setMaximumHeight(limit if self._detail.diff else 16_777_215)
