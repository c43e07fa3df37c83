"""Every command of the window as one row: menus, toolbar, shortcuts and palette are made from this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from app.calls_controller import EXPLANATIONS
from engine.preview_calls import CallMode
from widgets.bottom_panel import PROBLEMS, TESTS
from widgets.command_palette import Command

if TYPE_CHECKING:
    from app.studio import Studio

Handler = Callable[["Studio"], None]
Test = Callable[["Studio"], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One command.

    Attributes:
        id: menu and name, as `file.save`; the part before the dot is the menu.
        text: as menus show it, `&` before the mnemonic.
        shortcut: in Qt's portable form; empty for none.
        icon: name of an icon; empty for none.
        handler: what it does.
        enabled: when it can be used; None for always.
        checked: for a switch, whether it is on; None for a plain command.
        toolbar: whether the toolbar has it.
        separator: whether a line goes before it.
        tip: what it does, for its tooltip; empty when the text says it.
    """

    id: str
    text: str
    shortcut: str
    icon: str
    handler: Handler
    enabled: Test | None = None
    checked: Test | None = None
    toolbar: bool = False
    separator: bool = False
    tip: str = ""


def _open(studio: Studio) -> bool:
    return studio.editors.current is not None


def _connected(studio: Studio) -> bool:
    return studio.cluster.connected


def _script(studio: Studio) -> str:
    """What cluster commands are about: the row in the cluster, or the script in front."""
    row = studio.window.cluster.current() if studio.window.shows_cluster else None
    return row.config_id if row else studio.current_id()


def _connected_and_open(studio: Studio) -> bool:
    return _connected(studio) and _open(studio)


def _chosen(studio: Studio) -> bool:
    return studio.cluster.look is not None


def _has_workspace(studio: Studio) -> bool:
    return studio.workspace.workspace is not None


def _live(studio: Studio) -> bool:
    return studio.calls.mode is CallMode.LIVE


def _can_record(studio: Studio) -> bool:
    return _live(studio) and _open(studio)


def _calls_row(mode: CallMode, text: str, *, separator: bool = False) -> Row:
    return Row(
        f"run.calls_{mode.value}", text, "", "",
        lambda s: s.calls.choose(mode), None, lambda s: s.calls.mode is mode,
        separator=separator, tip=EXPLANATIONS[mode],
    )  # fmt: skip


def _case_selected(studio: Studio) -> bool:
    return bool(studio.window.tests.current())


def _run_cases(studio: Studio) -> None:
    studio.window.bottom.show_tab(TESTS)
    studio.tests.run_all()


MENUS = {
    "file": "&File",
    "edit": "&Edit",
    "view": "&View",
    "run": "&Run",
    "test": "&Test",
    "cluster": "&Cluster",
    "go": "&Go",
    "help": "&Help",
}

ACTIONS: tuple[Row, ...] = (
    Row("file.new", "&New Script…", "Ctrl+N", "new", lambda s: s.workspace.new_script(), _has_workspace, toolbar=True),
    Row("file.open_workspace", "&Open Workspace…", "Ctrl+O", "folder", lambda s: s.workspace.choose(), toolbar=True),
    Row("file.examples", "Open &Examples", "", "", lambda s: s.workspace.open_examples()),
    Row("file.save", "&Save", "Ctrl+S", "save", lambda s: s.editors.save(), _open, toolbar=True, separator=True),
    Row("file.save_all", "Save A&ll", "Ctrl+Shift+S", "save-all", lambda s: s.editors.save_all(), _open),
    Row("file.revert", "Re&vert to Saved", "", "", lambda s: s.editors.revert(), _open),
    Row(
        "file.open_payload", "Open &Payload…", "Ctrl+Shift+O", "open",
        lambda s: s.choose_payload(), _open, separator=True,
    ),
    Row("file.close", "&Close Script", "Ctrl+W", "close", lambda s: s.editors.close_current(), _open, separator=True),
    Row("file.quit", "&Quit", "Ctrl+Q", "", lambda s: s.quit()),
    Row("edit.undo", "&Undo", "Ctrl+Z", "undo", lambda s: s.editing.in_focus("undo"), _open, toolbar=True),
    Row("edit.redo", "&Redo", "Ctrl+Shift+Z", "redo", lambda s: s.editing.in_focus("redo"), _open, toolbar=True),
    Row("edit.cut", "Cu&t", "Ctrl+X", "cut", lambda s: s.editing.in_focus("cut"), _open, separator=True),
    Row("edit.copy", "&Copy", "Ctrl+C", "copy", lambda s: s.editing.in_focus("copy"), _open),
    Row("edit.paste", "&Paste", "Ctrl+V", "paste", lambda s: s.editing.in_focus("paste"), _open),
    Row("edit.select_all", "Select &All", "Ctrl+A", "", lambda s: s.editing.in_focus("selectAll"), _open),
    Row("edit.find", "&Find…", "Ctrl+F", "find", lambda s: s.editing.find(), _open, toolbar=True, separator=True),
    Row("edit.replace", "R&eplace…", "Ctrl+H", "replace", lambda s: s.editing.replace(), _open),
    Row(
        "edit.comment", "Toggle Co&mment", "Ctrl+/", "comment",
        lambda s: s.editing.toggle_comment(), _open, separator=True,
    ),
    Row("edit.complete", "Complete &Word", "Ctrl+Space", "", lambda s: s.editing.complete(), _open),
    Row("edit.format_payload", "Format Pa&yload", "Ctrl+Shift+F", "format", lambda s: s.input.format_payload(), _open),
    Row("run.now", "&Run Now", "F5", "run", lambda s: s.preview.run_now(), _open, toolbar=True),
    Row(
        "run.live", "&Live Preview", "Ctrl+L", "preview-on",
        lambda s: s.preview.set_enabled(not s.preview.enabled), None, lambda s: s.preview.enabled, toolbar=True,
    ),
    Row("run.stop", "&Stop the Run", "Shift+F5", "", lambda s: s.preview.stop(), _open),
    _calls_row(CallMode.OFF, "Calls: &Off", separator=True),
    _calls_row(CallMode.RECORDED, "Calls: R&ecorded"),
    _calls_row(CallMode.LIVE, "Calls: Li&ve"),
    Row(
        "run.sending", "&Allow POST, PUT, DELETE", "", "",
        lambda s: s.calls.toggle_sending(), _live, lambda s: s.calls.sends, separator=True,
        tip="Live runs really send them, until calls are no longer live.",
    ),
    Row(
        "run.record", "Record Ans&wers", "", "", lambda s: s.recording.record(), _can_record,
        tip="Keeps what a live run was answered beside the test case, secrets masked.",
    ),
    Row("test.run", "&Run All Cases", "Ctrl+Shift+R", "", _run_cases, _open),
    Row(
        "test.on_save", "Run Cases When &Saving", "", "",
        lambda s: s.tests.toggle_on_save(), None, lambda s: s.session.tests_on_save,
    ),
    Row(
        "test.save", "Save This Run as a &Case…", "Ctrl+Shift+K", "",
        lambda s: s.tests.save_case(), _open, separator=True,
    ),
    Row("test.load", "&Load Case as Input", "", "", lambda s: s.tests.load_selected(), _case_selected),
    Row(
        "test.update", "&Update Expectation…", "", "",
        lambda s: s.tests.update_expectation(), lambda s: s.window.tests.can_update(),
    ),
    Row("test.delete", "&Delete Case…", "", "", lambda s: s.tests.delete_case(), _case_selected),
    Row("view.palette", "Command &Palette…", "Ctrl+Shift+P", "palette", lambda s: s.open_palette(), toolbar=True),
    Row(
        "view.theme_system", "Theme of the &System", "", "",
        lambda s: s.theming.choose("system"), None, lambda s: s.theming.choice == "system", separator=True,
    ),
    Row(
        "view.theme_light", "&Light Theme", "", "",
        lambda s: s.theming.choose("light"), None, lambda s: s.theming.choice == "light",
    ),
    Row(
        "view.theme_dark", "&Dark Theme", "", "",
        lambda s: s.theming.choose("dark"), None, lambda s: s.theming.choice == "dark",
    ),
    Row(
        "view.toggle_theme", "S&witch Light and Dark", "Ctrl+Shift+T", "theme",
        lambda s: s.theming.toggle(), toolbar=True,
    ),
    Row("view.larger", "Lar&ger Text", "Ctrl++", "", lambda s: s.theming.zoom(1), separator=True),
    Row("view.smaller", "S&maller Text", "Ctrl+-", "", lambda s: s.theming.zoom(-1)),
    Row("view.normal", "&Normal Text", "Ctrl+0", "", lambda s: s.theming.zoom(0)),
    Row(
        "cluster.view", "&Cluster View", "Alt+9", "cluster",
        lambda s: s.window.show_cluster(not s.window.shows_cluster),
        None, lambda s: s.window.shows_cluster, toolbar=True,
    ),
    Row(
        "cluster.publish", "&Publish…", "Ctrl+Shift+U", "publish",
        lambda s: s.publishing.publish(_script(s)), _open, toolbar=True, separator=True,
    ),
    Row("cluster.approve", "&Approve…", "", "", lambda s: s.publishing.approve(_script(s)), _open),
    Row("cluster.history", "&History…", "", "", lambda s: s.cluster.show_history(_script(s)), _connected_and_open),
    Row("cluster.local", "Start the &Local Cluster", "", "", lambda s: s.cluster.choose_local(), separator=True),
    Row("cluster.profiles", "P&rofiles…", "", "", lambda s: s.profiles.manage()),
    Row("cluster.refresh", "Re&fresh", "", "", lambda s: s.cluster_service.refresh(), _connected),
    Row("cluster.disconnect", "&Disconnect", "", "", lambda s: s.cluster.disconnect_cluster(), _chosen),
    Row("go.message", "Messa&ge", "Alt+0", "", lambda s: s.window.message_bar.take_focus()),
    Row("go.tree", "&Scripts", "Alt+1", "", lambda s: s.go_to_scripts()),
    Row("go.editor", "&Editor", "Alt+2", "", lambda s: s.editing.focus_editor(), _open),
    Row("go.payload", "&Payload", "Alt+3", "", lambda s: s.editing.focus_input(0), _open),
    Row("go.headers", "&Headers", "Alt+4", "", lambda s: s.editing.focus_input(1), _open),
    Row("go.metadata", "&Metadata", "Alt+5", "", lambda s: s.editing.focus_input(2), _open),
    Row("go.config", "Script &Config", "Alt+6", "", lambda s: s.editing.focus_input(3), _open),
    Row("go.problems", "Pr&oblems", "Alt+7", "", lambda s: s.editing.focus_bottom(PROBLEMS), _open),
    Row("go.tests", "Test C&ases", "Alt+8", "", lambda s: s.editing.focus_bottom(TESTS), _open),
    Row("go.body", "Output: &Body", "Alt+Shift+1", "", lambda s: s.editing.focus_output(0), _open, separator=True),
    Row("go.output_headers", "Output: Hea&ders", "Alt+Shift+2", "", lambda s: s.editing.focus_output(1), _open),
    Row("go.request", "Output: &Request", "Alt+Shift+3", "", lambda s: s.editing.focus_output(2), _open),
    Row("go.diff", "Output: D&iff", "Alt+Shift+4", "", lambda s: s.editing.focus_output(3), _open),
    Row("go.log", "Output: &Log", "Alt+Shift+5", "", lambda s: s.editing.focus_output(4), _open),
    Row("go.problem", "Nex&t Problem", "F8", "", lambda s: s.editors.next_problem(), _open, separator=True),
    Row("go.next_tab", "&Next Script", "Ctrl+PgDown", "", lambda s: s.editors.switch(1), _open),
    Row("go.previous_tab", "Pre&vious Script", "Ctrl+PgUp", "", lambda s: s.editors.switch(-1), _open),
    Row("help.api", "&Script API", "F1", "info", lambda s: s.docs.show("script-api")),
    Row("help.calls", "&Calls in a Preview", "", "", lambda s: s.docs.show("calls")),
    Row("help.security", "&What a Script Can Do", "", "", lambda s: s.docs.show("security")),
    Row("help.migration", "Scripts from HOWK's Own &Engine", "", "", lambda s: s.docs.show("migration")),
    Row("help.lint", "What &Lint Says", "", "", lambda s: s.docs.show("lint")),
    Row("help.clusters", "Cl&usters", "", "", lambda s: s.docs.show("clusters")),
    Row("help.http_api", "The &HTTP API", "", "", lambda s: s.docs.show("api")),
    Row("help.about", "&About HOWK Studio", "", "", lambda s: s.about()),
)  # fmt: skip


class Actions:
    """The table as Qt actions of a window.

    Attributes:
        by_id: the action of each row.
        recent: the menu of recent workspaces, filled by whoever knows them.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._rows = {row.id: row for row in ACTIONS}
        self.by_id = {row.id: self._make(row) for row in ACTIONS}
        self.recent = QMenu("Open &Recent", studio.window)
        self._group([f"view.theme_{choice}" for choice in ("system", "light", "dark")])
        self._group([f"run.calls_{mode.value}" for mode in CallMode])
        self._fill_menus()

    def refresh(self) -> None:
        """Brings what can be used and what is checked up to date."""
        for row in ACTIONS:
            action = self.by_id[row.id]
            if row.enabled is not None:
                action.setEnabled(row.enabled(self._studio))
            if row.checked is not None:
                action.setChecked(row.checked(self._studio))

    def refresh_icons(self) -> None:
        """Draws the icons anew for the theme now."""
        for row in ACTIONS:
            if row.icon:
                self.by_id[row.id].setIcon(self._studio.theming.icon(row.icon))

    def commands(self) -> list[Command]:
        """The table as the palette shows it."""
        return [
            Command(
                row.id,
                f"{MENUS[row.id.partition('.')[0]]}: {row.text}".replace("&", "").removesuffix("…"),
                self.by_id[row.id].shortcut().toString(QKeySequence.SequenceFormat.NativeText),
                self.by_id[row.id].isEnabled(),
            )
            for row in ACTIONS
        ]

    def trigger(self, command_id: str) -> None:
        """Runs a command if it can be used now."""
        self.by_id[command_id].trigger()

    def _make(self, row: Row) -> QAction:
        action = QAction(row.text, self._studio.window)
        action.setObjectName(row.id)
        if row.shortcut:
            action.setShortcut(QKeySequence(row.shortcut))
            tip = row.text.replace("&", "").removesuffix("…")
            action.setToolTip(f"{tip} ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})")
        if row.tip:
            action.setToolTip(row.tip)
        action.setCheckable(row.checked is not None)
        action.triggered.connect(lambda _checked=False: self._run(row))
        return action

    def _run(self, row: Row) -> None:
        row.handler(self._studio)
        self.refresh()

    def _group(self, names: list[str]) -> None:
        """One of these is checked at a time."""
        group = QActionGroup(self._studio.window)
        for name in names:
            group.addAction(self.by_id[name])

    def _fill_menus(self) -> None:
        window = self._studio.window
        menus = {name: window.menuBar().addMenu(title) for name, title in MENUS.items()}
        last_menu = ""
        for row in ACTIONS:
            name = row.id.partition(".")[0]
            if row.separator:
                menus[name].addSeparator()
            menus[name].addAction(self.by_id[row.id])
            if row.id == "file.open_workspace":
                menus[name].addMenu(self.recent)
            if row.toolbar:
                if last_menu not in ("", name):
                    window.toolbar.addSeparator()
                last_menu = name
                window.toolbar.addAction(self.by_id[row.id])
