"""The status bar's word on the cluster: which profile, and how each of its connections stands, with the reason."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from engine.cluster.connection import ConnectionState, Phase
from widgets.glyphs import draw_glyph
from widgets.profile_look import ProfileLook, chip_width, draw_chip
from widgets.style import mix, tone_colour
from widgets.theme import Theme

Part = tuple[str, ConnectionState]
"""What is connected to, for people (Kafka, Redis, API), and how that stands."""

NO_CLUSTER = "No cluster"
MOST_REASON_CHARACTERS = 48
_WORDS = {
    Phase.IDLE: "not connected",
    Phase.CONNECTING: "connecting\u2026",
    Phase.CONNECTED: "connected",
    Phase.FAILED: "failed",
    Phase.CLOSED: "closed",
}
_LOOKS = {  # glyph and tone; connected is a filled dot
    Phase.IDLE: ("ring", ""),
    Phase.CONNECTING: ("dots", "info"),
    Phase.CONNECTED: ("", "success"),
    Phase.FAILED: ("error", "error"),
    Phase.CLOSED: ("minus", ""),
}


def connection_in_words(part: Part) -> str:
    """One connection as a sentence: `Redis: failed: connection refused`."""
    name, state = part
    reason = f": {state.reason}" if state.reason else ""
    return f"{name}: {_WORDS[state.phase]}{reason}"


class ConnectionBadge(QAbstractButton):
    """Profile name on its colour, then a mark and words for each connection; a press asks for the menu.

    Everything it says is its accessible name, and its tooltip has the reasons in full.

    Signals:
        menu_requested(): pressed by mouse, Space or Enter.
    """

    menu_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self._look: ProfileLook | None = None
        self._parts: tuple[Part, ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(self.menu_requested)
        self.set_state(None, ())

    def set_state(self, look: ProfileLook | None, parts: tuple[Part, ...]) -> None:
        """Shows a profile and its connections; None when no cluster is chosen."""
        self._look, self._parts = look, parts
        sentences = [connection_in_words(part) for part in parts]
        name = f"Cluster: {look.in_words()}" if look else NO_CLUSTER
        self.setAccessibleName(", ".join([name, *sentences]))
        self.setAccessibleDescription("Opens the menu of clusters")
        self.setToolTip("\n".join([name, *sentences]))
        self.updateGeometry()
        self.update()

    def texts(self) -> list[str]:
        """The words shown beside the profile."""
        return [
            text if len(text) <= MOST_REASON_CHARACTERS else f"{text[:MOST_REASON_CHARACTERS]}\u2026"
            for text in map(connection_in_words, self._parts)
        ]

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self._theme = theme
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter presses it, as Space does."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.click()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for all words."""
        metrics = self.fontMetrics()
        line = metrics.height()
        words = sum(metrics.horizontalAdvance(text) + 2 * line for text in self.texts())
        first = chip_width(self._look, metrics) if self._look else metrics.horizontalAdvance(NO_CLUSTER)
        return QSize(first + words + line, line + line // 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Room for some of the profile's name and a mark for each connection."""
        line = self.fontMetrics().height()
        return QSize(line * (6 + 2 * len(self._parts)), line + line // 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the parts from the left; what does not fit is cut."""
        if self._theme is None:
            return
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_ground(painter, self._theme)
        line = painter.fontMetrics().height()
        room = self.rect().adjusted(line // 4, line // 8, -line // 4, -line // 8)
        self._draw_parts(painter, self._draw_profile(painter, room, self._theme), self._theme)
        painter.end()

    def _draw_ground(self, painter: QPainter, theme: Theme) -> None:
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(mix(theme.raised, theme.text, 0.15 if self.isDown() else 0.08)))
            painter.drawRoundedRect(self.rect(), 4, 4)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _draw_profile(self, painter: QPainter, room: QRect, theme: Theme) -> QRect:
        metrics = painter.fontMetrics()
        if self._look is None:
            painter.setPen(QColor(theme.text_muted))
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, NO_CLUSTER)
            return room.adjusted(room.width(), 0, 0, 0)
        wanted = chip_width(self._look, metrics)
        spare = max(room.width() - self._words_width(painter), room.width() // 2)
        chip = QRect(room.left(), room.top(), min(wanted, spare), room.height())
        draw_chip(painter, chip, self._look)
        return room.adjusted(chip.width() + metrics.height() // 2, 0, 0, 0)

    def _words_width(self, painter: QPainter) -> int:
        metrics = painter.fontMetrics()
        return sum(metrics.horizontalAdvance(text) + 2 * metrics.height() for text in self.texts())

    def _draw_parts(self, painter: QPainter, room: QRect, theme: Theme) -> None:
        """A mark for each, and the words share what room there is."""
        if not self._parts:
            return
        metrics = painter.fontMetrics()
        line = metrics.height()
        texts = self.texts()
        total = sum(metrics.horizontalAdvance(text) for text in texts)
        over = max(0, self._words_width(painter) - room.width() - line // 2)
        left = room.left()
        for part, text in zip(self._parts, texts, strict=True):
            glyph, tone = _LOOKS[part[1].phase]
            mark = QRectF(left, room.center().y() - line / 2 + 0.5, line, line)
            self._draw_mark(painter, mark, glyph, tone_colour(theme, tone))
            whole = metrics.horizontalAdvance(text)
            width = whole + 2 - over * whole // total
            place_for = QRect(int(left + line * 1.2), room.top(), max(width, 0), room.height())
            painter.setPen(QColor(theme.error if part[1].phase is Phase.FAILED else theme.text_muted))
            cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0))
            painter.drawText(place_for, Qt.AlignmentFlag.AlignVCenter, cut)
            left = place_for.right() + line // 2

    @staticmethod
    def _draw_mark(painter: QPainter, area: QRectF, glyph: str, colour: str) -> None:
        if glyph:
            draw_glyph(painter, glyph, colour, area.adjusted(1, 1, -1, -1))
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        inset = area.width() * 0.28
        painter.drawEllipse(area.adjusted(inset, inset, -inset, -inset))
