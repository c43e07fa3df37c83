"""A field into which a person types, letter by letter, what is about to be changed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QLineEdit, QWidget


class ConfirmField(QLineEdit):
    """Takes typed text only: pasting and dropping would make the reading of it needless.

    Attributes:
        wanted: the text that confirms.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wanted = ""
        self.setAcceptDrops(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setToolTip("Type it; it cannot be pasted")

    def confirmed(self) -> bool:
        """Whether exactly the wanted text is there, or none is wanted."""
        return self.text() == self.wanted

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Every key but paste."""
        if event.matches(QKeySequence.StandardKey.Paste):
            event.accept()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The middle button would paste."""
        if event.button() != Qt.MouseButton.MiddleButton:
            super().mouseReleaseEvent(event)
