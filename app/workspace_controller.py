"""The workspace in the tree: opening a folder, listing its scripts, making, renaming and deleting them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu, QMessageBox

import resources
from app.background import Background
from app.dialogs import ask_choice, ask_path, ask_text
from app.document_files import discard_drafts
from app.documents import Documents
from app.messages import Messages
from app.session import Session, data_folder
from engine.scripts.problem import Problem
from engine.workspace import ScriptFile, Workspace
from widgets.workspace_rows import ScriptEntry
from widgets.workspace_tree import WorkspaceTree

NEW_SCRIPT = b"""-- What this script does, in a sentence.
local json = require("json")

local data = json.decode(payload)
request.body = json.encode(data)
"""
FIRST_EXAMPLE = "test_config"


class WorkspaceController(QObject):
    """Between the folder on disk and the tree.

    Attributes:
        workspace: the folder that is open; None before one is.
        standings: config_id -> how the script stands towards the cluster, for its badge.

    Signals:
        opened(object): the Workspace that is open now.
        scripts_wanted(object, str): config_ids to open when a workspace opens, and the one for the front.
    """

    opened = Signal(object)
    scripts_wanted = Signal(object, str)

    def __init__(
        self,
        tree: WorkspaceTree,
        documents: Documents,
        background: Background,
        messages: Messages,
        session: Session,
    ) -> None:
        super().__init__(tree)
        self.workspace: Workspace | None = None
        self.standings: Mapping[str, str] = {}
        self._tree, self._documents, self._background = tree, documents, background
        self._messages, self._session = messages, session
        self._listing: tuple[ScriptFile, ...] = ()
        tree.new_requested.connect(self.new_script)
        tree.rename_requested.connect(self.rename_script)
        tree.delete_requested.connect(self.delete_script)

    # --- the folder

    def open(self, path: Path, front: str = "") -> None:
        """Opens a folder; `front` is the script to bring to the front."""
        self._background.call(
            _open, path,
            done=lambda found: self._opened(*found, front),
            failed=lambda problem: self._messages.error(
                problem, {"Choose another": self.choose, "Open the examples": self.open_examples}, "workspace"
            ),
        )  # fmt: skip

    def choose(self) -> None:
        """Asks for a folder and opens it."""
        ask_path(self._tree.window(), "Open workspace", self.folder(), self.open, folder=True)

    def folder(self) -> Path:
        """Where a file dialog starts."""
        return self.workspace.path if self.workspace else Path.home()

    def open_examples(self) -> None:
        """Opens the user's own copy of the examples, made when there is none."""
        self._background.call(_copy_examples, done=self.open, failed=self._messages.error)

    def fill_recent(self, menu: QMenu) -> None:
        """Fills a menu with the workspaces opened before."""
        menu.clear()
        for path in self._session.workspaces:
            action = menu.addAction(str(path))
            action.triggered.connect(lambda _checked=False, path=path: self.open(path))
        menu.setEnabled(not menu.isEmpty())

    def _opened(self, workspace: Workspace, listing: tuple[ScriptFile, ...], front: str) -> None:
        self._messages.withdraw("workspace")
        self._documents.change_workspace(workspace)
        self.workspace, self._listing = workspace, listing
        self._session.add_workspace(workspace.path)
        self._tree.set_workspace_open(True)
        self.refresh({})
        self.opened.emit(workspace)
        known = [script.config_id for script in listing]
        wanted = [name for name in self._session.open_scripts(workspace.path) if name in known]
        front = front or self._session.current_script(workspace.path)
        if front not in known and not wanted and known:
            front = FIRST_EXAMPLE if FIRST_EXAMPLE in known else known[0]
        self.scripts_wanted.emit(
            [*wanted, *([front] if front in known and front not in wanted else [])], front
        )

    def rescan(self) -> None:
        """Looks at the folder again, in the background, and brings tree and open documents up to date."""
        workspace = self.workspace
        if workspace is not None:
            self._background.call(
                workspace.scripts,
                done=lambda listing: self._rescanned(workspace, listing),
                failed=self._messages.error,
            )

    def _rescanned(self, workspace: Workspace, listing: tuple[ScriptFile, ...]) -> None:
        if self.workspace is workspace:
            self._listing = listing
            self._documents.notice_disk({script.config_id: script.modified_ns for script in listing})
            self._documents.changed.emit(None)

    def refresh(self, problems: Mapping[str, tuple[Problem, ...]]) -> None:
        """Shows the scripts with their marks."""
        entries = []
        for script in self._listing:
            document = self._documents.open.get(script.config_id)
            found = problems.get(script.config_id, ())
            dirty = document is not None and document.dirty
            message = found[0].message if found else ""
            badge = self.standings.get(script.config_id, "")
            entries.append(ScriptEntry(script.config_id, str(script.path), badge, dirty, message))
        self._tree.set_entries(tuple(entries))

    # --- scripts

    def new_script(self) -> None:
        """Asks for a config_id and makes its script."""
        if self.workspace is None:
            self.choose()
        else:
            label = "config_id of the script (a name, or namespace:name):"
            ask_text(self._tree.window(), "New script", label, "", self.create_script)

    def create_script(self, config_id: str) -> None:
        """Makes a script and opens it."""
        self.add_script(config_id, NEW_SCRIPT)

    def add_script(self, config_id: str, source: bytes) -> None:
        """Makes a script of a text and opens it; one that is there is left alone, and that is said."""
        workspace = self.workspace
        if workspace is None:
            return

        def done(_saved: object) -> None:
            self.rescan()
            self._documents.open_script(config_id)

        def make() -> None:
            workspace.create(config_id, source)
            discard_drafts(workspace, store, config_id)  # of one that was deleted

        store = self._documents.drafting.store
        self._background.call_in_order(make, done=done, failed=self._messages.error)

    def rename_script(self, config_id: str) -> None:
        """Asks for another config_id; a script with unsaved changes is to be saved first."""
        document = self._documents.open.get(config_id)
        if document is not None and document.dirty:
            self._messages.warn(f"Save {config_id} first: its unsaved changes would keep the old name.")
            return
        ask_text(
            self._tree.window(), "Rename script", "New config_id:", config_id,
            lambda new: self._rename(config_id, new),
        )  # fmt: skip

    def _rename(self, config_id: str, new: str) -> None:
        workspace = self.workspace
        if workspace is None or new == config_id:
            return

        def done(_nothing: object) -> None:
            document = self._documents.open.get(config_id)
            if document is not None:
                self._documents.rename(document, new)
            self.rescan()

        self._change(lambda: workspace.rename(config_id, new), done)

    def delete_script(self, config_id: str) -> None:
        """Asks, then moves a script with its settings and cases to the workspace's trash; it can be undone."""
        ask_choice(
            self._tree.window(), f"Delete {config_id}?",
            "Its script, settings and saved inputs move to the workspace's .trash folder. No cluster is touched.",
            [("Delete", QMessageBox.ButtonRole.DestructiveRole, lambda: self._delete(config_id))],
        )  # fmt: skip

    def _delete(self, config_id: str) -> None:
        workspace = self.workspace
        if workspace is None:
            return

        def done(trashed: Path) -> None:
            document = self._documents.open.get(config_id)
            if document is not None:
                self._documents.close(document)  # its unsaved changes stay, for Undo
            self.rescan()
            undo = {"Undo": lambda: self._restore(workspace, trashed, config_id if document else "")}
            self._messages.note(f"{config_id} was deleted from the workspace.", undo)

        self._change(lambda: workspace.delete(config_id), done)

    def _restore(self, workspace: Workspace, trashed: Path, reopen: str) -> None:
        def done(_nothing: object) -> None:
            self.rescan()
            if reopen:
                self._documents.open_script(reopen)

        self._change(lambda: workspace.restore(trashed), done)

    def _change(self, work: Callable[[], object], done: Callable[..., None]) -> None:
        self._background.call(work, done=done, failed=self._messages.error)


def _open(path: Path) -> tuple[Workspace, tuple[ScriptFile, ...]]:
    workspace = Workspace.open(path.resolve())
    return workspace, workspace.scripts()


def _copy_examples() -> Path:
    target = data_folder() / "examples"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        resources.copy_example_workspace(target)
    return target
