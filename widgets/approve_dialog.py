"""The dialog in which a script is approved: the difference is looked at, the checks are green, and it is noted who."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.display import DiffLine
from engine.scripts.review import Author
from widgets.check_list import Check
from widgets.dialog_parts import fit_to_screen, wrapping_label
from widgets.error_banner import breakable
from widgets.message_bar import MessageBar, MessageSeverity
from widgets.pane_header import ElidedLabel
from widgets.profile_look import ProfileChip, ProfileLook
from widgets.publish_plan import NO_VERSION, Version
from widgets.review_pane import ReviewPane
from widgets.theme import Theme
from widgets.versions_grid import VersionsGrid


@dataclass(frozen=True, slots=True)
class ApprovalPlan:
    """One text that may be approved.

    Attributes:
        profile: the cluster whose live script it is compared with.
        approver: who approves.
        authors: who saved the script since it was last live.
    """

    config_id: str
    profile: ProfileLook
    new: Version
    approver: str
    authors: tuple[Author, ...] = ()
    live: Version = NO_VERSION
    checks: tuple[Check, ...] = ()

    def people(self) -> str:
        """Who wrote it and who approves, as a sentence."""
        names = list(dict.fromkeys(author.who for author in self.authors))
        wrote = f"Written by {', '.join(names)}. " if names else ""
        return f"{wrote}You approve as {self.approver}."


class ApproveDialog(QDialog):
    """Shows one `ApprovalPlan` and its difference; Enter approves only from the button.

    Attributes:
        review, looked, note, approve, close_button, message: the parts, for focus and tests.

    Signals:
        approve_requested(str): the note.
        link_chosen(str): the id of a check whose link was pressed.
    """

    approve_requested = Signal(str)
    link_chosen = Signal(str)

    def __init__(self, plan: ApprovalPlan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plan = plan
        self.review = ReviewPane()
        self.looked = QCheckBox("I have looked at the difference")
        self.looked.setEnabled(False)
        self.note = QLineEdit()
        self.approve, self.close_button = QPushButton("Approve"), QPushButton("Cancel")
        self.message = MessageBar()
        self._build()
        self.approve.clicked.connect(self._approve)
        self.close_button.clicked.connect(self.reject)
        self.looked.toggled.connect(self._refresh)
        self.review.checks.link_chosen.connect(self.link_chosen)
        self.set_plan(plan)

    def set_plan(self, plan: ApprovalPlan) -> None:
        """Shows a plan, or the same with other checks; another text or live script is to be looked at anew."""
        if (plan.new.hash, plan.live.hash) != (self._plan.new.hash, self._plan.live.hash):
            self._forget_look()
        self._plan = plan
        title = f"Approve {plan.config_id}"
        self.setWindowTitle(title)
        self._title.setText(breakable(title))
        self._chip.set_look(plan.profile)
        self._people.setText(breakable(plan.people()))
        self._versions.show_versions(plan.live, plan.new, "This text")
        self.review.checks.set_checks(plan.checks)
        self._refresh()

    def show_diff(self, lines: tuple[DiffLine, ...], note: str = "\u2212 live now, + this text") -> None:
        """Shows the difference to what is live; from now on it can be said to be looked at."""
        self.review.diff.show_diff(lines, note)
        self.looked.setEnabled(True)
        self._refresh()

    def refuse(self, why: str) -> None:
        """It was not approved, and why."""
        self.message.show_message(why, MessageSeverity.ERROR, closable=False)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self.review.apply_theme(theme)
        self.message.apply_theme(theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter presses the button with the focus."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            button = self.focusWidget()
            if isinstance(button, QPushButton) and not event.isAutoRepeat():
                button.click()
            event.accept()
        else:
            super().keyPressEvent(event)

    def _build(self) -> None:
        self._title, self._people = wrapping_label(), wrapping_label()
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._chip, self._versions, self._hint = ProfileChip(), VersionsGrid(), ElidedLabel()
        self._hint.setProperty("muted", True)
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("What you checked, for whoever reads it later")
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._chip)
        form = QFormLayout()
        form.addRow(self.looked)
        form.addRow("Note", self.note)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._hint, 1)
        for button in (self.approve, self.close_button):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        self.approve.setProperty("primary", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._people)
        column.addWidget(self._versions)
        column.addWidget(self.review, 1)
        column.addLayout(form)
        column.addWidget(self.message)
        column.addLayout(buttons)
        self.review.diff.list.setFocus()
        fit_to_screen(self, characters=130, lines=38)

    def _forget_look(self) -> None:
        self.looked.setChecked(False)
        self.looked.setEnabled(False)

    def _approve(self) -> None:
        if not self._missing():
            self.message.clear()
            self.approve_requested.emit(self.note.text().strip())

    def _missing(self) -> str:
        """What keeps it from being approved; empty when nothing does."""
        unmet = self.review.checks.unmet()
        if unmet:
            return "1 check is not met." if unmet == 1 else f"{unmet} checks are not met."
        if not self.looked.isEnabled():
            return "The difference is being made."
        return "" if self.looked.isChecked() else "Look at the difference and say so."

    def _refresh(self) -> None:
        missing = self._missing()
        self._hint.set_full_text(missing)
        self.approve.setEnabled(not missing)
        self.approve.setToolTip(missing)
        self.approve.setAccessibleDescription(missing)
