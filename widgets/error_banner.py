"""The strip that says why a script's run failed: what kind of failure, the message, the line, and the traceback."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.model import ScriptError, ScriptErrorType
from widgets.glyphs import GlyphButton
from widgets.style import set_look
from widgets.theme import Theme

MESSAGE_LIMIT = 280
WORDS = {
    ScriptErrorType.NOT_FOUND: "Script not found",
    ScriptErrorType.SYNTAX: "Syntax error",
    ScriptErrorType.RUNTIME: "Runtime error",
    ScriptErrorType.TIMEOUT: "Out of time",
    ScriptErrorType.MEMORY_LIMIT: "Out of memory",
    ScriptErrorType.INVALID_OUTPUT: "Invalid output",
    ScriptErrorType.DISABLED: "Scripts are switched off",
    ScriptErrorType.MODULE_CRYPTO: "Crypto module failed",
    ScriptErrorType.MODULE_KV: "Key-value module failed",
    ScriptErrorType.MODULE_HTTP: "HTTP module failed",
}


class ErrorBanner(QFrame):
    """Shows one `ScriptError`; hidden while there is none.

    Attributes:
        line_button, details_button: for focus and tests.

    Signals:
        jump_requested(int): 1-based line in the script.
    """

    jump_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line: int | None = None
        self.setProperty("banner", "error")
        self._type = QLabel()
        font = self._type.font()
        font.setBold(True)
        self._type.setFont(font)
        set_look(self._type, "tone", "error")
        self.line_button = QToolButton()
        self.line_button.setProperty("link", True)
        self.line_button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.line_button.clicked.connect(self._jump)
        self.details_button = GlyphButton("right", "Details")
        self.details_button.setCheckable(True)
        self.details_button.toggled.connect(self._show_details)
        self._message = QLabel()
        self._message.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setWordWrap(True)
        self._message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._message.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setProperty("mono", True)
        self._details.setTabChangesFocus(True)
        self._details.setAccessibleName("Traceback")
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._lay_out()
        self.hide()

    def show_error(self, error: ScriptError) -> None:
        """Shows an error; the details stay open or closed as the user left them."""
        self._show(WORDS[error.type], error.message.strip(), error.line, error.traceback)

    def show_refusal(self, why: str) -> None:
        """Shows why nothing was run at all."""
        self._show("Not run", why, None, "")

    def _show(self, kind: str, message: str, line: int | None, traceback: str) -> None:
        self._line = line
        cut = len(message) > MESSAGE_LIMIT
        self._type.setText(kind)
        self._message.setText(f"{breakable(message[:MESSAGE_LIMIT])}\u2026" if cut else breakable(message))
        self._message.setVisible(bool(message))
        self._message.setAccessibleName(message[:2000])
        self.line_button.setVisible(line is not None)
        self.line_button.setText(f"line {line}")
        self.line_button.setAccessibleName(f"Go to line {line}")
        self.line_button.setToolTip(f"Go to line {line} of the script")
        details = "\n\n".join([*([message] if cut else []), *([traceback] if traceback else [])])
        if self._details.toPlainText() != details:
            self._details.setPlainText(details)
        self.details_button.setVisible(bool(details))
        self._show_details(self.details_button.isChecked())
        self.setAccessibleName(f"{kind}: {message[:2000]}")
        self.show()

    def apply_theme(self, theme: Theme) -> None:
        """Recolours the glyph."""
        self.details_button.set_colours(theme.text_muted, theme.border)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self._type)
        top.addWidget(self.line_button)
        top.addStretch(1)
        top.addWidget(self.details_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 5, 8, 7)
        column.setSpacing(3)
        column.addLayout(top)
        column.addWidget(self._message)
        column.addWidget(self._details)

    def _show_details(self, wanted: bool) -> None:
        self.details_button.set_glyph("down" if wanted else "right")
        lines = min(max(self._details.blockCount(), 3), 10) + 1
        self._details.setFixedHeight(self._details.fontMetrics().lineSpacing() * lines + 12)
        self._details.setVisible(wanted and bool(self._details.toPlainText()))

    def _jump(self) -> None:
        if self._line is not None:
            self.jump_requested.emit(self._line)


def breakable(text: str) -> str:
    """Lets a very long word of a label break across lines, which a label cannot do by itself."""
    words = (
        "\u200b".join(word[start : start + 6] for start in range(0, len(word), 6)) if len(word) > 40 else word
        for word in text.split(" ")
    )
    return " ".join(words)
