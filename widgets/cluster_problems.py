"""Records of the cluster that cannot be used: one line that counts them, and the list behind it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHeaderView, QVBoxLayout, QWidget

from engine.scripts.store import StoredProblem
from widgets.glyphs import GlyphButton
from widgets.row_table import RowModel, RowTable
from widgets.theme import Theme

Role = Qt.ItemDataRole
PLACE, SCRIPT, WHY = range(3)
_LINES = 8


class _Model(RowModel):
    columns = ("Where", "Script", "Why it was skipped")

    def cell(self, row: StoredProblem, column: int) -> str:
        return (row.place, row.config_id, row.why)[column]

    def look(self, row: StoredProblem, column: int, role: int) -> Any:
        if role == Role.AccessibleTextRole and column == PLACE:
            return ", ".join(part for part in (row.place, row.config_id, row.why) if part)
        return None


class ProblemsStrip(QFrame):
    """A button that says how many there are and opens the list; hidden while there are none.

    Attributes:
        button, table: for focus and tests.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Records that cannot be used")
        self.setProperty("strip", True)
        self._model = _Model(self)
        self.table = RowTable(self._model, "Records that cannot be used")
        self.table.stretch_column(WHY)
        for column in (PLACE, SCRIPT):
            self.table.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.button = GlyphButton("right", "", with_text=True)
        self.button.setCheckable(True)
        self.button.toggled.connect(self._show_list)
        column_ = QVBoxLayout(self)
        column_.setContentsMargins(0, 0, 0, 0)
        column_.setSpacing(0)
        column_.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        column_.addWidget(self.table, 1)
        self._show_list(False)
        self.set_problems(())

    def set_problems(self, problems: tuple[StoredProblem, ...]) -> None:
        """Shows other problems; the list stays open or closed."""
        self.table.set_rows(problems)
        count = len(problems)
        words = "1 record was skipped" if count == 1 else f"{count:,} records were skipped"
        self.button.setText(words)
        self.button.setAccessibleName(words)
        self.button.setToolTip("They hold no usable script; choose to see where and why")
        self.setVisible(count > 0)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colour of the glyph."""
        self.button.set_colours(theme.warning, theme.border)
        self.table.viewport().update()

    def _show_list(self, shown: bool) -> None:
        self.button.set_glyph("down" if shown else "right")
        self.table.setVisible(shown)
        line = self.fontMetrics().height()
        self.table.setMinimumHeight(line * 4 if shown else 0)
        self.setMaximumHeight(16_777_215 if shown else self.button.sizeHint().height() + 2)
        self.resize(self.width(), line * _LINES if shown else self.button.sizeHint().height())
