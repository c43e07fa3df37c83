"""Shows the headers that would be sent, each with a badge that says what the script did to it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QMenu, QVBoxLayout, QWidget

from engine.display import HeaderKind, HeaderRow
from widgets.pane_header import PaneHeader
from widgets.row_marks import BADGE_ROLE, BadgeDelegate
from widgets.row_table import RowModel, RowTable
from widgets.theme import Theme

Role = Qt.ItemDataRole
CHANGE, NAME, VALUE = 0, 1, 2
_WORDS = {
    HeaderKind.SAME: "unchanged",
    HeaderKind.ADDED: "added",
    HeaderKind.CHANGED: "changed",
    HeaderKind.REMOVED: "removed",
    HeaderKind.DEFAULT: "default",
}
_TONES = {
    HeaderKind.ADDED: "success",
    HeaderKind.CHANGED: "warning",
    HeaderKind.REMOVED: "error",
    HeaderKind.DEFAULT: "text_muted",
}


def change_count(rows: tuple[HeaderRow, ...]) -> str:
    """The script's changes in short, as `+2 ~1 -1`; empty when it changed nothing."""
    kinds = [row.kind for row in rows]
    marks = ((HeaderKind.ADDED, "+"), (HeaderKind.CHANGED, "~"), (HeaderKind.REMOVED, "\u2212"))
    return " ".join(f"{mark}{kinds.count(kind)}" for kind, mark in marks if kind in kinds)


class _HeadersModel(RowModel):
    columns = ("Change", "Name", "Value")
    theme: Theme | None = None

    def cell(self, row: HeaderRow, column: int) -> str:
        if column == CHANGE:
            return _WORDS[row.kind]
        if column == NAME:
            return row.name
        if row.kind == HeaderKind.CHANGED:
            return f"{row.before or ''}  \u2192  {row.value}"
        return (row.before or "") if row.kind == HeaderKind.REMOVED else row.value

    def look(self, row: HeaderRow, column: int, role: int) -> Any:
        if role == BADGE_ROLE and column == CHANGE and self.theme:
            return _WORDS[row.kind], getattr(self.theme, _TONES.get(row.kind, "base"))
        if role == Role.ForegroundRole and self.theme:
            quiet = row.kind in {HeaderKind.DEFAULT, HeaderKind.REMOVED} or column == CHANGE
            return QColor(self.theme.text_muted) if quiet else None
        if role == Role.FontRole and row.kind == HeaderKind.REMOVED and column != CHANGE:
            font = QFont()  # says only this; the rest stays the view's
            font.setStrikeOut(True)
            return font
        return None

    def copy_text(self, row: HeaderRow) -> str:
        return f"{row.name}: {sent_value(row)}"


def sent_value(row: HeaderRow) -> str:
    """The value to copy: what is sent, or what was sent before it was removed."""
    return (row.before or "") if row.kind == HeaderKind.REMOVED else row.value


class HeadersView(QWidget):
    """A table of change, name and value.

    Attributes:
        table: the view, for focus and tests.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Headers")
        self._model = _HeadersModel(self)
        self.table = RowTable(self._model, "Headers")
        self._badges = BadgeDelegate(self.table)
        self.table.setItemDelegateForColumn(CHANGE, self._badges)
        self.table.header().setSectionResizeMode(CHANGE, QHeaderView.ResizeMode.ResizeToContents)
        self.table.header().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Interactive)
        self.table.stretch_column(VALUE)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self._header = PaneHeader("")
        copy = self._header.add_button("copy", "Copy selected headers, or all")
        copy.clicked.connect(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    def show_headers(self, rows: tuple[HeaderRow, ...]) -> None:
        """Shows other rows in their order."""
        sent = sum(row.kind != HeaderKind.REMOVED for row in rows)
        changes = change_count(rows)
        self._header.set_note(
            ("1 header is sent" if sent == 1 else f"{sent} headers are sent")
            + (f" \u00b7 {changes}" if changes else "")
        )
        self.table.set_rows(rows)
        self._fit_names()

    def copy(self) -> None:
        """Copies the selected rows as `Name: value`, or all that are sent when none is selected."""
        if not self.table.selected_rows():
            sent = [row for row in self._model.rows if row.kind != HeaderKind.REMOVED]
            QGuiApplication.clipboard().setText("\n".join(map(self._model.copy_text, sent)))
        else:
            self.table.copy()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of badges and text."""
        self._model.theme = theme
        self._badges.theme = theme
        self._header.apply_theme(theme)
        self.table.viewport().update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the name column."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit_names()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leaves the value column room in a narrow pane."""
        super().resizeEvent(event)
        self._fit_names()

    def _fit_names(self) -> None:
        metrics = self.table.fontMetrics()
        rows = self._model.rows[:200]
        widest = max((metrics.horizontalAdvance(row.name[:60]) for row in rows), default=0)
        room = max(self.table.width() * 2 // 5, metrics.averageCharWidth() * 8)  # the value needs most of it
        self.table.header().resizeSection(NAME, min(widest + 24, room))

    def _show_menu(self, place: QPoint) -> None:
        rows = self.table.selected_rows()
        if not rows:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        clipboard = QGuiApplication.clipboard()
        menu.addAction("Copy name", lambda: clipboard.setText("\n".join(row.name for row in rows)))
        menu.addAction("Copy value", lambda: clipboard.setText("\n".join(sent_value(row) for row in rows)))
        menu.addAction("Copy name and value", self.table.copy)
        menu.popup(self.table.viewport().mapToGlobal(place))
