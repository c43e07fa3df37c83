"""Where the focus goes when a pane is chosen by key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def focus_first(pane: QWidget | None) -> bool:
    """Puts the focus where the pane itself wants it, else on the first widget in it that Tab would reach.

    Says whether there is one.
    """
    if pane is None:
        return False
    content = pane.focusProxy()
    if content is not None and content.isVisible():
        content.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True
    for widget in (pane, *pane.findChildren(QWidget)):
        takes = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
        if takes and widget.isEnabled() and widget.isVisibleTo(pane):
            widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return True
    return False
