"""The lines of a difference as a list model, drawn line by line so that only what is on screen costs anything."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from engine.display import DiffKind, DiffLine
from widgets.style import mix
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
CHANGED = (DiffKind.ADDED, DiffKind.REMOVED)
SIGNS = {DiffKind.ADDED: "+", DiffKind.REMOVED: "\u2212", DiffKind.SAME: " ", DiffKind.GAP: "\u22ef"}
PLAIN_SIGNS = {DiffKind.ADDED: "+", DiffKind.REMOVED: "-", DiffKind.SAME: " ", DiffKind.GAP: "@"}
PAD = 6


def _columns_of(text: str) -> int:
    """An upper bound of the character cells a text takes; other scripts may be two cells wide."""
    return len(text) if text.isascii() else 2 * len(text)


class DiffModel(QStandardItemModel):
    """One empty item a line: rows are counted in C++, since the view asks for the count twice a row.

    Attributes:
        lines: what is shown.
        columns: the width of the widest line in character cells.
        digits: the width of the largest line number.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(0, 1, parent)
        self.lines: tuple[DiffLine, ...] = ()
        self.columns = 0
        self.digits = 1

    def set_lines(self, lines: tuple[DiffLine, ...]) -> None:
        """Replaces all lines."""
        self.lines = ()
        self.setRowCount(0)
        self.lines = lines
        self.columns = max((_columns_of(line.text) for line in lines), default=0)
        ends = [number for line in lines[-50:] for number in (line.left, line.right) if number]
        self.digits = max(3, len(str(max(ends, default=1))))
        self.setRowCount(len(lines))

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """The text of a line, and for screen readers what became of it."""
        if role not in {Role.DisplayRole, Role.AccessibleTextRole}:
            return None
        line = self.lines[index.row()]
        if role == Role.DisplayRole:
            return line.text[:500]
        number = line.right if line.right is not None else line.left
        words = {DiffKind.SAME: "unchanged", DiffKind.GAP: "left out"}.get(line.kind, line.kind.value)
        return f"{words}, line {number}: {line.text[:500]}" if number else line.text[:500]


class DiffDelegate(QStyledItemDelegate):
    """Draws two number columns that stay in place, a sign, and the part of the line that is on screen."""

    def __init__(self, view: QAbstractItemView, model: DiffModel) -> None:
        super().__init__(view)
        self._view = view
        self._model = model
        self._colours: dict[str, QColor] = {}

    def apply_theme(self, theme: Theme) -> None:
        """Prepares the colours."""
        names = {
            "base": theme.base,
            "text": theme.text,
            "muted": theme.text_muted,
            "gutter": theme.raised,
            "border": theme.border,
            "accent": theme.accent,
            "gap": mix(theme.base, theme.info, 0.07),
            "added": theme.diff_added,
            "removed": theme.diff_removed,
            "added_sign": theme.success,
            "removed_sign": theme.error,
            "added_gutter": mix(theme.diff_added, theme.success, 0.14),
            "removed_gutter": mix(theme.diff_removed, theme.error, 0.14),
        }
        self._colours = {name: QColor(colour) for name, colour in names.items()}
        self._colours["chosen"] = QColor(theme.accent)
        self._colours["chosen"].setAlpha(50)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """The same for every line, so that the view need not ask each."""
        metrics = self._view.fontMetrics()
        cell = metrics.horizontalAdvance("0")
        return QSize(self._gutter(cell) + (self._model.columns + 2) * cell, metrics.height() + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draws one line; text first, then the gutter over what has scrolled under it."""
        if not self._colours:
            return
        line = self._model.lines[index.row()]
        row = QRect(0, option.rect.top(), self._view.viewport().width(), option.rect.height())
        painter.save()
        painter.setFont(self._view.font())
        painter.fillRect(row, self._colours[{"same": "base"}.get(line.kind.value, line.kind.value)])
        self._draw_text(painter, option.rect, row, line)
        self._draw_gutter(painter, row, line)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(row, self._colours["chosen"])
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(QRect(0, row.top(), 2, row.height()), self._colours["accent"])
        painter.restore()

    def _gutter(self, cell: int) -> int:
        """Two number columns and the sign's column."""
        return 2 * (self._model.digits * cell + 2 * PAD) + 2 * cell

    def _draw_text(self, painter: QPainter, item: QRect, row: QRect, line: DiffLine) -> None:
        cell = painter.fontMetrics().horizontalAdvance("0")
        left = item.left() + self._gutter(cell) + PAD
        text, first = line.text.expandtabs(2), 0
        if len(text) > 2000:  # only what is near the screen; a line may be a megabyte
            first = max(0, -left // cell - 200)
            text = text[first : first + row.width() // cell + 400]
        colour = self._colours["muted" if line.kind == DiffKind.GAP else "text"]
        painter.setPen(colour)
        place = QRect(
            left + first * cell, row.top(), max(row.width() - left, 1) + len(text) * cell, row.height()
        )
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)

    def _draw_gutter(self, painter: QPainter, row: QRect, line: DiffLine) -> None:
        cell = painter.fontMetrics().horizontalAdvance("0")
        column = self._model.digits * cell + 2 * PAD
        kind = line.kind.value
        ground = self._colours.get(f"{kind}_gutter", self._colours["gutter"])
        painter.fillRect(QRect(0, row.top(), 2 * column, row.height()), ground)
        painter.fillRect(
            QRect(2 * column, row.top(), 2 * cell, row.height()),
            self._colours[{"same": "base"}.get(kind, kind)],
        )
        painter.setPen(self._colours["muted"])
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for place, number in ((0, line.left), (column, line.right)):
            if number is not None:
                painter.drawText(QRect(place, row.top(), column - PAD, row.height()), right, str(number))
        painter.setPen(self._colours["border"])
        painter.drawLine(2 * column, row.top(), 2 * column, row.bottom())
        painter.setPen(self._colours.get(f"{kind}_sign", self._colours["muted"]))
        sign = QRect(2 * column + cell // 2, row.top(), 2 * cell, row.height())
        painter.drawText(sign, Qt.AlignmentFlag.AlignVCenter, SIGNS[line.kind])
