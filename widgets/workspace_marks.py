"""Draws one script of the workspace tree: its name, and the marks that say what state it is in."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from engine.scripts.review import Standing
from widgets.glyphs import draw_glyph
from widgets.row_marks import badge_size, draw_badge, draw_item_backdrop
from widgets.theme import Theme
from widgets.workspace_rows import ScriptEntry

Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = Qt.ItemDataRole.UserRole + 1
STANDING_TONES: dict[str, str] = {
    Standing.DRAFT: "text_muted",
    Standing.APPROVED: "info",
    Standing.LIVE: "success",
    Standing.DRIFTED: "error",
}
"""The theme's colour of a badge; any other word is muted."""


class EntryDelegate(QStyledItemDelegate):
    """Name left; unsaved dot, problem mark and badge right."""

    theme: Theme | None = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Marks first, from the right; the name takes what is left."""
        entry = index.data(ENTRY_ROLE)
        if self.theme is None or not isinstance(entry, ScriptEntry):
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        draw_item_backdrop(painter, option)
        painter.save()
        painter.setFont(option.font)
        room = option.rect.adjusted(5, 0, -8, 0)
        room.setRight(self._draw_marks(painter, room, entry, self.theme))
        painter.setPen(QColor(self.theme.text))
        name = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, name)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """One line with air around it."""
        return super().sizeHint(option, index).expandedTo(QSize(40, option.fontMetrics.height() + 8))

    def _draw_marks(self, painter: QPainter, room: QRect, entry: ScriptEntry, theme: Theme) -> int:
        """Draws from the right edge inwards and returns where the name must end."""
        right = room.right()
        side = painter.fontMetrics().height()
        if entry.badge:
            size = badge_size(entry.badge, painter.font())
            right -= size.width()
            tone = getattr(theme, STANDING_TONES.get(entry.badge, "text_muted"))
            draw_badge(
                painter, QRect(right, room.top(), size.width(), room.height()), entry.badge, tone, theme
            )
            right -= 6
        if entry.problem:
            right -= side
            mark = QRect(right, room.center().y() - side // 2, side, side).adjusted(1, 1, -1, -1)
            draw_glyph(painter, "error", theme.error, mark.toRectF())
            right -= 4
        if entry.dirty:
            dot = max(side // 2 - 1, 6)
            right -= dot
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.accent))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawEllipse(QRect(right, room.center().y() - dot // 2 + 1, dot, dot))
            right -= 6
        return right
