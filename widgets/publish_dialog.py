"""The dialog that changes a cluster: what goes where, the difference, the checks, then each step as it is taken."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.display import DiffLine
from engine.scripts.store import Step, StoreReport
from widgets.check_list import Check, CheckState, step_row
from widgets.confirm_field import ConfirmField
from widgets.dialog_parts import fit_to_screen, wrapping_label
from widgets.error_banner import breakable
from widgets.message_bar import MessageBar, MessageSeverity
from widgets.pane_header import ElidedLabel
from widgets.profile_look import ProfileChip, ProfileStrip
from widgets.publish_plan import Change, PublishPlan, is_live, result_sentence
from widgets.review_pane import ReviewPane
from widgets.theme import Theme
from widgets.versions_grid import VersionsGrid

REPAIR, LOOK_AGAIN = "repair", "look_again"


class PublishDialog(QDialog):
    """Shows one `PublishPlan`, asks for it to be carried out, and tells how that goes.

    Enter presses only the button that has the focus, and never by a key held down. While the change is being sent
    the dialog stays: Esc and closing have no effect.

    Attributes:
        review, version, note, confirm, publish, close_button, message: the parts, for focus and tests.

    Signals:
        publish_requested(str, str): version and note.
        repair_requested(): write the mirror again.
        look_again_requested(): the live script is another by now; a new plan and difference are wanted.
        link_chosen(str): the id of a check whose link was pressed.
    """

    publish_requested = Signal(str, str)
    repair_requested = Signal()
    look_again_requested = Signal()
    link_chosen = Signal(str)

    def __init__(self, plan: PublishPlan, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plan = plan
        self._sending = self._over = self._outdated = False
        self.review = ReviewPane()
        self.version, self.note, self.confirm = QLineEdit(), QLineEdit(), ConfirmField()
        self.publish, self.close_button = QPushButton(), QPushButton("Cancel")
        self.message = MessageBar()
        self._build()
        self._connect()
        self.version.setText(plan.new.version)
        self.set_plan(plan)
        self.focus_first()

    # --- state in

    def set_plan(self, plan: PublishPlan) -> None:
        """Shows a plan, or the same with other checks; what was typed stays."""
        self._plan = plan
        self._outdated = False
        self._strip.set_look(plan.profile)
        self._chip.set_look(plan.profile)
        new_name = {Change.DELETE: "Afterwards", Change.ROLL_BACK: "Goes back to"}.get(
            plan.change, "This text"
        )
        self._versions.show_versions(plan.live, plan.new, new_name)
        self.review.checks.set_checks(plan.checks)
        self._form.setRowVisible(self.version, plan.change is not Change.DELETE)
        self._form.setRowVisible(self.confirm, bool(plan.confirmation()))
        self.confirm.wanted = plan.confirmation()
        self._form.setRowVisible(self._confirm_label, bool(plan.confirmation()))
        self._confirm_label.setText(breakable(f"To confirm, type {plan.confirmation()}"))
        self.confirm.setAccessibleName(f"To confirm, type {plan.confirmation()}")
        self._refresh()

    def show_diff(self, lines: tuple[DiffLine, ...], note: str = "\u2212 live now, + afterwards") -> None:
        """Shows the difference to what is live."""
        self.review.diff.show_diff(lines, note)

    def begin(self) -> None:
        """The change is being sent."""
        self._sending, self._over = True, False
        self.message.clear()
        self.review.steps.set_checks((Check("sending", CheckState.RUNNING, "Sending\u2026"),))
        self.review.show_steps(True)
        self._refresh()

    def show_step(self, step: Step) -> None:
        """One more step was taken."""
        done = [row for row in self.review.steps.checks() if row.state is not CheckState.RUNNING]
        more = Check("sending", CheckState.RUNNING, "Going on\u2026")
        self.review.steps.set_checks((*done, step_row(step), more))

    def finish(self, report: StoreReport) -> None:
        """The change went through, in part or in full, or it did not."""
        self._sending, live = False, is_live(report)
        self._over = live
        self.review.steps.set_checks(tuple(map(step_row, report.steps)))
        self.review.show_steps(True)
        severity = MessageSeverity.ERROR
        if live:
            severity = MessageSeverity.SUCCESS if report.complete else MessageSeverity.WARNING
        repair = [(REPAIR, "Repair")] if live and not report.complete else []
        self.message.show_message(result_sentence(self._plan, report), severity, repair, closable=False)
        self._refresh()
        self.close_button.setFocus()

    def refuse(self, why: str) -> None:
        """It was refused and nothing was changed; it can be tried again."""
        self._sending = False
        self.review.show_steps(False)
        self.message.show_message(why, MessageSeverity.ERROR, closable=False)
        self._refresh()
        self.close_button.setFocus()

    def show_conflict(self, what: str) -> None:
        """Somebody else changed the live script: `what` says who, when and to which version."""
        self.refuse(what)
        self._outdated = True
        self.message.show_message(
            what, MessageSeverity.WARNING, [(LOOK_AGAIN, "Look at the difference again")], closable=False
        )
        self._refresh()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self.review.apply_theme(theme)
        self.message.apply_theme(theme)

    def focus_first(self) -> None:
        """The button, except where production would be changed: there a person reads first."""
        if self.publish.isEnabled() and not self._plan.profile.production:
            self.publish.setFocus()
        else:
            self.review.diff.list.setFocus()

    # --- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter presses the button with the focus; Esc cancels what was not sent yet."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            button = self.focusWidget()
            if isinstance(button, QPushButton) and not event.isAutoRepeat():
                button.click()
            event.accept()
        else:
            super().keyPressEvent(event)

    def reject(self) -> None:
        """Closes, unless the change is on its way."""
        if not self._sending:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """As Esc."""
        if self._sending:
            event.ignore()
        else:
            super().closeEvent(event)

    # --- building

    def _build(self) -> None:
        self._strip, self._chip = ProfileStrip(), ProfileChip()
        self._title, self._hint = wrapping_label(), ElidedLabel()
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._hint.setProperty("muted", True)
        self._versions = VersionsGrid()
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._chip)
        self._form = self._make_form()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._hint, 1)
        for button in (self.publish, self.close_button):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        self.publish.setProperty("primary", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 10)
        column.setSpacing(8)
        column.addWidget(self._strip)
        for part, stretch in (
            (head, 0),
            (self._versions, 0),
            (self.review, 1),
            (self._form, 0),
            (self.message, 0),
            (buttons, 0),
        ):
            row = QHBoxLayout()
            row.setContentsMargins(12, 0, 12, 0)
            if isinstance(part, QWidget):
                row.addWidget(part)
            else:
                row.addLayout(part)
            column.addLayout(row, stretch)
        fit_to_screen(self, characters=130, lines=40)

    def _make_form(self) -> QFormLayout:
        form = QFormLayout()
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.version.setAccessibleName("Version")
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("Why, for whoever reads the history")
        self._confirm_label = wrapping_label()
        form.addRow("Version", self.version)
        form.addRow("Note", self.note)
        form.addRow(self._confirm_label)
        form.addRow(self.confirm)
        return form

    def _connect(self) -> None:
        self.publish.clicked.connect(self._send)
        self.close_button.clicked.connect(self.reject)
        self.version.textChanged.connect(self._refresh)
        self.confirm.textChanged.connect(self._refresh)
        self.review.checks.link_chosen.connect(self.link_chosen)
        self.message.action_triggered.connect(
            lambda name: (self.repair_requested if name == REPAIR else self.look_again_requested).emit()
        )

    def _send(self) -> None:
        if not self._missing():
            self.publish_requested.emit(self.version.text().strip(), self.note.text().strip())

    def _missing(self) -> str:
        """What keeps the change from being sent; empty when nothing does."""
        unmet = self.review.checks.unmet()
        if self._outdated:
            return "The live script was changed meanwhile: look at the difference again."
        if unmet:
            return "1 check is not met." if unmet == 1 else f"{unmet} checks are not met."
        if self._plan.change is not Change.DELETE and not self.version.text().strip():
            return "A version is needed."
        return "" if self.confirm.confirmed() else f"Type {self.confirm.wanted} to confirm."

    def _refresh(self) -> None:
        title = self._plan.title(self.version.text().strip())
        missing = self._missing()
        self.setWindowTitle(title)
        self._title.setText(breakable(title))
        self._title.setAccessibleName(title)
        self._hint.set_full_text("" if self._over or self._sending else missing)
        self.publish.setText("Sending\u2026" if self._sending else f"{self._plan.change.value}")
        self.publish.setEnabled(not missing and not self._sending)
        self.publish.setVisible(not self._over)
        self.publish.setToolTip(missing)
        self.publish.setAccessibleDescription(missing or title)
        self.close_button.setText("Close" if self._over else "Cancel")
        self.close_button.setEnabled(not self._sending)
        for field in (self.version, self.note, self.confirm):
            field.setEnabled(not self._sending and not self._over)
