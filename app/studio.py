"""The studio: makes the parts and wires them. `_connect` is the wiring diagram."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMessageBox

from app.actions import Actions
from app.background import Background
from app.calls_controller import CallsController
from app.cluster_controller import ClusterController
from app.cluster_service import ClusterService
from app.dialogs import ask_path
from app.docs import Docs
from app.document import Document
from app.documents import Documents
from app.editing import Editing
from app.editor_controller import EditorController
from app.input_controller import InputController
from app.main_window import MainWindow
from app.messages import Messages
from app.preview import PreviewService
from app.preview_controller import PreviewController
from app.profiles_controller import ProfilesController
from app.publishing import CASES, Publishing
from app.recording import Recording
from app.session import Session
from app.tests_controller import TestsController
from app.theming import Theming
from app.workspace_controller import WorkspaceController
from engine.drafts import DraftStore
from engine.errors import SettingsError
from engine.preview_calls import CallMode
from engine.sandbox.api import API
from engine.scripts.identity import who_am_i
from engine.scripts.problem import Problem, Severity
from engine.scripts.review_store import ReviewStore, saved_config_digest
from engine.settings import Settings, load_settings
from engine.workspace import Workspace
from widgets.bottom_panel import PROBLEMS, TESTS
from widgets.lua_editor import LuaEditor


class Studio(QObject):
    """One window on one workspace.

    Attributes:
        window, actions, documents, editors, workspace, input, calls, preview, tests, recording, editing, theming,
            session: the parts, for the actions table and for tests.
    """

    window: MainWindow
    documents: Documents
    editors: EditorController
    workspace: WorkspaceController
    input: InputController
    calls: CallsController
    preview: PreviewController
    tests: TestsController
    recording: Recording
    cluster_service: ClusterService
    cluster: ClusterController
    publishing: Publishing
    profiles: ProfilesController
    editing: Editing
    docs: Docs
    theming: Theming
    session: Session

    def __init__(self, session: Session, drafts: Path, theme: str = "", profiles: Path | None = None) -> None:
        super().__init__()
        self.session = session
        self.theming = Theming(theme or session.theme, session.scale, self)
        settings, complaint = _settings()
        self.background = Background(self)
        self._service = PreviewService(self.background, settings, self)
        self.documents = Documents(self.background, DraftStore(drafts), self._make_editor, self)
        self.window = MainWindow()
        self.messages = Messages(self.window.message_bar, self)
        self.editors = EditorController(self.window.tabs, self.documents, self.messages)
        self.workspace = WorkspaceController(
            self.window.tree, self.documents, self.background, self.messages, session
        )  # fmt: skip
        self.input = InputController(self.window.input, self.background, self._service.display, self)
        self.calls = CallsController(self.window.output.calls, session, settings)
        self.preview = PreviewController(
            self._service, self.window.output, self.window.meter, self.window.input.config,
            collect=self.input.collect, calls=self.calls.of,
        )  # fmt: skip
        self.preview.enabled = session.live_preview
        self.tests = TestsController(
            self.window.tests, self.background, settings, self.messages,
            collect=self.input.collect, answers=lambda: self.preview.answers,
        )  # fmt: skip
        self.tests.on_save = session.tests_on_save
        self.recording = Recording(
            self.calls, self.preview, self.tests,
            documents=self.documents, background=self.background, messages=self.messages,
        )  # fmt: skip
        self.cluster_service = ClusterService(self.background, settings, self)
        self.publishing = Publishing(
            self.window, self.cluster_service,
            documents=self.documents, messages=self.messages, theming=self.theming,
        )  # fmt: skip
        self.profiles = ProfilesController(
            self.window, self.background, self.messages, self.theming, profiles
        )
        self.cluster = ClusterController(
            self.window.cluster, self.window.badge, self.window.strip,
            background=self.background, service=self.cluster_service, publishing=self.publishing,
            profiles=self.profiles, messages=self.messages, theming=self.theming,
        )  # fmt: skip
        self.docs = Docs(self.window, self.theming)
        self.editing = Editing(self.window, self.editors)
        self.window.meter.set_budget(float(settings.lua.timeout) * 1000, settings.lua.memory_bytes)
        self.actions = Actions(self)
        actions = self.actions.by_id
        self.window.output.calls.set_choices(
            [actions[f"run.calls_{mode.value}"] for mode in CallMode],
            [actions["run.sending"], actions["run.record"]],
        )
        self._connect()
        # Only now: a style sheet that is there before the widgets is worked through again each time one joins another.
        self.theming.dress()
        self._show(None)
        self.window.restore(session)
        QTimer.singleShot(0, self.profiles.load)
        QTimer.singleShot(
            0, self._service.warm_up
        )  # two processes start: the first paint shall not share the CPU
        if complaint:
            self.messages.error(complaint)

    # --- wiring

    def _connect(self) -> None:
        window, documents, messages = self.window, self.documents, self.messages
        self.theming.changed.connect(self._retheme)
        self.theming.scale_changed.connect(self._rescale)
        self.background.unexpected.connect(messages.error)
        window.tree.open_requested.connect(documents.open_script)
        window.nothing_open.chosen.connect(self.workspace.new_script)
        window.problems.jump_requested.connect(self.editors.jump)
        window.output.jump_requested.connect(self.editors.jump)
        window.input.case_chosen.connect(self._load_case)
        window.input.payload.open_requested.connect(self.choose_payload)
        window.input.payload.font_scale_changed.connect(self.theming.set_scale)
        window.palette_.chosen.connect(lambda name: QTimer.singleShot(0, lambda: self.actions.trigger(name)))
        window.activated.connect(self.workspace.rescan)
        window.closing.connect(self._remember)
        self.workspace.opened.connect(self._workspace_opened)
        self.workspace.scripts_wanted.connect(self.editors.open_all)
        documents.drafting.before = self.input.collect
        documents.reloaded.connect(self._reloaded)
        documents.inputs_loaded.connect(self._inputs_loaded)
        documents.renamed.connect(self._renamed)
        documents.saved.connect(lambda document: window.tell(f"Saved {document.config_id}"))
        documents.failed.connect(messages.error)
        documents.noted.connect(messages.note)
        self.editors.switched.connect(self._show)
        self.editors.marks_changed.connect(self._refresh_marks)
        self.input.edited.connect(documents.touch)
        self.input.edited.connect(documents.changed)
        self.input.edited.connect(lambda _document: self.preview.schedule())
        self.input.edited.connect(lambda _document: self.tests.script_changed())
        self.input.failed.connect(messages.error)
        documents.saved.connect(self.tests.script_saved)
        window.activated.connect(self.tests.list_cases)
        window.tests.changed.connect(self.actions.refresh)
        self.tests.listed.connect(window.input.set_cases)
        self.tests.load_requested.connect(self._load_case)
        self.tests.marks_changed.connect(self._refresh_marks)
        self.tests.on_save_changed.connect(self._remember_tests_on_save)
        self.calls.changed.connect(self.actions.refresh)
        self.calls.changed.connect(self.preview.calls_changed)
        self.calls.changed.connect(self._show_preview_state)
        window.output.calls.record_requested.connect(self.recording.record)
        self.preview.problems_found.connect(self._show_problems)
        self.preview.enabled_changed.connect(self._live_changed)
        self.preview.engine_failed.connect(
            lambda why: messages.error(
                f"No preview: {why}", {"Try again": self.preview.run_now}, about="preview"
            )
        )
        self.preview.ran.connect(lambda _result: messages.withdraw("preview"))
        self._connect_cluster()

    def _connect_cluster(self) -> None:
        self.documents.saved.connect(self._note_author)
        self.documents.saved.connect(lambda _document: self.cluster_service.refresh())
        self.cluster.changed.connect(self._cluster_changed)
        self.cluster.open_wanted.connect(self._open_from_cluster)
        self.cluster.add_wanted.connect(self.workspace.add_script)
        self.publishing.done.connect(self.window.tell)
        self.publishing.link_chosen.connect(self._show_check)

    def _make_editor(self) -> LuaEditor:
        editor = LuaEditor(API)
        editor.apply_theme(self.theming.theme)
        editor.set_font_scale(self.theming.scale)
        editor.edited.connect(lambda: self._script_edited(editor))
        editor.cursor_moved.connect(self._show_caret)
        editor.font_scale_changed.connect(self.theming.set_scale)
        return editor

    # --- looks

    def _retheme(self) -> None:
        self.window.apply_theme(self.theming.theme)
        for document in self.documents.open.values():
            document.editor.apply_theme(self.theming.theme)
        self.actions.refresh_icons()
        self.session.theme = self.theming.choice

    def _rescale(self, percent: int) -> None:
        self.window.set_font_scale(percent)
        for document in self.documents.open.values():
            document.editor.set_font_scale(percent)
        self.session.scale = percent

    # --- the document in front

    def _show(self, document: Document | None) -> None:
        self.input.show(document)
        self.calls.show(document)
        self.preview.set_document(document)
        self.window.show_editors(document is not None)
        self.window.problems.set_problems(self.editors.problems_of(document))
        self.window.caret.clear()
        self.tests.show(document)
        self.window.find_bar.attach(document.editor if document else None)
        if document is not None:
            self.window.tree.select(document.config_id)
        self._show_preview_state()
        self.actions.refresh()

    def _load_case(self, name: str) -> None:
        if self.editors.current is not None:
            self.documents.load_case(self.editors.current, name)

    def _inputs_loaded(self, document: Document) -> None:
        if document is self.editors.current:
            self.input.show_inputs(document)
            self.calls.show(document)
            self.preview.schedule()

    def _reloaded(self, document: Document) -> None:
        if document is self.editors.current:
            self.window.input.config.set_text(document.config_text)
            self.preview.schedule()

    def _renamed(self, document: Document, _old: str) -> None:
        if document is self.editors.current:
            self._show(document)

    def _script_edited(self, editor: LuaEditor) -> None:
        if self.editors.current is not None and self.editors.current.editor is editor:
            self.preview.schedule()
            self.tests.script_changed()

    def _refresh_marks(self) -> None:
        failing = self.tests.marks()
        self.workspace.refresh(
            failing | {name: bad for name, found in self.editors.problems.items() if (bad := _errors(found))}
        )
        if self.editors.current is not None:
            self.window.tree.select(self.editors.current.config_id)

    def _workspace_opened(self, workspace: Workspace) -> None:
        self.calls.change_workspace(workspace)
        self.cluster_service.set_workspace(workspace)
        self.tests.change_workspace(workspace)
        self.window.setWindowTitle(f"{workspace.path.name} — HOWK Studio")
        self.workspace.fill_recent(self.actions.recent)
        self.actions.refresh()

    def choose_payload(self) -> None:
        """Asks for a file and takes its bytes as the payload."""
        ask_path(self.window, "Open payload", self.workspace.folder(), self.input.open_payload, folder=False)

    # --- the cluster

    def current_id(self) -> str:
        """The script in front."""
        return self.editors.current.config_id if self.editors.current else ""

    def go_to_scripts(self) -> None:
        """Back to the scripts, the tree first."""
        self.window.show_cluster(False)
        self.editing.focus_tree()

    def _cluster_changed(self) -> None:
        self.workspace.standings = self.cluster.standings
        profile = self.cluster.profile
        with_redis = profile is not None and not profile.through_api
        self.calls.use_cluster(
            profile.name if profile else "", profile.redis if profile and with_redis else None
        )
        self._refresh_marks()
        self.actions.refresh()

    def _open_from_cluster(self, config_id: str) -> None:
        self.window.show_cluster(False)
        self.documents.open_script(config_id)

    def _show_check(self, config_id: str, link: str) -> None:
        self._open_from_cluster(config_id)
        self.editing.focus_bottom(TESTS if link == CASES else PROBLEMS)

    def _note_author(self, document: Document) -> None:
        """Who saved a text is one of its authors, which some clusters ask for."""
        workspace, saved = self.workspace.workspace, document.saved
        if workspace is not None and saved is not None:
            reviews, digest = ReviewStore(workspace), saved.digest
            config_digest = saved_config_digest(document.saved_config)
            self.background.call_in_order(
                lambda: reviews.note_saved(document.config_id, who_am_i(os.environ), digest, config_digest),
                failed=self.messages.error,
            )

    # --- the preview

    def _show_problems(self, document: Document, problems: tuple[Problem, ...]) -> None:
        self.editors.show_problems(document, problems)
        if document is self.editors.current:
            self.window.problems.set_problems(problems)
            self._show_preview_state()

    def _live_changed(self, on: bool) -> None:
        self.session.live_preview = on
        self._show_preview_state()
        self.actions.refresh()

    def _remember_tests_on_save(self, on: bool) -> None:
        self.session.tests_on_save = on

    def _show_preview_state(self) -> None:
        current = self.editors.current
        count = len(_errors(self.editors.problems_of(current)))
        text = "Live preview" if self.preview.enabled else "Live preview off"
        if self.calls.mode is CallMode.LIVE:
            text = "Calls are live: runs when asked"
        if count:
            text += f" · {count} problem{'s' if count > 1 else ''}"
        self.window.engine_state.setText(text if current else "")

    def _show_caret(self, line: int, column: int) -> None:
        self.window.caret.setText(f"Ln {line}, Col {column}")

    # --- the window

    def open_palette(self) -> None:
        """Shows every command to search in."""
        self.actions.refresh()
        self.window.palette_.set_commands(self.actions.commands())
        self.window.palette_.open_palette()

    def about(self) -> None:
        """What this program is."""
        box = QMessageBox(self.window)
        box.setText("HOWK Studio")
        box.setInformativeText(
            "Write, preview and check the Lua scripts that transform HOWK webhooks. "
            "Scripts run in a sandboxed Lua 5.1, the same that the workers use."
        )
        box.finished.connect(box.deleteLater)
        box.open()

    def quit(self) -> None:
        """Closes the window; unsaved text is kept."""
        self.window.close()

    def _remember(self) -> None:
        workspace = self.workspace.workspace
        if workspace is not None:
            current = self.editors.current.config_id if self.editors.current else ""
            self.session.set_open_scripts(workspace.path, self.editors.open_in_order(), current)
        for document in self.documents.open.values():
            self.documents.drafting.write(document)
        self.window.remember(self.session)
        self.session.save()

    def shut_down(self) -> None:
        """Ends the background and everything in it; for the end of the program, after the window closed."""
        self.documents.drafting.wait()
        self.cluster_service.close()
        self.background.stop(self._close_services())

    async def _close_services(self) -> None:
        await self._service.close()
        await self.tests.service.close()
        await self.cluster_service.end()


def _errors(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def _settings() -> tuple[Settings, str]:
    """The engine's settings for the preview, and what is wrong with the user's when they cannot be used."""
    try:
        return load_settings(os.environ), ""
    except SettingsError as problem:
        return Settings(), f"{problem} The preview uses the defaults."
