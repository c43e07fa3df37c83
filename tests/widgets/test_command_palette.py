"""The command palette: finding, choosing and leaving with the keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from widgets.command_palette import Command, CommandPalette, find
from widgets.fuzzy import match

COMMANDS = (
    Command("new", "New script", "Ctrl+N"),
    Command("save", "Save script", "Ctrl+S", enabled=False),
    Command("tests", "Run saved cases"),
    Command("theme", "Switch theme"),
)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    column = QVBoxLayout(made)
    column.addWidget(QLineEdit())
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def palette(window: QWidget) -> CommandPalette:
    made = CommandPalette(window)
    made.set_commands(COMMANDS)
    return made


def test_typing_and_enter_choose_a_command(qtbot: QtBot, palette: CommandPalette) -> None:
    palette.open_palette()
    qtbot.keyClicks(palette.query, "rsc")
    with qtbot.waitSignal(palette.chosen) as chosen:
        qtbot.keyClick(palette.query, Qt.Key.Key_Return)
    assert chosen.args == ["tests"]
    assert not palette.isVisible()


def test_letters_of_any_alphabet_can_be_typed(palette: CommandPalette) -> None:
    palette.open_palette()
    cyrillic = QKeyEvent(QEvent.Type.KeyPress, 0x0416, Qt.KeyboardModifier.NoModifier, "\u0416")
    QApplication.sendEvent(palette.query, cyrillic)
    assert palette.query.text() == "\u0416"
    assert palette._none.isVisible()


def test_arrows_go_round_and_disabled_commands_do_nothing(qtbot: QtBot, palette: CommandPalette) -> None:
    palette.open_palette()
    qtbot.keyClick(palette.query, Qt.Key.Key_Up)
    assert palette.list.currentIndex().data() == "Save script"
    with qtbot.assertNotEmitted(palette.chosen):
        qtbot.keyClick(palette.query, Qt.Key.Key_Return)
    assert palette.isVisible()


def test_escape_gives_the_focus_back(qtbot: QtBot, window: QWidget, palette: CommandPalette) -> None:
    field = window.findChildren(QLineEdit)[0]
    field.setFocus()
    palette.open_palette()
    with qtbot.waitSignal(palette.closed):
        qtbot.keyClick(palette.query, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is field


def test_it_closes_when_the_focus_leaves(window: QWidget, palette: CommandPalette) -> None:
    palette.open_palette()
    window.findChildren(QLineEdit)[0].setFocus()
    assert not palette.isVisible()


def test_word_starts_rank_above_letters_inside() -> None:
    commands = (
        Command("inside", "Cases"),
        Command("start", "Run saved"),
        Command("off", "Save", enabled=False),
    )
    assert [command.id for command, _ in find(commands, "s")] == ["start", "inside", "off"]
    assert match("xyz", "New script") is None
    assert match("", "anything") == (0, ())
    best = match("st", "Last state")
    assert best is not None
    assert best[1] == (5, 6)
