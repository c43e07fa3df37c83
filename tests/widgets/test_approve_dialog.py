"""The approve dialog: no approval before the difference was there and was said to be looked at."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from engine.display import DiffKind, DiffLine
from engine.scripts.review import Author
from widgets.approve_dialog import ApprovalPlan, ApproveDialog
from widgets.check_list import Check, CheckState
from widgets.profile_look import ProfileLook
from widgets.publish_plan import Version
from widgets.theme import Theme

PASSED = (Check("lint", CheckState.PASSED, "Clean"),)
AUTHORS = tuple(Author(who, "h", "2026-11-24T09:00:00Z") for who in ("ben", "carla", "ben"))
PLAN = ApprovalPlan(
    "orders:new", ProfileLook("Local"), Version("8", "b" * 64), "ana", AUTHORS, Version("7", "a" * 64), PASSED
)
DIFF = (DiffLine(DiffKind.REMOVED, "one", left=1), DiffLine(DiffKind.ADDED, "two", right=1))


@pytest.fixture
def dialog(qtbot: QtBot, theme: Theme) -> ApproveDialog:
    made = ApproveDialog(PLAN)
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.show()
    qtbot.waitActive(made)
    return made


def tick(qtbot: QtBot, dialog: ApproveDialog) -> None:
    dialog.looked.setFocus()
    qtbot.keyClick(dialog.looked, Qt.Key.Key_Space)


def test_it_says_who_wrote_and_who_approves() -> None:
    assert PLAN.people() == "Written by ben, carla. You approve as ana."
    assert dataclasses.replace(PLAN, authors=()).people() == "You approve as ana."


def test_the_difference_comes_first(qtbot: QtBot, dialog: ApproveDialog) -> None:
    tick(qtbot, dialog)
    assert not dialog.looked.isChecked()
    dialog.show_diff(DIFF)
    assert not dialog.approve.isEnabled()
    tick(qtbot, dialog)
    qtbot.keyClicks(dialog.note, "looks right")
    with qtbot.waitSignal(dialog.approve_requested) as approved:
        qtbot.mouseClick(dialog.approve, Qt.MouseButton.LeftButton)
    assert approved.args == ["looks right"]


def test_another_text_is_looked_at_anew(qtbot: QtBot, dialog: ApproveDialog) -> None:
    dialog.show_diff(DIFF)
    tick(qtbot, dialog)
    dialog.set_plan(dataclasses.replace(PLAN, approver="dora"))
    assert dialog.looked.isChecked()
    dialog.set_plan(dataclasses.replace(PLAN, live=Version("9", "c" * 64)))
    assert not dialog.looked.isChecked()
    assert not dialog.approve.isEnabled()


def test_a_failed_check_links_to_where_it_is_mended(qtbot: QtBot, dialog: ApproveDialog) -> None:
    dialog.show_diff(DIFF)
    tick(qtbot, dialog)
    failed = Check("cases", CheckState.FAILED, "5 of 6 green", "Show cases")
    dialog.set_plan(dataclasses.replace(PLAN, checks=(*PASSED, failed)))
    assert not dialog.approve.isEnabled()
    assert dialog.approve.accessibleDescription() == "1 check is not met."
    links = [found for found in dialog.review.checks.findChildren(QToolButton) if found.isVisible()]
    links[0].setFocus()
    with qtbot.waitSignal(dialog.link_chosen) as chosen:
        qtbot.keyClick(links[0], Qt.Key.Key_Space)
    assert chosen.args == ["cases"]


def test_enter_approves_only_from_the_button(qtbot: QtBot, dialog: ApproveDialog) -> None:
    dialog.show_diff(DIFF)
    tick(qtbot, dialog)
    with qtbot.assertNotEmitted(dialog.approve_requested):
        qtbot.keyClick(dialog.note, Qt.Key.Key_Return)
    dialog.approve.setFocus()
    with qtbot.waitSignal(dialog.approve_requested):
        qtbot.keyClick(dialog.approve, Qt.Key.Key_Return)


def test_a_refusal_stays_until_the_next_try(qtbot: QtBot, dialog: ApproveDialog) -> None:
    dialog.show_diff(DIFF)
    tick(qtbot, dialog)
    dialog.refuse("The approver is an author.")
    assert dialog.message.text() == "The approver is an author."
    qtbot.mouseClick(dialog.approve, Qt.MouseButton.LeftButton)
    assert dialog.message.text() == ""
