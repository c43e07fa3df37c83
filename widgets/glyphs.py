"""Small line icons drawn in code, so that they take any theme colour and stay sharp at any size."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QShowEvent
from PySide6.QtWidgets import QToolButton, QWidget

_SIZES = (16, 24, 32, 48, 64)

# Polylines on a 16 x 16 grid, one stroke each.
_STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "plus": (((8, 3.5), (8, 12.5)), ((3.5, 8), (12.5, 8))),
    "minus": (((3.5, 8), (12.5, 8)),),
    "close": (((4, 4), (12, 12)), ((12, 4), (4, 12))),
    "up": (((3.5, 10), (8, 5.5), (12.5, 10)),),
    "down": (((3.5, 6), (8, 10.5), (12.5, 6)),),
    "right": (((6, 3.5), (10.5, 8), (6, 12.5)),),
    "copy": (
        ((6, 6), (13, 6), (13, 13.5), (6, 13.5), (6, 6)),
        ((3.5, 10.5), (3, 10.5), (3, 2.5), (10, 2.5), (10, 3.5)),
    ),
    "braces": (
        ((6, 2.5), (4.5, 3.5), (4.5, 7), (3, 8), (4.5, 9), (4.5, 12.5), (6, 13.5)),
        ((10, 2.5), (11.5, 3.5), (11.5, 7), (13, 8), (11.5, 9), (11.5, 12.5), (10, 13.5)),
    ),
    "search": (((10, 10), (13.5, 13.5)),),
    "check": (((3, 8.5), (6.5, 12), (13, 4.5)),),
    "warning": (((8, 2.5), (14, 13), (2, 13), (8, 2.5)), ((8, 6.5), (8, 9.5)), ((8, 11.2), (8, 11.3))),
    "error": (((5.8, 5.8), (10.2, 10.2)), ((10.2, 5.8), (5.8, 10.2))),
    "play": (((5, 3), (12.5, 8), (5, 13), (5, 3)),),
    "stop": (((4.5, 4.5), (11.5, 4.5), (11.5, 11.5), (4.5, 11.5), (4.5, 4.5)),),
    "trash": (
        ((3, 4.5), (13, 4.5)),
        ((6, 4.5), (6, 2.5), (10, 2.5), (10, 4.5)),
        ((4.5, 4.5), (5, 13.5), (11, 13.5), (11.5, 4.5)),
    ),
    "retry": (
        (
            (12.8, 9),
            (12, 11.2),
            (10.2, 12.7),
            (8, 13.1),
            (5.7, 12.6),
            (3.9, 11),
            (3.1, 8.8),
            (3.4, 6.5),
            (4.8, 4.5),
            (7, 3.4),
            (9.3, 3.6),
            (11.3, 4.8),
            (12.6, 6.5),
        ),
        ((12.9, 3.2), (12.7, 6.6), (9.4, 6.4)),
    ),
    "dots": (((3.5, 8), (3.6, 8)), ((8, 8), (8.1, 8)), ((12.5, 8), (12.6, 8))),
    "ring": (),
    "eye": (
        (
            (1.5, 8),
            (3.6, 5.4),
            (5.8, 4.1),
            (8, 3.7),
            (10.2, 4.1),
            (12.4, 5.4),
            (14.5, 8),
            (12.4, 10.6),
            (10.2, 11.9),
            (8, 12.3),
            (5.8, 11.9),
            (3.6, 10.6),
            (1.5, 8),
        ),
    ),
    "info": (((8, 7.3), (8, 11)), ((8, 5), (8, 5.1))),
}
_RINGS = {
    "error": (8.0, 8.0, 6.0),
    "info": (8.0, 8.0, 6.0),
    "search": (6.5, 6.5, 4.2),
    "ring": (8.0, 8.0, 3.0),
    "eye": (8.0, 8.0, 2.0),
}


def draw_glyph(painter: QPainter, name: str, colour: str, area: QRectF) -> None:
    """Draws the glyph `name` into `area`, which should be square."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(area.topLeft())
    painter.scale(area.width() / 16, area.height() / 16)
    cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    painter.setPen(QPen(QColor(colour), 1.4, Qt.PenStyle.SolidLine, cap, join))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for stroke in _STROKES[name]:
        path = QPainterPath(QPointF(*stroke[0]))
        for point in stroke[1:]:
            path.lineTo(*point)
        painter.drawPath(path)
    if name in _RINGS:
        x, y, radius = _RINGS[name]
        painter.drawEllipse(QPointF(x, y), radius, radius)
    painter.restore()


@lru_cache(maxsize=128)  # many buttons show the same glyph, and a theme has two colours for them
def glyph_icon(name: str, colour: str, disabled: str = "") -> QIcon:
    """An icon of the glyph in `colour`; `disabled` is the colour of its disabled look."""
    icon = QIcon()
    modes = QIcon.Mode  # without one of its own for Selected, a selected row would tint it
    looks = ((modes.Normal, colour), (modes.Selected, colour), (modes.Disabled, disabled or colour))
    for mode, shade in looks:
        for size in _SIZES:
            pixmap = QPixmap(size, size)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            draw_glyph(painter, name, shade, QRectF(0, 0, size, size))
            painter.end()
            icon.addPixmap(pixmap, mode)
    return icon


class GlyphButton(QToolButton):
    """A small tool button with a glyph that grows with the font; its text is tooltip and accessible name.

    Attributes:
        glyph: the name of the glyph shown.
    """

    def __init__(
        self, glyph: str, text: str, parent: QWidget | None = None, *, with_text: bool = False
    ) -> None:
        super().__init__(parent)
        self.glyph = glyph
        self._colours = ("#808080", "#b0b0b0")
        self.setText(text)
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.setProperty("compact", not with_text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonTextBesideIcon if with_text else style.ToolButtonIconOnly)
        self._resize_icon()

    def set_glyph(self, glyph: str) -> None:
        """Shows another glyph."""
        self.glyph = glyph
        self._redraw()

    def set_colours(self, colour: str, disabled: str) -> None:
        """Colours of the glyph, as `#rrggbb`."""
        if self._colours != (colour, disabled):
            self._colours = (colour, disabled)
            self._redraw()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Draws the glyph of a button that no theme has coloured: most are, before they are ever seen."""
        super().showEvent(event)
        if self.icon().isNull():
            self._redraw()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the icon's size."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._resize_icon()

    def _redraw(self) -> None:
        self.setIcon(glyph_icon(self.glyph, *self._colours))
        self._resize_icon()

    def _resize_icon(self) -> None:
        side = max(14, self.fontMetrics().height() - 1)
        if self.iconSize() != QSize(side, side):
            self.setIconSize(QSize(side, side))
