"""Between the saved cases of the script in front and the Tests pane: running, saving, updating, deleting."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox

from app.background import Background, post
from app.case_results import CaseResults, detail_of
from app.case_service import CaseService
from app.dialogs import ask_choice, ask_text
from app.document import Document
from app.messages import Messages
from engine.cases.find import SavedCase
from engine.cases.verdict import CaseVerdict
from engine.display_diff import diff
from engine.errors import HowkError
from engine.modules.fixture import Fixture
from engine.scripts.problem import Problem
from engine.settings import Settings
from engine.transform import Script
from engine.workspace import Workspace
from widgets.tests_pane import TestsPane


class TestsController(QObject):
    """The Tests pane and what stands behind it.

    Attributes:
        on_save: whether saving a script runs its cases.

    Args:
        collect: brings the document's inputs up to date with the panes.
        answers: what the run that is shown was answered, where that is worth keeping.

    Signals:
        listed(object): the tuple of names of the cases of the script in front.
        load_requested(str): the case to take as input.
        marks_changed(): other scripts fail their cases than before.
        on_save_changed(bool): running when saving was switched.
        finished(): all cases have run.
        kept(object, str, object): of a Document, a run was saved as a case of that name with these Fixtures as answers.
    """

    __test__ = False  # not one of pytest's

    listed = Signal(object)
    load_requested = Signal(str)
    marks_changed = Signal()
    on_save_changed = Signal(bool)
    finished = Signal()
    kept = Signal(object, str, object)
    _arrived = Signal(object)

    def __init__(
        self,
        pane: TestsPane,
        background: Background,
        settings: Settings,
        messages: Messages,
        *,
        collect: Callable[[], None],
        answers: Callable[[], tuple[Fixture, ...] | None],
    ) -> None:
        super().__init__(pane)
        self.on_save = True
        self.service = CaseService(settings)
        self._pane, self._background, self._messages = pane, background, messages
        self._collect, self._answers = collect, answers
        self._workspace: Workspace | None = None
        self._document: Document | None = None
        self._results = CaseResults()
        self._run: Future[None] | None = None
        self._number = 0
        self._connect()
        pane.set_enabled(False)

    def _connect(self) -> None:
        pane = self._pane
        pane.run_requested.connect(self.run_all)
        pane.stop_requested.connect(self.stop)
        pane.save_requested.connect(self.save_case)
        pane.load_requested.connect(self.load_requested)
        pane.update_requested.connect(self.update_expectation)
        pane.delete_requested.connect(self.delete_case)
        pane.selected.connect(self._show_detail)
        self._arrived.connect(self._take_verdict)

    # --- the script in front

    @property
    def names(self) -> tuple[str, ...]:
        """The cases of the script in front, as listed last."""
        return self._results.names

    def change_workspace(self, workspace: Workspace) -> None:
        """Forgets the results of another workspace."""
        self.stop()
        self._workspace = workspace
        self._results = CaseResults()
        self.marks_changed.emit()

    def show(self, document: Document | None) -> None:
        """Shows the cases of another script, with the results they had."""
        self.stop()
        self._document = document
        self._pane.set_enabled(document is not None)
        self._results.names = ()
        self._refresh()
        self.listed.emit(())
        self.list_cases()

    def list_cases(self, select: str = "", *, run: bool = False) -> None:
        """Looks at the folder again, in the background."""
        document, workspace = self._document, self._workspace
        if document is None or workspace is None:
            return

        def done(names: tuple[str, ...]) -> None:
            if document is not self._document:
                return
            if names != self._results.names:
                self.listed.emit(names)
            if self._results.take_names(document.config_id, names):
                self.marks_changed.emit()
            self._refresh()
            self._pane.select(select)
            if run:
                self._run_listed()

        self._background.call(workspace.cases, document.config_id, done=done, failed=self._messages.error)

    def script_changed(self) -> None:
        """The script or its settings may be others than those that the cases ran with."""
        if self._document is not None:
            self._pane.set_stale(self._results.is_stale(self._document.config_id, _text_of(self._document)))

    def script_saved(self, document: Document) -> None:
        """Runs the cases when that is wanted."""
        if self.on_save and document is self._document and self._results.names:
            self.run_all()

    def marks(self) -> dict[str, tuple[Problem, ...]]:
        """What the tree says of scripts that fail their cases."""
        return self._results.marks()

    # --- running

    def run_all(self) -> None:
        """Runs every case that is in the folder now, with the script as it is in the editor."""
        self.list_cases(run=True)

    def _run_listed(self) -> None:
        self.stop()
        document, script = self._document, self._script()
        if document is None or script is None or not self._results.names:
            return
        self._number += 1
        number = self._number
        cases = [self._saved(document, name) for name in self._results.names]
        self._results.start(document.config_id, _text_of(document))
        self._refresh()
        work = self.service.run_all(
            cases, script, lambda case, verdict: post(self._arrived, (number, case, verdict))
        )
        self._run = self._background.start(work, done=lambda _: self._ended(number), failed=self._failed)

    def stop(self) -> None:
        """Ends a run; cases that have not come to an end count as not run."""
        self._number += 1
        if self._run is not None:
            self._run.cancel()
            self._run = None
        if self._results.running:
            self._results.running = set()
            self._refresh()

    def _take_verdict(self, arrived: tuple[int, SavedCase, CaseVerdict]) -> None:
        number, case, verdict = arrived
        if number == self._number:
            self._results.take(case.config_id, case.name, verdict)
            self._refresh()

    def _ended(self, number: int) -> None:
        if number == self._number:
            self._run = None
            self.marks_changed.emit()
            self.finished.emit()

    def _failed(self, problem: Exception) -> None:
        self.stop()
        self._messages.error(f"The test cases did not run: {problem}")

    # --- saving

    def save_case(self, remark: str = "") -> None:
        """Asks for a name and saves the input with what the script makes of it as a case."""
        if self._document is None or self._workspace is None:
            return
        label = f"Name of the case. It will expect what the script does with this input now. {remark}".strip()
        ask_text(
            self._pane.window(), "Save this run as a case", label, self._results.free_name(), self.save_as
        )

    def save_as(self, name: str) -> None:
        """Saves the input as a case of that name; asks before it replaces one."""
        taken = next((known for known in self._results.names if known.casefold() == name.casefold()), None)
        if taken is None:
            self._keep(name)
            return
        ask_choice(
            self._pane.window(), f"Replace the case {taken}?",
            "Its input and its expectation are overwritten.",
            [("Replace", QMessageBox.ButtonRole.DestructiveRole, lambda: self._keep(taken))],
        )  # fmt: skip

    def _keep(self, name: str) -> None:
        document, script = self._document, self._script()
        if document is None or script is None:
            return
        self._collect()
        inputs = document.inputs
        answers = self._answers()

        def kept() -> None:
            if answers is not None:
                self.kept.emit(document, name, answers)

        work = self.service.keep(
            self._saved(document, name), inputs.as_case(document.config_id), script,
            answers=answers, recordings=inputs.recordings,
        )  # fmt: skip
        self._write(work, name, kept)

    def update_expectation(self, name: str = "") -> None:
        """Asks, then has a case expect what the script does with it now."""
        name = name or self._pane.current()
        document = self._document
        if document is None or not name:
            return
        ask_choice(
            self._pane.window(), f"Expect of {name} what the script does now?",
            "The whole outcome becomes its expectation, in place of the one it has.",
            [("Update", QMessageBox.ButtonRole.AcceptRole, lambda: self._renew(document, name))],
        )  # fmt: skip

    def _renew(self, document: Document, name: str) -> None:
        script = self._script()
        if document is self._document and script is not None:
            self._write(self.service.renew(self._saved(document, name), script), name)

    def delete_case(self, name: str = "") -> None:
        """Asks, then deletes a case."""
        name = name or self._pane.current()
        document, workspace = self._document, self._workspace
        if document is None or workspace is None or not name:
            return

        def delete() -> None:
            self._background.call(
                workspace.delete_case, document.config_id, name,
                done=lambda _: self.list_cases(), failed=self._messages.error,
            )  # fmt: skip

        ask_choice(
            self._pane.window(), f"Delete the case {name}?",
            "Its file and its recorded answers are removed from the workspace.",
            [("Delete", QMessageBox.ButtonRole.DestructiveRole, delete)],
        )  # fmt: skip

    def load_selected(self) -> None:
        """Takes the selected case as input."""
        if self._pane.current():
            self.load_requested.emit(self._pane.current())

    def toggle_on_save(self) -> None:
        """Switches running when saving."""
        self.on_save = not self.on_save
        self.on_save_changed.emit(self.on_save)

    def _write(self, work: Any, name: str, then: Callable[[], None] = lambda: None) -> None:
        def done(_nothing: None) -> None:
            self.list_cases(name, run=True)
            then()

        self._background.start(work, done=done, failed=self._messages.error)

    # --- what is shown

    def _refresh(self) -> None:
        config_id = self._document.config_id if self._document else ""
        self._pane.set_cases(self._results.rows(config_id))
        self.script_changed()
        self._show_detail(self._pane.current())

    def _show_detail(self, name: str) -> None:
        config_id = self._document.config_id if self._document else ""
        verdict = self._results.verdict(config_id, name)
        if verdict is None or verdict.bodies is None:
            self._pane.show_detail(
                detail_of(verdict, running=name in self._results.running, chosen=bool(name))
            )
            return

        def done(compared: Any) -> None:
            if self._pane.current() == name and self._results.verdict(config_id, name) is verdict:
                self._pane.show_detail(detail_of(verdict, *compared))

        # Not the display process, where a newer preview would outrun it; this is Python that gives way every 5 ms.
        self._background.call(diff, *verdict.bodies, done=done, failed=self._messages.error)

    def _script(self) -> Script | None:
        """The script and its settings as they are in the panes; None, and said so, when the settings are broken."""
        if self._document is None:
            return None
        source, config_text = _text_of(self._document)
        try:
            config = msgspec.json.decode(config_text or "{}", type=dict[str, Any])
        except msgspec.DecodeError:
            self._messages.warn("The script config is not a JSON object; mend it in Input > Config.")
            return None
        return Script.of(source, config)

    def _saved(self, document: Document, name: str) -> SavedCase:
        if self._workspace is None:
            raise HowkError("no workspace is open")
        return SavedCase(self._workspace.path, document.config_id, name)


def _text_of(document: Document) -> tuple[bytes, str]:
    return document.editor.bytes_(), document.config_text
