"""The open documents: reading, saving and keeping drafts of scripts with their settings and inputs.

Everything that touches a disk runs in the background; what a user typed stays in the editor whatever comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.background import Background
from app.inputs import Inputs
from engine.drafts import Draft, DraftStore
from engine.errors import BadInput, HowkError
from engine.workspace import ChangedOnDisk, FileText, Workspace
from widgets.lua_editor import LuaEditor

DRAFT_DELAY_MS = 1000
DRAFT_PAYLOAD_BYTES = 8 * 1024 * 1024
"""A larger payload is not kept as a draft: it came from a file, and writing it again and again would be felt."""

LAST_WRITE_SECONDS = 5.0

MakeEditor = Callable[[], LuaEditor]


@dataclass(eq=False)
class Document:
    """One open script.

    Attributes:
        editor: holds the text; what it holds is the truth until it is saved.
        saved, saved_config: the files as they were last read or written; None while there is none.
        config_text: the script_config as typed, broken or not.
        inputs: the webhook that the preview runs it on.
        modified_ns: the script file's time when it was last read, to notice other programs.
    """

    config_id: str
    editor: LuaEditor
    saved: FileText | None = None
    saved_config: FileText | None = None
    config_text: str = ""
    inputs: Inputs = field(default_factory=Inputs)
    modified_ns: int = 0

    @property
    def config_dirty(self) -> bool:
        """Whether the script_config differs from its file."""
        return self.config_text != (self.saved_config.text if self.saved_config else "")

    @property
    def dirty(self) -> bool:
        """Whether closing without saving would lose a change."""
        return self.editor.modify() or self.config_dirty


@dataclass(frozen=True, slots=True)
class _Read:
    """A script as read from disk with what belongs to it."""

    config_id: str
    script: FileText
    config: FileText | None
    inputs: Inputs
    drafts: tuple[Draft, ...]
    note: str


class Documents(QObject):
    """The open scripts of one workspace.

    Attributes:
        workspace: the folder; None before one is open.
        open: the documents by config_id.
        opening: config_ids that are being read.
        before_draft: called before drafts are written, to bring the inputs of the document in front up to date.

    Signals:
        opened(object): a Document, ready to be shown.
        refused(str): the config_id of a script that could not be opened; `failed` says why.
        closed(object): a Document that is no longer open.
        changed(object): a Document whose saved state changed; None when any may have.
        reloaded(object): a Document whose text was read anew.
        inputs_loaded(object): a Document whose inputs were replaced from outside the panes.
        saved(object): a Document that was written.
        conflict(object): a Document whose file another program changed; nothing was saved.
        failed(str): what went wrong, for a person.
        noted(str): what a person should know.
    """

    opened = Signal(object)
    refused = Signal(str)
    closed = Signal(object)
    changed = Signal(object)
    reloaded = Signal(object)
    inputs_loaded = Signal(object)
    saved = Signal(object)
    conflict = Signal(object)
    failed = Signal(str)
    noted = Signal(str)

    def __init__(
        self,
        background: Background,
        drafts: DraftStore,
        make_editor: MakeEditor,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace: Workspace | None = None
        self.open: dict[str, Document] = {}
        self.opening: set[str] = set()
        self.before_draft: Callable[[], None] = lambda: None
        self._background, self._drafts, self._make_editor = background, drafts, make_editor
        self._undrafted: set[Document] = set()
        self._writing: set[Future[None]] = set()
        self._draft_timer = QTimer(self)
        self._draft_timer.setSingleShot(True)
        self._draft_timer.setInterval(DRAFT_DELAY_MS)
        self._draft_timer.timeout.connect(self.write_drafts)

    # --- opening and closing

    def change_workspace(self, workspace: Workspace) -> None:
        """Closes what is open, keeping drafts, and works in another folder from now on."""
        self.write_drafts()
        for document in list(self.open.values()):
            self.close(document)
        self.opening.clear()
        self.workspace = workspace

    def open_script(self, config_id: str) -> None:
        """Opens a script, or shows the one that is open; `opened` follows."""
        document = self.open.get(config_id)
        if document is not None:
            self.opened.emit(document)
            return
        workspace = self.workspace
        if workspace is None or config_id in self.opening:
            return
        self.opening.add(config_id)
        self._background.call(
            _read, workspace, self._drafts, config_id,
            done=lambda read: self._show(workspace, read),
            failed=lambda problem: self._not_opened(config_id, problem),
        )  # fmt: skip

    def _not_opened(self, config_id: str, problem: Exception) -> None:
        self.opening.discard(config_id)
        self.failed.emit(str(problem))
        self.refused.emit(config_id)

    def _show(self, workspace: Workspace, read: _Read) -> None:
        if workspace is not self.workspace:
            return
        self.opening.discard(read.config_id)
        document = Document(read.config_id, self._make_editor(), read.script, read.config, inputs=read.inputs)
        document.config_text = read.config.text if read.config else ""
        document.modified_ns = _modified_ns(read.script.path)
        document.editor.set_bytes(read.script.data)
        document.editor.setSavePoint()
        restored = self._apply_drafts(document, read.drafts)
        document.editor.savePointChanged.connect(lambda _dirty: self.changed.emit(document))
        document.editor.edited.connect(lambda: self.touch(document))
        self.open[read.config_id] = document
        self.opened.emit(document)
        if restored:
            self.noted.emit(f"Unsaved changes of {read.config_id} were restored.")
        if read.note:
            self.failed.emit(read.note)

    def _apply_drafts(self, document: Document, drafts: tuple[Draft, ...]) -> bool:
        """Puts unsaved work back; True when the script or its settings differ from the disk."""
        for draft in drafts:
            if draft.meta.get("part") == "script":
                if draft.data != document.editor.bytes_():
                    document.editor.replace_all_text(draft.data)
                document.config_text = draft.meta.get("config", document.config_text)
            else:
                try:
                    document.inputs = Inputs.of_draft(draft.data, draft.meta)
                except msgspec.MsgspecError:
                    self.failed.emit(f"The unsaved input of {document.config_id} could not be read.")
        return document.dirty

    def close(self, document: Document, *, discard: bool = False) -> None:
        """Closes a document; with `discard` its unsaved changes are given up, else they stay as a draft."""
        self.before_draft()
        if discard:
            self._forget(document, "script")
        self._write_draft(document, with_script=not discard)
        self._undrafted.discard(document)
        self.open.pop(document.config_id, None)
        self.closed.emit(document)

    # --- saving

    def save(self, document: Document, *, anyway: bool = False, then_close: bool = False) -> None:
        """Writes what changed; with `anyway` over what another program wrote meanwhile."""
        workspace = self.workspace
        if workspace is None:
            return
        text = document.editor.bytes_()
        config = document.config_text
        self._background.call(
            _save, workspace, document, text, config, anyway,
            done=lambda saved: self._saved(document, *saved, then_close=then_close),
            failed=lambda problem: self._not_saved(document, problem),
        )  # fmt: skip

    def _saved(
        self, document: Document, script: FileText, config: FileText | None, *, then_close: bool
    ) -> None:
        document.saved, document.saved_config = script, config
        document.modified_ns = _modified_ns(script.path)
        if document.editor.bytes_() == script.data:  # else it was typed in while the disk worked
            document.editor.setSavePoint()
        if not document.dirty:
            self._forget(document, "script")
        self.changed.emit(document)
        self.saved.emit(document)
        if then_close and not document.dirty:
            self.close(document)

    def _not_saved(self, document: Document, problem: Exception) -> None:
        self._write_draft(document)
        if isinstance(problem, ChangedOnDisk):
            self.conflict.emit(document)
        else:
            self.failed.emit(str(problem))

    def revert(self, document: Document) -> None:
        """Gives up unsaved changes and reads the files again."""
        if self.workspace is not None:
            self._forget(document, "script")
            self._background.call(
                _read, self.workspace, self._drafts, document.config_id,
                done=lambda read: self._reload(document, read),
                failed=lambda problem: self.failed.emit(str(problem)),
            )  # fmt: skip

    def _reload(self, document: Document, read: _Read) -> None:
        document.saved, document.saved_config = read.script, read.config
        document.config_text = read.config.text if read.config else ""
        document.modified_ns = _modified_ns(read.script.path)
        if document.editor.bytes_() != read.script.data:
            document.editor.replace_all_text(read.script.data)
        document.editor.setSavePoint()
        self.reloaded.emit(document)
        self.changed.emit(document)

    def notice_disk(self, modified_ns: dict[str, int]) -> None:
        """Compares open documents with the files' times; unchanged ones follow the disk, others raise `conflict`."""
        for document in self.open.values():
            now = modified_ns.get(document.config_id, 0)
            if now in (0, document.modified_ns):
                continue
            document.modified_ns = now
            if document.dirty:
                self.noted.emit(f"{document.config_id} was changed by another program; your text was kept.")
            else:
                self.revert(document)

    # --- inputs and drafts

    def load_case(self, document: Document, name: str) -> None:
        """Replaces a document's inputs by those of a saved case."""
        if self.workspace is not None:
            self._background.call(
                _read_case, self.workspace, document.config_id, name,
                done=lambda inputs: self._take_inputs(document, inputs),
                failed=lambda problem: self.failed.emit(str(problem)),
            )  # fmt: skip

    def _take_inputs(self, document: Document, inputs: Inputs) -> None:
        document.inputs = inputs
        self.touch(document)
        self.inputs_loaded.emit(document)

    def touch(self, document: Document) -> None:
        """Notes that a document changed: its draft is written within DRAFT_DELAY_MS."""
        self._undrafted.add(document)
        if not self._draft_timer.isActive():
            self._draft_timer.start()

    def write_drafts(self) -> None:
        """Writes the drafts that are due."""
        self._draft_timer.stop()
        self.before_draft()
        while self._undrafted:
            self._write_draft(self._undrafted.pop())

    def write_all_drafts(self) -> None:
        """Writes the drafts of every open document, for the end of the program."""
        self._undrafted.update(self.open.values())
        self.write_drafts()

    def wait_for_drafts(self) -> None:
        """Blocks until what was handed over is on disk; only for the end of the program."""
        wait(self._writing, timeout=LAST_WRITE_SECONDS)

    def _write_draft(self, document: Document, *, with_script: bool = True) -> None:
        if with_script and document.dirty:
            meta = {"part": "script", "config": document.config_text, "config_id": document.config_id}
            self._keep(document, "script", document.editor.bytes_(), meta)
        if len(document.inputs.payload) <= DRAFT_PAYLOAD_BYTES:
            meta = {"part": "input", "config_id": document.config_id, **document.inputs.draft_meta()}
            self._keep(document, "input", document.inputs.payload, meta)

    def _keep(self, document: Document, part: str, data: bytes, meta: dict[str, str]) -> None:
        key = self._key(document.config_id, part)
        writing = self._background.call_in_order(
            self._drafts.save, key, data, meta, failed=lambda problem: self.failed.emit(str(problem))
        )
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    def _forget(self, document: Document, part: str) -> None:
        self._background.call_in_order(
            self._drafts.discard,
            self._key(document.config_id, part),
            failed=lambda problem: self.failed.emit(str(problem)),
        )

    def _key(self, config_id: str, part: str) -> str:
        folder = self.workspace.path.resolve() if self.workspace else Path()
        return draft_key(folder, config_id, part)


def draft_key(folder: Path, config_id: str, part: str) -> str:
    """How a draft is found again: the workspace, the script, and which part of it (script or input)."""
    return f"{folder}\n{config_id}\n{part}"


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(workspace: Workspace, drafts: DraftStore, config_id: str) -> _Read:
    """In the background: a script, its settings, an input to try it on, and unsaved work on them."""
    script = workspace.read_script(config_id)
    note = ""
    try:
        config = workspace.read_config(config_id)
    except HowkError as problem:
        config, note = None, str(problem)
    inputs = Inputs.default(config_id)
    try:
        cases = workspace.cases(config_id)
        if cases:
            inputs = _read_case(workspace, config_id, cases[0])
    except HowkError as problem:
        note = str(problem)
    keys = {draft_key(workspace.path.resolve(), config_id, part) for part in ("script", "input")}
    own = tuple(draft for draft in drafts.load_all().drafts if draft.key in keys)
    return _Read(config_id, script, config, inputs, own, note)


def _read_case(workspace: Workspace, config_id: str, name: str) -> Inputs:
    case = workspace.read_case(config_id, name)
    try:
        return Inputs.of_case(case, config_id)
    except msgspec.ValidationError as problem:
        place = str(workspace.case_path(config_id, name))
        raise BadInput("test case", place, f"{problem}.", "Mend its metadata.") from problem


def _save(
    workspace: Workspace, document: Document, text: bytes, config: str, anyway: bool
) -> tuple[FileText, FileText | None]:
    """In the background: writes script and settings."""
    script = workspace.save_script(document.config_id, text, None if anyway else document.saved)
    saved_config = document.saved_config
    if config != (saved_config.text if saved_config else ""):
        since = None if anyway else saved_config
        saved_config = workspace.save_config(document.config_id, config.encode(), since)
    return script, saved_config
