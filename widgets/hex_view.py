"""Shows and edits bytes as offset, hex and characters; only the rows in view are ever drawn."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from widgets.code_editor import MAX_SCALE, MIN_SCALE
from widgets.hex_buffer import HexBuffer, parse_hex
from widgets.hex_layout import HexLayout
from widgets.hex_painter import CaretLook, HexPainter
from widgets.theme import Theme

_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
_CONTROL: Final = Qt.KeyboardModifier.ControlModifier


class HexView(QAbstractScrollArea):
    """An editor of bytes: typing overwrites, or inserts after the Insert key; Tab goes from hex to characters and out.

    Attributes:
        insert_mode: whether typing makes room for new bytes; the caret is then a bar, else a block.
        text_column: whether the caret is among the characters, else among the hex digits.

    Signals:
        edited(): the user changed the bytes.
        cursor_moved(offset): the caret is elsewhere.
        mode_changed(inserts): the Insert key was pressed.
        font_scale_changed(percent): the user turned the wheel with Ctrl.
    """

    edited = Signal()
    cursor_moved = Signal(int)
    mode_changed = Signal(bool)
    font_scale_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.insert_mode = False
        self.text_column = False
        self._buffer = HexBuffer()
        self._theme: Theme | None = None
        self._scale = 100
        self._read_only = False
        self._caret = 0
        self._anchor = 0
        self._low_digit = False  # the next digit typed is the second of its byte
        self._font = QFont()
        self._layout = HexLayout.fitting(QFontMetrics(self._font), 600, 0)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Bytes")
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.verticalScrollBar().valueChanged.connect(self.viewport().update)
        self.horizontalScrollBar().valueChanged.connect(self.viewport().update)

    # --- content

    def set_bytes(self, data: bytes) -> None:
        """Show `data` from its start and forget the undo history."""
        self._buffer = HexBuffer(data)
        self._caret = self._anchor = 0
        self._low_digit = False
        self._fit()
        self.verticalScrollBar().setValue(0)
        self._describe_caret()

    def bytes_(self) -> bytes:
        """Give the bytes as they are now."""
        return bytes(self._buffer.data)

    def size_bytes(self) -> int:
        """Give the number of bytes."""
        return len(self._buffer)

    def set_read_only(self, read_only: bool) -> None:
        """Refuse edits, or allow them."""
        self._read_only = read_only
        self.viewport().update()

    def selection(self) -> tuple[int, int]:
        """Give the selected range; both ends are the caret when nothing is selected."""
        return min(self._anchor, self._caret), max(self._anchor, self._caret)

    def goto(self, offset: int) -> None:
        """Put the caret before the byte at `offset`, in view."""
        self._move_to(offset, extend=False)

    def select_range(self, start: int, end: int) -> None:
        """Select bytes `start` to `end`."""
        self._move_to(start, extend=False)
        self._move_to(end, extend=True)

    # --- looks

    def apply_theme(self, theme: Theme) -> None:
        """Take colours and font from `theme`."""
        self._theme = theme
        self._apply_font()

    def set_font_scale(self, percent: int) -> None:
        """Draw at `percent` of the theme's size, kept between 50 and 400."""
        self._scale = max(MIN_SCALE, min(MAX_SCALE, percent))
        self._apply_font()

    def _apply_font(self) -> None:
        if self._theme is not None:
            self._font = QFont(self._theme.mono_family)
            self._font.setPointSizeF(self._theme.mono_point_size * self._scale / 100)
        self._fit()

    def _fit(self) -> None:
        """Choose the row's length and the scroll ranges for the font, the size and the content."""
        size = self.viewport().size()
        self._layout = HexLayout.fitting(QFontMetrics(self._font), size.width(), len(self._buffer))
        rows, visible = self._layout.rows(len(self._buffer)), self._visible_rows()
        self.verticalScrollBar().setRange(0, max(0, rows - visible))
        self.verticalScrollBar().setPageStep(visible)
        self.horizontalScrollBar().setRange(0, max(0, self._layout.width - size.width()))
        self.horizontalScrollBar().setPageStep(size.width())
        self.horizontalScrollBar().setSingleStep(self._layout.cell)
        self.viewport().update()

    def _visible_rows(self) -> int:
        return max(1, (self.viewport().height() - self._layout.top) // self._layout.row_height)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the rows in view."""
        theme = self._theme
        if theme is None:
            return
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(theme.base))
        painter.setFont(self._font)
        painter.translate(-self.horizontalScrollBar().value(), 0)
        first = self.verticalScrollBar().value()
        width = max(self._layout.width, self.viewport().width())
        rows = HexPainter(painter, theme, self._layout, self.selection(), width)
        last = min(first + self._visible_rows() + 1, self._layout.rows(len(self._buffer)))
        for row in range(first, last):
            start = row * self._layout.columns
            top = self._layout.top + (row - first) * self._layout.row_height
            rows.paint_row(
                start, self._buffer.data[start : start + self._layout.columns], top, self._caret_look(start)
            )
        painter.end()

    def _caret_look(self, row_start: int) -> CaretLook | None:
        index = self._caret - row_start
        if not 0 <= index < self._layout.columns:
            return None
        return CaretLook(index, self.text_column, self._low_digit, self.insert_mode, self.hasFocus())

    # --- moving

    def _move_to(self, offset: int, *, extend: bool) -> None:
        self._caret = max(0, min(offset, len(self._buffer)))
        self._low_digit = False
        if not extend:
            self._anchor = self._caret
        self._show_caret()

    def _show_caret(self) -> None:
        row, bar = self._caret // self._layout.columns, self.verticalScrollBar()
        if row < bar.value():
            bar.setValue(row)
        elif row >= bar.value() + self._visible_rows():
            bar.setValue(row - self._visible_rows() + 1)
        self.viewport().update()
        self._describe_caret()
        self.cursor_moved.emit(self._caret)

    def _describe_caret(self) -> None:
        at = f"Offset {self._caret:X} hex"
        if self._caret < len(self._buffer):
            value = self._buffer.data[self._caret]
            at += f", byte {value:02X}" + (f", {chr(value)}" if 0x20 < value < 0x7F else "")
        self.setAccessibleDescription(at)

    def _target_of(self, event: QKeyEvent) -> int | None:
        """Where a key moves the caret, or None for other keys."""
        columns, caret = self._layout.columns, self._caret
        control = bool(event.modifiers() & _CONTROL)
        page = columns * self._visible_rows()
        row_start = caret - caret % columns
        targets = {
            Qt.Key.Key_Left: caret - 1,
            Qt.Key.Key_Right: caret + 1,
            Qt.Key.Key_Up: caret - columns if caret >= columns else caret,
            Qt.Key.Key_Down: caret + columns if caret + columns <= len(self._buffer) else caret,
            Qt.Key.Key_PageUp: max(caret - page, caret % columns),
            Qt.Key.Key_PageDown: caret + page,
            Qt.Key.Key_Home: 0 if control else row_start,
            Qt.Key.Key_End: len(self._buffer) if control else row_start + columns - 1,
        }
        return targets.get(Qt.Key(event.key()))

    # --- keys

    def event(self, event: QEvent) -> bool:
        """Let Tab go between the columns before it leaves the view."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            to_text = event.key() == Qt.Key.Key_Tab and not self.text_column
            to_hex = event.key() == Qt.Key.Key_Backtab and self.text_column
            if to_text or to_hex:
                self.text_column = to_text
                self._low_digit = False
                self.viewport().update()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move, edit, copy; see the class."""
        target = self._target_of(event)
        if target is not None:
            self._move_to(target, extend=bool(event.modifiers() & _SHIFT))
        elif not (self._command_key(event) or self._edit_key(event) or self._type(event)):
            super().keyPressEvent(event)

    def _command_key(self, event: QKeyEvent) -> bool:
        standard = QKeySequence.StandardKey
        for key, command in (
            (standard.Copy, self.copy),
            (standard.Cut, self.cut),
            (standard.Paste, self.paste),
            (standard.SelectAll, self.select_all),
            (standard.Undo, self.undo),
            (standard.Redo, self.redo),
        ):
            if event.matches(key):
                command()
                return True
        return False

    def _edit_key(self, event: QKeyEvent) -> bool:
        start, end = self.selection()
        if event.key() == Qt.Key.Key_Insert and not event.modifiers():
            self.insert_mode = not self.insert_mode
            self._low_digit = False
            self.viewport().update()
            self.mode_changed.emit(self.insert_mode)
        elif event.key() == Qt.Key.Key_Delete:
            self._replace(start, end if end > start else min(end + 1, len(self._buffer)), b"")
        elif event.key() == Qt.Key.Key_Backspace:
            self._replace(start if end > start else max(0, start - 1), end, b"")
        else:
            return False
        return True

    def _type(self, event: QKeyEvent) -> bool:
        text = event.text()
        if not text or not text.isprintable() or event.modifiers() & _CONTROL:
            return False
        if self._read_only:
            return True
        if self.text_column:
            self._put(text.encode("utf-8", "surrogatepass"))
        elif text in _HEX_DIGITS:
            self._type_digit(int(text, 16))
        return True

    def _type_digit(self, digit: int) -> None:
        if self._low_digit:
            value = (self._buffer.data[self._caret] & 0xF0) | digit
            self._buffer.replace(self._caret, self._caret + 1, bytes((value,)), join=True)
            self._after_edit(self._caret + 1)
            return
        start, end = self.selection()
        grows = self.insert_mode or start == len(self._buffer)
        low = 0 if grows or end > start else self._buffer.data[start] & 0x0F
        stop = end if end > start else start if grows else start + 1
        self._buffer.replace(start, stop, bytes((digit << 4 | low,)))
        self._after_edit(start)
        self._low_digit = True

    def _put(self, data: bytes) -> None:
        """Write `data` at the caret: over the selection, else inserting or overwriting."""
        start, end = self.selection()
        if end == start and not self.insert_mode:
            end = min(start + len(data), len(self._buffer))
        self._replace(start, end, data)

    def _replace(self, start: int, end: int, data: bytes) -> None:
        if self._read_only or (start == end and not data):
            return
        self._buffer.replace(start, end, data)
        self._after_edit(start + len(data))

    def _after_edit(self, caret: int) -> None:
        self._fit()
        self._move_to(caret, extend=False)
        self.edited.emit()

    # --- commands

    def copy(self) -> None:
        """Put the selection on the clipboard: as hex from the hex column, as text from the other."""
        start, end = self.selection()
        if start == end:
            return
        data = bytes(self._buffer.data[start:end])
        text = data.decode("utf-8", "replace") if self.text_column else data.hex(" ").upper()
        QGuiApplication.clipboard().setText(text)

    def cut(self) -> None:
        """Copy the selection and take it out."""
        start, end = self.selection()
        if not self._read_only and start < end:
            self.copy()
            self._replace(start, end, b"")

    def paste(self) -> None:
        """Insert the clipboard's hex digits into the hex column, its text into the other."""
        text = QGuiApplication.clipboard().text()
        data = text.encode("utf-8", "surrogatepass") if self.text_column else parse_hex(text)
        if data:
            self._replace(*self.selection(), data)

    def select_all(self) -> None:
        """Select every byte."""
        self._anchor, self._caret = 0, len(self._buffer)
        self._low_digit = False
        self.viewport().update()

    selectAll = select_all  # noqa: N815 - as Qt's own editors call it

    def undo(self) -> None:
        """Take the last edit back."""
        self._travel(None if self._read_only else self._buffer.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        self._travel(None if self._read_only else self._buffer.redo())

    def _travel(self, offset: int | None) -> None:
        if offset is not None:
            self._after_edit(offset)

    # --- mouse and geometry

    def _hit(self, point: QPoint) -> tuple[int, bool]:
        """The byte under a point, and whether in the column of characters."""
        row = (
            self.verticalScrollBar().value() + max(0, point.y() - self._layout.top) // self._layout.row_height
        )
        column, in_text = self._layout.hit(point.x() + self.horizontalScrollBar().value())
        return min(row * self._layout.columns + column, len(self._buffer)), in_text

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Put the caret where the mouse is; with Shift, select to there."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        offset, self.text_column = self._hit(event.position().toPoint())
        self._move_to(offset, extend=bool(event.modifiers() & _SHIFT))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Select while dragging, the byte under the mouse included."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            offset, _in_text = self._hit(event.position().toPoint())
            self._move_to(offset + 1 if offset > self._anchor else offset, extend=True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End the drag."""
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Select the byte."""
        offset, self.text_column = self._hit(event.position().toPoint())
        self.select_range(offset, offset + 1)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Change the size with Ctrl, else scroll."""
        if event.modifiers() & _CONTROL:
            self.set_font_scale(self._scale + (10 if event.angleDelta().y() > 0 else -10))
            self.font_scale_changed.emit(self._scale)
            event.accept()
        else:
            super().wheelEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit as many bytes in a row as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show the caret as one that types."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show the caret as one that rests."""
        super().focusOutEvent(event)
        self.viewport().update()
