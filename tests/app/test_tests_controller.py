"""The Tests pane in a real studio: running, saving a run, updating, deleting, and marks that tell when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from app.inputs import Inputs
from app.studio import Studio
from engine.case_file import Case
from engine.cases.find import SavedCase
from engine.model import PreviousError
from engine.workspace import Workspace
from tests.app.conftest import StudioMaker
from tests.app.driving import (
    WAIT_MS,
    answer,
    document,
    open_script,
    open_workspace,
    press,
    question,
    wait_message,
    write,
)
from widgets.bottom_panel import TESTS
from widgets.case_rows import CaseState
from widgets.metadata_form import MetadataState
from widgets.workspace_marks import ENTRY_ROLE

SAME = Case(b"x", expected={"body": "x"})


@pytest.fixture
def tested(make_studio: StudioMaker, qtbot: QtBot, folder: Path) -> Studio:
    """A studio whose script `first` has the cases `bad` and `good`, listed."""
    workspace = Workspace(folder)
    workspace.save_case("first", "good", SAME)
    workspace.save_case("first", "bad", Case(b"one\n", {"X-A": "1"}, expected={"body": "two\n"}))
    made = make_studio()
    open_workspace(made, qtbot, folder)
    qtbot.waitUntil(lambda: len(made.window.tests.rows()) == 2, timeout=WAIT_MS)
    return made


def states(studio: Studio) -> dict[str, str]:
    return {row.name: row.state.value for row in studio.window.tests.rows()}


def run(studio: Studio, qtbot: QtBot) -> dict[str, str]:
    with qtbot.waitSignal(studio.tests.finished, timeout=WAIT_MS):
        studio.actions.trigger("test.run")
    return states(studio)


def case_file(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / "tests" / "first" / f"{name}.json").read_text()))


def name_it(studio: Studio, qtbot: QtBot, name: str) -> str:
    """Answers the question for a name; returns what was proposed."""
    dialogs: list[QInputDialog] = []

    def asked() -> bool:
        dialogs[:] = [box for box in studio.window.findChildren(QInputDialog) if box.isVisible()]
        return bool(dialogs)

    qtbot.waitUntil(asked, timeout=WAIT_MS)
    proposed = dialogs[0].textValue()
    dialogs[0].setTextValue(name)
    dialogs[0].accept()
    return proposed


def mark(studio: Studio, config_id: str) -> str:
    item = studio.window.tree._items[config_id]
    return str(item.data(ENTRY_ROLE).problem)


# --- running


def test_a_case_that_is_new_on_disk_runs_too(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    Workspace(folder).save_case("first", "new", SAME)
    assert run(tested, qtbot)["new"] == "passed"
    assert tested.window.bottom.tabs.currentIndex() == TESTS


def test_cases_run_and_say_how_they_went(tested: Studio, qtbot: QtBot) -> None:
    assert states(tested) == {"bad": "not run", "good": "not run"}
    assert run(tested, qtbot) == {"bad": "failed", "good": "passed"}
    assert tested.window.bottom.tabs.tabText(1) == "Tests 2"


def test_a_shortcut_runs_them_with_the_text_of_the_editor(tested: Studio, qtbot: QtBot) -> None:
    write(tested, 'request.body = payload == "x" and "x" or "two\\n"')
    with qtbot.waitSignal(tested.tests.finished, timeout=WAIT_MS):
        press(qtbot, tested, "test.run")
    assert states(tested) == {"bad": "passed", "good": "passed"}


def test_the_script_config_of_the_pane_is_used(tested: Studio, qtbot: QtBot) -> None:
    write(tested, "request.body = config.said")
    tested.window.input.config.set_text('{"said": "x"}')
    document(tested).config_text = '{"said": "x"}'
    assert run(tested, qtbot)["good"] == "passed"


def test_a_broken_script_config_is_said(tested: Studio, qtbot: QtBot) -> None:
    document(tested).config_text = "{"
    tested.tests.run_all()
    wait_message(tested, qtbot, "script config is not a JSON object")
    assert states(tested)["good"] == "not run"


def test_the_difference_of_a_failed_body_is_shown(tested: Studio, qtbot: QtBot) -> None:
    run(tested, qtbot)
    tested.window.bottom.show_tab(1)
    tested.window.tests.select("bad")
    detail = tested.window.tests.detail
    qtbot.waitUntil(detail.diff.isVisible)
    assert [detail.diff.list.model().index(row, 0).data() for row in range(2)] == ["two", "one"]
    assert not detail.fields.isVisible()
    tested.window.tests.select("good")
    assert detail.sentence() == "As expected."


def test_an_edit_makes_results_old_and_undoing_it_makes_them_good_again(tested: Studio, qtbot: QtBot) -> None:
    run(tested, qtbot)
    assert tested.window.tests.tone() == "error"
    before = document(tested).editor.bytes_().decode()
    write(tested, before + "-- more\n")
    qtbot.waitUntil(lambda: tested.window.tests.summary().endswith("the script changed since"))
    assert tested.window.tests.tone() == ""
    write(tested, before)
    qtbot.waitUntil(lambda: tested.window.tests.tone() == "error")


def test_saving_runs_the_cases_unless_switched_off(tested: Studio, qtbot: QtBot) -> None:
    write(tested, 'request.body = "two\\n"')
    with qtbot.waitSignal(tested.tests.finished, timeout=WAIT_MS):
        tested.actions.trigger("file.save")
    assert states(tested) == {"bad": "passed", "good": "failed"}
    tested.actions.trigger("test.on_save")
    assert not tested.session.tests_on_save
    write(tested, "request.body = payload")
    with qtbot.assertNotEmitted(tested.tests.finished, wait=300), qtbot.waitSignal(tested.documents.saved):
        tested.actions.trigger("file.save")


def test_a_run_can_be_stopped(tested: Studio, qtbot: QtBot) -> None:
    write(tested, "while true do end")
    tested.tests.run_all()
    qtbot.waitUntil(lambda: set(states(tested).values()) == {"running"})
    tested.tests.stop()
    assert set(states(tested).values()) == {"not run"}
    write(tested, "request.body = payload")
    assert run(tested, qtbot)["good"] == "passed"


def test_each_script_keeps_its_results(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    run(tested, qtbot)
    tested.workspace.create_script("second")
    qtbot.waitUntil(lambda: document(tested).config_id == "second", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not tested.window.tests.rows(), timeout=WAIT_MS)
    open_script(tested, qtbot, "first")
    qtbot.waitUntil(lambda: states(tested) == {"bad": "failed", "good": "passed"}, timeout=WAIT_MS)


def test_the_tree_marks_a_script_that_fails_its_cases(tested: Studio, qtbot: QtBot) -> None:
    assert mark(tested, "first") == ""
    run(tested, qtbot)
    assert mark(tested, "first") == "1 test case failed"
    write(tested, 'request.body = payload == "x" and "x" or "two\\n"')
    run(tested, qtbot)
    assert mark(tested, "first") == ""


def test_a_case_of_a_wrong_shape_says_where(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    Workspace(folder).save_case("first", "odd", Case(b"x", expected={"bdy": "x"}))
    tested.tests.list_cases()
    qtbot.waitUntil(lambda: "odd" in states(tested), timeout=WAIT_MS)
    assert run(tested, qtbot)["odd"] == "unreadable"
    tested.window.tests.select("odd")
    assert "expected.bdy" in tested.window.tests.detail.sentence()


# --- saving a run


def test_a_run_is_saved_with_its_input_and_its_exact_outcome(
    tested: Studio, qtbot: QtBot, folder: Path
) -> None:
    write(
        tested,
        'headers["X-A"] = tostring(metadata.attempt) request.body = \'{"a":1}\' request.retry_on_status = {409}',
    )
    tested.window.input.payload.editor.replace_all_text(b"new input")
    tested.window.input.headers.set_headers({"X-B": "2"})
    tested.window.input.metadata.retry.click()
    tested.actions.trigger("test.save")
    assert name_it(tested, qtbot, "saved") == "case-1"
    qtbot.waitUntil(lambda: states(tested).get("saved") == "passed", timeout=WAIT_MS)
    assert case_file(folder, "saved") == {
        "payload": "new input",
        "headers": {"X-B": "2"},
        "metadata": {
            "config_id": "first",
            "attempt": 1,
            "previous_error": {
                "message": "503 Service Unavailable", "status_code": 503, "attempt": 0, "reason": "http_5xx",
            },
        },
        "expected": {
            "body_json": {"a": 1},
            "headers": {"X-B": "2", "X-A": "1"},
            "retry_on_status": [409],
            "opt_out_default_headers": False,
        },
    }  # fmt: skip
    assert tested.window.tests.current() == "saved"
    assert [tested.window.input.cases.itemText(n) for n in range(1, 4)] == ["bad", "good", "saved"]


def test_a_failing_run_is_saved_as_its_error(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    write(tested, "error('no')")
    tested.tests.save_as("fails")
    qtbot.waitUntil(lambda: states(tested).get("fails") == "passed", timeout=WAIT_MS)
    assert case_file(folder, "fails")["expected"] == {"error_type": "script_runtime_error"}


def test_replacing_a_case_is_asked_and_keeps_what_we_do_not_know(
    tested: Studio, qtbot: QtBot, folder: Path
) -> None:
    path = folder / "tests" / "first" / "good.json"
    path.write_text(json.dumps(case_file(folder, "good") | {"note": "mine"}))
    tested.window.input.payload.editor.replace_all_text(b"other")
    tested.tests.save_as("GOOD")
    qtbot.waitUntil(lambda: question(tested) is not None)
    assert case_file(folder, "good")["payload"] == "x"
    answer(tested, qtbot, "Replace")
    qtbot.waitUntil(lambda: case_file(folder, "good")["payload"] == "other", timeout=WAIT_MS)
    assert case_file(folder, "good")["note"] == "mine"
    assert not (path.parent / "GOOD.json").exists()


def test_a_name_that_no_file_can_have_is_said(tested: Studio, qtbot: QtBot) -> None:
    tested.tests.save_as("a/b")
    wait_message(tested, qtbot, "another folder")


# --- updating and deleting


def test_an_expectation_is_renewed_after_asking(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    run(tested, qtbot)
    tested.window.tests.select("bad")
    tested.actions.trigger("test.update")
    answer(tested, qtbot, "Update")
    qtbot.waitUntil(lambda: states(tested) == {"bad": "passed", "good": "passed"}, timeout=WAIT_MS)
    changed = case_file(folder, "bad")
    assert changed["expected"]["body"] == "one\n"
    assert (changed["payload"], changed["headers"]) == ("one\n", {"X-A": "1"})


def test_not_answering_changes_nothing(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    run(tested, qtbot)
    tested.tests.update_expectation("bad")
    answer(tested, qtbot, "Cancel")
    tested.tests.delete_case("bad")
    answer(tested, qtbot, "Cancel")
    qtbot.wait(50)
    assert case_file(folder, "bad")["expected"] == {"body": "two\n"}


def test_a_case_is_deleted_after_asking(tested: Studio, qtbot: QtBot, folder: Path) -> None:
    run(tested, qtbot)
    tested.window.tests.select("bad")
    tested.actions.trigger("test.delete")
    answer(tested, qtbot, "Delete")
    qtbot.waitUntil(lambda: list(states(tested)) == ["good"], timeout=WAIT_MS)
    assert not (folder / "tests" / "first" / "bad.json").exists()
    qtbot.waitUntil(lambda: mark(tested, "first") == "", timeout=WAIT_MS)


def test_enter_takes_a_case_as_input(tested: Studio, qtbot: QtBot) -> None:
    press(qtbot, tested, "go.tests")
    tested.window.tests.select("bad")
    with qtbot.waitSignal(tested.documents.inputs_loaded, timeout=WAIT_MS):
        qtbot.keyClick(tested.window.tests.table, Qt.Key.Key_Return)
    assert tested.window.input.payload.content() == b"one\n"
    assert tested.window.input.headers.headers() == {"X-A": "1"}


def test_actions_follow_the_selected_case(tested: Studio, qtbot: QtBot) -> None:
    run(tested, qtbot)
    usable = {}
    for name in ("good", "bad"):
        tested.window.tests.select(name)
        usable[name] = [
            tested.actions.by_id[f"test.{what}"].isEnabled() for what in ("load", "update", "delete")
        ]
    assert usable == {"good": [True, False, True], "bad": [True, True, True]}
    assert tested.window.tests.current_state() is CaseState.FAILED


# --- values


def test_inputs_come_back_from_the_case_they_are_saved_as() -> None:
    inputs = Inputs(
        b"\xff", {"A": "1"},
        MetadataState(config_id="a", webhook_id="wh_7", attempt=2, max_attempts=5, created_at="2026-02-03T04:05:06Z",
                      endpoint="https://example.org/x", previous_error=PreviousError("m", 503, 1, "r")),
    )  # fmt: skip
    assert Inputs.of_case(inputs.as_case("a"), "a") == inputs
    plain = Inputs.default("a")
    assert plain.as_case("a").metadata == {"config_id": "a"}
    assert Inputs.of_case(plain.as_case("a"), "a") == plain


def test_a_saved_case_knows_its_file(folder: Path) -> None:
    assert SavedCase(folder, "a:b", "x").path == folder / "tests" / "a%3Ab" / "x.json"
