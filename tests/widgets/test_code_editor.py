"""The common editor keeps every byte, stays quick, and works by keyboard."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from widgets.code_editor import CodeEditor
from widgets.text_limits import cut_at_character, long_lines, plain_reason_for
from widgets.theme import Theme

EVERY_BYTE = bytes(range(256)) * 3
LINES = b'{"key": "a value", "number": 12345},\n'


@pytest.fixture
def editor(qtbot: QtBot, theme: Theme) -> CodeEditor:
    made = CodeEditor()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(600, 300)
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def test_every_byte_goes_in_and_out_unchanged(editor: CodeEditor) -> None:
    editor.set_bytes(EVERY_BYTE)
    assert editor.bytes_() == EVERY_BYTE


def test_an_empty_text_is_empty(editor: CodeEditor) -> None:
    editor.set_bytes(b"x")
    editor.set_bytes(b"")
    assert editor.bytes_() == b""


def test_setting_a_text_is_not_an_edit_but_typing_is(editor: CodeEditor, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(editor.edited, wait=20):
        editor.set_bytes(b"one")
    with qtbot.waitSignal(editor.edited):
        qtbot.keyClicks(editor, "ab")
    assert editor.bytes_() == b"abone"


def test_typing_over_a_selection_is_one_edit(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.set_bytes(b"one two")
    editor.selectAll()
    edits: list[int] = []
    editor.edited.connect(lambda: edits.append(1))
    qtbot.keyClicks(editor, "x")
    qtbot.waitUntil(lambda: bool(edits))
    qtbot.wait(10)
    assert edits == [1]


def test_a_large_text_arrives_in_slices_and_is_whole_all_along(editor: CodeEditor, qtbot: QtBot) -> None:
    data = LINES * 120_000  # 4.4 MB
    with qtbot.waitSignal(editor.loaded, timeout=5000):
        editor.set_bytes(data)
        assert editor.bytes_() == data
        assert editor.readOnly() == editor.is_loading()
    assert editor.bytes_() == data
    assert not editor.readOnly()
    assert "Large" in editor.plain_reason


def test_a_new_text_cancels_the_load(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.set_bytes(LINES * 300_000)
    with qtbot.waitSignal(editor.loaded) if editor.is_loading() else qtbot.assertNotEmitted(editor.edited):
        editor.set_bytes(b"short")
    qtbot.wait(30)
    assert editor.bytes_() == b"short"
    assert editor.plain_reason == ""


def test_a_huge_line_is_shown_as_an_excerpt_and_kept_whole(editor: CodeEditor) -> None:
    data = b'{"a": 1},' * 1_200_000
    started = time.perf_counter()
    editor.set_bytes(data)
    QApplication.processEvents()
    assert time.perf_counter() - started < 0.2
    assert editor.bytes_() == data
    assert editor.length() < 40_000
    assert editor.readOnly()
    assert "Very long line" in editor.plain_reason


def test_pasting_a_huge_line_shows_an_excerpt_too(editor: CodeEditor, qtbot: QtBot) -> None:
    QApplication.clipboard().setText("a" * 1_500_000)
    with qtbot.waitSignal(editor.edited):
        editor.paste()
    qtbot.waitUntil(editor.is_excerpt)
    assert editor.size_bytes() == 1_500_000
    assert editor.updatesEnabled()


def test_a_new_line_keeps_the_indentation(editor: CodeEditor, qtbot: QtBot) -> None:
    qtbot.keyClicks(editor, "{")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "1,")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "2")
    assert editor.bytes_() == b"{\n  1,\n  2"


def test_a_small_text_is_set_quickly(editor: CodeEditor) -> None:
    editor.set_language("json")
    data = LINES * 2700
    started = time.perf_counter()
    editor.set_bytes(data)
    assert time.perf_counter() - started < 0.05  # measured 1 ms; the margin is for a busy machine


def test_replacing_all_can_be_undone_in_one_step(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.set_bytes(b"old\0text")
    with qtbot.waitSignal(editor.edited):
        editor.replace_all_text(b"new\0one")
    assert editor.bytes_() == b"new\0one"
    editor.undo()
    assert editor.bytes_() == b"old\0text"
    editor.redo()
    assert editor.bytes_() == b"new\0one"


def test_set_bytes_forgets_undo(editor: CodeEditor) -> None:
    editor.replace_all_text(b"typed")
    editor.set_bytes(b"fresh")
    assert not editor.canUndo()


def test_goto_counts_characters_and_stays_inside(editor: CodeEditor, qtbot: QtBot) -> None:
    editor.set_bytes("äöü = 1\nb".encode())
    with qtbot.waitSignal(editor.cursor_moved) as moved:
        editor.goto(1, 4)
    assert moved.args == [1, 4]
    assert editor.currentPos() == 6
    editor.goto(99, 99)
    assert editor.currentPos() == editor.length()


def test_tab_leaves_a_read_only_editor_and_esc_tab_any(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    editor, field = CodeEditor(), QLineEdit()
    row = QVBoxLayout(page)
    row.addWidget(editor)
    row.addWidget(field)
    page.show()
    qtbot.waitExposed(page)
    page.activateWindow()
    editor.setFocus()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.bytes_() == b"  "
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: page.focusWidget() is field)
    editor.set_read_only(True)
    editor.setFocus()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert page.focusWidget() is field


def test_ctrl_wheel_changes_the_size_and_says_so(editor: CodeEditor, qtbot: QtBot) -> None:
    before = editor.marginWidthN(0)
    where = QPointF(50, 50)
    wheel = QWheelEvent(
        where,
        where,
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    with qtbot.waitSignal(editor.font_scale_changed) as changed:
        QApplication.sendEvent(editor.viewport(), wheel)
    assert changed.args == [110]
    editor.set_font_scale(200)
    assert editor.marginWidthN(0) > before * 1.5


def test_the_number_margin_follows_the_line_count(editor: CodeEditor) -> None:
    before = editor.marginWidthN(0)
    editor.set_bytes(b"\n" * 12_345)
    assert editor.marginWidthN(0) > before


def test_limits() -> None:
    assert list(long_lines(b"a" * 10, 10)) == []
    assert list(long_lines(b"a" * 11, 10)) == [b"a" * 11]
    assert list(long_lines(b"aaaa\n" * 1000, 10)) == []
    assert list(long_lines(b"aaaa\n" * 1000 + b"b" * 11 + b"\nc", 10)) == [b"b" * 11]
    assert plain_reason_for(b"{}") == ("", False)
    assert plain_reason_for("é\n".encode() + b"a" * 90_000) == ("", False)
    assert plain_reason_for("é".encode() + b"a" * 90_000)[1]
    assert plain_reason_for(b"a" * 120_000) == ("Long line: no colours, no folding", False)
    assert cut_at_character("aé".encode() + b"x", 2) == b"a"
    assert cut_at_character(b"abc", 9) == b"abc"


def test_braces_are_matched_only_where_the_focus_is(editor: CodeEditor, qtbot: QtBot) -> None:
    def picture(position: int) -> object:
        editor.gotoPos(position)
        qtbot.wait(30)
        return editor.grab().toImage()

    editor.set_bytes(b"{}\nx")
    elsewhere = QLineEdit()
    qtbot.addWidget(elsewhere)
    elsewhere.show()
    elsewhere.activateWindow()
    elsewhere.setFocus()
    qtbot.waitUntil(lambda: not editor.hasFocus())
    assert picture(0) == picture(4)
