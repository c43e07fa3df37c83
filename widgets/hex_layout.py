"""Where the hex view puts things: pixels for bytes and bytes for pixels."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QFontMetrics

ROW_LENGTHS = (32, 16, 8, 4)
GROUP = 8


@dataclass(frozen=True, slots=True)
class HexLayout:
    """One row's geometry in pixels, for a font and a number of bytes in a row.

    Attributes:
        columns: bytes in a row.
        cell: width of one character.
        row_height: from one row to the next; `ascent` is the baseline in it, `top` what is free above the first.
        offset_digits: how many digits an offset has.
    """

    columns: int
    cell: int
    row_height: int
    ascent: int
    top: int
    offset_digits: int

    @classmethod
    def fitting(cls, metrics: QFontMetrics, width: int, size: int) -> HexLayout:
        """Make the layout with the longest rows that fit into `width` pixels, for `size` bytes."""
        cell = max(1, metrics.horizontalAdvance("0"))
        height = metrics.height() + 2
        digits = max(4, len(f"{size:x}"))
        for columns in ROW_LENGTHS:
            made = cls(columns, cell, height, metrics.ascent() + 1, max(2, height // 4), digits)
            if made.width <= width:
                break
        return made

    @property
    def offset_x(self) -> int:
        """Where offsets begin."""
        return self.cell

    @property
    def width(self) -> int:
        """How wide a row is."""
        return self.text_x(self.columns) + self.cell

    def hex_x(self, column: int) -> int:
        """Where the two digits of a byte begin."""
        return self.cell * (self.offset_digits + 3 + 3 * column + column // GROUP)

    def text_x(self, column: int) -> int:
        """Where the character of a byte begins."""
        groups = (self.columns - 1) // GROUP
        return self.cell * (self.offset_digits + 3 + 3 * self.columns + groups + 1 + column)

    def rows(self, size: int) -> int:
        """How many rows `size` bytes take, the place behind the last one included."""
        return size // self.columns + 1

    def hit(self, x: int) -> tuple[int, bool]:
        """Give the column at `x`, and whether that is among the characters."""
        if x >= self.text_x(0) - self.cell:
            return max(0, min((x - self.text_x(0)) // self.cell, self.columns - 1)), True
        for column in range(self.columns - 1, 0, -1):
            if x >= self.hex_x(column) - self.cell // 2:
                return column, False
        return 0, False
