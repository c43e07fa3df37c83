"""The Lua editor by keyboard and mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.sandbox.api import ApiEntry
from engine.scripts.problem import Problem, Severity
from widgets.lua_editor import LuaEditor
from widgets.theme import Theme

ENTRIES = (
    ApiEntry("headers", "table", "", "Request headers.", "input"),
    ApiEntry("json", "module", "", "JSON.", "module"),
    ApiEntry("json.decode", "function", "json.decode(text)", "Parses JSON.", "module"),
    ApiEntry("json.encode", "function", "json.encode(value, pretty)", "Writes JSON.", "module"),
)


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> LuaEditor:
    made = LuaEditor(ENTRIES)
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(700, 300)
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def shown_list(editor: LuaEditor) -> str:
    return bytes(editor.autoCCurrentText().data()).decode() if editor.autoCActive() else ""


def test_blocks_indent_and_dedent_as_they_are_typed(editor: LuaEditor, qtbot: QtBot) -> None:
    for line in ("if x then", "y()", "else", "z()", "end", "t = {", "1", "}"):
        qtbot.keyClicks(editor, line)
        qtbot.keyClick(editor, Qt.Key.Key_Escape)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert editor.bytes_() == b"if x then\n  y()\nelse\n  z()\nend\nt = {\n  1\n}\n"


def test_a_word_that_only_begins_like_end_keeps_its_place(editor: LuaEditor, qtbot: QtBot) -> None:
    editor.set_bytes(b"do\n  x()")
    editor.gotoPos(editor.length())
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "end")
    assert editor.bytes_().endswith(b"\nend")
    qtbot.keyClicks(editor, "ing")
    assert editor.bytes_().endswith(b"\n  ending")


def test_a_dot_offers_a_module_s_functions_and_tab_takes_one(editor: LuaEditor, qtbot: QtBot) -> None:
    qtbot.keyClicks(editor, 'local j = require("json")')
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "j.")
    assert shown_list(editor) == "decode"
    qtbot.keyClicks(editor, "e")
    assert shown_list(editor) == "encode"
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.bytes_().endswith(b"j.encode")


def test_two_letters_offer_names_and_one_does_not(editor: LuaEditor, qtbot: QtBot) -> None:
    qtbot.keyClicks(editor, "h")
    assert not editor.autoCActive()
    qtbot.keyClicks(editor, "e")
    assert shown_list(editor) == "headers"
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert not editor.autoCActive()


def test_enter_after_a_finished_word_is_a_new_line(editor: LuaEditor, qtbot: QtBot) -> None:
    editor.set_bytes(b"ending = 1\n")
    editor.gotoPos(editor.length())
    qtbot.keyClicks(editor, "end")
    assert shown_list(editor) == "end"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert editor.bytes_() == b"ending = 1\nend\n"


@pytest.mark.qt_log_ignore("Keyboard event not accepted")  # pressing Ctrl alone
def test_ctrl_space_asks(editor: LuaEditor, qtbot: QtBot) -> None:
    qtbot.keyClick(editor, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert editor.autoCActive()
    assert editor.bytes_() == b""


def test_a_parenthesis_shows_the_signature_until_it_closes(editor: LuaEditor, qtbot: QtBot) -> None:
    qtbot.keyClicks(editor, "json.encode(")
    assert editor.callTipActive()
    qtbot.keyClicks(editor, "1, 2)")
    assert not editor.callTipActive()


def test_comments_toggle_over_the_selection_in_one_undo_step(editor: LuaEditor) -> None:
    text = b"if x then\n\n  y()\nend\n"
    editor.set_bytes(text)
    editor.selectAll()
    editor.toggle_comment()
    assert editor.bytes_() == b"-- if x then\n\n--   y()\n-- end\n"
    editor.selectAll()
    editor.toggle_comment()
    assert editor.bytes_() == text
    editor.undo()
    editor.undo()
    assert editor.bytes_() == text
    assert not editor.canUndo()


def test_problems_are_marked_and_cleared(editor: LuaEditor) -> None:
    editor.set_bytes("x = ö\nfoo bar\n".encode())
    editor.show_problems(
        [
            Problem(Severity.WARNING, "odd", 2, 0),
            Problem(Severity.ERROR, "unexpected 'bar'", 2, 5),
            Problem(Severity.INFO, "far away", 99, 3),
        ]
    )
    assert bytes(editor.eOLAnnotationText(1).data()) == b" unexpected 'bar'  (+1) "
    assert editor.indicatorValueAt(9, 11) == 1  # "bar"
    assert editor.markerGet(1) == 1 << 1
    assert "unexpected" in editor.hover_text(11)
    editor.clear_problems()
    assert editor.eOLAnnotationText(1).size() == 0
    assert editor.markerGet(1) == 0


def test_a_problem_in_an_empty_script_is_shown(editor: LuaEditor) -> None:
    editor.show_problems([Problem(Severity.ERROR, "empty", 1, 1)])
    assert bytes(editor.eOLAnnotationText(0).data()) == b" empty "


def test_a_new_script_has_no_problems_of_the_old(editor: LuaEditor) -> None:
    editor.show_problems([Problem(Severity.ERROR, "bad", 1, 1)])
    editor.set_bytes(b"x = 1")
    assert editor.markerGet(0) == 0
    assert editor.hover_text(0) == ""


def test_resting_the_pointer_shows_the_documentation(editor: LuaEditor, qtbot: QtBot) -> None:
    editor.set_bytes(b"\n\njson.decode(x)\n")
    position = editor.bytes_().index(b"decode") + 2
    where = QPoint(editor.pointXFromPosition(position), editor.pointYFromPosition(position) + 4)
    qtbot.mouseMove(editor.viewport(), where - QPoint(3, 0))
    qtbot.mouseMove(editor.viewport(), where)
    qtbot.waitUntil(editor.callTipActive, timeout=3000)
    assert "Parses JSON" in editor.hover_text(position)


def test_a_line_feed_key_starts_a_new_line(editor: LuaEditor, qtbot: QtBot) -> None:
    """Programs that type, and some keyboards, send Line Feed (keysym 0xff0a) where others send Return."""
    qtbot.keyClicks(editor, "a = 1")
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        QApplication.sendEvent(editor, QKeyEvent(kind, 0x0A, Qt.KeyboardModifier.NoModifier, "\n"))
    qtbot.keyClicks(editor, "b = 2")
    assert editor.bytes_() == b"a = 1\nb = 2"


def test_undo_goes_back_line_by_line(editor: LuaEditor, qtbot: QtBot) -> None:
    for line in ("local a = 1", "local b = 2", "x"):
        qtbot.keyClicks(editor, line)
        qtbot.keyClick(editor, Qt.Key.Key_Escape)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    editor.undo()
    assert editor.bytes_() == b"local a = 1\nlocal b = 2\n"
    editor.undo()
    assert editor.bytes_() == b"local a = 1\n"
    editor.redo()
    assert editor.bytes_() == b"local a = 1\nlocal b = 2\n"
