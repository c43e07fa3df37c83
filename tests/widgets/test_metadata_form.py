"""The metadata form: what goes in comes out, and a bad endpoint is marked."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine.model import PreviousError
from widgets.metadata_form import MetadataForm, MetadataState, endpoint_problem, time_problem


@pytest.fixture
def form(qtbot: QtBot) -> MetadataForm:
    made = MetadataForm()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_state_comes_back_as_it_went_in(qtbot: QtBot, form: MetadataForm) -> None:
    state = MetadataState(
        "a:b",
        "wh_1",
        3,
        7,
        "2026-01-31T12:00:00Z",
        "https://x.test/h",
        PreviousError("no", 503, 2, "http_5xx"),
    )
    with qtbot.assertNotEmitted(form.changed):
        form.set_state(state)
    assert form.state() == state
    assert form.message.isEnabled()


def test_typing_a_bad_endpoint_marks_it_and_reports_the_change(qtbot: QtBot, form: MetadataForm) -> None:
    with qtbot.waitSignal(form.changed):
        qtbot.keyClicks(form.endpoint, "ftp://x")
    assert form.endpoint.property("invalid") is True
    assert "http" in form.endpoint.toolTip()
    assert form.problems()


def test_the_error_fields_wake_with_the_check_box(qtbot: QtBot, form: MetadataForm) -> None:
    assert not form.message.isEnabled()
    qtbot.keyClick(form.after_failure, Qt.Key.Key_Space)
    qtbot.keyClicks(form.message, "refused")
    assert form.state().previous_error == PreviousError("refused", None, 0, "")


def test_a_retry_after_503_takes_one_click(qtbot: QtBot, form: MetadataForm) -> None:
    with qtbot.waitSignal(form.changed):
        form.retry.click()
    assert form.state().attempt == 1
    assert form.state().previous_error == PreviousError("503 Service Unavailable", 503, 0, "http_5xx")
    form.attempt.setValue(2)
    assert form.state().previous_error == PreviousError("503 Service Unavailable", 503, 1, "http_5xx")
    form.retry.click()
    assert form.state().attempt == 2


@pytest.mark.parametrize("good", ["", "http://a", "https://a.test:8443/x?y=1"])
def test_good_endpoints(good: str) -> None:
    assert endpoint_problem(good) == ""


@pytest.mark.parametrize("bad", ["a", "ftp://a", "http://", "http://a b/", "//x"])
def test_bad_endpoints(bad: str) -> None:
    assert endpoint_problem(bad)


def test_times_need_a_zone() -> None:
    assert time_problem("2026-01-31T12:00:00Z") == ""
    assert "zone" in time_problem("2026-01-31T12:00:00")
    assert time_problem("soon")
