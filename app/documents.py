"""The open documents: reading and saving scripts with their settings and inputs.

Everything that touches a disk runs in the background; what a user typed stays in the editor whatever comes of it.
Reading waits for the drafts that are being written, since it reads them too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.background import Background
from app.document import Document
from app.document_files import SCRIPT, Save, SavedFiles, ScriptFiles, read_case, read_files, write_files
from app.drafting import Drafting
from app.inputs import Inputs
from engine.drafts import DraftStore
from engine.workspace import FileText, Workspace
from engine.workspace_names import file_stem
from widgets.lua_editor import LuaEditor

MakeEditor = Callable[[], LuaEditor]


class Documents(QObject):
    """The open scripts of one workspace.

    Attributes:
        workspace: the folder; None before one is open.
        open: the documents by config_id.
        opening: config_ids that are being read.
        drafting: keeps what is not saved.

    Signals:
        opened(object): a Document, ready to be shown.
        refused(str): the config_id of a script that could not be opened; `failed` says why.
        closed(object): a Document that is no longer open.
        renamed(object, str): a Document with its new name, and the old name.
        changed(object): a Document whose saved state changed; None when any may have.
        reloaded(object): a Document whose text was read anew.
        inputs_loaded(object): a Document whose inputs were replaced from outside the panes.
        saved(object): a Document that was written.
        not_saved(object, object): a Document and the HowkError that kept it from being written.
        failed(str): what went wrong, for a person.
        noted(str): what a person should know.
    """

    opened = Signal(object)
    refused = Signal(str)
    closed = Signal(object)
    renamed = Signal(object, str)
    changed = Signal(object)
    reloaded = Signal(object)
    inputs_loaded = Signal(object)
    saved = Signal(object)
    not_saved = Signal(object, object)
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
        self.drafting = Drafting(background, drafts, self)
        self.drafting.failed.connect(self.failed)
        self._background, self._make_editor = background, make_editor

    def is_open(self, document: Document) -> bool:
        """Whether a document still is: its editor is gone when not."""
        return self.open.get(document.config_id) is document

    def _fail(self, problem: Exception) -> None:
        self.failed.emit(str(problem))

    # --- opening and closing

    def change_workspace(self, workspace: Workspace) -> None:
        """Closes what is open, keeping drafts, and works in another folder from now on."""
        for document in list(self.open.values()):
            self.close(document)
        self.opening.clear()
        self.workspace = workspace
        self.drafting.folder = workspace.path.resolve()

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
        self._background.call_in_order(
            read_files, workspace, self.drafting.store, config_id,
            done=lambda files: self._show(workspace, files),
            failed=lambda problem: self._not_opened(config_id, problem),
        )  # fmt: skip

    def _not_opened(self, config_id: str, problem: Exception) -> None:
        self.opening.discard(config_id)
        self._fail(problem)
        self.refused.emit(config_id)

    def _show(self, workspace: Workspace, files: ScriptFiles) -> None:
        if workspace is not self.workspace:
            return
        self.opening.discard(files.config_id)
        document = Document(files.config_id, self._make_editor(), inputs=files.inputs)
        document.editor.set_bytes(files.script.data)
        self._take_files(document, files)
        self.drafting.restore(document, files.drafts)
        document.editor.savePointChanged.connect(lambda _dirty: self.changed.emit(document))
        document.editor.edited.connect(lambda: self.touch(document))
        self.open[files.config_id] = document
        self.opened.emit(document)
        if document.dirty:
            self.noted.emit(f"Unsaved changes of {files.config_id} were restored.")
        if files.note:
            self.failed.emit(files.note)

    @staticmethod
    def _take_files(document: Document, files: ScriptFiles) -> None:
        document.saved, document.saved_config = files.script, files.config
        document.config_text = files.config.text if files.config else ""
        document.modified_ns = files.modified_ns
        document.editor.setSavePoint()

    def close(self, document: Document, *, discard: bool = False) -> None:
        """Closes a document; with `discard` its unsaved changes are given up, else they stay as a draft."""
        self.drafting.write(document)
        if discard:
            self.drafting.forget(document.config_id, SCRIPT)
        self.open.pop(document.config_id, None)
        self.closed.emit(document)

    def rename(self, document: Document, config_id: str) -> None:
        """Gives an open document the name that its files were given."""
        workspace, old = self.workspace, document.config_id
        if workspace is None:
            return
        self.drafting.before()
        self.drafting.forget(old)
        del self.open[old]
        self.open[config_id] = document
        document.config_id = config_id
        if document.inputs.metadata.config_id == old:
            metadata = replace(document.inputs.metadata, config_id=config_id)
            document.inputs = replace(document.inputs, metadata=metadata)
        if (recordings := document.inputs.recordings) is not None:  # they moved with the script
            moved = recordings.parent.with_name(file_stem(config_id)) / recordings.name
            document.inputs = replace(document.inputs, recordings=moved)
        if document.saved is not None:
            document.saved = FileText(workspace.script_path(config_id), document.saved.data)
        if document.saved_config is not None:
            document.saved_config = FileText(workspace.config_path(config_id), document.saved_config.data)
        self.touch(document)
        self.renamed.emit(document, old)

    # --- saving

    def save(self, document: Document, *, anyway: bool = False, then_close: bool = False) -> None:
        """Writes what changed; with `anyway` over what another program wrote meanwhile."""
        workspace = self.workspace
        if workspace is None or not self.is_open(document):
            return
        save = Save(
            document.config_id, document.editor.bytes_(), document.saved,
            document.config_text, document.saved_config, anyway,
        )  # fmt: skip
        self._background.call(
            write_files, workspace, save,
            done=lambda files: self._saved(document, files, then_close=then_close),
            failed=lambda problem: self._not_saved(document, problem),
        )  # fmt: skip

    def _saved(self, document: Document, files: SavedFiles, *, then_close: bool) -> None:
        if not self.is_open(document):
            return
        document.saved, document.saved_config = files.script, files.config
        document.modified_ns = files.modified_ns
        if document.editor.bytes_() == files.script.data:  # else it was typed in while the disk worked
            document.editor.setSavePoint()
        self.drafting.write(document)
        self.changed.emit(document)
        if files.problem is not None:
            self._not_saved(document, files.problem)
            return
        self.saved.emit(document)
        if then_close and not document.dirty:
            self.close(document)

    def _not_saved(self, document: Document, problem: Exception) -> None:
        if self.is_open(document):
            self.drafting.write(document)
            self.not_saved.emit(document, problem)
        else:
            self._fail(problem)

    def revert(self, document: Document) -> None:
        """Gives up unsaved changes and reads the files again."""
        if self.workspace is not None:
            self._background.call_in_order(
                read_files, self.workspace, self.drafting.store, document.config_id,
                done=lambda files: self._reload(document, files), failed=self._fail,
            )  # fmt: skip

    def _reload(self, document: Document, files: ScriptFiles) -> None:
        if not self.is_open(document):
            return
        if document.editor.bytes_() != files.script.data:
            document.editor.replace_all_text(files.script.data)
        self._take_files(document, files)
        self.touch(document)
        self.reloaded.emit(document)
        self.changed.emit(document)

    def notice_disk(self, modified_ns: dict[str, int]) -> None:
        """Compares open documents with the files' times: unchanged ones follow the disk, for others it is noted."""
        for document in self.open.values():
            now = modified_ns.get(document.config_id, 0)
            if now in (0, document.modified_ns):
                continue
            document.modified_ns = now
            if document.dirty:
                self.noted.emit(f"{document.config_id} was changed by another program; your text was kept.")
            else:
                self.revert(document)

    # --- inputs

    def load_case(self, document: Document, name: str) -> None:
        """Replaces a document's inputs by those of a saved case."""
        if self.workspace is not None:
            self._background.call(
                read_case, self.workspace, document.config_id, name,
                done=lambda inputs: self._take_inputs(document, inputs), failed=self._fail,
            )  # fmt: skip

    def _take_inputs(self, document: Document, inputs: Inputs) -> None:
        document.inputs = inputs
        if self.is_open(document):
            self.touch(document)
            self.inputs_loaded.emit(document)

    def touch(self, document: Document) -> None:
        """Notes that a document changed, for its draft."""
        self.drafting.touch(document)
