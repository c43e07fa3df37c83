"""The header row of a pane: its title, a muted note, and small tool buttons on the right."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from widgets.glyphs import GlyphButton
from widgets.style import mix, set_look
from widgets.theme import Theme


class ElidedLabel(QLabel):
    """A one-line label that gives way: it is cut with an ellipsis and then shows its whole text as tooltip.

    Attributes:
        full_text: what it says when there is room.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.full_text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_full_text(text)

    def set_full_text(self, text: str) -> None:
        """Shows `text`, as much of it as fits; line breaks become spaces."""
        self.full_text = text
        self.setAccessibleName(text)
        self._elide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Asks for the room of the whole text."""
        width = self.fontMetrics().horizontalAdvance(self.full_text[:400]) + 2
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Can shrink to nothing."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: object) -> None:  # noqa: N802
        """Cuts the text anew."""
        self._elide()

    def _elide(self) -> None:
        flat = " ".join(self.full_text[:2000].split())
        shown = self.fontMetrics().elidedText(flat, Qt.TextElideMode.ElideRight, max(self.width(), 0))
        self.setText(shown)
        self.setToolTip(self.full_text[:2000] if shown != flat else "")


class PaneHeader(QFrame):
    """Title left, note beside it, buttons right.

    Attributes:
        title: the title's label.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("strip", True)
        self.setAccessibleName(title)
        self.title = QLabel(title)
        self.title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.title.setContentsMargins(0, 0, 8, 0)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self._note = ElidedLabel()
        self._note.setProperty("muted", True)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 3, 4, 3)
        self._row.setSpacing(2)
        self._row.addWidget(self.title)
        self._row.addWidget(self._note, 1)
        self._buttons: list[GlyphButton] = []
        self.title.setVisible(bool(title))

    def set_title(self, title: str) -> None:
        """Changes the title; an empty one takes no room."""
        self.title.setText(title)
        self.title.setVisible(bool(title))
        self.setAccessibleName(title)

    def set_note(self, note: str, tone: str = "") -> None:
        """A short remark beside the title; a `tone` (error, warning, success, info) colours it."""
        set_look(self._note, "tone", tone)
        self._note.set_full_text(note)

    def note(self) -> str:
        """The remark shown."""
        return self._note.full_text

    def add_button(self, glyph: str, text: str, *, with_text: bool = False) -> GlyphButton:
        """Appends a small tool button at the right; `text` names it."""
        button = GlyphButton(glyph, text, self, with_text=with_text)
        self._row.addWidget(button)
        self._buttons.append(button)
        return button

    def add_widget(self, widget: QWidget) -> None:
        """Appends any widget at the right."""
        self._row.addWidget(widget)

    def apply_theme(self, theme: Theme) -> None:
        """Recolours the glyphs; the rest comes from the style sheet."""
        faded = mix(theme.text_muted, theme.window, 0.5)
        for button in self._buttons:
            button.set_colours(theme.text_muted, faded)
