"""The dialog of cluster profiles: make, change, test and delete them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from widgets.check_list import Check, CheckList, CheckState
from widgets.dialog_parts import fit_to_screen, wrapping_label
from widgets.error_banner import breakable
from widgets.message_bar import MessageBar, MessageSeverity
from widgets.pane_header import PaneHeader
from widgets.profile_form import ProfileForm
from widgets.profile_look import swatch_icon
from widgets.profile_state import ProfileState
from widgets.theme import Theme

BUILT_IN = "This cluster runs on this machine and comes with the product; there is nothing to set."
_DELETE, _KEEP, _SAVE, _DISCARD = "delete", "keep", "save", "discard"
_TEST_LINES = 4


class ProfilesDialog(QDialog):
    """A list of profiles and the form of the chosen one.

    A changed profile is saved by its button; leaving it unsaved asks first, in the strip under the form.

    Attributes:
        list, form, tests, message, test, save, close_button: the parts, for focus and tests.

    Signals:
        save_requested(str, object): the name it had (empty for a new one) and the `ProfileState`.
        delete_requested(str): a name.
        test_requested(object): a `ProfileState`, perhaps unsaved.
        browse_requested(str): the field that wants a path; answer with `form.set_path`.
    """

    save_requested = Signal(str, object)
    delete_requested = Signal(str)
    test_requested = Signal(object)
    browse_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Cluster profiles")
        self._profiles: tuple[ProfileState, ...] = ()
        self._original = ""  # the saved name of the profile in the form; empty for a new one
        self._shown: ProfileState | None = None
        self._then: Callable[[], None] | None = None  # what waits for the changes to be saved or discarded
        self._after_save: Callable[[], None] | None = None
        self.list, self.form = QListWidget(), ProfileForm()
        self.tests, self.message = CheckList("Result of the test"), MessageBar()
        self.test, self.save = QPushButton("Test connection"), QPushButton("Save")
        self.close_button = QPushButton("Close")
        self._build()
        self._connect()
        self.list.setFocus()

    # --- state in

    def set_profiles(self, profiles: tuple[ProfileState, ...], current: str = "") -> None:
        """Shows the saved profiles and opens `current`, else the one that was open, else the first."""
        self._profiles = profiles
        names = [profile.name for profile in profiles]
        wanted = current or self._original
        self.list.blockSignals(True)
        self.list.clear()
        for profile in profiles:
            item = QListWidgetItem(swatch_icon(profile.colour), profile.name)
            item.setToolTip(profile.look().in_words())
            item.setData(Qt.ItemDataRole.AccessibleTextRole, profile.look().in_words())
            self.list.addItem(item)
        self.list.blockSignals(False)
        if profiles:
            self._open(profiles[names.index(wanted) if wanted in names else 0])
        after, self._after_save = self._after_save, None
        if after is not None:
            after()

    def set_secrets_note(self, note: str) -> None:
        """Says where passwords are kept: in the keyring, or for this session only."""
        self._secrets.setText(breakable(note))

    def show_testing(self) -> None:
        """The connection is being tried."""
        self._show_tests((Check("test", CheckState.RUNNING, "Connecting\u2026"),))

    def show_test(self, results: tuple[Check, ...]) -> None:
        """How it went, a row for each part."""
        self._show_tests(results)

    def show_failure(self, why: str) -> None:
        """Saving or deleting failed."""
        self._after_save = None
        self.message.show_message(why, MessageSeverity.ERROR)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        for part in (self.form, self.tests, self.message, self._header):
            part.apply_theme(theme)

    def changed(self) -> bool:
        """Whether the form differs from what is saved."""
        return self._shown is not None and self.form.state() != self._shown

    # --- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Enter presses the button with the focus and nothing else."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            button = self.focusWidget()
            if isinstance(button, QPushButton) and not event.isAutoRepeat():
                button.click()
            event.accept()
        else:
            super().keyPressEvent(event)

    def reject(self) -> None:
        """Closes; changes that are not saved are asked about first."""
        self._leave(super().reject)

    # --- building

    def _build(self) -> None:
        self._header = PaneHeader("Profiles")
        self._new = self._header.add_button("plus", "New profile")
        self._copy = self._header.add_button("copy", "Duplicate profile")
        self._delete = self._header.add_button("trash", "Delete profile\u2026")
        self.list.setAccessibleName("Profiles")
        self.list.setProperty("edge", "none")
        self.list.setIconSize(QSize(self.fontMetrics().height(), self.fontMetrics().height()))
        self._secrets = wrapping_label()
        self._note = wrapping_label(BUILT_IN)
        for label in (self._secrets, self._note):
            label.setProperty("muted", True)
        left, right = QFrame(), QFrame()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self.list, 1)
        column = QVBoxLayout(right)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(6)
        for part in (self._note, self.form, self._secrets, self.tests):
            column.addWidget(part, 1 if part is self.form else 0)
        self.tests.hide()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 3)
        left.setMinimumWidth(self.fontMetrics().averageCharWidth() * 18)
        split.setSizes([200, 600])
        fit_to_screen(self, characters=110, lines=44)
        buttons = QHBoxLayout()
        buttons.addWidget(self.test)
        buttons.addStretch(1)
        buttons.addWidget(self.save)
        buttons.addWidget(self.close_button)
        self.save.setProperty("primary", True)
        for button in (self.test, self.save, self.close_button):
            button.setAutoDefault(False)
        whole = QVBoxLayout(self)
        whole.addWidget(split, 1)
        whole.addWidget(self.message)
        whole.addLayout(buttons)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._on_chosen)
        self.form.changed.connect(self._on_changed)
        self.form.browse_requested.connect(self.browse_requested)
        self._new.clicked.connect(
            lambda: self._leave(lambda: self._begin(ProfileState(self._free_name("New cluster"))))
        )
        self._copy.clicked.connect(lambda: self._leave(self._duplicate))
        self._delete.clicked.connect(self._ask_to_delete)
        self.test.clicked.connect(lambda: self.test_requested.emit(self.form.state()))
        self.save.clicked.connect(self._save)
        self.close_button.clicked.connect(self.reject)
        self.message.action_triggered.connect(self._answer)

    # --- what happens

    def _open(self, profile: ProfileState, *, is_new: bool = False) -> None:
        """Puts a profile into the form."""
        self._original = "" if is_new else profile.name
        self._shown = profile
        taken = frozenset(other.name for other in self._profiles if other.name != self._original)
        self.form.set_state(profile, taken)
        self._mark_row()
        self._note.setVisible(profile.built_in)
        self.tests.hide()
        self.message.clear()
        self._refresh()

    def _begin(self, profile: ProfileState) -> None:
        """A new profile that nobody saved yet."""
        self._open(profile, is_new=True)
        self.form.lines["name"].setFocus()
        self.form.lines["name"].selectAll()

    def _duplicate(self) -> None:
        state = self.form.state()
        self._begin(dataclasses.replace(state, name=self._free_name(f"{state.name} copy"), built_in=False))

    def _free_name(self, name: str) -> str:
        taken = {profile.name.lower() for profile in self._profiles}
        number = 2
        found = name
        while found.lower() in taken:
            found, number = f"{name} {number}", number + 1
        return found

    def _on_chosen(self, row: int) -> None:
        if row >= 0:
            wanted = self._profiles[row]
            self._leave(lambda: self._open(wanted))

    def _leave(self, then: Callable[[], None]) -> None:
        """Goes on to something else, at once or when it is settled what becomes of the changes."""
        if not self.changed():
            then()
            return
        self._then = then
        self._mark_row()
        choices = [(_SAVE, "Save")] if not self.form.problems() else []
        text = f"{self.form.state().name} has changes that are not saved."
        self.message.show_message(text, MessageSeverity.WARNING, [*choices, (_DISCARD, "Discard")])

    def _mark_row(self) -> None:
        """The list says which profile is in the form; none when it is a new one."""
        names = [profile.name for profile in self._profiles]
        self.list.blockSignals(True)
        self.list.setCurrentRow(names.index(self._original) if self._original in names else -1)
        self.list.blockSignals(False)

    def _on_changed(self) -> None:
        self.tests.hide()  # it told of other settings
        self._refresh()

    def _save(self) -> None:
        if not self.form.problems():
            self.message.clear()
            self.save_requested.emit(self._original, self.form.state())

    def _ask_to_delete(self) -> None:
        self.message.show_message(
            f"Delete the profile {self._original} and its passwords? Nothing changes on the cluster.",
            MessageSeverity.WARNING,
            [(_DELETE, "Delete"), (_KEEP, "Keep")],
        )

    def _answer(self, action: str) -> None:
        self.message.clear()
        if action == _DELETE:
            self.delete_requested.emit(self._original)
        elif action == _SAVE:
            self._after_save = self._then
            self._save()
        elif action == _DISCARD and self._shown is not None and self._then is not None:
            self.form.set_state(self._shown)
            self._then()

    def _show_tests(self, rows: tuple[Check, ...]) -> None:
        self.tests.setMaximumHeight(self.fontMetrics().height() * (2 + min(len(rows), _TEST_LINES) * 2))
        self.tests.set_checks(rows)
        self.tests.show()
        running = any(row.state is CheckState.RUNNING for row in rows)
        self.test.setEnabled(not running and not self.form.problems())

    def _refresh(self) -> None:
        built_in = self._shown is not None and self._shown.built_in
        found = self.form.problems()
        why = next(iter(found.values()), "")
        self.save.setEnabled(not built_in and not found and (self.changed() or not self._original))
        self.save.setToolTip(why)
        self.test.setEnabled(not found)
        self._copy.setEnabled(not built_in)
        self._delete.setEnabled(bool(self._original) and not built_in)
