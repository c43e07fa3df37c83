"""A field for a password: masked, unless a person asks to see it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from widgets.glyphs import GlyphButton
from widgets.style import mix
from widgets.theme import Theme


class SecretField(QWidget):
    """A masked line and a button that reveals it until it is pressed again.

    Attributes:
        line, reveal: the parts, for focus and tests.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self.line.setEchoMode(QLineEdit.EchoMode.Password)
        self.line.setAccessibleName(name)
        self.reveal = GlyphButton("eye", f"Show {name}")
        self.reveal.setCheckable(True)
        self.reveal.toggled.connect(self._show)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.line, 1)
        row.addWidget(self.reveal)
        self.setFocusProxy(self.line)

    def set_secret(self, text: str) -> None:
        """Shows another secret, masked."""
        self.reveal.setChecked(False)
        self.line.setText(text)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of the button."""
        self.reveal.set_colours(theme.text_muted, mix(theme.text_muted, theme.window, 0.5))

    def _show(self, shown: bool) -> None:
        self.line.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)
