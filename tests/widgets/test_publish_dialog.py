"""The publish dialog: nothing is sent by accident, and what happened is told as it happened."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from engine.display import DiffKind, DiffLine
from engine.scripts.store import Step, StepState, StoreReport
from widgets.check_list import Check, CheckState
from widgets.profile_look import COLOURS, ProfileLook
from widgets.publish_dialog import PublishDialog
from widgets.publish_plan import Change, PublishPlan, Version, result_sentence
from widgets.theme import Theme

HASH = "3f786850e387550fdab836ed7e6dc881de23001b00112233445566778899aabb"
PASSED = (Check("lint", CheckState.PASSED, "Clean"), Check("cases", CheckState.PASSED, "6 of 6 green"))
LOCAL = ProfileLook("Local", COLOURS["Green"])
PROD = ProfileLook("prod-eu", COLOURS["Red"], production=True)
PLAN = PublishPlan(
    "orders:new", LOCAL, Version("8", HASH, "now", "ben"), Version("7", "a" * 64, "08:01", "ana"), PASSED
)
DIFF = (DiffLine(DiffKind.REMOVED, "one", left=1), DiffLine(DiffKind.ADDED, "two", right=1))
KAFKA = Step("kafka", StepState.DONE, "howk.scripts 2/411")


def report(*steps: Step) -> StoreReport:
    return StoreReport("orders:new", HASH, "8", steps)


def opened(qtbot: QtBot, theme: Theme, plan: PublishPlan) -> PublishDialog:
    dialog = PublishDialog(plan)
    qtbot.addWidget(dialog)
    dialog.apply_theme(theme)
    dialog.show_diff(DIFF)
    dialog.show()
    qtbot.waitActive(dialog)
    return dialog


@pytest.fixture
def local(qtbot: QtBot, theme: Theme) -> PublishDialog:
    return opened(qtbot, theme, PLAN)


@pytest.fixture
def production(qtbot: QtBot, theme: Theme) -> PublishDialog:
    return opened(qtbot, theme, dataclasses.replace(PLAN, profile=PROD))


def sentences(dialog: PublishDialog) -> list[str]:
    return [check.text for check in dialog.review.steps.checks()]


def button(dialog: PublishDialog, text: str) -> QPushButton:
    return next(found for found in dialog.message.findChildren(QPushButton) if found.text() == text)


# --- what it says before


def test_the_title_says_what_goes_where_and_follows_the_version(qtbot: QtBot, local: PublishDialog) -> None:
    assert local.windowTitle() == "Publish orders:new version 8 to Local"
    local.version.selectAll()
    qtbot.keyClicks(local.version, "9-rc1")
    assert local.windowTitle() == "Publish orders:new version 9-rc1 to Local"
    titles = [label for label in local.findChildren(QLabel) if label.accessibleName() == local.windowTitle()]
    assert len(titles) == 1


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (Change.ROLL_BACK, "Roll back orders:new to 8 on Local"),
        (Change.DELETE, "Delete orders:new from Local"),
    ],
)
def test_other_changes_have_their_own_words(qtbot: QtBot, theme: Theme, change: Change, title: str) -> None:
    dialog = opened(qtbot, theme, dataclasses.replace(PLAN, change=change))
    assert dialog.windowTitle() == title
    assert dialog.publish.text() == change.value
    assert dialog.version.isVisible() == (change is not Change.DELETE)


def test_both_versions_are_shown_with_their_whole_hash_at_hand(local: PublishDialog) -> None:
    assert local._versions.texts(0) == ["Live now", "7", "a" * 12, "08:01", "ana"]
    assert local._versions.texts(1) == ["This text", "8", HASH[:12], "now", "ben"]
    assert any(label.toolTip() == HASH for label in local.findChildren(QLabel))
    local.set_plan(dataclasses.replace(PLAN, live=Version()))
    assert local._versions.texts(0)[1] == "nothing"


def test_a_check_that_is_not_met_keeps_it_from_being_sent(qtbot: QtBot, local: PublishDialog) -> None:
    failed = Check("cases", CheckState.FAILED, "5 of 6 green", "Show")
    local.set_plan(dataclasses.replace(PLAN, checks=(failed,)))
    assert not local.publish.isEnabled()
    assert local.publish.toolTip() == "1 check is not met."
    link = next(found for found in local.review.checks.findChildren(QToolButton) if found.text() == "Show")
    with qtbot.waitSignal(local.link_chosen) as chosen:
        qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert chosen.args == ["cases"]
    local.set_plan(PLAN)
    assert local.publish.isEnabled()


def test_a_version_is_needed(qtbot: QtBot, local: PublishDialog) -> None:
    local.version.clear()
    assert not local.publish.isEnabled()
    qtbot.keyClicks(local.version, "9")
    assert local.publish.isEnabled()


# --- sending


def test_a_press_sends_version_and_note(qtbot: QtBot, local: PublishDialog) -> None:
    qtbot.keyClicks(local.note, " fixes totals ")
    with qtbot.waitSignal(local.publish_requested) as sent:
        qtbot.mouseClick(local.publish, Qt.MouseButton.LeftButton)
    assert sent.args == ["8", "fixes totals"]


def test_enter_sends_only_from_the_button(qtbot: QtBot, local: PublishDialog) -> None:
    assert local.focusWidget() is local.publish
    for field in (local.version, local.note, local.review.diff.list):
        field.setFocus()
        with qtbot.assertNotEmitted(local.publish_requested):
            qtbot.keyClick(field, Qt.Key.Key_Return)
    local.publish.setFocus()
    with qtbot.waitSignal(local.publish_requested):
        qtbot.keyClick(local.publish, Qt.Key.Key_Return)
    assert local.isVisible()


def test_production_wants_its_name_typed_exactly(qtbot: QtBot, production: PublishDialog) -> None:
    assert production.focusWidget() is production.review.diff.list
    qtbot.keyClicks(production.confirm, "prod-eu/orders:ne")
    assert not production.publish.isEnabled()
    assert "prod-eu/orders:new" in production.publish.toolTip()
    qtbot.keyClicks(production.confirm, "w")
    assert production.publish.isEnabled()
    qtbot.keyClicks(production.confirm, " ")
    assert not production.publish.isEnabled()


def test_the_name_of_production_cannot_be_pasted(qtbot: QtBot, production: PublishDialog) -> None:
    QGuiApplication.clipboard().setText("prod-eu/orders:new")
    production.confirm.setFocus()
    qtbot.keyClick(production.confirm, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(production.confirm, Qt.Key.Key_Insert, Qt.KeyboardModifier.ShiftModifier)
    qtbot.mouseClick(production.confirm, Qt.MouseButton.MiddleButton, pos=QPoint(20, 8))
    assert production.confirm.text() == ""
    assert not production.confirm.acceptDrops()


def test_elsewhere_nothing_is_typed(local: PublishDialog) -> None:
    assert not local.confirm.isVisible()


def test_esc_cancels_until_it_is_sent(qtbot: QtBot, local: PublishDialog) -> None:
    local.begin()
    qtbot.keyClick(local, Qt.Key.Key_Escape)
    local.close()
    assert local.isVisible()
    assert not local.close_button.isEnabled()
    local.refuse("The profile is read-only.")
    qtbot.keyClick(local, Qt.Key.Key_Escape)
    assert not local.isVisible()


# --- what became of it


def test_steps_appear_one_after_another(local: PublishDialog) -> None:
    local.begin()
    assert sentences(local) == ["Sending\u2026"]
    local.show_step(KAFKA)
    assert sentences(local) == ["Write to Kafka: howk.scripts 2/411", "Going on\u2026"]
    local.finish(report(KAFKA, Step("redis", StepState.DONE)))
    assert sentences(local)[1] == "Write to the Redis mirror"
    assert local.message.text() == "orders:new version 8 is live on Local."
    assert not local.publish.isVisible()
    assert local.close_button.text() == "Close"


def test_a_mirror_that_failed_can_be_repaired(qtbot: QtBot, local: PublishDialog) -> None:
    local.begin()
    failed = Step("redis", StepState.FAILED, "connection refused.")
    local.finish(report(KAFKA, failed, Step("read_back_redis", StepState.SKIPPED)))
    assert "is live on Local: Kafka has it." in local.message.text()
    assert "connection refused." in local.message.text()
    assert sentences(local)[-1].endswith("skipped")
    with qtbot.waitSignal(local.repair_requested):
        qtbot.mouseClick(button(local, "Repair"), Qt.MouseButton.LeftButton)


def test_kafka_down_changes_nothing_and_may_be_tried_again(local: PublishDialog) -> None:
    local.begin()
    local.finish(report(Step("kafka", StepState.FAILED, "no broker"), Step("redis", StepState.SKIPPED)))
    assert local.message.text() == "Nothing was changed: no broker"
    assert local.publish.isEnabled()


def test_a_refusal_says_why(local: PublishDialog) -> None:
    local.begin()
    local.refuse("The approver is the author.")
    assert local.message.text() == "The approver is the author."
    assert local.review.checks.isVisible()
    assert local.focusWidget() is local.close_button


def test_after_a_conflict_the_difference_is_looked_at_anew(qtbot: QtBot, local: PublishDialog) -> None:
    local.begin()
    local.show_conflict("ana published version 9 at 09:14.")
    assert not local.publish.isEnabled()
    with qtbot.waitSignal(local.look_again_requested):
        qtbot.mouseClick(button(local, "Look at the difference again"), Qt.MouseButton.LeftButton)
    local.set_plan(dataclasses.replace(PLAN, live=Version("9", "b" * 64)))
    assert local.publish.isEnabled()


def test_what_was_not_confirmed_is_not_called_live() -> None:
    mismatch = Step("read_back_kafka", StepState.FAILED, "another hash")
    assert result_sentence(PLAN, report(KAFKA, mismatch)).endswith("did not confirm it: another hash")
    gone = dataclasses.replace(PLAN, change=Change.DELETE)
    assert result_sentence(gone, report(KAFKA)) == "orders:new is deleted from Local."
