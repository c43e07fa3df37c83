"""Edits a script's script_config as a table of name, type and value, or as the JSON text it is stored as."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QStackedWidget, QStyleOptionViewItem, QVBoxLayout, QWidget

from widgets.code_editor import CodeEditor
from widgets.config_rows import NULL, TYPES, ConfigRow, read_object, rows_of, text_of
from widgets.headers_model import PROBLEM_ROLE
from widgets.key_value_table import CellDelegate, CellTable
from widgets.pane_header import PaneHeader
from widgets.style import set_look
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
NAME, TYPE, VALUE = 0, 1, 2


class _ConfigModel(QAbstractTableModel):
    """The rows, which always end in an empty one to type into."""

    edited = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[ConfigRow] = [ConfigRow()]

    def set_rows(self, rows: list[ConfigRow]) -> None:
        self.beginResetModel()
        self.rows = [*rows, ConfigRow()]
        self.endResetModel()

    def delete_rows(self, numbers: list[int]) -> None:
        kept = [row for number, row in enumerate(self.rows[:-1]) if number not in numbers]
        if len(kept) < len(self.rows) - 1:
            self.set_rows(kept)
            self.edited.emit()

    def problem(self, number: int, column: int) -> str:
        row = self.rows[number]
        if column == VALUE:
            return row.problem()
        if column != NAME or row == ConfigRow():
            return ""
        if not row.name and row.text:
            return "A value needs a name."
        repeated = row.name and any(other.name == row.name for other in self.rows[:number])
        return f"{row.name} is there already; the last one wins." if repeated else ""

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        if orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole:
            return ("Name", "Type", "Value")[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        usable = flag.ItemIsEnabled | flag.ItemIsSelectable
        fixed = index.column() == VALUE and self.rows[index.row()].type == NULL
        return usable if fixed else usable | flag.ItemIsEditable

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        row = self.rows[index.row()]
        blank = index.row() == len(self.rows) - 1
        text = (row.name, "" if blank else row.type, row.text)[index.column()]
        if role == Role.EditRole:
            return row.type if index.column() == TYPE else text
        if role == Role.DisplayRole:
            return " ".join(text[:500].split("\n"))
        problem = self.problem(index.row(), index.column())
        if role == Role.ToolTipRole:
            return problem or text[:2000]
        if role in {PROBLEM_ROLE, Role.AccessibleDescriptionRole}:
            return problem
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:  # noqa: N802
        old = self.rows[index.row()]
        parts = [old.name, old.type, old.text]
        parts[index.column()] = str(value)
        if index.column() == TYPE and parts[TYPE] == NULL:
            parts[VALUE] = ""
        row = ConfigRow(*parts)
        if role != Role.EditRole or row == old:
            return False
        self.rows[index.row()] = row
        if index.row() == len(self.rows) - 1:
            end = len(self.rows)
            self.beginInsertRows(QModelIndex(), end, end)
            self.rows.append(ConfigRow())
            self.endInsertRows()
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, VALUE))
        self.edited.emit()
        return True


class _ConfigDelegate(CellDelegate):
    """A list of types in the middle column, and true or false where only these are meant."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802
        truth = (
            index.column() == VALUE and index.sibling(index.row(), TYPE).data(Role.EditRole) == "true/false"
        )
        if index.column() != TYPE and not truth:
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        box.setAccessibleName("Value" if truth else "Type")
        box.addItems(["true", "false"] if truth else list(TYPES))
        return box

    def setEditorData(self, editor: QWidget, index: Index) -> None:  # noqa: N802
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data(Role.EditRole)))
        else:
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: Any, index: Index) -> None:  # noqa: N802
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        else:
            super().setModelData(editor, model, index)


class ScriptConfigForm(QWidget):
    """Edits the JSON text of one object; a broken text is shown as text with its error and kept as typed.

    Attributes:
        table, editor: the two views, for focus and tests.

    Signals:
        changed(): the user changed the text.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Script config")
        self._text = ""
        self._prefer_raw = False
        self._model = _ConfigModel(self)
        self.table = CellTable("Script config")
        self._delegate = _ConfigDelegate(self)
        self.table.setItemDelegate(self._delegate)
        self.table.setModel(self._model)
        self.editor = CodeEditor()
        self.editor.setAccessibleName("Script config as JSON")
        self.editor.set_language("json")
        self._build()
        self._connect()
        self.set_text("")

    def set_text(self, text: str) -> None:
        """Shows another text of the object, which may be broken; `changed` is not emitted."""
        self._text = text
        try:
            self._model.set_rows(rows_of(read_object(text)))
        except ValueError as error:
            self._open_raw(True)
            self.show_error(str(error))
            return
        self._open_raw(self._prefer_raw)
        self.show_error("")

    def text(self) -> str:
        """The text as the user left it, broken or not."""
        if self._raw.isChecked():
            self._text = self.editor.bytes_().decode(errors="replace")
        return self._text

    def value(self) -> dict[str, Any] | None:
        """The object, None while the text is broken."""
        try:
            return read_object(self.text())
        except ValueError:
            return None

    def show_error(self, message: str) -> None:
        """Shows an error under the editor, one found here or elsewhere; an empty one clears it."""
        self._error.setText(message[:1000])
        self._error.setVisible(bool(message))
        # Broken text has no rows to show, so the way to the table is closed; the way to the text never is.
        self._raw.setEnabled(not self._raw.isChecked() or self.value() is not None)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of both views."""
        self.editor.apply_theme(theme)
        self._delegate.apply_theme(theme)
        self._header.apply_theme(theme)

    def set_font_scale(self, percent: int) -> None:
        """Sizes the JSON text."""
        self.editor.set_font_scale(percent)

    def add_row(self) -> None:
        """Opens the empty last row for typing."""
        index = self._model.index(self._model.rowCount() - 1, NAME)
        self.table.setFocus()
        self.table.setCurrentIndex(index)
        self.table.edit(index)

    def _build(self) -> None:
        self._header = PaneHeader("Script config")
        self._add = self._header.add_button("plus", "Add property")
        self._remove = self._header.add_button("minus", "Remove selected properties")
        self._raw = self._header.add_button("braces", "Edit as JSON")
        self._raw.setCheckable(True)
        self._views = QStackedWidget()
        self._views.addWidget(self.table)
        self._views.addWidget(self.editor)
        self._error = QLabel()
        self._error.setWordWrap(True)
        self._error.setTextFormat(Qt.TextFormat.PlainText)
        self._error.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._error.setContentsMargins(10, 4, 10, 4)
        set_look(self._error, "tone", "error")
        self._error.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._views, 1)
        column.addWidget(self._error)

    def _connect(self) -> None:
        self._add.clicked.connect(self.add_row)
        self._remove.clicked.connect(self._remove_selected)
        self.table.delete_pressed.connect(self._remove_selected)
        self._raw.toggled.connect(self._on_switch)
        self._model.edited.connect(self._on_rows)
        self.editor.edited.connect(self._on_editor)

    def _open_raw(self, raw: bool) -> None:
        """Shows the JSON text or the table, filled from the text."""
        self._raw.blockSignals(True)
        self._raw.setChecked(raw)
        self._raw.blockSignals(False)
        data = self._text.encode(errors="replace")
        if raw and self.editor.bytes_() != data:
            self.editor.set_bytes(data)
        self._add.setEnabled(not raw)
        self._remove.setEnabled(not raw)
        self._views.setCurrentIndex(1 if raw else 0)

    def _on_rows(self) -> None:
        self._text = text_of(self._model.rows)
        bad = [row.problem() for row in self._model.rows if row.problem()]
        self.show_error("" if self.value() is not None else (bad or ["This is not a JSON object."])[0])
        self.changed.emit()

    def _on_switch(self, raw: bool) -> None:
        self._prefer_raw = raw
        if not raw:
            self._text = self.editor.bytes_().decode(errors="replace")
            self._model.set_rows(rows_of(read_object(self._text)))
        self._open_raw(raw)
        (self.editor if raw else self.table).setFocus()

    def _on_editor(self) -> None:
        try:
            read_object(self.text())
            self.show_error("")
        except ValueError as error:
            self.show_error(str(error))
        self.changed.emit()

    def _remove_selected(self) -> None:
        self._model.delete_rows(self.table.rows_selected())
