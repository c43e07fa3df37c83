"""The background thread: work goes there, results come back to the main thread, the end leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from app.background import Background
from engine.errors import HowkError


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background()
    yield made
    made.stop()


async def thread_of_the_loop() -> str:
    return threading.current_thread().name


def test_a_coroutine_runs_on_the_background_and_its_result_comes_to_the_main_thread(
    background: Background, qtbot: QtBot
) -> None:
    came: list[tuple[str, threading.Thread]] = []
    background.start(thread_of_the_loop(), done=lambda name: came.append((name, threading.current_thread())))
    qtbot.waitUntil(lambda: bool(came))
    assert came == [("howk-background", threading.main_thread())]


def test_a_blocking_call_does_not_hold_the_loop_up(background: Background, qtbot: QtBot) -> None:
    order: list[str] = []
    go = threading.Event()
    background.call(go.wait, 5, done=lambda _: order.append("blocking"))
    background.start(asyncio.sleep(0), done=lambda _: order.append("quick"))
    qtbot.waitUntil(lambda: order == ["quick"])
    go.set()
    qtbot.waitUntil(lambda: order == ["quick", "blocking"])


def test_a_refusal_goes_to_whoever_asked(background: Background, qtbot: QtBot) -> None:
    def refuse() -> None:
        raise HowkError("no such thing")

    came: list[Exception] = []
    with qtbot.assertNotEmitted(background.unexpected):
        background.call(refuse, failed=came.append)
        qtbot.waitUntil(lambda: bool(came))
    assert str(came[0]) == "no such thing"


def test_a_refusal_that_nobody_takes_is_said_aloud(background: Background, qtbot: QtBot) -> None:
    def refuse() -> None:
        raise HowkError("no such thing")

    with qtbot.waitSignal(background.unexpected) as said:
        background.call(refuse)
    assert said.args == ["no such thing"]


@pytest.mark.allow_logs("unexpected failure in the background")
def test_a_bug_is_logged_and_whoever_asked_learns_of_it_in_words(
    background: Background, qtbot: QtBot
) -> None:
    came: list[Exception] = []
    background.call(lambda: 1 / 0, failed=came.append)
    qtbot.waitUntil(lambda: bool(came))
    assert isinstance(came[0], HowkError)
    assert str(came[0]) == "Something went wrong: ZeroDivisionError: division by zero"


def test_calls_in_order_end_in_the_order_they_were_made(background: Background, qtbot: QtBot) -> None:
    written: list[int] = []

    def write(number: int) -> None:
        time.sleep(0.002 * (5 - number))  # the first would otherwise come last
        written.append(number)

    for number in range(5):
        background.call_in_order(write, number)
    qtbot.waitUntil(lambda: len(written) == 5)
    assert written == [0, 1, 2, 3, 4]


def test_the_end_runs_the_last_work_and_ends_the_thread(qtbot: QtBot) -> None:
    background = Background()
    ended: list[str] = []

    async def last() -> None:
        ended.append(threading.current_thread().name)

    background.stop(last())
    assert ended == ["howk-background"]
    assert "howk-background" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.allow_logs("the background did not end cleanly")
def test_an_end_that_fails_still_ends(qtbot: QtBot) -> None:
    async def last() -> None:
        raise RuntimeError("too late")

    background = Background()
    background.stop(last())
    assert background.loop.is_closed()


def test_work_under_way_at_the_end_is_cancelled_and_calls_nobody(qtbot: QtBot) -> None:
    background = Background()
    came: list[object] = []
    background.start(asyncio.sleep(60), done=came.append, failed=came.append)
    background.stop()
    QCoreApplication.processEvents()
    assert came == []


def test_a_result_that_comes_after_the_object_is_gone_is_dropped(qtbot: QtBot) -> None:
    background = Background()
    go = threading.Event()
    background.call(go.wait, 5, done=lambda _: pytest.fail("nobody is there any more"))
    background.deleteLater()
    QCoreApplication.sendPostedEvents(background, 0)
    go.set()
    background.stop()
