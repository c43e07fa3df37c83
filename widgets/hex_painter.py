"""Draws the rows of the hex view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from widgets.hex_layout import HexLayout
from widgets.style import mix
from widgets.theme import Theme

_PAIRS: Final = tuple(f"{value:02X}" for value in range(256))
_CHARACTERS: Final = tuple(chr(value) if 0x20 <= value < 0x7F else "·" for value in range(256))


@dataclass(frozen=True, slots=True)
class CaretLook:
    """The caret in its row: at byte `index`, in the column of characters or on a digit, as a block or a bar."""

    index: int
    text_column: bool
    low_digit: bool
    inserts: bool
    focused: bool


class HexPainter:
    """Draws rows with one painter, whose font is set; made anew for each paint event."""

    def __init__(
        self, painter: QPainter, theme: Theme, layout: HexLayout, selection: tuple[int, int], width: int
    ) -> None:
        self._painter = painter
        self._layout = layout
        self._selection = selection
        self._width = width
        faint = QColor(mix(theme.text_muted, theme.base, 0.45))
        printable = QColor(theme.text)
        self._hex_colours = [
            faint if value == 0 else printable if 0x20 <= value < 0x7F else QColor(theme.syntax_number)
            for value in range(256)
        ]
        self._text_colours = [printable if 0x20 <= value < 0x7F else faint for value in range(256)]
        self._muted, self._text = QColor(theme.text_muted), printable
        self._line, self._selected = QColor(theme.current_line), QColor(theme.selection)
        self._accent, self._on_accent = QColor(theme.accent), QColor(theme.accent_text)

    def paint_row(self, start: int, piece: bytes | bytearray, top: int, caret: CaretLook | None) -> None:
        """Draw the bytes `piece` that begin at offset `start`, at `top` pixels."""
        layout, painter = self._layout, self._painter
        baseline = top + layout.ascent
        if caret is not None:
            painter.fillRect(0, top, self._width, layout.row_height, self._line)
        painter.setPen(self._muted if caret is None else self._text)
        painter.drawText(layout.offset_x, baseline, f"{start:0{layout.offset_digits}X}")
        for index, value in enumerate(piece):
            if self._selection[0] <= start + index < self._selection[1]:
                self._fill_selected(index, top, start + index + 1 < self._selection[1])
            painter.setPen(self._hex_colours[value])
            painter.drawText(layout.hex_x(index), baseline, _PAIRS[value])
            painter.setPen(self._text_colours[value])
            painter.drawText(layout.text_x(index), baseline, _CHARACTERS[value])
        if caret is not None:
            self._paint_caret(caret, piece[caret.index] if caret.index < len(piece) else None, top)

    def _fill_selected(self, index: int, top: int, goes_on: bool) -> None:
        layout = self._layout
        bridged = goes_on and index + 1 < layout.columns
        width = (layout.hex_x(index + 1) - layout.hex_x(index)) if bridged else 2 * layout.cell
        self._painter.fillRect(layout.hex_x(index), top, width, layout.row_height, self._selected)
        self._painter.fillRect(layout.text_x(index), top, layout.cell, layout.row_height, self._selected)

    def _paint_caret(self, caret: CaretLook, value: int | None, top: int) -> None:
        layout, painter = self._layout, self._painter
        digit_x = layout.hex_x(caret.index) + (layout.cell if caret.low_digit else 0)
        active = QRect(digit_x, top, layout.cell, layout.row_height)
        other = QRect(layout.text_x(caret.index), top, layout.cell, layout.row_height)
        if caret.text_column:
            active, other = other, QRect(layout.hex_x(caret.index), top, 2 * layout.cell, layout.row_height)
        painter.setPen(self._muted)
        painter.drawRect(other.adjusted(0, 0, -1, -1))
        if not caret.focused:
            painter.setPen(self._accent)
            painter.drawRect(active.adjusted(0, 0, -1, -1))
        elif caret.inserts:
            painter.fillRect(active.left() - 1, top, 2, layout.row_height, self._accent)
        else:
            painter.fillRect(active, self._accent)
            if value is not None:
                text = _CHARACTERS[value] if caret.text_column else _PAIRS[value][1 if caret.low_digit else 0]
                painter.setPen(self._on_accent)
                painter.drawText(active.left(), top + layout.ascent, text)
