"""What the dialogs have in common: labels that wrap, and a size that follows the font and stays on the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

SHARE_OF_SCREEN = 0.9


def wrapping_label(text: str = "") -> QLabel:
    """Plain text over as many lines as it needs; it never widens its dialog."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def fit_to_screen(dialog: QWidget, *, characters: int, lines: int) -> None:
    """Sizes a dialog to so much text, but not beyond its screen."""
    metrics, screen = dialog.fontMetrics(), dialog.screen().availableSize()
    wanted = QSize(metrics.averageCharWidth() * characters, metrics.height() * lines)
    dialog.resize(wanted.boundedTo(screen * SHARE_OF_SCREEN))
