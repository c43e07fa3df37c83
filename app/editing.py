"""Commands that go where the focus is: undo to paste, find and replace, and the keys that move the focus itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.editor_controller import EditorController
from app.main_window import MainWindow

UNDOING = ("undo", "redo")


class Editing:
    """The editing commands of a window."""

    def __init__(self, window: MainWindow, editors: EditorController) -> None:
        self._window, self._editors = window, editors

    def in_focus(self, command: str) -> None:
        """Undo, redo, cut, copy, paste or selectAll in the pane that has the focus, as Qt names them.

        Only undo and redo go to the script when that pane has nothing of the kind.
        """
        focused = QApplication.focusWidget()
        target = focused
        while target is not None and not hasattr(target, command):
            target = target.parentWidget()
        if target is None and self._editors.current is not None and (focused is None or command in UNDOING):
            target = self._editors.current.editor
        if target is not None:
            getattr(target, command)()

    def find(self) -> None:
        """Opens the find bar of the pane that has the focus; the cluster has its filter."""
        if self._window.shows_cluster:
            self._window.cluster.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        bar = self._window.input.payload if self._payload_focused() else self._window.find_bar
        bar.open_find()

    def replace(self) -> None:
        """Opens the find bar of the pane that has the focus, for replacing."""
        bar = self._window.input.payload if self._payload_focused() else self._window.find_bar
        bar.open_replace()

    def _payload_focused(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and self._window.input.payload.isAncestorOf(focused)

    def toggle_comment(self) -> None:
        """Comments the selected lines out, or in."""
        if self._editors.current is not None:
            self._editors.current.editor.toggle_comment()

    def complete(self) -> None:
        """Shows what can stand at the caret."""
        if self._editors.current is not None:
            self._editors.current.editor.show_completion(asked=True)

    def focus_tree(self) -> None:
        """The focus goes to the list of scripts."""
        self._window.show_cluster(False)
        self._window.tree.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_editor(self) -> None:
        """The caret goes to the script."""
        self._window.show_cluster(False)
        if self._editors.current is not None:
            self._editors.current.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_input(self, tab: int) -> None:
        """Brings an input pane to the front and the focus into it."""
        self._window.show_cluster(False)
        self._window.input.show_tab(tab)
        self._window.input.focus_pane()

    def focus_bottom(self, tab: int) -> None:
        """Brings the problems or the tests to the front and the focus into them."""
        self._window.show_cluster(False)
        self._window.bottom.show_tab(tab)
        self._window.bottom.focus_pane()

    def focus_output(self, tab: int) -> None:
        """Brings an output page to the front and the focus into it."""
        self._window.show_cluster(False)
        self._window.output.show_tab(tab)
        self._window.output.focus_page()
