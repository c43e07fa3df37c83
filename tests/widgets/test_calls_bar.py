"""The row that says who answers a script's calls: words, names for screen readers, warning, and its buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from widgets.calls_bar import CallsBar, CallsState

LIVE = CallsState("Live", "Redis r:6379", "Real answers.", live=True)


def shown(qtbot: QtBot) -> CallsBar:
    bar = CallsBar()
    qtbot.addWidget(bar)
    bar.resize(600, 30)
    bar.show()
    return bar


def test_it_says_who_answers_to_eyes_and_screen_readers(qtbot: QtBot) -> None:
    bar = shown(qtbot)
    bar.show_state(CallsState("Recorded", "answers of the case a", "From the recording."))
    assert bar.selector.text().startswith("Calls: Recorded")
    assert bar.selector.accessibleName() == "Calls: Recorded"
    assert bar.selector.accessibleDescription() == "From the recording."
    assert "From the recording." in bar.selector.toolTip()
    assert bar.note() == "answers of the case a"
    assert not bar.run_button.isVisible()
    assert not bar.record_button.isVisible()


def test_live_warns_and_offers_to_run_and_record_until_it_ends(qtbot: QtBot) -> None:
    bar = shown(qtbot)
    bar.show_state(LIVE)
    assert bar.property("banner") == "warning"
    for button, signal in ((bar.run_button, bar.run_requested), (bar.record_button, bar.record_requested)):
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        with qtbot.waitSignal(signal):
            qtbot.keyClick(button, Qt.Key.Key_Space)
    bar.show_state(CallsState("Off", "", ""))
    assert bar.property("banner") == ""
    assert not bar.record_button.isVisible()


def test_the_selector_takes_the_focus_and_opens_its_choices(qtbot: QtBot) -> None:
    bar = shown(qtbot)
    chosen: list[str] = []
    bar.set_choices([QAction("Off", bar)], [QAction("Live", bar)])
    bar.selector.menu().triggered.connect(lambda action: chosen.append(action.text()))
    assert bar.selector.focusPolicy() & Qt.FocusPolicy.TabFocus
    menu = bar.selector.menu()
    menu.popup(bar.mapToGlobal(bar.rect().bottomLeft()))
    qtbot.waitUntil(menu.isVisible)
    qtbot.keyClick(menu, Qt.Key.Key_Up)
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    assert chosen == ["Live"]
