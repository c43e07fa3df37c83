"""The editors of the open scripts as tabs, with a mark on those that are not saved."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTabBar, QTabWidget, QWidget

from widgets.glyphs import GlyphButton
from widgets.theme import Theme

UNSAVED_MARK = "● "


class EditorTabs(QTabWidget):
    """Tabs of editors.

    Signals:
        close_requested(object): the user wants to close this editor.
        switched(object): this editor is in front now; None when there is none.
    """

    close_requested = Signal(object)
    switched = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Scripts")
        self.setDocumentMode(True)
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self._theme: Theme | None = None
        self.currentChanged.connect(lambda index: self.switched.emit(self.widget(index)))

    def show_editor(self, editor: QWidget, title: str) -> None:
        """Brings an editor to the front, adding it when it is new."""
        if self.indexOf(editor) < 0:
            self.tabBar().setTabButton(
                self.addTab(editor, title),
                QTabBar.ButtonPosition.RightSide,
                self._close_button(editor, title),
            )
        self.setCurrentWidget(editor)

    def add_behind(self, editor: QWidget, title: str, place: int) -> None:
        """Adds an editor without bringing it to the front."""
        self.insertTab(place, editor, title)

    def mark(self, editor: QWidget, title: str, path: str, *, unsaved: bool) -> None:
        """Titles an editor's tab."""
        index = self.indexOf(editor)
        self.setTabText(index, (UNSAVED_MARK if unsaved else "") + title)
        self.setTabToolTip(index, f"{path}\nnot saved" if unsaved else path)

    def apply_theme(self, theme: Theme) -> None:
        """Recolours the close buttons; the rest comes from the style sheet."""
        self._theme = theme
        for button in self.tabBar().findChildren(GlyphButton):
            button.set_colours(theme.text_muted, theme.border)

    def _close_button(self, editor: QWidget, title: str) -> GlyphButton:
        button = GlyphButton("close", f"Close {title}")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the tab has its shortcut; Tab goes to the text
        button.clicked.connect(lambda: self.close_requested.emit(editor))
        if self._theme is not None:
            button.set_colours(self._theme.text_muted, self._theme.border)
        return button

    def remove(self, editor: QWidget) -> None:
        """Takes an editor away."""
        self.removeTab(self.indexOf(editor))

    def editors(self) -> list[QWidget]:
        """The editors in the order of their tabs."""
        return [editor for index in range(self.count()) if (editor := self.widget(index)) is not None]
