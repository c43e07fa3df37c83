"""Does work in order for each key, and side by side for different keys, no more than so much at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]


class _Lane:
    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: deque[Work] = deque()


class Lanes:
    """One lane for each key that has work.

    Args:
        per_key: how much of one key is done at once; 1 keeps it in order.
        failed: is told of an error that a piece of work let through; the next of its lane goes on.
    """

    def __init__(self, per_key: int, failed: Callable[[BaseException], None]) -> None:
        self._per_key, self._failed = per_key, failed
        self._lanes: dict[Hashable, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, key: Hashable, work: Work) -> None:
        """Does this after all that was added for its key before."""
        lane = self._lanes.setdefault(key, _Lane())
        lane.waiting.append(work)
        self._idle.clear()
        self._go_on(key, lane)

    async def idle(self) -> None:
        """Waits until nothing is to be done."""
        await self._idle.wait()

    async def drop(self) -> None:
        """Forgets what waits, and cancels what is being done."""
        for lane in self._lanes.values():
            lane.waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def keys(self) -> int:
        """How many keys have work."""
        return len(self._lanes)

    def _go_on(self, key: Hashable, lane: _Lane) -> None:
        while lane.waiting and lane.running < self._per_key:
            lane.running += 1
            task = asyncio.create_task(self._run(lane.waiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._ended(key, lane, done))
        if not lane.running:
            del self._lanes[key]
            if not self._lanes:
                self._idle.set()

    @staticmethod
    async def _run(work: Work) -> None:
        await work()

    def _ended(self, key: Hashable, lane: _Lane, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        lane.running -= 1
        if not task.cancelled() and (problem := task.exception()) is not None:
            self._failed(problem)
        self._go_on(key, lane)
