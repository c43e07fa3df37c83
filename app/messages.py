"""What the studio tells a person, above the editor, with buttons for what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from widgets.message_bar import MessageBar, MessageSeverity

Choices = dict[str, Callable[[], None]]


class Messages(QObject):
    """One message at a time, on a MessageBar."""

    def __init__(self, bar: MessageBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar = bar
        self._choices: Choices = {}
        bar.action_triggered.connect(self._choose)

    def error(self, what: object, choices: Choices | None = None) -> None:
        """Something could not be done."""
        self._show(str(what), MessageSeverity.ERROR, choices)

    def warn(self, text: str, choices: Choices | None = None) -> None:
        """Something needs a decision."""
        self._show(text, MessageSeverity.WARNING, choices)

    def note(self, text: str, choices: Choices | None = None) -> None:
        """Something happened that a person may want to know."""
        self._show(text, MessageSeverity.INFO, choices)

    def _show(self, text: str, severity: MessageSeverity, choices: Choices | None) -> None:
        self._choices = choices or {}
        self._bar.show_message(text, severity, [(label, label) for label in self._choices])

    def _choose(self, label: str) -> None:
        self._bar.clear()
        self._choices.get(label, lambda: None)()
