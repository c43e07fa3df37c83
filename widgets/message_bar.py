"""A strip above the work for what would else be a pop-up: one message, its severity, perhaps buttons, and a way out."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget
from shiboken6 import isValid

from widgets.glyphs import GlyphButton, draw_glyph
from widgets.style import set_look, tone_colour
from widgets.theme import Theme


class MessageSeverity(enum.StrEnum):
    """How a message is coloured and announced."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


_GLYPHS = {"info": "info", "success": "check", "warning": "warning", "error": "error"}
TEXT_LIMIT = 500


class _Mark(QWidget):
    """The severity's glyph, as large as the text."""

    def __init__(self) -> None:
        super().__init__()
        self.severity = MessageSeverity.INFO
        self.colour = "#808080"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        side = self.fontMetrics().height() + 2
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        draw_glyph(
            painter, _GLYPHS[self.severity.value], self.colour, QRectF(self.rect()).adjusted(1, 1, -1, -1)
        )
        painter.end()


class MessageBar(QFrame):
    """Shows one message at a time; hidden while there is none. It takes the focus when told to, and gives it back.

    Signals:
        action_triggered(str): the id of the button pressed.
        closed(): the user dismissed the message.
    """

    action_triggered = Signal(str)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self._buttons: list[QPushButton] = []
        self._before: QWidget | None = None  # had the focus
        self._mark = _Mark()
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = GlyphButton("close", "Dismiss (Esc)")
        self._close.clicked.connect(self.dismiss)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 5, 6, 5)
        self._row.setSpacing(8)
        self._row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignVCenter)
        self._row.addWidget(self._text, 1)
        self._row.addWidget(self._close)
        self.hide()

    def show_message(
        self,
        text: str,
        severity: MessageSeverity = MessageSeverity.INFO,
        actions: Sequence[tuple[str, str]] = (),
        *,
        closable: bool = True,
    ) -> None:
        """Shows `text` in place of what was there; `actions` are (id, label) of its buttons."""
        self._text.setText(text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}\u2026")
        self._text.setToolTip(text[:2000] if len(text) > TEXT_LIMIT else "")
        self._mark.severity = severity
        set_look(self, "banner", severity.value)
        self.setAccessibleName(f"{severity.value}: {text[:2000]}")
        self._close.setVisible(closable)
        self._set_actions(actions)
        self._recolour()
        self.show()

    def take_focus(self) -> None:
        """To the first button, until the message goes; nothing where there is none."""
        focused = QApplication.focusWidget()
        if self._buttons and not self.isHidden():
            if focused is not None and not self.isAncestorOf(focused):
                self._before = focused
            self._buttons[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def clear(self) -> None:
        """Takes the message away; `closed` is not emitted."""
        before, self._before = self._before, None
        focused = QApplication.focusWidget()
        if before is not None and isValid(before) and focused is not None and self.isAncestorOf(focused):
            before.setFocus()
        self.hide()

    def dismiss(self) -> None:
        """What the close button does."""
        self.clear()
        self.closed.emit()

    def text(self) -> str:
        """The message; empty while none is shown."""
        return self._text.text() if not self.isHidden() else ""

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of the glyphs."""
        self._theme = theme
        self._recolour()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """On one of its buttons Enter presses it, and Esc dismisses the message."""
        focused = self.focusWidget()
        if event.key() == Qt.Key.Key_Escape and not self._close.isHidden():
            self.dismiss()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and focused in self._buttons:
            if isinstance(focused, QPushButton) and not event.isAutoRepeat():
                focused.click()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the mark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._mark.updateGeometry()

    def _set_actions(self, actions: Sequence[tuple[str, str]]) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
        for name, label in actions:
            button = QPushButton(label)
            button.setAutoDefault(False)  # in a dialog Enter elsewhere must not press it
            button.clicked.connect(lambda _checked=False, name=name: self.action_triggered.emit(name))
            self._row.insertWidget(self._row.count() - 1, button)
            self._buttons.append(button)

    def _recolour(self) -> None:
        if self._theme is None:
            return
        self._mark.colour = tone_colour(self._theme, self._mark.severity.value)
        self._mark.update()
        self._close.set_colours(self._theme.text_muted, self._theme.border)
