"""Budget meter, problems, message bar, pane header and the style sheet."""

from __future__ import annotations

import dataclasses
import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from engine.scripts.problem import Problem, Severity
from widgets.budget_meter import BudgetMeter, number_in_words
from widgets.message_bar import MessageBar, MessageSeverity
from widgets.pane_header import PaneHeader
from widgets.problems_list import ProblemsList
from widgets.style import mix, palette, stylesheet
from widgets.theme import Theme

_COLOURS = [
    field.name
    for field in dataclasses.fields(Theme)
    if field.type == "str" and field.default is dataclasses.MISSING
]
_LIGHT = dict.fromkeys(_COLOURS, "#888888") | {"name": "light", "base": "#ffffff", "text": "#202020"}
_DARK = dict.fromkeys(_COLOURS, "#888888") | {"name": "dark", "base": "#202020", "text": "#e0e0e0"}
LIGHT, DARK = Theme(dark=False, **_LIGHT), Theme(dark=True, **_DARK)


def test_the_meter_says_in_words_what_its_colours_say(qtbot: QtBot) -> None:
    meter = BudgetMeter()
    qtbot.addWidget(meter)
    meter.apply_theme(LIGHT)
    meter.set_budget(500, 50 * 1024 * 1024)
    assert "Nothing has run" in meter.toolTip()
    meter.show_usage(0.213, 48 * 1024 * 1024)
    assert meter._cpu.text() == "CPU 0.21 of 500 ms"
    assert "48 of 50 megabytes of memory (at its limit)" in meter.accessibleDescription()
    meter.show_none()
    assert "\u2013" in meter._cpu.text()
    assert [number_in_words(value) for value in (0, 0.213, 3.44, 123.4)] == ["0", "0.21", "3.4", "123"]


def test_choosing_a_problem_goes_to_its_place(qtbot: QtBot) -> None:
    problems = ProblemsList()
    qtbot.addWidget(problems)
    problems.show()
    problems.set_problems([Problem(Severity.ERROR, "a", 3, 7), Problem(Severity.WARNING, "b", 9)])
    problems.table.setFocus()
    problems.table.setCurrentIndex(problems.table.model().index(1, 0))
    with qtbot.waitSignal(problems.jump_requested) as jump:
        qtbot.keyClick(problems.table, Qt.Key.Key_Return)
    assert jump.args == [9, 1]
    assert problems.summary() == "1 error, 1 warning"
    problems.set_problems([])
    assert problems._empty.isVisible()


def test_a_message_offers_its_actions_and_goes_away(qtbot: QtBot) -> None:
    bar = MessageBar()
    qtbot.addWidget(bar)
    bar.apply_theme(DARK)
    bar.show_message(
        "Changed on disk", MessageSeverity.WARNING, [("reload", "Reload"), ("keep", "Keep mine")]
    )
    button = next(child for child in bar.findChildren(QPushButton) if child.text() == "Reload")
    with qtbot.waitSignal(bar.action_triggered) as action:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert action.args == ["reload"]
    with qtbot.waitSignal(bar.closed):
        qtbot.keyClick(button, Qt.Key.Key_Escape)
    assert bar.text() == ""


def test_a_long_note_is_cut_and_kept_as_tooltip(qtbot: QtBot) -> None:
    header = PaneHeader("Title")
    qtbot.addWidget(header)
    header.resize(200, 30)
    header.show()
    header.set_note("very " * 100, "error")
    assert header._note.text().endswith("\u2026")
    assert header._note.toolTip() == "very " * 100
    assert header.width() == 200


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("scale", [50, 100, 200])
def test_the_style_sheet_has_no_hole(theme: Theme, scale: int) -> None:
    sheet = stylesheet(theme, scale)
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")
    assert not re.search(r":\s*;", sheet)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_stands_out_from_its_ground(theme: Theme) -> None:
    made = palette(theme)
    text, base = made.text().color(), made.base().color()
    assert abs(text.lightness() - base.lightness()) > 120
    assert QColor(mix("#000000", "#ffffff", 0.5)).lightness() in {127, 128}
