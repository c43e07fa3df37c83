"""Where kv's values are: Redis, or the memory of this process. Keys and values are bytes as Redis holds them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

from redis.exceptions import BusyLoadingError, ConnectionError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from engine.cluster.redis_client import redis_client
from engine.settings import RedisSettings

CONNECT_SECONDS = 1.0
OPERATION_SECONDS = 1.0

_OUT_OF_SERVICE = (BusyLoadingError, OutOfMemoryError, ReadOnlyError)


class StoreUnreachable(Exception):
    """The store could not be asked; the message names no address and no credential."""


class StoreRefused(Exception):
    """The store was asked and said no, as it will again."""


class KvStore(Protocol):
    """Values by full key. Every method raises `StoreUnreachable` or `StoreRefused`."""

    async def get(self, key: bytes) -> bytes | None:
        """The value, None when there is none."""

    async def set(self, key: bytes, value: bytes, ttl_ms: int) -> None:
        """Stores a value that is gone after `ttl_ms` milliseconds."""

    async def delete(self, key: bytes) -> None:
        """Removes the value, if there is one."""

    async def close(self) -> None:
        """Lets go of what the store holds open."""


class RedisKv:
    """The Redis of the cluster. A connection that broke is replaced once; then the call fails within two seconds."""

    def __init__(self, settings: RedisSettings) -> None:
        self._client = redis_client(
            settings, connect_seconds=CONNECT_SECONDS, operation_seconds=OPERATION_SECONDS
        )

    async def get(self, key: bytes) -> bytes | None:
        """See `KvStore`."""
        async with _attempt():
            value: Any = await self._client.get(key)
            return cast("bytes | None", value)  # decode_responses is off

    async def set(self, key: bytes, value: bytes, ttl_ms: int) -> None:
        """See `KvStore`."""
        async with _attempt():
            await self._client.set(key, value, px=ttl_ms)

    async def delete(self, key: bytes) -> None:
        """See `KvStore`."""
        async with _attempt():
            await self._client.delete(key)

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()


class MemoryKv:
    """Values in this process, for tests and scratch spaces; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[bytes, tuple[bytes, float]] = {}
        self._sweep_at = 1024

    async def get(self, key: bytes) -> bytes | None:
        """See `KvStore`."""
        value, ends = self._values.get(key, (None, 0.0))
        return value if ends > self._clock() else None

    async def set(self, key: bytes, value: bytes, ttl_ms: int) -> None:
        """See `KvStore`."""
        if len(self._values) >= self._sweep_at:
            now = self._clock()
            self._values = {name: held for name, held in self._values.items() if held[1] > now}
            self._sweep_at = max(1024, 2 * len(self._values))
        self._values[key] = (value, self._clock() + ttl_ms / 1000)

    async def delete(self, key: bytes) -> None:
        """See `KvStore`."""
        self._values.pop(key, None)

    async def close(self) -> None:
        """Forgets everything."""
        self._values.clear()


class ScratchKv:
    """Reads through to another store and writes to memory: a live preview changes nothing. The caller closes `base`."""

    def __init__(self, base: KvStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._base, self._scratch = base, MemoryKv(clock)
        self._written: set[bytes] = set()

    async def get(self, key: bytes) -> bytes | None:
        """What was written here, else what the other store holds."""
        return await (self._scratch if key in self._written else self._base).get(key)

    async def set(self, key: bytes, value: bytes, ttl_ms: int) -> None:
        """See `KvStore`; stays here."""
        self._written.add(key)
        await self._scratch.set(key, value, ttl_ms)

    async def delete(self, key: bytes) -> None:
        """See `KvStore`; hides the other store's value."""
        self._written.add(key)
        await self._scratch.delete(key)

    async def close(self) -> None:
        """Forgets what was written here."""
        self._written.clear()
        await self._scratch.close()


@asynccontextmanager
async def _attempt() -> AsyncIterator[None]:
    """Ends an operation in time and maps the client's errors, whose texts may name hosts and users, to ours."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS + OPERATION_SECONDS):
            yield
    except (RedisError, OSError) as problem:  # TimeoutError is an OSError
        raise _mapped(problem) from problem


def _mapped(problem: Exception) -> StoreUnreachable | StoreRefused:
    # BusyLoadingError is a ConnectionError too, so what is out of service comes first.
    if isinstance(problem, _OUT_OF_SERVICE):
        return StoreUnreachable("Redis is not ready: it is starting, out of memory, or a replica")
    if isinstance(problem, (RedisTimeoutError, TimeoutError)):
        return StoreUnreachable("Redis did not answer in time")
    if isinstance(problem, (ConnectionError, OSError)):
        return StoreUnreachable("Redis cannot be reached, or refused the connection")
    wrong_kind = str(problem).startswith("WRONGTYPE")
    return StoreRefused(
        "the key holds something that is no string" if wrong_kind else "Redis refused the command"
    )
