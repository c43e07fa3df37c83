"""The editors of the open scripts as tabs, with a mark on those that are not saved."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QWidget

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
        self.setTabsClosable(True)
        self.setMovable(True)
        self.setElideMode(self.elideMode().ElideMiddle)
        self.tabCloseRequested.connect(lambda index: self.close_requested.emit(self.widget(index)))
        self.currentChanged.connect(lambda index: self.switched.emit(self.widget(index)))

    def show_editor(self, editor: QWidget, title: str) -> None:
        """Brings an editor to the front, adding it when it is new."""
        if self.indexOf(editor) < 0:
            self.addTab(editor, title)
        self.setCurrentWidget(editor)

    def mark(self, editor: QWidget, title: str, path: str, *, unsaved: bool) -> None:
        """Titles an editor's tab."""
        index = self.indexOf(editor)
        self.setTabText(index, (UNSAVED_MARK if unsaved else "") + title)
        self.setTabToolTip(index, f"{path}\nnot saved" if unsaved else path)

    def remove(self, editor: QWidget) -> None:
        """Takes an editor away."""
        self.removeTab(self.indexOf(editor))

    def editors(self) -> list[QWidget]:
        """The editors in the order of their tabs."""
        return [editor for index in range(self.count()) if (editor := self.widget(index)) is not None]
