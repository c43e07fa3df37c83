"""The display process answers, comes back after a death, and lets the latest request win."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from engine import display_service
from engine.child_process import ChildGone
from engine.display import BodyKind, HeaderKind
from engine.display_process import Presented
from engine.display_service import DisplayFailed, DisplayService
from engine.model import Outcome, OutgoingRequest, ScriptError, ScriptErrorType, Transformed

FAILED = Outcome(None, ScriptError(ScriptErrorType.RUNTIME, "no"))


@pytest.fixture
async def service() -> AsyncIterator[DisplayService]:
    started = DisplayService()
    yield started
    await started.close()


def sent(body: bytes) -> tuple[Outcome, OutgoingRequest]:
    result = Transformed(body, {"X-A": "1"})
    return Outcome(result, None), OutgoingRequest("POST", "http://a.example/x", (("X-A", "1"),), body)


async def test_it_checks_and_formats(service: DisplayService) -> None:
    assert await service.check_json(b"[1]") is None
    problem = await service.check_json(b"[1")
    assert problem is not None
    assert problem.column == 3
    assert (await service.format(b"[1]")).data == b"[\n  1\n]"
    broken = await service.format(b"[1")
    assert (broken.data, broken.problem) == (b"[1", problem)


async def test_it_presents_a_run(service: DisplayService) -> None:
    shown = await service.present(b'{"a":1}', {}, *sent(b'{"a":2}'))
    assert shown is not None
    assert shown.body.text == '{\n  "a": 2\n}'
    assert [row.kind for row in shown.headers] == [HeaderKind.ADDED]
    assert shown.request_text.startswith("POST /x HTTP/1.1\nHost: a.example\n")
    assert [row.text for row in shown.diff or () if row.left is None] == ['  "a": 2']


async def test_the_difference_can_be_told_later(service: DisplayService) -> None:
    at_once = await service.present(b'{"a":1}', {}, *sent(b'{"a":2}'))
    later = await service.present(b'{"a":1}', {}, *sent(b'{"a":2}'), compare=False)
    assert at_once is not None
    assert later is not None
    assert later.diff is None
    compared = await service.compare(b'{"a":1}', b'{"a":2}')
    assert compared is not None
    assert (compared.diff, compared.note) == (at_once.diff, at_once.diff_note)


async def test_a_difference_that_a_later_run_outran_is_dropped(service: DisplayService) -> None:
    busy = asyncio.create_task(service.check_json(b"[1]"))
    await asyncio.sleep(0)
    told = asyncio.create_task(service.compare(b"1", b"2"))
    await asyncio.sleep(0)
    newer = asyncio.create_task(service.present(b"1", {}, *sent(b"3"), compare=False))
    answers = await asyncio.gather(busy, told, newer)
    assert answers[1] is None
    assert answers[2] is not None


async def test_an_unchanged_body_and_a_failed_run_are_presented(service: DisplayService) -> None:
    same = await service.present(b"text", {}, *sent(b"text"))
    assert same is not None
    assert (same.body.text, same.diff_note) == ("text", "No difference.")
    failed = await service.present(b"[]", {}, FAILED, None)
    assert failed is not None
    assert (failed.body.kind, failed.request_text) == (BodyKind.EMPTY, "")


async def test_the_latest_request_wins(service: DisplayService) -> None:
    outcome, request = sent(b"[]")
    answers = await asyncio.gather(*(service.present(b"%d" % i, {}, outcome, request) for i in range(5)))
    assert isinstance(answers[-1], Presented)
    assert answers[1:4] == [None] * 3


async def test_a_cancelled_call_does_not_mix_up_the_answers(service: DisplayService) -> None:
    await service.check_json(b"[]")
    formatting = asyncio.create_task(service.format(b"[" + b"1," * 400_000 + b"1]"))
    await asyncio.sleep(0.005)
    formatting.cancel()
    assert (await service.format(b"[2]")).data == b"[\n  2\n]"
    with pytest.raises(asyncio.CancelledError):
        await formatting


async def test_a_dead_process_is_replaced(service: DisplayService) -> None:
    await service.check_json(b"[]")
    child = service._child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(ChildGone):
        await child.receive()
    assert await service.check_json(b"[]") is None
    assert service._child is not child


async def test_a_job_that_never_ends_is_ended(
    service: DisplayService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.check_json(b"[]")
    assert service._child is not None
    os.kill(service._child.pid, signal.SIGSTOP)
    monkeypatch.setattr(display_service, "LIMIT_SECONDS", 0.2)
    with pytest.raises(DisplayFailed, match="ended with code -9"):
        await service.check_json(b"[]")
    monkeypatch.undo()
    assert await service.check_json(b"[]") is None


async def test_closing_in_the_middle_of_a_job_is_quiet() -> None:
    service = DisplayService()
    job = asyncio.create_task(service.check_json(b"[" * 3_000_000))
    await asyncio.sleep(0.1)
    await service.close()
    with pytest.raises(asyncio.CancelledError):
        await job
