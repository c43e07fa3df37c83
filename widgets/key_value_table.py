"""An editable table of HTTP headers: filled with the keyboard alone, it marks what cannot be sent."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from widgets.headers_model import NAME, PROBLEM_ROLE, VALUE, HeadersModel, parse_header_lines
from widgets.pane_header import PaneHeader
from widgets.style import tint
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Hint = QAbstractItemDelegate.EndEditHint
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}


class CellDelegate(QStyledItemDelegate):
    """Draws a marked cell with an outline and a tint, and lets Enter move on as Tab does.

    Signals:
        lines_pasted(str): several lines were pasted into an open cell.
    """

    lines_pasted = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._error, self._tint = QColor("red"), QColor("pink")

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of marks."""
        self._error, self._tint = QColor(theme.error), QColor(tint(theme, theme.error))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Lays the mark under and around the cell's text."""
        problem = index.data(PROBLEM_ROLE)
        if problem:
            painter.fillRect(option.rect, self._tint)
        super().paint(painter, option, index)
        if problem:
            painter.setPen(QPen(self._error, 1))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:  # noqa: N802
        """Enter commits and opens the next cell; lines pasted into a cell become rows."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and isinstance(editor, QWidget)
        ):
            if event.key() in _ENTER:
                self.commitData.emit(editor)
                self.closeEditor.emit(editor, Hint.EditNextItem)
                return True
            text = QGuiApplication.clipboard().text() if event.matches(QKeySequence.StandardKey.Paste) else ""
            if "\n" in text.strip():
                self.closeEditor.emit(editor, Hint.RevertModelCache)
                self.lines_pasted.emit(text)
                return True
        return super().eventFilter(editor, event)


class CellTable(QTableView):
    """A table edited like a sheet: typing opens a cell, Tab or Enter in it opens the next.

    Signals:
        delete_pressed(): Delete or Backspace on selected rows.
        paste_pressed(): the paste key outside an open cell.
    """

    delete_pressed = Signal()
    paste_pressed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setProperty("edge", "none")
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.AllEditTriggers & ~QAbstractItemView.EditTrigger.CurrentChanged
        )
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._fit()

    def setModel(self, model: QAbstractItemModel | None) -> None:  # noqa: N802
        """Shows another model and puts the cursor into its first cell."""
        super().setModel(model)
        if model is not None:
            self.setCurrentIndex(model.index(0, 0))
            self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the sizes of rows and columns."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    def closeEditor(self, editor: QWidget, hint: Hint) -> None:  # noqa: N802
        """Moves to the neighbouring cell; leaving the empty last row ends the editing."""
        here = self.currentIndex()
        super().closeEditor(editor, Hint.NoHint)
        step = {Hint.EditNextItem: 1, Hint.EditPreviousItem: -1}.get(hint, 0)
        if not step or self.model() is None:
            return
        columns = self.model().columnCount()
        place = here.row() * columns + here.column() + step
        target = self.model().index(place // columns, place % columns)
        if place < 0 or not target.isValid() or (step > 0 and self._is_empty(here)):
            self.setFocus()
            return
        self.setCurrentIndex(target)
        self.edit(target)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Delete, paste and Enter; all other keys are the table's own."""
        if event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self.delete_pressed.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.paste_pressed.emit()
        elif event.key() in _ENTER and self.currentIndex().isValid():
            self.edit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def rows_selected(self) -> list[int]:
        """The numbers of the selected rows."""
        return sorted({index.row() for index in self.selectionModel().selectedIndexes()})

    def _is_empty(self, index: QModelIndex) -> bool:
        row = [index.siblingAtColumn(column) for column in range(self.model().columnCount())]
        return index.row() == self.model().rowCount() - 1 and not any(
            cell.data(Qt.ItemDataRole.EditRole) for cell in row
        )

    def _fit(self) -> None:
        """Rows and the columns before the last one follow the font, until the user drags a column."""
        header = self.horizontalHeader()
        wide, narrow = self.fontMetrics().averageCharWidth() * 22, self.fontMetrics().averageCharWidth() * 13
        for column in range(header.count() - 1):
            header.resizeSection(column, narrow if column else wide)
        self.verticalHeader().setMinimumSectionSize(10)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 9)


class HeadersTable(QWidget):
    """Edits the headers of a webhook.

    Attributes:
        table: the view, for focus and tests.

    Signals:
        changed(): the user changed a row.
    """

    changed = Signal()

    def __init__(self, title: str = "Headers", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self._model = HeadersModel(self)
        self.table = CellTable(title)
        self._delegate = CellDelegate(self)
        self.table.setItemDelegate(self._delegate)
        self.table.setModel(self._model)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._header = PaneHeader(title)
        self._add = self._header.add_button("plus", "Add header")
        self._remove = self._header.add_button("minus", "Remove selected headers")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self.table, 1)
        self.setFocusProxy(self.table)
        self._connect()
        self._refresh_note()

    def set_headers(self, headers: dict[str, str]) -> None:
        """Shows other headers; the same ones leave cursor and open cell alone."""
        if list(headers.items()) != self._model.pairs():
            self._model.set_pairs(headers.items())
            self.table.setCurrentIndex(self._model.index(0, NAME))
            self._refresh_note()

    def headers(self) -> dict[str, str]:
        """The rows that can be sent; of names that differ only in case the last wins."""
        last = {name.lower(): (name, value) for name, value in self._model.valid_pairs()}
        return dict(last.values())

    def problems(self) -> list[str]:
        """One sentence for each marked cell."""
        return self._model.problems()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of marks and glyphs."""
        self._delegate.apply_theme(theme)
        self._header.apply_theme(theme)
        self.table.viewport().update()

    def add_row(self) -> None:
        """Opens the empty last row for typing."""
        index = self._model.index(self._model.rowCount() - 1, NAME)
        self.table.setFocus()
        self.table.setCurrentIndex(index)
        self.table.edit(index)

    def remove_selected(self) -> None:
        """Removes the selected rows and keeps the cursor near."""
        row = self.table.currentIndex().row()
        self._model.delete_rows(self.table.rows_selected())
        self.table.setCurrentIndex(self._model.index(min(row, self._model.rowCount() - 1), NAME))

    def paste(self) -> None:
        """Adds the clipboard's lines `Name: value` as rows above the current one."""
        self._insert_text(QGuiApplication.clipboard().text())

    def _connect(self) -> None:
        self._add.clicked.connect(self.add_row)
        self._remove.clicked.connect(self.remove_selected)
        self.table.delete_pressed.connect(self.remove_selected)
        self.table.paste_pressed.connect(self.paste)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self._delegate.lines_pasted.connect(self._insert_text)
        self._model.edited.connect(self._refresh_note)
        self._model.edited.connect(self.changed)

    def _insert_text(self, text: str) -> None:
        row = max(self.table.currentIndex().row(), 0)
        rows = parse_header_lines(text)
        self._model.insert_pairs(row, rows)
        self.table.setCurrentIndex(self._model.index(min(row + len(rows), self._model.rowCount() - 1), NAME))

    def _refresh_note(self) -> None:
        count = len(self.problems())
        words = "1 problem" if count == 1 else f"{count} problems"
        self._header.set_note(words if count else "", "error" if count else "")

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction("Add header", self.add_row)
        menu.addAction("Paste headers", self.paste)
        menu.addAction("Copy as lines", self._copy)
        menu.addSeparator()
        menu.addAction("Remove", self.remove_selected)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _copy(self) -> None:
        cells = [
            (self._model.index(row, NAME), self._model.index(row, VALUE))
            for row in self.table.rows_selected()
        ]
        role = Qt.ItemDataRole.EditRole
        lines = [f"{name.data(role)}: {value.data(role)}" for name, value in cells if name.data(role)]
        QGuiApplication.clipboard().setText("\n".join(lines))
