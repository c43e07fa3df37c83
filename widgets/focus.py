"""Where the focus goes when a pane is chosen by key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def proxy_to(pane: QWidget, content: QWidget, *, shown: bool) -> None:
    """Makes `content` stand for its pane while it is shown: a hidden one would keep Tab from going past the pane."""
    pane.setFocusProxy(content if shown else None)  # type: ignore[arg-type]  # the stubs know no None


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
