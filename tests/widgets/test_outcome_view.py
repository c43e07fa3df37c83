"""The Output side: results, failures over the last good result, and the cost of showing them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.display import BodyKind, BodyText, DiffKind, DiffLine, HeaderKind, HeaderRow
from engine.model import LogLine, ScriptError, ScriptErrorType
from widgets.diff_view import DiffView
from widgets.error_banner import WORDS
from widgets.outcome_view import DIFF, HEADERS, LOG, REQUEST, OutcomeState, OutcomeView

STATE = OutcomeState(
    body=BodyText(BodyKind.JSON, '{\n  "a": 1\n}', 7, "Cut off"),
    headers=(
        HeaderRow(HeaderKind.SAME, "Accept", "*/*"),
        HeaderRow(HeaderKind.ADDED, "X-New", "1"),
        HeaderRow(HeaderKind.CHANGED, "X-Old", "2", "1"),
        HeaderRow(HeaderKind.REMOVED, "Cookie", "", "secret"),
    ),
    request_text="POST / HTTP/1.1\n\n{}",
    diff=(
        DiffLine(DiffKind.SAME, "{", 1, 1),
        DiffLine(DiffKind.REMOVED, '"a": 2', 2),
        DiffLine(DiffKind.ADDED, '"a": 1', None, 2),
        DiffLine(DiffKind.SAME, "}", 3, 3),
        DiffLine(DiffKind.ADDED, "new", None, 4),
    ),
    diff_note="Formatted",
    logs=(LogLine("info", "hello", {"n": 1}, 4), LogLine("warn", "no line")),
)
ERROR = ScriptError(ScriptErrorType.RUNTIME, "attempt to index nil", 12, "stack traceback: ...")


@pytest.fixture
def view(qtbot: QtBot) -> OutcomeView:
    made = OutcomeView()
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_a_result_fills_only_the_page_in_front(view: OutcomeView) -> None:
    view.show_result(STATE)
    assert b'"a": 1' in view.body.editor.bytes_()
    assert "Cut off" in view.body.note()
    assert view.request.editor.bytes_() == b""
    view.show_tab(REQUEST)
    assert view.request.editor.bytes_() == b"POST / HTTP/1.1\n\n{}"


def test_a_difference_that_is_told_later(view: OutcomeView) -> None:
    view.show_result(replace(STATE, diff=None, diff_note=""))
    assert not view.wants_diff()
    view.show_tab(DIFF)
    assert view.wants_diff()
    assert "Comparing" in view.diff.note()
    view.show_diff(STATE.diff or (), STATE.diff_note)
    assert not view.wants_diff()
    assert view.diff.note() == "+2 \u22121 \u00b7 Formatted"


def test_tab_titles_count(view: OutcomeView) -> None:
    view.show_result(STATE)
    assert view.tabs.tabText(HEADERS) == "Headers +1 ~1 \u22121"
    assert view.tabs.tabText(LOG) == "Log 2"


def test_an_error_keeps_the_last_good_result_and_says_so(view: OutcomeView) -> None:
    view.show_result(STATE)
    view.show_error(ERROR)
    assert view.banner.isVisible()
    assert view._label.isVisible()
    assert view._veil.isVisible()
    assert b'"a": 1' in view.body.editor.bytes_()
    view.show_result(STATE)
    assert not view.banner.isVisible()
    assert not view._veil.isVisible()


def test_a_first_error_has_no_last_good_result_but_a_log(view: OutcomeView) -> None:
    view.show_error(ERROR, STATE.logs)
    assert not view._label.isVisible()
    assert view._empty.isVisible()
    view.show_tab(LOG)
    assert view.log.table.isVisible()
    assert view.log.table.model().rowCount() == 2


def test_the_banner_jumps_to_the_line_and_shows_the_traceback(qtbot: QtBot, view: OutcomeView) -> None:
    view.show_error(ERROR)
    with qtbot.waitSignal(view.jump_requested) as jump:
        qtbot.mouseClick(view.banner.line_button, Qt.MouseButton.LeftButton)
    assert jump.args == [12]
    qtbot.mouseClick(view.banner.details_button, Qt.MouseButton.LeftButton)
    assert view.banner._details.isVisible()


def test_running_shows_only_after_a_while(qtbot: QtBot, view: OutcomeView) -> None:
    view.show_running()
    assert not view._running.isVisible()
    qtbot.waitUntil(view._running.isVisible, timeout=1000)
    view.show_result(STATE)
    assert not view._running.isVisible()


def test_a_log_line_number_is_a_link(qtbot: QtBot, view: OutcomeView) -> None:
    view.show_result(STATE)
    view.show_tab(LOG)
    table = view.log.table
    place = table.visualRect(table.model().index(0, 1)).center()
    with qtbot.waitSignal(view.jump_requested) as jump:
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert jump.args == [4]


def test_headers_can_be_copied_with_the_keyboard(qtbot: QtBot, view: OutcomeView) -> None:
    view.show_result(STATE)
    view.show_tab(HEADERS)
    view.headers.table.setFocus()
    qtbot.keyClick(view.headers.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(view.headers.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Accept: */*\nX-New: 1\nX-Old: 2\nCookie: secret"


def test_change_buttons_go_from_change_to_change(qtbot: QtBot, view: OutcomeView) -> None:
    view.show_result(STATE)
    view.show_tab(DIFF)
    rows = []
    for _ in range(3):
        qtbot.mouseClick(view.diff._next, Qt.MouseButton.LeftButton)
        rows.append(view.diff.list.currentIndex().row())
    assert rows == [1, 4, 1]
    view.diff.go_to_change(-1)
    assert view.diff.list.currentIndex().row() == 4
    view.diff.list.setFocus()
    qtbot.keyClick(view.diff.list, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "+new"


def test_the_focus_goes_into_the_page_in_front(view: OutcomeView) -> None:
    view.show_result(STATE)
    view.show_tab(HEADERS)
    view.focus_page()
    assert view.headers.table.hasFocus()


def test_idle_says_why_there_is_nothing(view: OutcomeView) -> None:
    view.show_result(STATE)
    view.show_idle("Type a payload")
    assert view._empty.text() == "Type a payload"
    assert view.tabs.tabText(LOG) == "Log"


def test_the_scroll_position_survives_a_new_result(view: OutcomeView) -> None:
    lines = "\n".join(f'"{number}"' for number in range(500))
    view.show_result(OutcomeState(BodyText(BodyKind.JSON, lines, len(lines))))
    view.body.editor.setFirstVisibleLine(200)
    view.show_result(OutcomeState(BodyText(BodyKind.JSON, lines + "\n1", len(lines) + 2)))
    assert view.body.editor.firstVisibleLine() == 200


def test_showing_a_hundred_kilobytes_is_quick(view: OutcomeView) -> None:
    line = '  {"key": "value", "number": 12345, "flag": true},\n'
    states = []
    for first in "xyz":
        text = first + line * (100_000 // len(line))
        diff = tuple(DiffLine(DiffKind.ADDED, part, None, 1) for part in text.splitlines())
        states.append(OutcomeState(BodyText(BodyKind.JSON, text, len(text)), STATE.headers, text, diff))
    view.show_result(states[0])
    QApplication.processEvents()
    best = 1.0
    for state in states[1:]:
        started = time.perf_counter()
        view.show_result(state)
        best = min(best, time.perf_counter() - started)
    assert best < 0.016  # measured 1 ms; the limit leaves room for a busy machine


def test_fifty_thousand_diff_lines_do_not_block(qtbot: QtBot) -> None:
    view = DiffView()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    lines = tuple(DiffLine(DiffKind.ADDED, f'"{number}": true', None, number) for number in range(50_000))
    started = time.perf_counter()
    view.show_diff(lines, "")
    view.list.scrollToBottom()
    view.grab()
    assert time.perf_counter() - started < 0.1  # measured 8 ms
    assert "+50000" in view.note()


def test_every_error_type_has_words() -> None:
    assert set(WORDS) == set(ScriptErrorType)
