"""The cluster view: what the three say of each script, what can be done, and updates that disturb nothing."""

from __future__ import annotations

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from engine.scripts.compare import UNREADABLE, Difference, ScriptRow
from engine.scripts.store import StoredProblem
from widgets.cluster_actions import ClusterAction
from widgets.cluster_rows import (
    COLUMNS,
    HASH,
    KAFKA,
    MEANINGS,
    PLACES,
    REDIS,
    SCRIPT,
    UPDATED,
    VERSION,
    WHO,
    Verdict,
    time_in_words,
    verdict,
)
from widgets.cluster_view import NO_CLUSTER, NO_SCRIPTS, ClusterView
from widgets.profile_look import ProfileLook
from widgets.theme import Theme

A, B = "a1" * 32, "b2" * 32
SAME = ScriptRow("orders:paid", "2", "2026-11-24T09:00:00Z", "ana", A, A, A)
MISSING = ScriptRow("orders:new", "3", "2026-11-20T09:00:00Z", "ben", A, "", A, (Difference.REDIS_MISSING,))
STALE = ScriptRow("billing", "1", "", "", A, B, B, (Difference.REDIS_DIFFERS, Difference.WORKSPACE_DIFFERS))
BROKEN = ScriptRow("broken", "1", "", "", A, UNREADABLE, "", (Difference.REDIS_DIFFERS,))
DRAFT = ScriptRow("draft", workspace_hash=B, differences=(Difference.NOT_PUBLISHED,))
LEFT = ScriptRow("zombie", redis_hash=A, differences=(Difference.REDIS_ONLY,))
BLIND = ScriptRow("blind", "1", "", "", A, "", A, redis_known=False)
ALL = (SAME, MISSING, STALE, BROKEN, DRAFT, LEFT, BLIND)


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> ClusterView:
    made = ClusterView()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(1300, 500)
    made.show()
    qtbot.waitActive(made)
    return made


def names(view: ClusterView) -> list[str]:
    model = view.table.model()
    return [model.index(row, SCRIPT).data() for row in range(model.rowCount())]


def choose(view: ClusterView, name: str) -> None:
    view.table.setCurrentIndex(view.table.model().index(names(view).index(name), 0))


def entries(view: ClusterView) -> dict[str, QAction]:
    return {action.text(): action for action in view.menu().actions() if action.text()}


def many(count: int) -> tuple[ScriptRow, ...]:
    return tuple(ScriptRow(f"ns{n // 40:03}:s{n:05}", str(n % 9), "", "ana", A, A, A) for n in range(count))


# --- rows


def test_each_says_what_it_has_in_words_with_a_mark(view: ClusterView) -> None:
    found = {row.config_id: [verdict(row, place).value for place in PLACES] for row in ALL}
    assert found == {
        "orders:paid": ["live", "same", "same"],
        "orders:new": ["live", "missing", "same"],
        "billing": ["live", "differs", "differs"],
        "broken": ["live", "unreadable", "not here"],
        "draft": ["not published", "\u2013", "only here"],
        "zombie": ["not published", "left over", "not here"],
        "blind": ["live", "not known", "same"],
    }
    assert set(MEANINGS) == set(Verdict)
    view.set_rows(ALL)
    model = view.table.model()
    for number, name in enumerate(names(view)):
        for place in PLACES:
            index = model.index(number, place)
            assert index.data() == found[name][place - KAFKA]
            has_mark = index.data(Qt.ItemDataRole.DecorationRole) is not None
            assert has_mark == (index.data() != "\u2013")


def test_what_differs_is_red_and_explained(view: ClusterView, theme: Theme) -> None:
    view.set_rows((STALE, SAME))
    model = view.table.model()
    red, calm = model.index(0, REDIS), model.index(1, REDIS)
    assert red.data(Qt.ItemDataRole.ForegroundRole) == QColor(theme.error)
    assert calm.data(Qt.ItemDataRole.ForegroundRole) == QColor(theme.text_muted)
    assert red.data(Qt.ItemDataRole.ToolTipRole) == f"It says something else than Kafka.\n{B}"
    assert red.data(Qt.ItemDataRole.AccessibleTextRole) == "Redis: differs"
    said = model.index(0, SCRIPT).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "billing, version 1, Kafka: live, Redis: differs, Workspace: differs"


def test_a_hash_is_short_and_copied_whole(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows((SAME,))
    index = view.table.model().index(0, HASH)
    assert index.data() == A[:12]
    assert index.data(Qt.ItemDataRole.ToolTipRole) == A
    choose(view, "orders:paid")
    qtbot.keyClick(view.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().split("\t")[HASH] == A
    entries(view)["Copy hash"].trigger()
    assert QGuiApplication.clipboard().text() == A


def test_times_are_those_of_this_machine() -> None:
    assert time_in_words("0001-01-01T00:00:00Z") == ""
    assert time_in_words("2026-11-24T09:00:00.123456789Z").startswith("2026-11-2")
    assert time_in_words("yesterday") == "yesterday"


def test_the_header_counts(view: ClusterView) -> None:
    view.set_rows(ALL)
    assert view._header.note() == "7 scripts \u00b7 4 differ"
    view.set_rows((SAME,))
    assert view._header.note() == "1 script"
    assert not view._repair_all.isVisible()


# --- order and filter


def test_scripts_stand_by_namespace_and_a_title_sorts_them(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    assert names(view) == ["billing", "blind", "broken", "draft", "orders:new", "orders:paid", "zombie"]
    header = view.table.header()
    place = QPoint(header.sectionViewportPosition(REDIS) + 10, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    shown = [view.table.model().index(row, REDIS).data() for row in range(7)]
    assert shown == sorted(shown)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [view.table.model().index(row, REDIS).data() for row in range(7)] == shown[::-1]


def test_the_keyboard_sorts_by_the_menu(view: ClusterView) -> None:
    view.set_rows((SAME, MISSING))
    order = next(action for action in view.menu().actions() if action.text() == "Sort by").menu()
    assert [action.text() for action in order.actions()] == list(COLUMNS)
    order.actions()[UPDATED].trigger()
    assert names(view) == ["orders:new", "orders:paid"]
    view.menu().actions()[-1].menu().actions()[UPDATED].trigger()
    assert names(view) == ["orders:paid", "orders:new"]


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("ORD pa", ["orders:paid"]), ("ben", ["orders:new"]), ("b2b2", ["draft"]),
        ("missing", ["orders:new"]), ("nothing like it", []),
    ],
)  # fmt: skip
def test_the_filter_looks_into_what_is_shown(
    qtbot: QtBot, view: ClusterView, typed: str, left: list[str]
) -> None:
    view.set_rows(ALL)
    qtbot.keyClicks(view.filter, typed)
    assert names(view) == left
    assert view._none.isVisible() == (not left)
    qtbot.keyClick(view.filter, Qt.Key.Key_Escape)
    assert len(names(view)) == 7


def test_the_filter_leads_into_the_table(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    view.filter.setFocus()
    qtbot.keyClicks(view.filter, "zombie")
    qtbot.keyClick(view.filter, Qt.Key.Key_Down)
    assert view.table.hasFocus()
    row = view.current()
    assert row is not None
    assert row.config_id == "zombie"


def test_only_what_differs(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    view.only_differences.setFocus()
    qtbot.keyClick(view.only_differences, Qt.Key.Key_Space)
    assert names(view) == ["billing", "broken", "orders:new", "zombie"]
    view.set_rows((SAME,))
    qtbot.mouseClick(view._none.button, Qt.MouseButton.LeftButton)
    assert names(view) == ["orders:paid"]


def test_where_there_is_little_room_the_three_stay(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    hidden = (HASH, WHO, UPDATED, VERSION)
    assert not any(view.table.isColumnHidden(column) for column in hidden)
    view.resize(500, 400)
    qtbot.waitUntil(lambda: all(view.table.isColumnHidden(column) for column in hidden))
    assert not any(view.table.isColumnHidden(column) for column in (SCRIPT, *PLACES))
    view.resize(1300, 400)
    qtbot.waitUntil(lambda: not any(view.table.isColumnHidden(column) for column in hidden))


# --- actions


def test_each_action_is_a_signal(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    choose(view, "orders:new")
    for action, signal in (
        (ClusterAction.OPEN, view.open_requested),
        (ClusterAction.COMPARE, view.compare_requested),
        (ClusterAction.HISTORY, view.history_requested),
        (ClusterAction.PUBLISH, view.publish_requested),
        (ClusterAction.DELETE, view.delete_requested),
    ):
        with qtbot.waitSignal(signal) as asked:
            entries(view)[action.value].trigger()
        assert asked.args == ["orders:new"]
    with qtbot.waitSignal(view.repair_requested) as asked:
        entries(view)[ClusterAction.REPAIR.value].trigger()
    assert asked.args == [("orders:new",)]


def test_keys_open_and_delete(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    choose(view, "billing")
    with qtbot.waitSignal(view.open_requested):
        qtbot.keyClick(view.table, Qt.Key.Key_Return)
    with qtbot.waitSignal(view.delete_requested):
        qtbot.keyClick(view.table, Qt.Key.Key_Delete)


@pytest.mark.parametrize(
    ("name", "possible"),
    [
        ("orders:paid", "OPEN COMPARE HISTORY PUBLISH DELETE"),
        ("draft", "OPEN HISTORY PUBLISH"),
        ("zombie", "OPEN HISTORY REPAIR"),
        ("broken", "OPEN HISTORY REPAIR DELETE"),
    ],
)
def test_only_what_makes_sense_can_be_done(view: ClusterView, name: str, possible: str) -> None:
    view.set_rows(ALL)
    choose(view, name)
    menu = entries(view)
    assert [action.name for action in ClusterAction if menu[action.value].isEnabled()] == possible.split()


def test_a_read_only_cluster_is_looked_at_only(qtbot: QtBot, view: ClusterView) -> None:
    view.set_profile(ProfileLook("prod", read_only=True))
    view.set_rows(ALL)
    choose(view, "orders:new")
    menu = entries(view)
    assert not any(menu[action.value].isEnabled() for action in (ClusterAction.PUBLISH, ClusterAction.REPAIR))
    assert menu[ClusterAction.COMPARE.value].isEnabled()
    assert not view._repair_all.isEnabled()
    with qtbot.assertNotEmitted(view.delete_requested):
        qtbot.keyClick(view.table, Qt.Key.Key_Delete)


def test_the_whole_mirror_is_repaired_at_once(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    with qtbot.waitSignal(view.repair_requested) as asked:
        qtbot.mouseClick(view._repair_all, Qt.MouseButton.LeftButton)
    assert asked.args == [("orders:new", "billing", "broken", "zombie")]


# --- states


def test_no_cluster_offers_the_choice(qtbot: QtBot, view: ClusterView) -> None:
    assert view._state.text() == NO_CLUSTER
    with qtbot.waitSignal(view.choose_requested):
        qtbot.mouseClick(view._state.button, Qt.MouseButton.LeftButton)


def test_connecting_tells_how_far_it_is_and_can_be_cancelled(qtbot: QtBot, view: ClusterView) -> None:
    view.show_connecting("Reading the scripts", 4120, 10_000)
    assert view._waiting.isVisible()
    assert view._waiting.text() == "Reading the scripts"
    assert view._waiting._bar.value() == 4120
    with qtbot.waitSignal(view.cancel_requested):
        qtbot.mouseClick(view._waiting.button, Qt.MouseButton.LeftButton)


def test_a_failure_says_why_and_can_be_tried_again(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    view.show_failure("Kafka at localhost:9092 refused the connection.")
    assert view._state.text() == "Kafka at localhost:9092 refused the connection."
    assert names(view) == []
    with qtbot.waitSignal(view.retry_requested):
        qtbot.mouseClick(view._state.button, Qt.MouseButton.LeftButton)


def test_an_empty_cluster_says_so(view: ClusterView) -> None:
    view.set_rows(())
    assert view._state.text() == NO_SCRIPTS
    assert not view._state.button.isVisible()


def test_what_may_be_old_says_so_and_stays(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    view.show_stale("Kafka does not answer; this is what was known at 09:12.")
    assert view.table.isVisible()
    assert "09:12" in view._stale.text()
    button = next(found for found in view._stale.findChildren(QPushButton) if found.text() == "Try again")
    with qtbot.waitSignal(view.retry_requested):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    view.show_stale("")
    assert view._stale.text() == ""


def test_skipped_records_are_counted_and_listed(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(ALL)
    assert not view.problems.isVisible()
    bad = StoredProblem("howk.scripts 2/17", "orders:x", "this is no script: lua_code is missing")
    view.set_rows(ALL, (bad, msgspec.structs.replace(bad, place="howk.scripts 0/3")))
    assert view.problems.button.text() == "2 records were skipped"
    assert not view.problems.table.isVisible()
    qtbot.keyClick(view.problems.button, Qt.Key.Key_Space)
    assert view.problems.table.isVisible()
    row = [view.problems.table.model().index(0, column).data() for column in range(3)]
    assert row == ["howk.scripts 2/17", "orders:x", "this is no script: lua_code is missing"]


# --- live


def test_the_model_keeps_the_rules_of_models(view: ClusterView) -> None:
    QAbstractItemModelTester(view.table.model(), QAbstractItemModelTester.FailureReportingMode.Fatal, view)
    view.set_rows(ALL)
    view.set_rows((msgspec.structs.replace(SAME, version="9"), *ALL[1:]))
    view.set_rows((SAME,))


def test_an_update_keeps_selection_and_place(qtbot: QtBot, view: ClusterView) -> None:
    rows = many(2000)
    view.set_rows(rows)
    choose(view, "ns025:s01000")
    view.table.scrollTo(view.table.currentIndex())
    top = view.table.indexAt(QPoint(0, 0)).data()
    changed = msgspec.structs.replace(rows[1000], redis_hash="", differences=(Difference.REDIS_MISSING,))
    view.set_rows((*rows[:1000], changed, *rows[1001:]))
    assert view.current() == changed
    assert view.table.indexAt(QPoint(0, 0)).data() == top
    before = ScriptRow("aaa", kafka_hash=A)
    view.set_rows((before, *rows[5:900], *rows[901:]))
    assert view.current() == rows[1000]
    assert view.table.selected_rows() == [rows[1000]]
    assert view.table.indexAt(QPoint(0, 0)).data() == top


def test_a_script_that_went_takes_the_selection_along(view: ClusterView) -> None:
    view.set_rows((SAME, MISSING))
    choose(view, "orders:paid")
    view.set_rows((MISSING,))
    assert view.table.selected_rows() == []
    assert "Publish\u2026" not in entries(view) or view.current() == MISSING


def test_ten_thousand_scripts_are_filtered_as_one_types(qtbot: QtBot, view: ClusterView) -> None:
    view.set_rows(many(10_000))
    qtbot.keyClicks(view.filter, "s0999")
    assert names(view) == [f"ns249:s0999{n}" for n in range(10)]
    assert view._header.note() == "10,000 scripts"
