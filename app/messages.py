"""What the studio tells a person, above the editor, with buttons for what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from widgets.message_bar import MessageBar, MessageSeverity

Choices = dict[str, Callable[[], None]]


class Messages(QObject):
    """One message at a time, on a MessageBar.

    `about` names what a message is about, so that it can be withdrawn when that is settled.
    """

    def __init__(self, bar: MessageBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar = bar
        self._choices: Choices = {}
        self._about = ""
        bar.action_triggered.connect(self._choose)

    def error(self, what: object, choices: Choices | None = None, about: str = "") -> None:
        """Something could not be done."""
        self._show(str(what), MessageSeverity.ERROR, choices, about)

    def warn(self, text: str, choices: Choices | None = None, about: str = "") -> None:
        """Something needs a decision."""
        self._show(text, MessageSeverity.WARNING, choices, about)

    def note(self, text: str, choices: Choices | None = None, about: str = "") -> None:
        """Something happened that a person may want to know."""
        self._show(text, MessageSeverity.INFO, choices, about)

    def ask(self, text: str, choices: Choices, about: str) -> None:
        """What was just asked for needs a decision first: the focus goes to it, and comes back."""
        self._show(text, MessageSeverity.INFO, choices, about)
        self._bar.take_focus()

    def withdraw(self, about: str) -> None:
        """Takes the message about something away, if it is the one shown."""
        if self._about == about:
            self._bar.clear()

    def _show(self, text: str, severity: MessageSeverity, choices: Choices | None, about: str) -> None:
        self._choices, self._about = choices or {}, about
        self._bar.show_message(text, severity, [(label, label) for label in self._choices])

    def _choose(self, label: str) -> None:
        self._bar.clear()
        self._choices.get(label, lambda: None)()
