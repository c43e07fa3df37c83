"""Filling in headers with the keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.headers_model import name_problem, parse_header_lines, value_problem
from widgets.key_value_table import HeadersTable


@pytest.fixture
def headers(qtbot: QtBot) -> HeadersTable:
    made = HeadersTable()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


def type_into_focus(qtbot: QtBot, *keys: str | Qt.Key) -> None:
    for key in keys:
        target = QApplication.focusWidget()
        assert target is not None
        if isinstance(key, str):
            qtbot.keyClicks(target, key)
        else:
            qtbot.keyClick(target, key)
        QApplication.processEvents()


def test_typing_with_tab_and_enter_fills_rows(qtbot: QtBot, headers: HeadersTable) -> None:
    headers.add_row()
    tab, enter = Qt.Key.Key_Tab, Qt.Key.Key_Return
    with qtbot.waitSignal(headers.changed):
        type_into_focus(qtbot, "X-One", tab, "1", tab, "X-Two", enter, "2", enter)
    assert headers.headers() == {"X-One": "1", "X-Two": "2"}


def test_delete_removes_the_selected_row(qtbot: QtBot, headers: HeadersTable) -> None:
    headers.set_headers({"A": "1", "B": "2"})
    headers.table.setFocus()
    headers.table.selectRow(0)
    qtbot.keyClick(headers.table, Qt.Key.Key_Delete)
    assert headers.headers() == {"B": "2"}


def test_pasted_lines_become_rows(qtbot: QtBot, headers: HeadersTable) -> None:
    QGuiApplication.clipboard().setText("Accept: */*\n\nX-Trace:  a:b ")
    headers.table.setFocus()
    qtbot.keyClick(headers.table, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert headers.headers() == {"Accept": "*/*", "X-Trace": "a:b"}


def test_lines_pasted_into_an_open_cell_become_rows(qtbot: QtBot, headers: HeadersTable) -> None:
    QGuiApplication.clipboard().setText("Accept: */*\nX-Trace: a")
    headers.add_row()
    editor = QApplication.focusWidget()
    assert editor is not None
    qtbot.keyClick(editor, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert headers.headers() == {"Accept": "*/*", "X-Trace": "a"}


def test_duplicates_in_any_case_are_marked_and_the_last_wins(headers: HeadersTable) -> None:
    QGuiApplication.clipboard().setText("Accept: a\naccept: b")
    headers.paste()
    assert headers.headers() == {"accept": "b"}
    assert "last one wins" in headers.problems()[0]
    assert "last one wins" in headers.table.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_what_cannot_be_sent_is_kept_out(headers: HeadersTable) -> None:
    headers.set_headers({"Bad name": "x", "Good": "line\nbreak", "Fine": "y"})
    assert headers.headers() == {"Fine": "y"}
    assert len(headers.problems()) == 2


def test_setting_headers_is_not_a_change(qtbot: QtBot, headers: HeadersTable) -> None:
    with qtbot.assertNotEmitted(headers.changed):
        headers.set_headers({"A": "1"})


def test_names_and_values_follow_rfc_9110() -> None:
    assert name_problem("X-Ok_1.~") == ""
    assert "a colon" in name_problem("X:")
    assert "a space" in name_problem("a b")
    assert name_problem("") != ""
    assert value_problem("ok\ttab") == ""
    assert "NUL" in value_problem("a\0")
    assert parse_header_lines("A\n: b") == [("A", ""), ("", "b")]
