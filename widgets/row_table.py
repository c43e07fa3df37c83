"""A read-only table of value rows: a model that describes the cells and a view that keeps its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
ROW_ROLE = Role.UserRole + 1
TOOLTIP_LIMIT = 2000
CELL_LIMIT = 500


def one_line(text: str) -> str:
    """A cell's share of a text: the first characters on one line, since no column shows more."""
    return " ".join(text[:CELL_LIMIT].split())


class RowModel(QAbstractTableModel):
    """Rows of one value type under fixed column titles; subclasses say what each cell shows."""

    columns: tuple[str, ...] = ()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: tuple[Any, ...] = ()

    def cell(self, row: Any, column: int) -> str:
        """The full text of a cell."""
        raise NotImplementedError

    def look(self, row: Any, column: int, role: int) -> Any:
        """Answers the other roles (colour, font, icon); None where a cell is plain."""
        return None

    def key(self, row: Any) -> Any:
        """What a row is known by when others come and go before it; None where only its number tells."""
        return None

    def copy_text(self, row: Any) -> str:
        """What a copied row puts on the clipboard."""
        return "\t".join(self.cell(row, column) for column in range(len(self.columns)))

    def set_rows(self, rows: Sequence[Any]) -> None:
        """Replaces all rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many rows there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many columns there are."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """The column titles."""
        if orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole:
            return self.columns[section]
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Text, tooltip and the row itself; everything else is `look`."""
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Role.DisplayRole:
            return one_line(self.cell(row, index.column()))
        special = self.look(row, index.column(), role)
        if special is None and role == Role.ToolTipRole:
            return self.cell(row, index.column())[:TOOLTIP_LIMIT]
        return special


class RowTable(QTreeView):
    """Shows a `RowModel`: whole-row selection, Ctrl+C copies, Enter or a double click activates.

    Signals:
        row_activated(object): the row chosen by Enter or double click.
    """

    row_activated = Signal(object)

    def __init__(self, model: RowModel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.setModel(model)
        model.setParent(self)
        self.setAccessibleName(name)
        self.setProperty("edge", "none")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.header().setSectionsMovable(False)
        self.header().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.header().setMinimumSectionSize(36)
        # Columns fit what is on screen; measuring a thousand rows would cost more than drawing them.
        self.header().setResizeContentsPrecision(0)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the icons' size."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            side = self.fontMetrics().height()
            self.setIconSize(QSize(side, side))

    def stretch_column(self, column: int) -> None:
        """Gives `column` the room that the others leave."""
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)

    def set_rows(self, rows: Sequence[Any]) -> None:
        """Shows other rows; selection and scroll position stay where they were as far as they can."""
        if tuple(rows) == self._rows.rows:
            return
        current, scrolled = self.currentIndex().row(), self.verticalScrollBar().value()
        here = self._rows.key(self._rows.rows[current]) if current >= 0 else None
        chosen = {self._rows.key(row) for row in self.selected_rows()}
        self._rows.set_rows(rows)
        if here is not None:
            self._select_keys(here, chosen)
        elif 0 <= current < len(rows):
            self.setCurrentIndex(self._rows.index(current, 0))
        self.verticalScrollBar().setValue(scrolled)

    def _select_keys(self, current: Any, chosen: set[Any]) -> None:
        flag = QItemSelectionModel.SelectionFlag
        for number, row in enumerate(self._rows.rows):
            key = self._rows.key(row)
            if key == current:
                self.selectionModel().setCurrentIndex(self._rows.index(number, 0), flag.NoUpdate)
            if key in chosen:
                self.selectionModel().select(self._rows.index(number, 0), flag.Select | flag.Rows)

    def selected_rows(self) -> list[Any]:
        """The selected rows in their order on screen."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._rows.rows[number] for number in numbers]

    def copy(self) -> None:
        """Puts the selected rows on the clipboard, one a line."""
        lines = [self._rows.copy_text(row) for row in self.selected_rows()]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802
        """Activates the row under the pointer."""
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.row_activated.emit(self._rows.rows[index.row()])

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter activates, Ctrl+C copies."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self.row_activated.emit(self._rows.rows[self.currentIndex().row()])
        else:
            super().keyPressEvent(event)
