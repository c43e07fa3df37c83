"""The hex view by keyboard and mouse."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.hex_buffer import HexBuffer, parse_hex
from widgets.hex_view import HexView
from widgets.theme import Theme

EVERY_BYTE = bytes(range(256))
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> HexView:
    made = HexView()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(800, 300)
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def test_every_byte_goes_in_and_out_unchanged(view: HexView) -> None:
    view.set_bytes(EVERY_BYTE)
    assert view.bytes_() == EVERY_BYTE


def test_digits_overwrite(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(b"\x00\x11\x22")
    edits: list[int] = []
    view.edited.connect(lambda: edits.append(1))
    qtbot.keyClicks(view, "aBzC")
    assert view.bytes_() == b"\xab\xc1\x22"
    assert len(edits) == 3
    view.undo()
    view.undo()
    assert view.bytes_() == b"\x00\x11\x22"
    view.redo()
    assert view.bytes_() == b"\xab\x11\x22"


def test_text_overwrites_after_tab(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(b"abc")
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    assert view.text_column
    qtbot.keyClick(view, "X")
    QApplication.sendEvent(view, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, "é"))
    assert view.bytes_() == b"X\xc3\xa9"
    qtbot.keyClick(view, Qt.Key.Key_Backtab)
    assert not view.text_column


def test_insert_mode_makes_room(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(b"\x01\x02")
    with qtbot.waitSignal(view.mode_changed):
        qtbot.keyClick(view, Qt.Key.Key_Insert)
    qtbot.keyClicks(view, "ff")
    assert view.bytes_() == b"\xff\x01\x02"


def test_typing_at_the_end_appends(view: HexView, qtbot: QtBot) -> None:
    qtbot.keyClicks(view, "414")
    assert view.bytes_() == b"A\x40"


def test_delete_and_backspace(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(b"abcdef")
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert view.bytes_() == b"bcdef"
    qtbot.keyClick(view, Qt.Key.Key_End, CONTROL)
    qtbot.keyClick(view, Qt.Key.Key_Backspace)
    assert view.bytes_() == b"bcde"
    qtbot.keyClick(view, Qt.Key.Key_Left, SHIFT)
    qtbot.keyClick(view, Qt.Key.Key_Left, SHIFT)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert view.bytes_() == b"bc"


def test_copy_and_paste_in_both_columns(view: HexView) -> None:
    view.set_bytes(b"AB\xffCD")
    view.select_range(1, 3)
    view.copy()
    assert QApplication.clipboard().text() == "42 FF"
    view.goto(5)
    view.paste()
    assert view.bytes_() == b"AB\xffCDB\xff"
    view.text_column = True
    view.select_range(0, 2)
    view.cut()
    assert QApplication.clipboard().text() == "AB"
    assert view.bytes_() == b"\xffCDB\xff"


def test_read_only_refuses_every_edit(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(b"abc")
    view.set_read_only(True)
    qtbot.keyClicks(view, "ff")
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    view.paste()
    view.cut()
    assert view.bytes_() == b"abc"


def test_moving_and_selecting_with_keys(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(EVERY_BYTE)
    with qtbot.waitSignal(view.cursor_moved) as moved:
        qtbot.keyClick(view, Qt.Key.Key_Down)
    row = moved.args[0]
    qtbot.keyClick(view, Qt.Key.Key_End, SHIFT)
    assert view.selection() == (row, 2 * row - 1)
    qtbot.keyClick(view, Qt.Key.Key_A, CONTROL)
    assert view.selection() == (0, 256)


def test_dragging_selects(view: HexView, qtbot: QtBot) -> None:
    view.set_bytes(EVERY_BYTE)
    layout = view._layout
    middle = layout.top + layout.row_height // 2
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(layout.hex_x(2) + 2, middle))
    qtbot.mouseMove(view.viewport(), QPoint(layout.hex_x(5) + 2, middle))
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton)
    assert view.selection()[0] == 2
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(layout.text_x(3) + 2, middle))
    assert view.selection() == (3, 3)
    assert view.text_column


def test_fifty_megabytes_open_at_once(view: HexView, qtbot: QtBot) -> None:
    data = EVERY_BYTE * 200_000
    started = time.perf_counter()
    view.set_bytes(data)
    view.viewport().repaint()
    assert time.perf_counter() - started < 0.25  # measured 12 ms; the margin is for a busy machine
    qtbot.keyClick(view, Qt.Key.Key_End, CONTROL)
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_the_buffer_joins_digits_and_goes_back() -> None:
    buffer = HexBuffer(b"abc")
    buffer.replace(1, 2, b"X")
    buffer.replace(1, 2, b"Y", join=True)
    assert buffer.undo() == 2
    assert bytes(buffer.data) == b"abc"
    assert buffer.undo() is None
    assert buffer.redo() == 2
    assert bytes(buffer.data) == b"aYc"


@pytest.mark.parametrize(
    ("text", "data"),
    [("de AD:be", b"\xde\xad\xbe"), ("0x0A, 0x0b", b"\x0a\x0b"), ("xyz", None), ("abc", None)],
)
def test_reading_hex(text: str, data: bytes | None) -> None:
    assert parse_hex(text) == data
