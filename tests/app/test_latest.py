"""Latest request wins: what runs, what is dropped, what is cancelled, and in which order results come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.latest import LatestWins


class Work:
    """Work that goes on until the test lets it end, one request at a time."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.delivered: list[str] = []
        self.failures: list[Exception] = []
        self._gates: dict[str, asyncio.Event] = {}

    async def __call__(self, request: str) -> str:
        self.started.append(request)
        try:
            await self._gates.setdefault(request, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise
        if request.startswith("bad"):
            raise ValueError(request)
        return request.upper()

    async def let_end(self, request: str) -> None:
        self._gates.setdefault(request, asyncio.Event()).set()
        await settle()


async def settle() -> None:
    """Lets everything run that can run now."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def latest(work: Work) -> AsyncIterator[LatestWins[str, str]]:
    made = LatestWins(work, work.delivered.append, work.failures.append, patience_seconds=0.02)
    yield made
    await made.close()


async def test_a_request_runs_at_once_and_its_result_is_delivered(
    latest: LatestWins[str, str], work: Work
) -> None:
    latest.submit("a")
    await work.let_end("a")
    assert work.delivered == ["A"]


async def test_of_several_that_wait_only_the_latest_runs(latest: LatestWins[str, str], work: Work) -> None:
    for request in ("a", "b", "c", "d"):
        latest.submit(request)
    await work.let_end("a")
    await work.let_end("d")
    assert work.started == ["a", "d"]
    assert work.delivered == ["A", "D"]


async def test_one_that_ends_in_time_is_not_cancelled_for_the_next(
    latest: LatestWins[str, str], work: Work
) -> None:
    latest.submit("a")
    await settle()
    latest.submit("b")
    await work.let_end("a")
    await work.let_end("b")
    assert work.cancelled == []


async def test_one_that_takes_too_long_gives_way_to_the_next(
    latest: LatestWins[str, str], work: Work
) -> None:
    latest.submit("slow")
    await settle()
    latest.submit("b")
    async with asyncio.timeout(5):
        while "b" not in work.started:  # noqa: ASYNC110 - the queue has no event for it
            await asyncio.sleep(0.005)
    await work.let_end("b")
    assert work.cancelled == ["slow"]
    assert work.delivered == ["B"]


async def test_the_patience_for_one_is_not_counted_against_the_next(
    latest: LatestWins[str, str], work: Work
) -> None:
    latest.submit("a")
    await settle()
    latest.submit("b")  # a's time runs out in 20 ms
    await work.let_end("a")
    await asyncio.sleep(0.05)
    assert work.cancelled == []
    await work.let_end("b")
    assert work.delivered == ["A", "B"]


async def test_alone_it_may_take_as_long_as_it_needs(latest: LatestWins[str, str], work: Work) -> None:
    latest.submit("slow")
    await asyncio.sleep(0.05)
    await work.let_end("slow")
    assert work.delivered == ["SLOW"]


async def test_a_failure_is_reported_and_the_next_one_runs(latest: LatestWins[str, str], work: Work) -> None:
    latest.submit("bad")
    await settle()
    latest.submit("good")
    await work.let_end("bad")
    await work.let_end("good")
    assert [str(problem) for problem in work.failures] == ["bad"]
    assert work.delivered == ["GOOD"]


async def test_a_delivery_that_fails_does_not_end_the_queue(work: Work) -> None:
    def refuse(_result: str) -> None:
        raise RuntimeError("nobody is there")

    latest = LatestWins(work, refuse, work.failures.append)
    latest.submit("a")
    await work.let_end("a")
    latest.submit("b")
    await work.let_end("b")
    assert [str(problem) for problem in work.failures] == ["nobody is there"] * 2


async def test_closing_cancels_what_runs_and_forgets_what_waits(
    latest: LatestWins[str, str], work: Work
) -> None:
    latest.submit("a")
    await settle()
    latest.submit("b")
    await latest.close()
    await settle()
    assert work.cancelled == ["a"]
    assert work.started == ["a"]
    assert work.delivered == []


async def test_a_cancelled_request_is_not_delivered_and_the_next_one_runs(
    latest: LatestWins[str, str], work: Work
) -> None:
    latest.submit("unborn")  # its task has not taken a step
    latest.submit("waits")
    latest.cancel()
    await settle()
    latest.submit("a")
    await settle()
    latest.cancel()
    await settle()
    assert work.cancelled == ["a"]
    latest.submit("b")
    await work.let_end("b")
    assert work.started == ["a", "b"]
    assert work.delivered == ["B"]
    assert work.failures == []
