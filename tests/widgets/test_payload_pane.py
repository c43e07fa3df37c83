"""The payload pane: exact bytes, two views of one truth, and what it says about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.display import JsonProblem
from widgets.payload_pane import PayloadPane
from widgets.payload_text import looks_binary, offset_of, why_not_text
from widgets.theme import Theme

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def pane(qtbot: QtBot, theme: Theme) -> PayloadPane:
    made = PayloadPane()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(620, 320)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_every_byte_goes_in_and_out_unchanged(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.set_content(EVERY_BYTE)
    assert pane.content() == EVERY_BYTE
    assert pane.is_hex()
    assert not pane.text_button.isEnabled()
    assert "Not UTF-8" in pane.text_button.toolTip()
    qtbot.mouseClick(pane.text_button, Qt.MouseButton.LeftButton)
    pane.show_text()
    assert pane.is_hex()
    assert pane.content() == EVERY_BYTE


def test_text_with_nuls_opens_as_bytes_but_may_be_text(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.set_content(b"a\0b")
    assert pane.is_hex()
    qtbot.mouseClick(pane.text_button, Qt.MouseButton.LeftButton)
    assert not pane.is_hex()
    assert pane.content() == b"a\0b"


def test_switching_views_keeps_the_content_and_is_not_a_change(pane: PayloadPane, qtbot: QtBot) -> None:
    data = '{"name": "Größe"}'.encode()
    pane.set_content(data)
    assert not pane.is_hex()
    with qtbot.assertNotEmitted(pane.changed, wait=30):
        qtbot.mouseClick(pane.hex_button, Qt.MouseButton.LeftButton)
        assert pane.content() == data
        qtbot.mouseClick(pane.text_button, Qt.MouseButton.LeftButton)
    assert pane.content() == data


def test_typing_in_either_view_is_a_change(pane: PayloadPane, qtbot: QtBot) -> None:
    with qtbot.waitSignal(pane.changed):
        qtbot.keyClicks(pane.editor, "[]")
    assert pane.content() == b"[]"
    pane.show_hex()
    with qtbot.waitSignal(pane.changed):
        qtbot.keyClicks(pane.hex_view, "7b")
    assert pane.content() == b"{]"


def test_mending_the_bytes_allows_text_again(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.set_content(b"\xffa")
    qtbot.keyClicks(pane.hex_view, "41")
    qtbot.waitUntil(pane.text_button.isEnabled)


def test_the_footer_says_size_and_validity(pane: PayloadPane) -> None:
    pane.set_content(b"[1, 2]")
    pane.set_validity(None)
    assert pane.size_label.text() == "6 bytes"
    assert pane.state_label.text() == "valid JSON"
    assert not pane.jump_button.isVisible()


def test_the_problem_is_a_link_to_its_place(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.set_content('{\n"ö": tru\n}'.encode())
    pane.set_validity(JsonProblem("expected a value", 2, 6))
    assert pane.jump_button.text() == "line 2, column 6: expected a value"
    with qtbot.waitSignal(pane.editor.cursor_moved) as moved:
        qtbot.mouseClick(pane.jump_button, Qt.MouseButton.LeftButton)
    assert moved.args == [2, 6]
    pane.show_hex()
    pane.jump_to_problem()
    assert pane.hex_view.selection() == (8, 8)


def test_pending_keeps_what_was_said_until_the_next_word(pane: PayloadPane) -> None:
    pane.set_content(b"[")
    pane.set_validity(JsonProblem("expected a value", 1, 2))
    pane.set_validity_pending()
    assert not pane.jump_button.isEnabled()
    pane.set_validity(None)
    assert pane.state_label.text() == "valid JSON"


def test_an_error_is_shown_until_the_content_changes(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.show_error("Cannot read order.json")
    assert pane.state_label.text() == "Cannot read order.json"
    with qtbot.waitSignal(pane.changed):
        qtbot.keyClicks(pane.editor, "1")
    assert pane.state_label.text() == ""


def test_formatting_can_be_undone(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.set_content(b"[1]")
    with qtbot.waitSignal(pane.changed):
        pane.replace_content(b"[\n  1\n]")
    pane.editor.undo()
    assert pane.content() == b"[1]"


def test_the_buttons_ask(pane: PayloadPane, qtbot: QtBot) -> None:
    pane.set_content(b"{}")
    for button, signal in (
        (pane.format_button, pane.format_requested),
        (pane.open_button, pane.open_requested),
        (pane.paste_button, pane.paste_requested),
    ):
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_dropped_file_is_passed_on_and_not_typed(pane: PayloadPane, qtbot: QtBot, tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "a b.json"))])
    buttons, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    for target in (pane.editor.viewport(), pane.header):
        enter = QDragEnterEvent(QPoint(9, 9), copy, mime, buttons, keys)
        QApplication.sendEvent(target, enter)
        assert enter.isAccepted()
        with qtbot.waitSignal(pane.file_dropped) as dropped:
            QApplication.sendEvent(target, QDropEvent(QPointF(9, 9), copy, mime, buttons, keys))
        assert dropped.args == [str(tmp_path / "a b.json")]
    assert pane.content() == b""


def test_an_empty_payload_invites(pane: PayloadPane) -> None:
    assert pane._placeholder.isVisible()
    pane.set_content(b"1")
    assert not pane._placeholder.isVisible()


def test_a_huge_line_is_noted_and_kept(pane: PayloadPane) -> None:
    data = b"[" + b"1," * 1_000_000 + b"1]"
    pane.set_content(data)
    assert "Very long line" in pane.note_label.full_text
    assert pane.content() == data
    pane.set_validity(JsonProblem("oops", 1, 1_500_000))
    pane.jump_to_problem()
    assert pane.hex_view.selection()[0] == 1_499_999


def test_what_text_is() -> None:
    assert why_not_text("ö".encode()) == ""
    assert "offset 1" in why_not_text(b"a\xff")
    assert looks_binary(b"a\x01")
    assert not looks_binary(b"a\r\n\t")
    assert offset_of("a\nöb".encode(), 2, 2) == 4
    assert offset_of(b"a", 9, 9) == 1
