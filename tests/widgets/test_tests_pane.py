"""The Tests pane shows cases and what differs, keeps the selection, and asks for things by signals."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from engine.cases.verdict import ABSENT, Mismatch
from engine.display import DiffKind, DiffLine
from engine.scripts.problem import Problem, Severity
from widgets.bottom_panel import PROBLEMS, TESTS, BottomPanel
from widgets.case_detail import CaseDetail
from widgets.case_rows import CaseRow, CaseState, summary
from widgets.glyphs import GlyphButton
from widgets.tests_pane import TestsPane
from widgets.theme import Theme

ROWS = (
    CaseRow("a", CaseState.PASSED, "0.2 ms"),
    CaseRow("b", CaseState.FAILED, "2 differences"),
    CaseRow("c", CaseState.NO_EXPECTATION),
    CaseRow("d", CaseState.UNREADABLE),
)
DIFF = (DiffLine(DiffKind.REMOVED, "one", left=1), DiffLine(DiffKind.ADDED, "two", right=1))


@pytest.fixture
def pane(qtbot: QtBot, theme: Theme) -> TestsPane:
    made = TestsPane()
    qtbot.addWidget(made)
    qtbot.addWidget(made.tools)
    made.apply_theme(theme)
    made.set_enabled(True)
    made.resize(800, 200)
    made.show()
    return made


@pytest.fixture
def panel(qtbot: QtBot, theme: Theme) -> BottomPanel:
    made = BottomPanel()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(800, 200)
    made.show()
    return made


def button(pane: TestsPane, glyph: str) -> GlyphButton:
    return next(found for found in pane.tools.findChildren(GlyphButton) if found.glyph == glyph)


def cells(pane: TestsPane) -> list[tuple[str, str]]:
    model = pane.table.model()
    return [(model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())]


# --- rows


def test_each_case_has_its_name_and_how_it_went(pane: TestsPane) -> None:
    QAbstractItemModelTester(pane.table.model(), QAbstractItemModelTester.FailureReportingMode.Fatal, pane)
    pane.set_cases(ROWS)
    assert cells(pane) == [
        ("a", "0.2 ms"), ("b", "2 differences"), ("c", "no expectation"), ("d", "unreadable"),
    ]  # fmt: skip
    pane.set_cases((CaseRow("a"), CaseRow("b", CaseState.RUNNING)))
    assert cells(pane) == [("a", "not run"), ("b", "running")]


def test_rows_are_read_out_with_their_state(pane: TestsPane) -> None:
    pane.set_cases(ROWS)
    index = pane.table.model().index(1, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "b: failed, 2 differences"
    pane.set_stale(True)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole).endswith("before the last change")


def test_a_failure_is_loud_until_the_script_changes(pane: TestsPane, theme: Theme) -> None:
    pane.set_cases(ROWS)
    index = pane.table.model().index(1, 1)
    assert index.data(Qt.ItemDataRole.ForegroundRole) == QColor(theme.error)
    pane.set_stale(True)
    assert index.data(Qt.ItemDataRole.ForegroundRole) == QColor(theme.text_muted)


def test_every_state_has_its_mark(pane: TestsPane) -> None:
    pane.set_cases(tuple(CaseRow(state.value, state) for state in CaseState))
    model = pane.table.model()
    marks = [model.index(row, 0).data(Qt.ItemDataRole.DecorationRole) for row in range(len(CaseState))]
    assert len({mark.pixmap(32).toImage().cacheKey() for mark in marks}) == len(CaseState)


def test_without_cases_a_button_offers_the_first(pane: TestsPane, qtbot: QtBot) -> None:
    with qtbot.waitSignal(pane.save_requested):
        pane._none.button.click()


# --- selection


def test_the_selected_case_stays_selected_by_name(pane: TestsPane, qtbot: QtBot) -> None:
    pane.set_cases(ROWS)
    pane.select("b")
    pane.set_cases((CaseRow("0"), *ROWS))
    assert pane.current() == "b"
    pane.set_cases((CaseRow("x"),))
    assert pane.current() in ("", "x")


def test_selecting_says_which(pane: TestsPane, qtbot: QtBot) -> None:
    pane.set_cases(ROWS)
    with qtbot.waitSignal(pane.selected, check_params_cb=lambda name: name == "c"):
        pane.select("c")
    assert pane.current_state() is CaseState.NO_EXPECTATION


def test_enter_loads_a_case(pane: TestsPane, qtbot: QtBot) -> None:
    pane.set_cases(ROWS)
    pane.select("b")
    with qtbot.waitSignal(pane.load_requested, check_params_cb=lambda name: name == "b"):
        qtbot.keyClick(pane.table, Qt.Key.Key_Return)


# --- buttons


def test_update_is_for_cases_whose_outcome_could_be_expected(pane: TestsPane) -> None:
    pane.set_cases(ROWS)
    usable = []
    for row in ROWS:
        pane.select(row.name)
        usable.append(button(pane, "retry").isEnabled())
    assert usable == [False, True, True, False]


def test_buttons_ask_for_the_selected_case(pane: TestsPane, qtbot: QtBot) -> None:
    pane.set_cases(ROWS)
    pane.select("b")
    with qtbot.waitSignal(pane.update_requested, check_params_cb=lambda name: name == "b"):
        button(pane, "retry").click()
    with qtbot.waitSignal(pane.delete_requested, check_params_cb=lambda name: name == "b"):
        button(pane, "trash").click()
    with qtbot.waitSignal(pane.save_requested):
        button(pane, "plus").click()


def test_run_becomes_stop_while_cases_run(pane: TestsPane, qtbot: QtBot) -> None:
    pane.set_cases(ROWS)
    with qtbot.waitSignal(pane.run_requested):
        button(pane, "play").click()
    pane.set_cases((CaseRow("a", CaseState.RUNNING),))
    with qtbot.waitSignal(pane.stop_requested):
        button(pane, "stop").click()


# --- what differs


def test_a_sentence_stands_alone(pane: TestsPane) -> None:
    pane.show_detail(CaseDetail("As expected."))
    assert pane.detail.sentence() == "As expected."


def test_fields_are_rows_and_a_body_is_a_difference(pane: TestsPane) -> None:
    rows = (Mismatch('headers["A"]', "1", ABSENT), Mismatch("retry_on_status", "[409]", "[]"))
    pane.set_cases(ROWS)
    pane.show_detail(CaseDetail("", rows, DIFF))
    model = pane.detail.fields.model()
    assert [model.index(1, column).data() for column in range(3)] == ["retry_on_status", "[409]", "[]"]
    assert (
        model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == 'headers["A"]: expected 1, got (absent)'
    )
    assert pane.detail.diff.isVisible()
    assert "expected" in pane.detail.diff.note()
    assert pane.detail.sentence() == ""
    pane.show_detail(CaseDetail("", rows))
    assert not pane.detail.diff.isVisible()
    pane.show_detail(CaseDetail("", (), DIFF))
    assert not pane.detail.fields.isVisible()


def test_a_difference_keeps_most_of_the_room(pane: TestsPane) -> None:
    pane.resize(800, 400)
    pane.set_cases(ROWS)
    pane.show_detail(CaseDetail("", tuple(Mismatch(str(n), "a", "b") for n in range(50)), DIFF))
    assert pane.detail.fields.height() < pane.detail.height() * 0.6


def test_in_a_narrow_list_the_names_have_all_the_room(pane: TestsPane, qtbot: QtBot) -> None:
    pane.set_cases(ROWS)
    assert not pane.table.isColumnHidden(1)
    pane.resize(300, 200)
    qtbot.waitUntil(lambda: pane.table.isColumnHidden(1))


# --- summary and tabs


def test_the_summary_counts_each_state() -> None:
    assert summary(ROWS) == "1 passed, 1 failed, 1 no expectation, 1 unreadable"
    assert summary((CaseRow("a"),)) == ""


def test_the_tone_is_that_of_the_worst(pane: TestsPane) -> None:
    assert pane.tone() == ""
    pane.set_cases(ROWS[:1])
    assert pane.tone() == "success"
    pane.set_cases(ROWS)
    assert pane.tone() == "error"
    pane.set_stale(True)
    assert pane.tone() == ""
    assert pane.summary().endswith("the script changed since")


def test_tabs_count_and_carry_a_mark(panel: BottomPanel) -> None:
    assert [panel.tabs.tabText(tab) for tab in (PROBLEMS, TESTS)] == ["Problems", "Tests"]
    panel.problems.set_problems([Problem(Severity.ERROR, "no", 1)])
    panel.tests.set_cases(ROWS)
    assert [panel.tabs.tabText(tab) for tab in (PROBLEMS, TESTS)] == ["Problems 1", "Tests 4"]
    assert not panel.tabs.tabIcon(PROBLEMS).isNull()
    assert not panel.tabs.tabIcon(TESTS).isNull()
    panel.problems.set_problems([])
    assert panel.tabs.tabIcon(PROBLEMS).isNull()


def test_the_strip_speaks_of_the_pane_in_front(panel: BottomPanel) -> None:
    panel.tests.set_cases(ROWS)
    panel.problems.set_problems([Problem(Severity.ERROR, "no", 1)])
    assert panel._note.full_text == "1 error"
    assert not panel.tests.tools.isVisible()
    panel.show_tab(TESTS)
    assert panel._note.full_text.startswith("1 passed")
    assert panel.tests.tools.isVisible()


def test_a_narrow_strip_keeps_its_tabs(panel: BottomPanel, qtbot: QtBot) -> None:
    panel.show_tab(TESTS)
    panel.tests.set_cases(ROWS)

    def shown() -> list[str]:
        glyphs = ("play", "plus", "retry", "trash")
        return [glyph for glyph in glyphs if not button(panel.tests, glyph).isHidden()]

    def narrow() -> bool:  # a window shrinks no further than its layout allowed when it was asked
        panel.resize(250, 200)
        return shown() == ["play", "plus"]

    qtbot.waitUntil(narrow)
    panel.resize(800, 200)
    qtbot.waitUntil(lambda: len(shown()) == 4)
