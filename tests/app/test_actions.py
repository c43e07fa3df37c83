"""The table of actions: every row can be found, seen, pressed and run, and none gets in another's way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

import resources
from app.actions import ACTIONS, MENUS, Row
from app.studio import Studio
from tests.app.conftest import StudioMaker
from tests.app.driving import document, front, message, press, wait_message, write

BY_ID = {row.id: row for row in ACTIONS}
NEED_A_CASE = {"test.load", "test.update", "test.delete"}
NEED_A_CLUSTER = {"cluster.history", "cluster.refresh", "cluster.disconnect"}
ASK_FIRST = {"cluster.publish": "has unsaved changes", "cluster.approve": "has unsaved changes"}
NEED_LIVE_CALLS = {"run.sending", "run.record"}


def all_actions(menu: QMenu) -> list[QAction]:
    return [action for action in menu.actions() if not action.isSeparator()]


def menu_of(studio: Studio, title: str) -> QMenu:
    return next(action.menu() for action in studio.window.menuBar().actions() if action.text() == title)


# --- the table


def test_ids_and_texts_are_unique() -> None:
    assert [name for name, count in Counter(row.id for row in ACTIONS).items() if count > 1] == []
    texts = Counter((row.id.partition(".")[0], row.text.replace("&", "")) for row in ACTIONS)
    assert [text for text, count in texts.items() if count > 1] == []


def test_no_two_rows_have_one_shortcut() -> None:
    shortcuts = Counter(QKeySequence(row.shortcut).toString() for row in ACTIONS if row.shortcut)
    assert [keys for keys, count in shortcuts.items() if count > 1] == []


@pytest.mark.parametrize("row", [row for row in ACTIONS if row.shortcut], ids=lambda row: row.id)
def test_a_shortcut_is_written_in_qt_s_form(row: Row) -> None:
    assert QKeySequence(row.shortcut).toString(QKeySequence.SequenceFormat.PortableText) == row.shortcut


def test_no_two_rows_of_a_menu_have_one_mnemonic() -> None:
    mnemonics = Counter(
        (row.id.partition(".")[0], row.text[row.text.index("&") + 1].lower()) for row in ACTIONS
    )
    assert [found for found, count in mnemonics.items() if count > 1] == []


@pytest.mark.parametrize("row", [row for row in ACTIONS if row.icon], ids=lambda row: row.id)
def test_an_icon_exists(row: Row) -> None:
    assert resources.icon_svg(row.icon, "#123456")


@pytest.mark.parametrize("row", [row for row in ACTIONS if row.toolbar], ids=lambda row: row.id)
def test_what_is_on_the_toolbar_has_an_icon(row: Row) -> None:
    assert row.icon


# --- menus, toolbar, palette


def test_every_row_is_in_its_menu_once(studio: Studio) -> None:
    for name, title in MENUS.items():
        shown = [action.objectName() for action in all_actions(menu_of(studio, title)) if action.objectName()]
        assert shown == [row.id for row in ACTIONS if row.id.startswith(f"{name}.")]


def test_the_toolbar_has_the_rows_that_say_so(studio: Studio) -> None:
    shown = [action.objectName() for action in studio.window.toolbar.actions() if not action.isSeparator()]
    assert shown == [row.id for row in ACTIONS if row.toolbar]


def test_the_palette_has_every_row_with_its_keys(studio: Studio) -> None:
    commands = {command.id: command for command in studio.actions.commands()}
    assert list(commands) == [row.id for row in ACTIONS]
    assert commands["file.save"].shortcut == QKeySequence("Ctrl+S").toString(
        QKeySequence.SequenceFormat.NativeText
    )
    assert "&" not in "".join(command.text for command in commands.values())


def test_no_editor_takes_a_shortcut_away(studio: Studio, qtbot: QtBot) -> None:
    """With the caret in the script, every shortcut reaches its action."""
    fired: list[str] = []
    for name, action in studio.actions.by_id.items():
        action.triggered.disconnect()
        action.triggered.connect(lambda _checked=False, name=name: fired.append(name))
    expected = [row.id for row in ACTIONS if row.shortcut]
    for name in expected:
        document(studio).editor.setFocus()
        press(qtbot, studio, name)
    assert fired == expected


# --- enabled


def test_with_nothing_open_what_needs_a_script_is_off(make_studio: StudioMaker) -> None:
    studio = make_studio()
    on = {name for name, action in studio.actions.by_id.items() if action.isEnabled()}
    assert on == {row.id for row in ACTIONS if row.enabled is None}


def test_closing_the_last_script_turns_them_off_again(studio: Studio, qtbot: QtBot) -> None:
    off = {name for name, action in studio.actions.by_id.items() if not action.isEnabled()}
    assert off == NEED_A_CASE | NEED_LIVE_CALLS | NEED_A_CLUSTER
    press(qtbot, studio, "file.close")
    off = {name for name, action in studio.actions.by_id.items() if not action.isEnabled()}
    assert off == {row.id for row in ACTIONS if row.enabled is not None} - {"file.new"}


@pytest.mark.parametrize("row", ACTIONS, ids=lambda row: row.id)
def test_every_row_does_something_without_an_error(
    studio: Studio, qtbot: QtBot, row: Row, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(studio, "request.body = payload -- changed\n")
    studio.actions.trigger(row.id)
    QApplication.processEvents()
    dialog = QApplication.activeModalWidget()
    if dialog is not None:
        dialog.close()
    asked = ASK_FIRST.get(row.id, "")
    assert asked in message(studio) if asked else message(studio) == ""


# --- some of them


def test_the_palette_runs_what_is_chosen(studio: Studio, qtbot: QtBot) -> None:
    studio.theming.choose("light")
    document(studio).editor.setFocus()
    press(qtbot, studio, "view.palette")
    assert studio.window.palette_.query.hasFocus()
    qtbot.keyClicks(studio.window.palette_.query, "dark theme")
    qtbot.keyClick(studio.window.palette_.query, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: studio.theming.theme.dark)
    assert document(studio).editor.hasFocus()


def test_the_palette_s_own_text_can_be_edited_with_the_usual_keys(studio: Studio, qtbot: QtBot) -> None:
    script = document(studio).editor.bytes_()
    QGuiApplication.clipboard().setText("find")
    press(qtbot, studio, "view.palette")
    press(qtbot, studio, "edit.paste")
    assert studio.window.palette_.query.text() == "find"
    press(qtbot, studio, "edit.undo")
    assert studio.window.palette_.query.text() == ""
    assert document(studio).editor.bytes_() == script


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("go.tree", "Scripts"),
        ("go.editor", "Lua script"),
        ("go.payload", "Payload as text"),
        ("go.headers", "Headers"),
        ("go.body", "Body"),
        ("go.output_headers", "Headers"),
        ("go.request", "Request"),
        ("go.diff", "Output"),  # nothing differs and nothing is logged: the tab says so
        ("go.log", "Output"),
    ],
)
def test_a_key_leads_into_each_pane(studio: Studio, qtbot: QtBot, action: str, name: str) -> None:
    qtbot.waitUntil(studio.window.output.tabs.isEnabled)
    press(qtbot, studio, action)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.accessibleName() == name


@pytest.mark.parametrize("action", ["edit.cut", "edit.paste", "edit.select_all"])
@pytest.mark.parametrize("pane", ["go.tree", "go.output_headers"])
def test_editing_from_a_list_leaves_the_script_alone(
    studio: Studio, qtbot: QtBot, action: str, pane: str
) -> None:
    qtbot.waitUntil(studio.window.output.tabs.isEnabled)
    editor = document(studio).editor
    editor.select_range(0, 7)
    QGuiApplication.clipboard().setText("pasted")
    press(qtbot, studio, pane)
    press(qtbot, studio, action)
    assert editor.bytes_() == b"request.body = payload\n"
    assert (editor.selectionStart(), editor.selectionEnd()) == (0, 7)


def test_copy_in_a_list_copies_its_row(studio: Studio, qtbot: QtBot) -> None:
    write(studio, "nonsense(")
    qtbot.waitUntil(lambda: studio.window.problems.table.model().rowCount() == 1)
    table = studio.window.problems.table
    table.setFocus()
    table.setCurrentIndex(table.model().index(0, 0))
    press(qtbot, studio, "edit.copy")
    assert "unexpected symbol" in QGuiApplication.clipboard().text()


def test_undo_and_redo_go_to_the_script(studio: Studio, qtbot: QtBot) -> None:
    editor = document(studio).editor
    editor.setFocus()
    qtbot.keyClicks(editor, "x")
    press(qtbot, studio, "edit.undo")
    assert editor.bytes_() == b"request.body = payload\n"
    press(qtbot, studio, "edit.redo")
    assert editor.bytes_() == b"xrequest.body = payload\n"


def test_find_opens_over_the_pane_that_has_the_focus(studio: Studio, qtbot: QtBot) -> None:
    press(qtbot, studio, "go.editor")
    press(qtbot, studio, "edit.find")
    assert studio.window.find_bar.isVisible()
    press(qtbot, studio, "go.payload")
    press(qtbot, studio, "edit.find")
    assert studio.window.input.payload.find_bar.isVisible()


def test_a_new_script_is_asked_for_by_name_and_opens(studio: Studio, qtbot: QtBot) -> None:
    press(qtbot, studio, "file.new")
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QLineEdit))
    qtbot.keyClicks(QApplication.focusWidget(), "acme:orders")
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: front(studio) == "acme:orders")
    studio.window.activateWindow()  # a window system does so when a dialog closes; offscreen has none
    assert studio.window.focusWidget() is document(studio).editor


@pytest.mark.parametrize("name", ["first", "FIRST", "a/b", "x" * 300])
def test_a_name_that_cannot_be_is_said(studio: Studio, qtbot: QtBot, name: str) -> None:
    studio.workspace.create_script(name)
    assert wait_message(studio, qtbot, "name")
    assert front(studio) == "first"


def test_the_recent_workspaces_are_in_a_menu(studio: Studio, folder: Path) -> None:
    assert [action.text() for action in studio.actions.recent.actions()] == [str(folder)]


def test_the_next_problem_is_gone_to(studio: Studio, qtbot: QtBot) -> None:
    write(studio, "local a = 1\nlocal b = nil + 1\n")
    qtbot.waitUntil(lambda: document(studio).editor.problems != ())
    press(qtbot, studio, "go.problem")
    editor = document(studio).editor
    assert editor.lineFromPosition(editor.currentPos()) == 1
    assert editor.hasFocus()
