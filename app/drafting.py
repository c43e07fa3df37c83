"""Keeps what is not saved on disk while it is typed, so that a crash loses two seconds at most."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.background import Background
from app.document import Document
from app.document_files import INPUT, PARTS, SCRIPT, draft_key
from app.inputs import Inputs
from engine.drafts import Draft, DraftStore

DRAFT_DELAY_MS = 1000
DRAFT_PAYLOAD_BYTES = 8 * 1024 * 1024
"""A larger payload is not kept as a draft: it came from a file, and writing it again and again would be felt."""

LAST_WRITE_SECONDS = 5.0


class Drafting(QObject):
    """The drafts of the open scripts of one workspace at a time.

    Attributes:
        folder: the workspace, which is part of a draft's name.
        before: called before drafts are written, to bring the inputs of the document in front up to date.
        store: where they are.

    Signals:
        failed(str): a draft cannot be kept, for a person.
    """

    failed = Signal(str)

    def __init__(self, background: Background, store: DraftStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = Path()
        self.before: Callable[[], None] = lambda: None
        self.store = store
        self._background = background
        self._due: set[Document] = set()
        self._writing: set[Future[None]] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DRAFT_DELAY_MS)
        self._timer.timeout.connect(self.write_due)

    def touch(self, document: Document) -> None:
        """Notes that a document changed: its draft is written within DRAFT_DELAY_MS."""
        self._due.add(document)
        if not self._timer.isActive():
            self._timer.start()

    def write_due(self) -> None:
        """Writes the drafts that are due."""
        self._timer.stop()
        self.before()
        while self._due:
            self._write_parts(self._due.pop())

    def write(self, document: Document) -> None:
        """Writes a document's drafts now."""
        self.before()
        self._due.discard(document)
        self._write_parts(document)

    def forget(self, config_id: str, *parts: str) -> None:
        """Removes drafts of a script: the PARTS named, else all."""
        for part in parts or PARTS:
            self._do(self.store.discard, draft_key(self.folder, config_id, part))

    def wait(self) -> None:
        """Blocks until what was handed over is on disk; only for the end of the program."""
        wait(self._writing, timeout=LAST_WRITE_SECONDS)

    def restore(self, document: Document, drafts: tuple[Draft, ...]) -> None:
        """Puts unsaved work back into a document."""
        for draft in drafts:
            if draft.meta.get("part") == SCRIPT:
                if draft.data != document.editor.bytes_():
                    document.editor.replace_all_text(draft.data)
                document.config_text = draft.meta.get("config", document.config_text)
            else:
                self._restore_inputs(document, draft)

    def _restore_inputs(self, document: Document, draft: Draft) -> None:
        try:
            document.inputs = Inputs.of_draft(draft.data, draft.meta)
        except msgspec.MsgspecError:
            self.failed.emit(f"The unsaved input of {document.config_id} could not be read.")

    def _write_parts(self, document: Document) -> None:
        config_id = document.config_id
        if document.dirty:
            meta = {"part": SCRIPT, "config": document.config_text, "config_id": config_id}
            self._keep(SCRIPT, document.editor.bytes_(), meta)
        else:
            self.forget(config_id, SCRIPT)
        if len(document.inputs.payload) <= DRAFT_PAYLOAD_BYTES:
            meta = {"part": INPUT, "config_id": config_id, **document.inputs.draft_meta()}
            self._keep(INPUT, document.inputs.payload, meta)

    def _keep(self, part: str, data: bytes, meta: dict[str, str]) -> None:
        self._do(self.store.save, draft_key(self.folder, meta["config_id"], part), data, meta)

    def _do(self, function: Callable[..., None], *args: object) -> None:
        """In the background, in the order asked for: an older draft must not come after a newer one."""
        doing = self._background.call_in_order(
            function, *args, failed=lambda problem: self.failed.emit(str(problem))
        )
        self._writing.add(doing)
        doing.add_done_callback(self._writing.discard)
