"""Gives Scintilla's call tips a border in the theme's colour: their own is light grey in every theme."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QApplication, QWidget


class CallTipFrame(QObject):
    """Draws over the border of call tips.

    Attributes:
        colour: of the border, as `#rrggbb`.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.colour = "#808080"
        self._drawing = False

    def adopt(self) -> None:
        """Frame the call tip that has just been shown; Scintilla makes a new window for each."""
        for window in QApplication.topLevelWidgets():
            # Scintilla's is a bare QWidget without a parent; there is no better way to know it.
            bare = window.metaObject().className() == "QWidget" and window.parent() is None
            if bare and window.windowType() == Qt.WindowType.ToolTip and window.isVisible():
                window.removeEventFilter(self)
                window.installEventFilter(self)
                window.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the tip paint itself, then paint the border."""
        if event.type() != QEvent.Type.Paint or self._drawing or not isinstance(watched, QWidget):
            return False
        self._drawing = True
        try:
            watched.event(event)
        finally:
            self._drawing = False
        painter = QPainter(watched)
        painter.setPen(QColor(self.colour))
        painter.drawRect(watched.rect().adjusted(0, 0, -1, -1))
        painter.end()
        return True
