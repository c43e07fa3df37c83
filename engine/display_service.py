"""Asks the display process: starts it when first needed, starts it again when it dies, and drops what is outdated.

All methods run on one asyncio loop, the one that first called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from engine.child_process import ChildGone, FramedChild
from engine.display import JsonProblem
from engine.display_process import (
    Answer,
    Checked,
    CheckJson,
    Compare,
    Compared,
    Failed,
    Format,
    Formatted,
    Present,
    Presented,
    Request,
)
from engine.errors import EngineUnavailable, HowkError
from engine.model import Outcome, OutgoingRequest

PATIENCE_SECONDS = 3.0
"""How long an outdated job may run on before its process is killed."""

LIMIT_SECONDS = 20.0
"""How long any job may run."""

_LOOK_SECONDS = 0.1

_DECODER: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)

AnswerT = TypeVar("AnswerT", Checked, Formatted, Presented, Compared)


class DisplayFailed(HowkError):
    """A body could not be prepared for showing; the next one may well be."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"the display could not be prepared: {why}")


class DisplayService:
    """The parent's side of the display process. Close it when done."""

    def __init__(self) -> None:
        self._child: FramedChild | None = None
        self._turn = asyncio.Lock()
        self._jobs: set[asyncio.Task[Answer | None]] = set()
        self._latest_present = 0

    async def check_json(self, payload: bytes) -> JsonProblem | None:
        """What keeps a payload from being JSON; None when it is. Raises DisplayFailed."""
        return (await self._ask(CheckJson(payload), Checked)).problem

    async def format(self, payload: bytes) -> Formatted:
        """The payload indented; as it came, with the problem, when it is not JSON. Raises DisplayFailed."""
        return await self._ask(Format(payload), Formatted)

    async def present(
        self,
        payload: bytes,
        incoming: Mapping[str, str],
        outcome: Outcome,
        request: OutgoingRequest | None,
        *,
        compare: bool = True,
    ) -> Presented | None:
        """Everything to show of a run; None when a later call made it outdated.

        Args:
            payload: what came in.
            incoming: the headers that came in.
            outcome: what the script made of it; one with an error shows as nothing sent.
            request: what would go over the wire.
            compare: whether to tell the difference too; `compare` does so later.

        Raises:
            DisplayFailed: the process died at it, or took longer than LIMIT_SECONDS.
        """
        self._latest_present += 1
        mine = self._latest_present
        asked = _present_request(payload, incoming, outcome, request)
        asked = msgspec.structs.replace(asked, compare=compare)
        try:
            return await self._ask(asked, Presented, lambda: mine != self._latest_present)
        except _Outdated:
            return None

    async def compare(self, payload: bytes, body: bytes) -> Compared | None:
        """The difference of a run; None when another run was presented meanwhile. Raises DisplayFailed."""
        latest = self._latest_present
        try:
            return await self._ask(Compare(payload, body), Compared, lambda: latest != self._latest_present)
        except _Outdated:
            return None

    async def close(self) -> None:
        """End the process; jobs under way are cancelled."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        if self._child is not None:
            await self._child.close()
            self._child = None

    async def _ask(
        self, request: Request, expected: type[AnswerT], outdated: Callable[[], bool] = lambda: False
    ) -> AnswerT:
        abandoned = False
        job = asyncio.create_task(self._run(request, lambda: abandoned or outdated()))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        try:
            # A job under way is never torn out of the pipe: its answer would be taken for the next one's.
            reply = await asyncio.shield(job)
        except asyncio.CancelledError:
            abandoned = True
            job.add_done_callback(_look_away)
            raise
        if reply is None:
            raise _Outdated
        if isinstance(reply, expected):
            return reply
        raise DisplayFailed(
            reply.message if isinstance(reply, Failed) else f"unexpected answer {type(reply)}"
        )

    async def _run(self, request: Request, outdated: Callable[[], bool]) -> Answer | None:
        async with self._turn:
            if outdated():
                return None
            child = await self._living_child()
            try:
                return await _exchange(child, request, outdated)
            except ChildGone as gone:
                if outdated():
                    return None
                raise DisplayFailed(str(gone)) from gone

    async def _living_child(self) -> FramedChild:
        if self._child is not None and self._child.returncode is not None:
            await self._child.close()
            self._child = None
        if self._child is None:
            try:
                self._child = await FramedChild.start("engine.display_process")
            except EngineUnavailable as error:
                raise DisplayFailed(error.why) from error
        return self._child


class _Outdated(Exception):
    """A later request took this one's place."""


async def _exchange(child: FramedChild, request: Request, outdated: Callable[[], bool]) -> Answer:
    """Send, and wait for the answer; a process that takes too long is killed, which ends in ChildGone."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    await child.send(msgspec.msgpack.encode(request))
    receiving = asyncio.create_task(child.receive())
    try:
        while not (await asyncio.wait({receiving}, timeout=_LOOK_SECONDS))[0]:
            taken = loop.time() - started
            if taken > LIMIT_SECONDS or (taken > PATIENCE_SECONDS and outdated()):
                child.kill()
                break
        return _DECODER.decode(await receiving)
    except asyncio.CancelledError:
        receiving.cancel()
        child.kill()  # only when the service closes
        raise


def _present_request(
    payload: bytes, incoming: Mapping[str, str], outcome: Outcome, request: OutgoingRequest | None
) -> Present:
    result = outcome.result
    if result is None:
        return Present(payload, dict(incoming), body=b"")
    body = result.body if request is None else request.body
    asked = Present(payload, dict(incoming), None if body == payload else body, result.headers)
    if request is None:
        return asked
    return msgspec.structs.replace(
        asked, method=request.method, url=request.url, headers=tuple(request.headers)
    )


def _look_away(job: asyncio.Task[Answer | None]) -> None:
    """Nobody waits for this job any more; without a look at its exception asyncio would complain."""
    if not job.cancelled():
        job.exception()
