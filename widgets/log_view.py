"""Shows what a script logged: level, line in the script, message and fields."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QStackedLayout, QWidget

from engine.model import LogLine
from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.row_marks import BADGE_ROLE, BadgeDelegate
from widgets.row_table import RowModel, RowTable
from widgets.theme import Theme

Role = Qt.ItemDataRole
LEVEL, LINE, MESSAGE, FIELDS = 0, 1, 2, 3
_TONES = {"error": "error", "warn": "warning", "info": "info"}


def fields_text(line: LogLine) -> str:
    """The fields as JSON on one line; empty when there are none."""
    if not line.fields:
        return ""
    return json.dumps(line.fields, ensure_ascii=False, separators=(", ", ": "), default=str)


class _LogModel(RowModel):
    columns = ("Level", "Line", "Message", "Fields")
    theme: Theme | None = None

    def cell(self, row: LogLine, column: int) -> str:
        if column == LEVEL:
            return row.level
        if column == LINE:
            return "" if row.line is None else str(row.line)
        return row.message if column == MESSAGE else fields_text(row)

    def look(self, row: LogLine, column: int, role: int) -> Any:
        if role == BADGE_ROLE and column == LEVEL and self.theme:
            return row.level, getattr(self.theme, _TONES.get(row.level, "text_muted"))
        if role == Role.ForegroundRole and self.theme:
            colours = {LINE: self.theme.accent, FIELDS: self.theme.text_muted}
            quiet = row.level == "debug" and column == MESSAGE
            colour = self.theme.text_muted if quiet else colours.get(column)
            return QColor(colour) if colour else None
        if role == Role.TextAlignmentRole and column == LINE:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Role.ToolTipRole and column == LINE and row.line:
            return f"Go to line {row.line} of the script"
        return None


class LogView(QWidget):
    """A table of log lines; a click on a line number, or Enter, goes to that line.

    Attributes:
        table: the view, for focus and tests.

    Signals:
        jump_requested(int): 1-based line in the script.
    """

    jump_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Log")
        self._model = _LogModel(self)
        self.table = RowTable(self._model, "Log")
        self._badges = BadgeDelegate(self.table)
        self.table.setItemDelegateForColumn(LEVEL, self._badges)
        header = self.table.header()
        header.setSectionResizeMode(LEVEL, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(LINE, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setMouseTracking(True)
        self.table.entered.connect(self._on_entered)
        self.table.clicked.connect(self._on_clicked)
        self.table.row_activated.connect(self._jump)
        self._empty = EmptyState(
            "The script logged nothing.\nlog.info(\u2026) and print(\u2026) show up here."
        )
        self._pages = QStackedLayout(self)
        self._pages.setContentsMargins(0, 0, 0, 0)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.table)

    def show_logs(self, logs: tuple[LogLine, ...]) -> None:
        """Shows other lines, the oldest first."""
        self.table.set_rows(logs)
        has_fields = any(line.fields for line in logs)
        self.table.setColumnHidden(FIELDS, not has_fields)
        self.table.stretch_column(MESSAGE)
        if has_fields:
            self.table.header().setSectionResizeMode(FIELDS, QHeaderView.ResizeMode.Stretch)
        self._pages.setCurrentIndex(1 if logs else 0)
        proxy_to(self, self.table, shown=bool(logs))

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of levels and links."""
        self._model.theme = theme
        self._badges.theme = theme
        self.table.viewport().update()

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == LINE:
            self._jump(self._model.rows[index.row()])

    def _on_entered(self, index: QModelIndex) -> None:
        link = index.column() == LINE and self._model.rows[index.row()].line
        shape = Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.ArrowCursor
        self.table.viewport().setCursor(shape)

    def _jump(self, row: LogLine) -> None:
        if row.line:
            self.jump_requested.emit(row.line)
