"""Where the focus goes when a pane is chosen by key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def focus_first(pane: QWidget | None) -> None:
    """Puts the focus on the first widget in `pane` that Tab would reach, or on the pane itself."""
    if pane is None:
        return
    for widget in (pane, *pane.findChildren(QWidget)):
        takes = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
        if takes and widget.isEnabled() and widget.isVisibleTo(pane):
            widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
