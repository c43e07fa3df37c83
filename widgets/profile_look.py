"""How a cluster profile is recognised: its name on its colour, and the strip that shows it everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

COLOURS = {
    "Grey": "#5f6b7a",
    "Blue": "#2f63c9",
    "Teal": "#0f766e",
    "Green": "#2e7d32",
    "Purple": "#7b3fa8",
    "Amber": "#e0a000",
    "Orange": "#d9691a",
    "Red": "#c62828",
}
"""The colours on offer, by the names that are read out."""


@dataclass(frozen=True, slots=True)
class ProfileLook:
    """What people must see of a profile wherever it matters; `colour` is `#rrggbb`."""

    name: str
    colour: str = COLOURS["Grey"]
    production: bool = False
    read_only: bool = False

    def in_words(self) -> str:
        """The name, and what is special about it."""
        facts = (self.name, "production" if self.production else "", "read-only" if self.read_only else "")
        return " \u00b7 ".join(fact for fact in facts if fact)


def text_on(colour: str) -> str:
    """Black or white, whichever is easier to read on `colour` (WCAG relative luminance)."""
    channels = [channel / 255 for channel in QColor(colour).getRgb()[:3]]  # type: ignore[index]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#ffffff"


def swatch_icon(colour: str) -> QIcon:
    """A filled square of a colour, for lists."""
    pixmap = QPixmap(48, 48)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(4, 4, 40, 40, 8, 8)
    painter.end()
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Disabled):  # a colour that says something
        icon.addPixmap(pixmap, mode)
    return icon


def chip_width(look: ProfileLook, metrics: QFontMetrics) -> int:
    """How wide a chip is when nothing is cut."""
    return metrics.horizontalAdvance(look.in_words()) + metrics.height()


def draw_chip(painter: QPainter, place: QRect, look: ProfileLook) -> None:
    """The profile's words on its colour, cut to `place`."""
    metrics, pad = painter.fontMetrics(), painter.fontMetrics().height() // 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(look.colour))
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(QColor(text_on(look.colour)))
    text = metrics.elidedText(look.in_words(), Qt.TextElideMode.ElideRight, place.width() - 2 * pad + 2)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


class _Painted(QWidget):
    """A widget in the look of one profile."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: ProfileLook | None = None

    def look(self) -> ProfileLook | None:
        """The profile shown."""
        return self._look

    def set_look(self, look: ProfileLook | None) -> None:
        """Shows another profile, or none."""
        self._look = look
        words = look.in_words() if look else ""
        self.setAccessibleName(f"Cluster profile: {words}" if words else "")
        self.setToolTip(words)
        self.setVisible(look is not None)
        self.updateGeometry()
        self.update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.updateGeometry()


class ProfileChip(_Painted):
    """The profile's name on its colour, as large as its text and narrower when it must be."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_look(None)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the whole name."""
        metrics = self.fontMetrics()
        width = chip_width(self._look, metrics) if self._look else 0
        return QSize(width, metrics.height() + metrics.height() // 3)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Some letters of it."""
        return QSize(min(self.sizeHint().width(), self.fontMetrics().height() * 6), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the chip."""
        if self._look:
            painter = QPainter(self)
            painter.setFont(self.font())
            draw_chip(painter, self.rect(), self._look)
            painter.end()


class ProfileStrip(_Painted):
    """A strip across the window in the profile's colour; for production it also says so in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_look(None)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A line of text for production, a fraction of one else."""
        line = self.fontMetrics().height()
        return QSize(0, line + 2 if self._look and self._look.production else max(3, line // 4))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As high as it wants to be."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Fills itself."""
        if self._look is None:
            return
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._look.colour))
        if self._look.production:
            painter.setPen(QColor(text_on(self._look.colour)))
            room = self.rect().adjusted(10, 0, -10, 0)
            words = painter.fontMetrics().elidedText(
                self._look.in_words(), Qt.TextElideMode.ElideRight, room.width()
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()
