"""The rows of the command palette: which commands answer a query, how well, and how a row is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from widgets.fuzzy import match
from widgets.row_marks import draw_item_backdrop
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `text` is what is searched, `shortcut` how it is reached by key."""

    id: str
    text: str
    shortcut: str = ""
    enabled: bool = True


Found = tuple[Command, tuple[int, ...]]


def find(commands: Sequence[Command], query: str) -> list[Found]:
    """The commands that answer `query` with the places of its letters, best first, enabled before disabled."""
    scored = []
    for order, command in enumerate(commands):
        found = match(query, command.text)
        if found is not None:
            scored.append(((not command.enabled, -found[0], order), (command, found[1])))
    return [pair for _, pair in sorted(scored, key=lambda item: item[0])]


class CommandModel(QAbstractListModel):
    """The commands found, best first.

    Attributes:
        found: each command with the places of the query's letters in it.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.found: list[Found] = []

    def set_found(self, found: list[Found]) -> None:
        """Replaces all rows."""
        self.beginResetModel()
        self.found = found
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """How many commands were found."""
        return 0 if parent.isValid() else len(self.found)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """The text, and for screen readers also shortcut and state."""
        command = self.found[index.row()][0]
        if role == Role.DisplayRole:
            return command.text
        if role == Role.AccessibleTextRole:
            return f"{command.text} {command.shortcut}{'' if command.enabled else ' (not available)'}".strip()
        return None


class CommandDelegate(QStyledItemDelegate):
    """Matched letters bold, shortcut at the right, a command that cannot run now muted."""

    theme: Theme | None = None

    def __init__(self, parent: QObject, model: CommandModel) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """One line with air around it."""
        return QSize(100, option.fontMetrics.height() + 10)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draws one command."""
        if self.theme is None:
            return
        command, places = self._model.found[index.row()]
        self.initStyleOption(option, index)
        draw_item_backdrop(painter, option)
        painter.save()
        painter.setFont(option.font)
        room = option.rect.adjusted(10, 0, -10, 0)
        painter.setPen(QColor(self.theme.text_muted))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, command.shortcut)
        if command.shortcut:
            room.setRight(room.right() - painter.fontMetrics().horizontalAdvance(command.shortcut) - 16)
        plain = QColor(self.theme.text if command.enabled else self.theme.text_muted)
        _draw_marked(painter, room, command.text, set(places), (plain, QColor(self.theme.accent)))
        painter.restore()


def _draw_marked(
    painter: QPainter, room: QRect, text: str, places: set[int], colours: tuple[QColor, QColor]
) -> None:
    """Draws runs of plain and marked letters side by side, up to the room there is."""
    font, bold = painter.font(), QFont(painter.font())
    bold.setBold(True)
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room.width() - 4)
    left, start = room.left(), 0
    painter.setClipRect(room)
    while start < len(shown):
        marked = start in places
        end = start + 1
        while end < len(shown) and (end in places) == marked:
            end += 1
        painter.setFont(bold if marked else font)
        painter.setPen(colours[marked])
        painter.drawText(
            QRect(left, room.top(), room.width(), room.height()),
            Qt.AlignmentFlag.AlignVCenter,
            shown[start:end],
        )
        left += QFontMetrics(bold if marked else font).horizontalAdvance(shown[start:end])
        start = end
