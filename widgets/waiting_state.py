"""What a pane shows while it waits: a sentence, how far it is, and a way out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QProgressBar, QPushButton, QVBoxLayout, QWidget

from widgets.dialog_parts import wrapping_label
from widgets.error_banner import breakable


class WaitingState(QFrame):
    """A centred sentence over a bar and a Cancel button.

    Attributes:
        button: for focus and tests.

    Signals:
        cancelled(): the button was pressed.
    """

    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("page", True)
        self._label = wrapping_label()
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._label.setProperty("muted", True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setMaximumWidth(self.fontMetrics().averageCharWidth() * 40)
        self.button = QPushButton("Cancel")
        self.button.clicked.connect(self.cancelled)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(self._label)
        row = Qt.AlignmentFlag.AlignHCenter
        column.addWidget(self._bar)
        column.setAlignment(self._bar, row)
        column.addWidget(self.button, 0, row)
        column.addStretch(3)

    def show_progress(self, text: str, done: int, total: int) -> None:
        """Says what is waited for; a `total` of 0 means that nobody knows how far it is."""
        self._label.setText(breakable(text))
        self.setAccessibleName(text)
        self._bar.setAccessibleName(text)
        self._bar.setMinimumWidth(self._bar.maximumWidth())
        self._bar.setRange(0, total)
        self._bar.setValue(min(done, total))

    def text(self) -> str:
        """What it says."""
        return self.accessibleName()
