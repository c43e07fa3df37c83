"""Shows a body, or any exact text, read-only: a header that says its size, what to know about it, and a copy button."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.display import BodyKind, BodyText
from widgets.code_editor import CodeEditor
from widgets.pane_header import PaneHeader
from widgets.theme import Theme

_KINDS = {
    BodyKind.EMPTY: "Empty body",
    BodyKind.JSON: "JSON",
    BodyKind.TEXT: "Text",
    BodyKind.HEX: "Binary",
}


def size_in_words(size_bytes: int) -> str:
    """Bytes as a person reads them."""
    if size_bytes < 1024:
        return "1 byte" if size_bytes == 1 else f"{size_bytes} bytes"
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.1f} KB"
    return f"{size_bytes / (1024 * 1024):.1f} MB"


class BodyView(QWidget):
    """A read-only editor that keeps its scroll position while the text changes under it.

    Attributes:
        editor: the view, for focus and tests.
    """

    def __init__(self, name: str = "Body", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.editor = CodeEditor()
        self.editor.set_read_only(True)
        self.editor.setAccessibleName(name)
        self._language = ""
        self._shown: str | None = None
        self._header = PaneHeader("")
        copy = self._header.add_button("copy", "Copy all")
        copy.clicked.connect(self.copy_all)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self.editor, 1)
        self.setFocusProxy(self.editor)

    def show_body(self, body: BodyText) -> None:
        """Shows a body: JSON with colours, binary as its hex dump."""
        facts = [_KINDS[body.kind]]
        if body.kind != BodyKind.EMPTY:
            facts.append(size_in_words(body.size_bytes))
        self._header.set_note(" \u00b7 ".join([*facts, *([body.note] if body.note else [])]))
        self._show(body.text, "json" if body.kind == BodyKind.JSON else "")

    def show_text(self, text: str, note: str) -> None:
        """Shows plain text under a note of the caller's."""
        self._header.set_note(note)
        self._show(text, "")

    def note(self) -> str:
        """What the header says."""
        return self._header.note()

    def copy_all(self) -> None:
        """Puts the whole text on the clipboard."""
        QGuiApplication.clipboard().setText(self._shown or "")

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of text and glyphs."""
        self.editor.apply_theme(theme)
        self._header.apply_theme(theme)

    def set_font_scale(self, percent: int) -> None:
        """Sizes the text."""
        self.editor.set_font_scale(percent)

    def _show(self, text: str, language: str) -> None:
        if language != self._language:
            self._language = language
            self.editor.set_language(language)
        if text == self._shown:
            return
        top, offset = self.editor.firstVisibleLine(), self.editor.xOffset()
        self._shown = text
        self.editor.set_bytes(text.encode(errors="replace"))
        self.editor.setFirstVisibleLine(top)
        self.editor.setXOffset(offset)
