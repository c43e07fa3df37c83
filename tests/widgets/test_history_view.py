"""The history: versions, what two of them differ in, the way back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from engine.display import DiffKind, DiffLine
from engine.model import ScriptConfig
from engine.scripts.store import StoredVersion
from widgets.history_rows import HASH, VERSION, WHO
from widgets.history_view import CHOOSE, HistoryView
from widgets.theme import Theme


def version(number: int, who: str = "", place: str = "howk.scripts 0/1") -> StoredVersion:
    script = ScriptConfig("a", f"return {number}", str(number) * 64, str(number))
    return StoredVersion(script, place, 1_764_000_000_000 + number, who)


V9, V8, V7 = version(9), version(8, "ben"), version(7, "ana", "journal")
GONE = StoredVersion(None, "howk.scripts 0/5", 1_764_000_000_500)
DIFF = (DiffLine(DiffKind.ADDED, "two", right=1),)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> HistoryView:
    made = HistoryView()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(900, 500)
    made.show()
    qtbot.waitExposed(made)
    QAbstractItemModelTester(made.table.model(), QAbstractItemModelTester.FailureReportingMode.Fatal, made)
    return made


def choose(qtbot: QtBot, view: HistoryView, row: int, *, also: bool = False) -> None:
    keys = Qt.KeyboardModifier.ControlModifier if also else Qt.KeyboardModifier.NoModifier
    place = view.table.visualRect(view.table.model().index(row, 0)).center()
    qtbot.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, keys, QPoint(30, place.y()))


def text(view: HistoryView, row: int, column: int) -> str:
    return str(view.table.model().index(row, column).data())


def test_each_version_is_a_row(view: HistoryView) -> None:
    view.set_history("a", (V9, GONE, V8, V7), V9.script.hash if V9.script else "")
    assert [text(view, row, VERSION) for row in range(4)] == ["9 (live)", "deleted", "8", "7"]
    assert text(view, 2, HASH) == "8" * 12
    assert text(view, 2, WHO) == "ben"
    index = view.table.model().index(2, HASH)
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "8" * 64
    said = view.table.model().index(3, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.endswith(f"7, {'7' * 64}, ana, journal")


def test_only_the_newest_of_equal_texts_is_live(view: HistoryView) -> None:
    again = version(8, "ana")
    view.set_history("a", (V8, V7, again), "8" * 64)
    assert [text(view, row, VERSION) for row in range(3)] == ["8 (live)", "7", "8"]


def test_one_is_compared_with_the_live_one_and_two_with_each_other(qtbot: QtBot, view: HistoryView) -> None:
    view.set_history("a", (V9, V8, V7), "9" * 64)
    with qtbot.waitSignal(view.compare_requested) as asked:
        choose(qtbot, view, 2)
    assert asked.args == [V7, None]
    with qtbot.waitSignal(view.compare_requested) as asked:
        choose(qtbot, view, 1, also=True)
    assert asked.args == [V7, V8]
    view.show_diff(DIFF, "version 7 to 8")
    assert view.diff.isVisible()
    choose(qtbot, view, 0, also=True)
    assert view._hint.isVisible()
    assert view._hint.text() == CHOOSE


def test_the_way_back_is_to_one_that_is_not_live(qtbot: QtBot, view: HistoryView) -> None:
    view.set_history("a", (V9, GONE, V8), "9" * 64)
    usable = []
    for row in range(3):
        choose(qtbot, view, row)
        usable.append((view._roll_back.isEnabled(), view._copy.isEnabled()))
    assert usable == [(False, True), (False, False), (True, True)]
    with qtbot.waitSignal(view.roll_back_requested) as asked:
        qtbot.mouseClick(view._roll_back, Qt.MouseButton.LeftButton)
    assert asked.args == [V8]
    with qtbot.waitSignal(view.copy_requested) as asked:
        qtbot.mouseClick(view._copy, Qt.MouseButton.LeftButton)
    assert asked.args == [V8]


def test_a_new_version_leaves_the_selection_where_it_is(qtbot: QtBot, view: HistoryView) -> None:
    view.set_history("a", (V8, V7), "8" * 64)
    choose(qtbot, view, 1)
    view.set_history("a", (V9, V8, V7), "9" * 64)
    assert view.table.selected_rows() == [V7]
    assert view.table.currentIndex().row() == 2


def test_it_says_when_there_is_nothing_or_it_failed(qtbot: QtBot, view: HistoryView) -> None:
    view.set_history("a", (), "")
    assert "no version of a" in view._state.text()
    assert not view._state.button.isVisible()
    view.show_failure("a", "Kafka does not answer.")
    assert "Kafka does not answer." in view._state.text()
    with qtbot.waitSignal(view.retry_requested):
        qtbot.mouseClick(view._state.button, Qt.MouseButton.LeftButton)
    view.show_loading("a")
    assert "Loading" in view._state.text()
