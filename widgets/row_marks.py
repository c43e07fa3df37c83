"""Small drawings shared by the delegates of lists: a rounded badge with a word, and the backdrop of an item."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from widgets.style import mix
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
BADGE_ROLE = Qt.ItemDataRole.UserRole + 2  # (text, colour) or None


def draw_item_backdrop(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Selection, hover and focus as the style sheet says, without the item's text."""
    style = option.widget.style() if option.widget else QApplication.style()
    style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)


def badge_font(font: QFont) -> QFont:
    """The font of badges beside text in `font`."""
    small = QFont(font)
    small.setPointSizeF(max(font.pointSizeF() * 0.85, 5.0))
    return small


def badge_size(text: str, font: QFont) -> QSize:
    """How much room a badge takes."""
    metrics = QFontMetrics(badge_font(font))
    return QSize(metrics.horizontalAdvance(text) + metrics.height(), metrics.height() + 2)


def draw_badge(painter: QPainter, place: QRect, text: str, colour: str, theme: Theme) -> None:
    """A pill at the left of `place`, centred in its height; the painter's font is the font of the row.

    The colour of the ground itself means a word without a pill.
    """
    small = badge_font(painter.font())
    size = badge_size(text, painter.font())
    pill = QRectF(place.left(), place.center().y() - size.height() / 2 + 0.5, size.width(), size.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(mix(theme.base, colour, 0.22 if theme.dark else 0.14)))
    if colour != theme.base:
        painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
    painter.setFont(small)
    painter.setPen(QColor(colour if colour != theme.base else theme.text_muted))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


class BadgeDelegate(QStyledItemDelegate):
    """Draws the `BADGE_ROLE` of a cell as a pill instead of its text."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.theme: Theme | None = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """A pill where there is one, else the plain cell."""
        badge = index.data(BADGE_ROLE)
        if not badge or self.theme is None:
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        draw_item_backdrop(painter, option)
        painter.setFont(option.font)
        draw_badge(painter, option.rect.adjusted(6, 0, 0, 0), badge[0], badge[1], self.theme)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """Room for the pill."""
        hint = super().sizeHint(option, index)
        badge = index.data(BADGE_ROLE)
        return hint.expandedTo(badge_size(badge[0], option.font) + QSize(14, 4)) if badge else hint
