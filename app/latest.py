"""Latest request wins: runs one request at a time and lets a newer one replace what waits or takes too long.

Qt-free. Every method runs on the asyncio loop given; results are handed to `deliver` there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")


class LatestWins(Generic[Request, Result]):
    """A queue of one.

    Args:
        work: does one request; it is cancelled when a newer request has waited for it too long.
        deliver: takes each result, in the order of the requests.
        fail: takes what `work` raised.
        patience_seconds: how long a request may run on while a newer one waits. Most end well within it, and a run
            that is cancelled costs a process.
    """

    def __init__(
        self,
        work: Callable[[Request], Awaitable[Result]],
        deliver: Callable[[Result], None],
        fail: Callable[[Exception], None],
        patience_seconds: float = 0.1,
    ) -> None:
        self._work, self._deliver, self._fail = work, deliver, fail
        self._patience_seconds = patience_seconds
        self._waiting: Request | None = None
        self._current: asyncio.Task[None] | None = None
        self._impatience: asyncio.TimerHandle | None = None

    def submit(self, request: Request) -> None:
        """Runs the request next; one that still waited is dropped."""
        self._waiting = request
        if self._current is None:
            self._next()
        elif self._impatience is None:
            loop = asyncio.get_running_loop()
            self._impatience = loop.call_later(self._patience_seconds, self._current.cancel)

    def cancel(self) -> None:
        """Ends what runs and forgets what waits; neither is delivered."""
        self._waiting = None
        if self._current is not None:
            self._current.cancel()

    async def close(self) -> None:
        """Cancels what runs and forgets what waits."""
        self._waiting = None
        if self._current is not None:
            self._current.cancel()
            await asyncio.gather(self._current, return_exceptions=True)

    def _next(self) -> None:
        request, self._waiting = self._waiting, None
        self._current = None
        if request is not None:
            self._current = asyncio.get_running_loop().create_task(self._one(request))
            # Not a `finally` in the task: one that is cancelled before its first step never gets there.
            self._current.add_done_callback(lambda _task: self._ended())

    def _ended(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
        self._next()

    async def _one(self, request: Request) -> None:
        try:
            self._deliver(await self._work(request))
        except Exception as problem:  # noqa: BLE001 - whoever asked decides what it means
            self._fail(problem)
