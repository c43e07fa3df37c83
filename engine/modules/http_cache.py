"""What spares requests: answers kept for a while, and one request for equal calls at the same time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from engine.modules.calls import Failure, HttpAnswer, ModuleReply
from engine.modules.http_request import Headers

MAX_CACHE_BYTES = 32 * 1024 * 1024
_ENTRY_BYTES = 512  # about what Python needs around an answer


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What makes two GETs one: never shared by two namespaces."""

    namespace: str
    url: str
    headers: Headers

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return (
            len(self.namespace) + len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        )


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: HttpAnswer
    since: float
    ttl: float
    size: int


class AnswerCache:
    """Answers by key, at most `max_bytes` of them: the least recently used go first. `clock` counts seconds."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._clock = max_bytes, clock
        self._kept: OrderedDict[CacheKey, _Kept] = OrderedDict()
        self.size_bytes = 0

    def get(self, key: CacheKey, ttl: float) -> HttpAnswer | None:
        """The answer, if it is no older than `ttl` seconds and than it was to be kept."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        age = self._clock() - kept.since
        if age >= kept.ttl:
            self._drop(key)
            return None
        if age >= ttl:
            return None
        self._kept.move_to_end(key)
        return kept.answer

    def put(self, key: CacheKey, answer: HttpAnswer, ttl: float) -> None:
        """Keeps an answer for `ttl` seconds, unless it alone is larger than the cache."""
        self._drop(key)
        headers = sum(len(name) + len(value) for name, value in answer.headers.items())
        size = _ENTRY_BYTES + key.size + len(answer.body) + headers
        if size > self._max_bytes:
            return
        self._kept[key] = _Kept(answer, self._clock(), ttl, size)
        self.size_bytes += size
        while self.size_bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: CacheKey) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.size_bytes -= kept.size


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[ModuleReply]
    waiting: int = 0


class Flights:
    """One request for all who ask the same at the same time. It goes on while anyone still waits for it."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    async def join(self, key: Hashable, start: Callable[[], Awaitable[ModuleReply]]) -> ModuleReply:
        """The reply of the flight under `key`, which `start` begins when there is none."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.create_task(self._fly(key, start)))
        flight.waiting += 1
        try:
            # A cancelled caller must not take the others down, so none awaits the task itself.
            await asyncio.wait([flight.task])
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                self._forget(key, flight)
                flight.task.cancel()
        if flight.task.cancelled():
            return ModuleReply(None, "http was closed", Failure.UNREACHABLE)
        return flight.task.result()

    async def close(self) -> None:
        """Ends every flight; who waits is told so."""
        tasks = [flight.task for flight in self._flights.values()]
        self._flights.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, key: Hashable, start: Callable[[], Awaitable[ModuleReply]]) -> ModuleReply:
        flight = self._flights[key]
        try:
            return await start()
        finally:
            self._forget(key, flight)

    def _forget(self, key: Hashable, flight: _Flight) -> None:
        # A flight that everyone left may still be landing when the next of the same key starts.
        if self._flights.get(key) is flight:
            del self._flights[key]
