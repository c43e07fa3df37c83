"""The studio: makes the parts, wires them, and carries out the commands of the actions table.

`_connect` is the wiring diagram; everything that a person can do is a public method here or on a controller.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

import resources
from app.actions import Actions
from app.background import Background
from app.dialogs import ask_choice, ask_path, ask_text
from app.documents import Document, Documents
from app.input_controller import InputController
from app.main_window import MainWindow
from app.preview import PreviewService
from app.preview_controller import PreviewController
from app.session import Session, data_folder
from app.theming import Theming
from engine.drafts import DraftStore
from engine.errors import SettingsError
from engine.sandbox.api import API
from engine.scripts.problem import Problem
from engine.settings import Settings, load_settings
from engine.workspace import Workspace
from widgets.lua_editor import LuaEditor
from widgets.message_bar import MessageSeverity
from widgets.workspace_rows import ScriptEntry

NEW_SCRIPT = b"""-- What this script does, in a sentence.
local json = require("json")

local data = json.decode(payload)
request.body = json.encode(data)
"""


class Studio(QObject):
    """One window on one workspace.

    Attributes:
        window, actions, documents, input, preview, theming, session: the parts, for each other and for tests.
        current: the document in front; None when no script is open.
    """

    def __init__(self, session: Session, drafts: Path, theme: str = "") -> None:
        super().__init__()
        self.session = session
        self.current: Document | None = None
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._message_actions: dict[str, Callable[[], None]] = {}
        self._shown_when_open = ""
        self.theming = Theming(theme or session.theme, session.scale, self)
        self.theming.dress()
        settings, complaint = _settings()
        self.background = Background(self)
        self.service = PreviewService(self.background, settings, self)
        self.documents = Documents(self.background, DraftStore(drafts), self._make_editor, self)
        self.window = MainWindow()
        self.input = InputController(self.window.input, self.background, self.service.display, self)
        self.preview = PreviewController(
            self.service, self.window.output, self.window.meter, self.window.input.config, self.input.collect, self
        )  # fmt: skip
        self.preview.enabled = session.live_preview
        self.window.meter.set_budget(float(settings.lua.timeout) * 1000, settings.lua.memory_bytes)
        self.actions = Actions(self)
        self._connect()
        self._retheme()
        self.input.show(None)
        self._show_current(None)
        self.window.restore(session)
        if complaint:
            self.show_message(complaint, MessageSeverity.ERROR)

    # --- wiring

    def _connect(self) -> None:
        window, documents = self.window, self.documents
        self.theming.changed.connect(self._retheme)
        self.theming.scale_changed.connect(self._rescale)
        self.background.unexpected.connect(lambda text: self.show_message(f"Something went wrong: {text}"))
        window.tree.open_requested.connect(documents.open_script)
        window.tree.new_requested.connect(self.new_script)
        window.tree.rename_requested.connect(self.rename_script)
        window.tree.delete_requested.connect(self.delete_script)
        window.nothing_open.chosen.connect(self.new_script)
        window.tabs.switched.connect(self._switched)
        window.tabs.close_requested.connect(self._close_editor)
        window.problems.jump_requested.connect(self._jump)
        window.output.jump_requested.connect(self._jump)
        window.input.case_chosen.connect(self._load_case)
        window.input.payload.open_requested.connect(self.choose_payload)
        window.input.payload.font_scale_changed.connect(self.theming.set_scale)
        window.palette_.chosen.connect(lambda name: QTimer.singleShot(0, lambda: self.actions.trigger(name)))
        window.message_bar.action_triggered.connect(self._message_action)
        window.activated.connect(self.rescan)
        window.closing.connect(self._remember)
        documents.opened.connect(self._opened)
        documents.closed.connect(self._closed)
        documents.changed.connect(self._mark)
        documents.reloaded.connect(self._reloaded)
        documents.inputs_loaded.connect(self._inputs_loaded)
        documents.saved.connect(
            lambda document: self.window.statusBar().showMessage(f"Saved {document.config_id}", 4000)
        )
        documents.conflict.connect(self._conflict)
        documents.failed.connect(lambda text: self.show_message(text, MessageSeverity.ERROR))
        documents.noted.connect(lambda text: self.show_message(text, MessageSeverity.INFO))
        self.input.edited.connect(self._input_edited)
        self.input.failed.connect(lambda text: self.show_message(text, MessageSeverity.ERROR))
        self.preview.problems_found.connect(self._show_problems)
        self.preview.enabled_changed.connect(self._live_changed)
        self.preview.engine_failed.connect(self._engine_failed)

    def _make_editor(self) -> LuaEditor:
        editor = LuaEditor(API)
        editor.apply_theme(self.theming.theme)
        editor.set_font_scale(self.theming.scale)
        editor.edited.connect(self._script_edited)
        editor.cursor_moved.connect(self._show_caret)
        editor.font_scale_changed.connect(self.theming.set_scale)
        return editor

    # --- looks

    def _retheme(self) -> None:
        theme = self.theming.theme
        self.window.apply_theme(theme)
        for document in self.documents.open.values():
            document.editor.apply_theme(theme)
        self.actions.refresh_icons()
        self.session.theme = self.theming.choice

    def _rescale(self, percent: int) -> None:
        self.window.set_font_scale(percent)
        for document in self.documents.open.values():
            document.editor.set_font_scale(percent)
        self.session.scale = percent

    # --- messages

    def show_message(
        self,
        text: str,
        severity: MessageSeverity = MessageSeverity.WARNING,
        choices: dict[str, Callable[[], None]] | None = None,
    ) -> None:
        """Says something above the editor, with buttons for what can be done about it."""
        self._message_actions = choices or {}
        self.window.message_bar.show_message(
            text, severity, [(label, label) for label in self._message_actions]
        )

    def _message_action(self, name: str) -> None:
        self.window.message_bar.clear()
        self._message_actions.get(name, lambda: None)()

    def _engine_failed(self, why: str) -> None:
        self.show_message(f"No preview: {why}", MessageSeverity.ERROR, {"Try again": self.preview.run_now})

    # --- workspace

    def open_workspace(self, path: Path, show: str = "") -> None:
        """Opens a folder as the workspace; `show` is the script to bring to the front."""
        self.background.call(
            Workspace.open, path.resolve(),
            done=lambda workspace: self._workspace_opened(workspace, show),
            failed=lambda problem: self._workspace_failed(problem),
        )  # fmt: skip

    def _workspace_opened(self, workspace: Workspace, show: str) -> None:
        for document in list(self.documents.open.values()):
            self.documents.close(document)
        self.documents.workspace = workspace
        self.session.add_workspace(workspace.path)
        self._fill_recent()
        self.window.setWindowTitle(f"{workspace.path.name} — HOWK Studio")
        wanted = self.session.open_scripts(workspace.path)
        current = show or self.session.current_script(workspace.path)
        self._shown_when_open = current or (wanted[0] if wanted else "")
        self.rescan(then=lambda known: self._open_first(wanted, known))

    def _open_first(self, wanted: list[str], known: list[str]) -> None:
        """Opens what was open before; in a workspace never seen, the mission's example or its first script."""
        if not self._shown_when_open and known:
            self._shown_when_open = "test_config" if "test_config" in known else known[0]
        for config_id in dict.fromkeys([*wanted, self._shown_when_open]):
            if config_id in known:
                self.documents.open_script(config_id)
        self.actions.refresh()

    def _workspace_failed(self, problem: Exception) -> None:
        self.show_message(
            str(problem), MessageSeverity.ERROR,
            {"Choose another": self.choose_workspace, "Open the examples": self.open_examples},
        )  # fmt: skip

    def choose_workspace(self) -> None:
        """Asks for a folder and opens it."""
        start = self.documents.workspace.path if self.documents.workspace else Path.home()
        ask_path(self.window, "Open workspace", start, self.open_workspace, folder=True)

    def open_examples(self) -> None:
        """Opens the user's own copy of the examples, made when there is none."""
        target = data_folder() / "examples"

        def copy() -> Path:
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                resources.copy_example_workspace(target)
            return target

        self.background.call(copy, done=self.open_workspace)

    def rescan(self, then: Callable[[list[str]], None] | None = None) -> None:
        """Looks at the folder again, in the background, and brings tree and open documents up to date."""
        workspace = self.documents.workspace
        if workspace is None:
            return

        def done(listing: tuple[tuple[str, str, int], ...]) -> None:
            if self.documents.workspace is workspace:
                self._listing = listing
                self._refresh_tree()
                self.documents.notice_disk({config_id: modified for config_id, _path, modified in listing})
                if then is not None:
                    then([config_id for config_id, _path, _modified in listing])

        self.background.call(
            _list_scripts, workspace,
            done=done, failed=lambda problem: self.show_message(str(problem), MessageSeverity.ERROR),
        )  # fmt: skip

    _listing: tuple[tuple[str, str, int], ...] = ()

    def _refresh_tree(self) -> None:
        entries = []
        for config_id, path, _modified in self._listing:
            document = self.documents.open.get(config_id)
            problems = self._problems.get(config_id, ())
            dirty = document is not None and document.dirty
            entries.append(ScriptEntry(config_id, path, "", dirty, problems[0].message if problems else ""))
        self.window.tree.set_entries(tuple(entries))
        if self.current is not None:
            self.window.tree.select(self.current.config_id)

    def _fill_recent(self) -> None:
        menu = self.actions.recent
        menu.clear()
        for path in self.session.workspaces:
            menu.addAction(str(path)).triggered.connect(
                lambda _checked=False, path=path: self.open_workspace(path)
            )
        menu.setEnabled(not menu.isEmpty())

    # --- scripts: new, rename, delete

    def new_script(self) -> None:
        """Asks for a config_id and makes its script."""
        if self.documents.workspace is None:
            self.choose_workspace()
            return
        ask_text(
            self.window,
            "New script",
            "config_id of the script (namespace:name or a name):",
            "",
            self.create_script,
        )

    def create_script(self, config_id: str) -> None:
        """Makes a script and opens it."""
        workspace = self.documents.workspace
        if workspace is None:
            return

        def done(_text: object) -> None:
            self.rescan()
            self.documents.open_script(config_id)

        self._change_disk(lambda: workspace.create(config_id, NEW_SCRIPT), done)

    def rename_script(self, config_id: str) -> None:
        """Asks for another config_id; an open script is saved under it only when it has no unsaved change."""
        workspace = self.documents.workspace
        document = self.documents.open.get(config_id)
        if workspace is None:
            return
        if document is not None and document.dirty:
            self.show_message(f"Save {config_id} first; its unsaved changes would keep the old name.")
            return

        def rename(new: str) -> None:
            def done(_nothing: object) -> None:
                if document is not None:
                    self.documents.close(document, discard=True)
                    self.documents.open_script(new)
                self.rescan()

            if new != config_id:
                self._change_disk(lambda: workspace.rename(config_id, new), done)

        ask_text(self.window, "Rename script", "New config_id:", config_id, rename)

    def delete_script(self, config_id: str) -> None:
        """Asks, then moves a script with its settings and cases to the workspace's trash; it can be undone."""
        workspace = self.documents.workspace
        if workspace is None:
            return

        def done(trashed: Path) -> None:
            document = self.documents.open.get(config_id)
            if document is not None:
                self.documents.close(document, discard=True)
            self.rescan()
            undo = {
                "Undo": lambda: self._change_disk(lambda: workspace.restore(trashed), lambda _: self.rescan())
            }
            self.show_message(f"{config_id} was deleted from the workspace.", MessageSeverity.INFO, undo)

        ask_choice(
            self.window, f"Delete {config_id}?",
            "Its script, settings and saved inputs move to the workspace's .trash folder. No cluster is touched.",
            [("Delete", QMessageBox.ButtonRole.DestructiveRole,
              lambda: self._change_disk(lambda: workspace.delete(config_id), done))],
        )  # fmt: skip

    def _change_disk(self, work: Callable[[], object], done: Callable[..., None]) -> None:
        self.background.call(
            work, done=done, failed=lambda problem: self.show_message(str(problem), MessageSeverity.ERROR)
        )

    # --- documents

    def _opened(self, document: Document) -> None:
        self.window.show_editors(True)
        self._mark(document, title_only=True)
        wanted = self._shown_when_open
        in_front = self.current
        self.window.tabs.show_editor(document.editor, document.config_id)
        self._mark(document)
        if wanted and wanted != document.config_id and in_front is not None and in_front.config_id == wanted:
            self.window.tabs.show_editor(in_front.editor, in_front.config_id)
        if document.config_id == wanted:
            self._shown_when_open = ""

    def _closed(self, document: Document) -> None:
        self._problems.pop(document.config_id, None)
        self.window.tabs.remove(document.editor)
        document.editor.deleteLater()
        self.window.show_editors(bool(self.documents.open))
        self._refresh_tree()

    def _mark(self, document: Document, *, title_only: bool = False) -> None:
        if document.config_id not in self.documents.open:
            return
        path = str(document.saved.path) if document.saved else ""
        if not title_only:
            self.window.tabs.mark(document.editor, document.config_id, path, unsaved=document.dirty)
            self._refresh_tree()

    def _reloaded(self, document: Document) -> None:
        if document is self.current:
            self.window.input.config.set_text(document.config_text)
            self.preview.schedule()

    def _inputs_loaded(self, document: Document) -> None:
        if document is self.current:
            self.input.show_inputs(document)
            self.preview.schedule()

    def _load_case(self, name: str) -> None:
        if self.current is not None:
            self.documents.load_case(self.current, name)

    def _document_of(self, editor: QWidget | None) -> Document | None:
        return next((found for found in self.documents.open.values() if found.editor is editor), None)

    def _switched(self, editor: QWidget | None) -> None:
        self._show_current(self._document_of(editor))

    def _show_current(self, document: Document | None) -> None:
        if document is self.current and document is not None:
            return
        self.current = document
        self.input.show(document)
        self.preview.set_document(document)
        self.window.problems.set_problems(())
        if document is not None:
            self.window.find_bar.attach(document.editor)
            self.window.tree.select(document.config_id)
            self._show_cases(document)
        else:
            self.window.caret.clear()
            self.window.input.set_cases(())
        self._show_preview_state()
        self.actions.refresh()

    def _show_cases(self, document: Document) -> None:
        workspace = self.documents.workspace
        if workspace is None:
            return

        def done(names: tuple[str, ...]) -> None:
            if document is self.current:
                self.window.input.set_cases(names)

        self.background.call(workspace.cases, document.config_id, done=done, failed=lambda _problem: done(()))

    def _script_edited(self) -> None:
        if self.current is not None and self.sender() is self.current.editor:
            self.preview.schedule()

    def _input_edited(self, document: Document) -> None:
        self.documents.touch(document)
        self._mark(document)
        self.preview.schedule()

    def _conflict(self, document: Document) -> None:
        self.show_message(
            f"{document.config_id} was changed by another program since it was read. Your text is kept; nothing was saved.",
            MessageSeverity.WARNING,
            {
                "Save anyway": lambda: self.documents.save(document, anyway=True),
                "Take theirs": lambda: self.documents.revert(document),
            },
        )

    def save(self) -> None:
        """Saves the script in front with its settings."""
        if self.current is not None:
            self.documents.save(self.current)

    def save_all(self) -> None:
        """Saves every script that has changes."""
        for document in self.documents.open.values():
            if document.dirty:
                self.documents.save(document)

    def revert(self) -> None:
        """Asks, then gives up the unsaved changes of the script in front."""
        document = self.current
        if document is not None and document.dirty:
            ask_choice(
                self.window, f"Give up the changes to {document.config_id}?", "The text goes back to the saved file.",
                [("Revert", QMessageBox.ButtonRole.DestructiveRole, lambda: self.documents.revert(document))],
            )  # fmt: skip

    def close_current(self) -> None:
        """Closes the script in front, asking first when it has unsaved changes."""
        if self.current is not None:
            self._close_editor(self.current.editor)

    def _close_editor(self, editor: QWidget) -> None:
        document = self._document_of(editor)
        if document is None:
            return
        if not document.dirty:
            self.input.collect()
            self.documents.close(document)
            return

        def save_and_close(saved: Document) -> None:
            if saved is document:
                self.documents.saved.disconnect(save_and_close)
                self.documents.close(document)

        def save() -> None:
            self.documents.saved.connect(save_and_close)
            self.documents.save(document)

        ask_choice(
            self.window, f"Save the changes to {document.config_id}?", "Discarding cannot be undone.",
            [("Save", QMessageBox.ButtonRole.AcceptRole, save),
             ("Discard", QMessageBox.ButtonRole.DestructiveRole, lambda: self.documents.close(document, discard=True))],
        )  # fmt: skip

    def choose_payload(self) -> None:
        """Asks for a file and takes its bytes as the payload."""
        start = self.documents.workspace.path if self.documents.workspace else Path.home()
        ask_path(self.window, "Open payload", start, self.input.open_payload, folder=False)

    # --- preview

    def _show_problems(self, document: Document, problems: tuple[Problem, ...]) -> None:
        changed = self._problems.get(document.config_id, ()) != problems
        self._problems[document.config_id] = problems
        if document is self.current:
            self.window.problems.set_problems(problems)
            if problems:
                document.editor.show_problems(problems)
            else:
                document.editor.clear_problems()
            self._show_preview_state()
        if changed:
            self._refresh_tree()

    def _live_changed(self, on: bool) -> None:
        self.session.live_preview = on
        self._show_preview_state()
        self.actions.refresh()

    def _show_preview_state(self) -> None:
        if self.current is None:
            text = ""
        elif not self.preview.enabled:
            text = "Live preview off"
        else:
            count = len(self._problems.get(self.current.config_id, ()))
            text = "Live preview" if not count else f"{count} problem{'s' if count > 1 else ''}"
        self.window.engine_state.setText(text)

    def _jump(self, line: int, column: int = 1) -> None:
        if self.current is not None:
            self.current.editor.goto(line, max(column, 1))

    def next_problem(self) -> None:
        """Goes to the first problem of the script in front."""
        if self.current is not None:
            for problem in self._problems.get(self.current.config_id, ()):
                self._jump(problem.line, problem.column)
                return

    def _show_caret(self, line: int, column: int) -> None:
        self.window.caret.setText(f"Ln {line}, Col {column}")

    # --- editing commands: they go where the focus is

    def in_editor(self, command: str) -> None:
        """Undo, redo, cut, copy, paste or select all in the pane that has the focus, else in the script."""
        target: QWidget | None = QApplication.focusWidget()
        while target is not None and not hasattr(target, command):
            target = target.parentWidget()
        if target is None and self.current is not None:
            target = self.current.editor
        if target is not None:
            getattr(target, command)()

    def find(self) -> None:
        """Opens the find bar of the pane that has the focus."""
        if self.window.input.payload.isAncestorOf(QApplication.focusWidget() or self.window):
            self.window.input.payload.open_find()
        else:
            self.window.find_bar.open_find()

    def replace(self) -> None:
        """Opens the find bar for replacing."""
        if self.window.input.payload.isAncestorOf(QApplication.focusWidget() or self.window):
            self.window.input.payload.open_replace()
        else:
            self.window.find_bar.open_replace()

    def toggle_comment(self) -> None:
        """Comments the selected lines out, or in."""
        if self.current is not None:
            self.current.editor.toggle_comment()

    def complete(self) -> None:
        """Shows what can stand at the caret."""
        if self.current is not None:
            self.current.editor.show_completion(asked=True)

    # --- moving about

    def focus_editor(self) -> None:
        """The caret goes to the script."""
        if self.current is not None:
            self.current.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_input(self, tab: int) -> None:
        """Brings an input pane to the front and the focus into it."""
        self.window.input.show_tab(tab)
        self.window.input.focus_pane()

    def focus_output(self, tab: int) -> None:
        """Brings an output page to the front and the focus into it."""
        self.window.output.show_tab(tab)
        self.window.output.focus_page()

    def switch_tab(self, step: int) -> None:
        """The next or previous open script."""
        tabs = self.window.tabs
        if tabs.count():
            tabs.setCurrentIndex((tabs.currentIndex() + step) % tabs.count())

    def open_palette(self) -> None:
        """Shows every command to search in."""
        self.actions.refresh()
        self.window.palette_.set_commands(self.actions.commands())
        self.window.palette_.open_palette()

    def about(self) -> None:
        """What this program is."""
        QMessageBox.about(
            self.window, "HOWK Studio",
            "HOWK Studio: write, preview and check the Lua scripts that transform HOWK webhooks.\n\n"
            "Scripts run in a sandboxed Lua 5.1, the same that the workers use.",
        )  # fmt: skip

    # --- the end

    def quit(self) -> None:
        """Closes the window; unsaved text is kept."""
        self.window.close()

    def _remember(self) -> None:
        self.input.collect()
        workspace = self.documents.workspace
        if workspace is not None:
            shown = [
                found.config_id
                for editor in self.window.tabs.editors()
                if (found := self._document_of(editor))
            ]
            current = self.current.config_id if self.current else ""
            self.session.set_open_scripts(workspace.path, shown, current)
        for document in self.documents.open.values():
            self.documents.touch(document)
        self.documents.write_drafts()
        self.window.remember(self.session)
        self.session.save()

    def shut_down(self) -> None:
        """Ends the background and everything in it; for the end of the program, after the window closed."""
        self.background.stop(self.service.close())


def _settings() -> tuple[Settings, str]:
    """The engine's settings for the preview, and what is wrong with the user's when they cannot be used."""
    try:
        return load_settings(os.environ), ""
    except SettingsError as problem:
        return Settings(), f"{problem} The preview uses the defaults."


def _list_scripts(workspace: Workspace) -> tuple[tuple[str, str, int], ...]:
    return tuple((found.config_id, str(found.path), found.modified_ns) for found in workspace.scripts())
