"""An overlay to find a command by a few of its letters and run it without the mouse."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsDropShadowEffect,
    QLabel,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from widgets.command_rows import Command, CommandDelegate, CommandModel, find
from widgets.theme import Theme

__all__ = ["Command", "CommandPalette", "find"]

ROWS_SHOWN = 12


class CommandPalette(QFrame):
    """A card over its parent's upper middle. Up, Down, Page keys and Enter choose; Esc or a click elsewhere closes.

    Attributes:
        query, list: for tests.

    Signals:
        chosen(str): the id of the command to run; the palette is closed by then.
        closed(): the palette went away, for whatever reason.
    """

    chosen = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName("Command palette")
        self._commands: tuple[Command, ...] = ()
        self._focus_before: QWidget | None = None
        self._model = CommandModel(self)
        self._delegate = CommandDelegate(self, self._model)
        self._build()
        self.query.textChanged.connect(self._search)
        self.list.clicked.connect(self._choose)
        self.query.installEventFilter(self)
        parent.installEventFilter(self)
        self.hide()

    def set_commands(self, commands: Sequence[Command]) -> None:
        """What there is to choose from."""
        self._commands = tuple(commands)
        if self.isVisible():
            self._search()

    def open_palette(self, query: str = "") -> None:
        """Shows itself, ready to type; `query` is already in the field, selected."""
        if not self.isVisible():
            self._focus_before = QApplication.focusWidget()
        self.query.setText(query)
        self.query.selectAll()
        self._search()
        self.show()
        self.raise_()
        self.query.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_palette(self) -> None:
        """Hides itself and gives the focus back."""
        if not self.isVisible():
            return
        before, self._focus_before = self._focus_before, None
        self.hide()
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.closed.emit()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of its rows."""
        self._delegate.theme = theme
        self.list.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keys of the field move in the list; the parent's size moves the card; a click outside closes it."""
        kind = event.type()
        if watched is self.query and isinstance(event, QKeyEvent) and kind == QEvent.Type.KeyPress:
            return self._on_key(event)
        if watched is self.query and kind == QEvent.Type.FocusOut and not self._menu_is_open():
            self.close_palette()
        elif watched is self.parent() and kind == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _build(self) -> None:
        self.query = QLineEdit()
        self.query.setPlaceholderText("Type a command")
        self.query.setAccessibleName("Search commands")
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(self._delegate)
        self.list.setAccessibleName("Commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setProperty("edge", "none")
        self._none = QLabel("No command matches.")
        self._none.setProperty("muted", True)
        self._none.setContentsMargins(10, 6, 10, 8)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        for part in (self.query, self.list, self._none):
            column.addWidget(part)
        self._column = column
        self._shadow = QGraphicsDropShadowEffect(self)
        self._shadow.setBlurRadius(28)
        self._shadow.setOffset(0, 6)
        self._shadow.setColor(QColor(0, 0, 0, 90))
        self.setGraphicsEffect(self._shadow)

    def _menu_is_open(self) -> bool:
        return QApplication.activePopupWidget() is not None

    def _on_key(self, event: QKeyEvent) -> bool:
        key = event.key()  # as a number: not every key of the world is in the enum
        steps: dict[int, int] = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: ROWS_SHOWN,
            Qt.Key.Key_PageUp: -ROWS_SHOWN,
        }
        if key in steps:
            self._move(steps[key])
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._choose(self.list.currentIndex())
        elif key == Qt.Key.Key_Escape:
            self.close_palette()
        else:
            return key in {Qt.Key.Key_Tab, Qt.Key.Key_Backtab}
        return True

    def _move(self, step: int) -> None:
        count = self._model.rowCount()
        if count:
            row = self.list.currentIndex().row() + step
            # Single steps go round; pages stop at the ends.
            row = row % count if abs(step) == 1 else min(max(row, 0), count - 1)
            self.list.setCurrentIndex(self._model.index(row))

    def _choose(self, index: QModelIndex) -> None:
        if not index.isValid():
            return
        command = self._model.found[index.row()][0]
        if command.enabled:
            self.close_palette()
            self.chosen.emit(command.id)

    def _search(self) -> None:
        self._model.set_found(find(self._commands, self.query.text()))
        found = self._model.rowCount() > 0
        self.list.setVisible(found)
        self._none.setVisible(not found)
        self.list.setCurrentIndex(self._model.index(0))
        self._place()

    def _place(self) -> None:
        """Upper middle of the parent, no taller than its rows and the parent allow."""
        parent = self.parentWidget()
        if parent is None:
            return
        width = min(max(self.fontMetrics().averageCharWidth() * 72, 320), parent.width() - 24)
        row = self.list.sizeHintForRow(0) if self._model.rowCount() else 0
        room = max(parent.height() - 40 - self.query.sizeHint().height() - 24, row)
        self.list.setFixedHeight(max(min(min(self._model.rowCount(), ROWS_SHOWN) * row + 2, room), 1))
        self._column.activate()
        self.setGeometry(
            (parent.width() - width) // 2, min(36, parent.height() // 12), width, self.sizeHint().height()
        )
