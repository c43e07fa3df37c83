"""The row under the Output's tabs that says who answers the script's calls, and lets one choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from widgets.glyphs import GlyphButton
from widgets.pane_header import ElidedLabel
from widgets.style import mix, set_look
from widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class CallsState:
    """What the row says.

    Attributes:
        name: of the choice, as "Recorded".
        note: where answers come from now.
        explanation: what the choice does.
        live: whether calls leave this machine; then the row warns, and offers to run and to record.
    """

    name: str
    note: str
    explanation: str
    live: bool = False


class CallsBar(QFrame):
    """Shows a `CallsState`.

    Attributes:
        selector: opens the choices.
        run_button, record_button: there only while calls are live.

    Signals:
        run_requested(): the script shall run now.
        record_requested(): what a live run was answered shall be kept.
    """

    run_requested = Signal()
    record_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.selector = QToolButton()
        self.selector.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.selector.setProperty("compact", True)
        self._menu = QMenu(self.selector)
        self._menu.setToolTipsVisible(True)
        self.selector.setMenu(self._menu)
        self._note = ElidedLabel()
        self.run_button = GlyphButton("play", "Run", with_text=True)
        self.record_button = GlyphButton("ring", "Record Answers", with_text=True)
        self.run_button.setToolTip("Run the script now, with real answers (F5)")
        self.record_button.setToolTip(
            "Keep the answers beside the test case, secrets masked, and preview from them"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(5, 1, 6, 1)
        row.setSpacing(6)
        row.addWidget(self.selector)
        row.addWidget(self._note, 1)
        row.addWidget(self.run_button)
        row.addWidget(self.record_button)
        self.run_button.clicked.connect(self.run_requested)
        self.record_button.clicked.connect(self.record_requested)
        self.show_state(CallsState("Recorded", "", ""))

    def set_choices(self, choices: Sequence[QAction], more: Sequence[QAction]) -> None:
        """Fills the menu of the selector: the choices, and below a line what belongs to them."""
        self._menu.clear()
        self._menu.addActions(choices)
        self._menu.addSeparator()
        self._menu.addActions(more)

    def show_state(self, state: CallsState) -> None:
        """Shows who answers now."""
        self.selector.setText(f"Calls: {state.name} \u25be")
        self.selector.setAccessibleName(f"Calls: {state.name}")
        self.selector.setAccessibleDescription(state.explanation)
        self.selector.setToolTip(
            f"Answers to the script's calls of kv, http and crypto.\n{state.explanation}"
        )
        self._note.set_full_text(state.note)
        set_look(self._note, "muted", not state.live)
        set_look(self._note, "tone", "warning" if state.live else "")
        set_look(self, "strip", not state.live)
        set_look(self, "banner", "warning" if state.live else "")
        self.run_button.setVisible(state.live)
        self.record_button.setVisible(state.live)

    def note(self) -> str:
        """What it says about where answers come from."""
        return self._note.full_text

    def apply_theme(self, theme: Theme) -> None:
        """Recolours the glyphs."""
        faded = mix(theme.text_muted, theme.window, 0.5)
        for button in (self.run_button, self.record_button):
            button.set_colours(theme.text, faded)
