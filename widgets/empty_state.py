"""What a pane shows when there is nothing to show: a sentence, perhaps a hint, perhaps a button."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget


class EmptyState(QFrame):
    """A calm centred sentence.

    Attributes:
        button: hidden unless named.

    Signals:
        chosen(): the button was pressed.
    """

    chosen = Signal()

    def __init__(self, text: str, button: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("page", True)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setWordWrap(True)
        self._label.setProperty("muted", True)
        self.button = QPushButton(button, self)  # a parent first: shown without one, it would be a window
        self.button.setProperty("primary", True)
        self.button.setVisible(bool(button))
        self.button.clicked.connect(self.chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(self._label)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Says something else."""
        self._label.setText(text)
        self.setAccessibleName(text)

    def text(self) -> str:
        """What it says."""
        return self._label.text()
