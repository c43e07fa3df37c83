"""Record Answers: what a live run was answered becomes the recording of the case, and the preview runs from it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from app.background import Background
from app.calls_controller import CallsController
from app.document import Document
from app.document_files import read_case
from app.documents import Documents
from app.inputs import Inputs
from app.messages import Messages
from app.preview_controller import PreviewController
from app.tests_controller import TestsController
from engine.errors import HowkError
from engine.modules.fixture import Fixture, encode_fixtures
from engine.preview_calls import CallMode
from engine.workspace import Workspace
from engine.workspace_names import name_of


class Recording(QObject):
    """One click: runs the script live unless it just has, and keeps the answers beside the case that is its input."""

    def __init__(
        self,
        calls: CallsController,
        preview: PreviewController,
        tests: TestsController,
        *,
        documents: Documents,
        background: Background,
        messages: Messages,
    ) -> None:
        super().__init__(preview)
        self._calls, self._preview, self._tests = calls, preview, tests
        self._documents, self._background, self._messages = documents, background, messages
        self._wanted: Document | None = None  # keep the answers of its next run
        preview.ran.connect(lambda _result: self._run_ended())
        tests.kept.connect(self._case_kept)

    def record(self) -> None:
        """Keeps the answers of the live run that is shown, or of one that is made for it."""
        if self._calls.mode is not CallMode.LIVE or self._document is None:
            return
        if self._preview.answers is not None:
            self._keep(self._document, self._preview.answers)
        else:
            self._wanted = self._document
            self._preview.run_now()

    @property
    def _document(self) -> Document | None:
        return self._preview.document

    def _run_ended(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is None or wanted is not self._document or self._calls.mode is not CallMode.LIVE:
            return
        if self._preview.answers is not None:
            self._keep(wanted, self._preview.answers)
        else:
            self._messages.warn("Nothing was recorded: the live run failed, or was changed while it ran.")

    def _keep(self, document: Document, answers: tuple[Fixture, ...]) -> None:
        workspace, name = self._documents.workspace, self._case_of(document)
        if workspace is None:
            return
        if name is None:
            self._tests.save_case("The answers are recorded beside it.")
            return
        self._background.call_in_order(
            _save, workspace, document.config_id, name, answers, document.inputs,
            done=lambda fits: self._kept(document, workspace, name, answers, fits=fits), failed=self._messages.error,
        )  # fmt: skip

    def _case_of(self, document: Document) -> str | None:
        """The case that is the input; None when it is none, or one that is gone."""
        recordings = document.inputs.recordings
        name = name_of(recordings.name.removesuffix(".fixtures.json")) if recordings else None
        return name if name in self._tests.names else None

    def _case_kept(self, document: Document, name: str, answers: object) -> None:
        """A run was saved as a case, and with it the answers it had."""
        if self._documents.workspace is not None and isinstance(answers, tuple):
            self._kept(document, self._documents.workspace, name, answers)

    def _kept(
        self,
        document: Document,
        workspace: Workspace,
        name: str,
        answers: tuple[Fixture, ...],
        *,
        fits: bool = True,
    ) -> None:
        path = workspace.fixtures_path(document.config_id, name)
        document.inputs = replace(document.inputs, recordings=path)
        self._documents.touch(document)
        count = f"{len(answers)} answer{'' if len(answers) == 1 else 's'}"
        said = f"Recorded {count} in {path.name}, secrets masked. The preview runs from it now."
        if fits:
            self._messages.note(said)
        else:
            self._messages.warn(
                f"{said} The input is no longer that of the case, so the case may make other calls.",
                {"Save the input too": lambda: self._tests.save_as(name)},
            )
        self._calls.choose(CallMode.RECORDED)
        self._calls.show(self._document)
        if document is self._document:
            self._preview.run_now()


def _save(
    workspace: Workspace, config_id: str, name: str, answers: tuple[Fixture, ...], inputs: Inputs
) -> bool:
    """Saves a case's recording; says whether `inputs`, which it was made with, are those of the case."""
    workspace.save_fixtures(config_id, name, encode_fixtures(answers))
    try:
        saved = read_case(workspace, config_id, name)
    except HowkError:
        return False
    return replace(inputs, recordings=saved.recordings) == saved
