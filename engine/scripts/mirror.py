"""The Redis mirror of published scripts: `script:{config_id}`, for programs that do not read the topic.

Values are the bytes of the topic's records, so that fields this version does not know pass through.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from redis.asyncio import Redis

_PREFIX = "script:"
_SCAN_COUNT = 1000
_BATCH = 500


class ScriptMirror:
    """Scripts in Redis. Every method raises `redis.exceptions.RedisError` or OSError when Redis cannot do it.

    Args:
        ttl_seconds: how long an entry stays after it was written; 0 for ever.
    """

    def __init__(self, redis: Redis, ttl_seconds: float) -> None:
        self._redis = redis
        self.ttl_seconds = ttl_seconds
        self._ttl_ms = round(ttl_seconds * 1000) or None

    async def get(self, config_id: str) -> bytes | None:
        """The entry of exactly this config_id."""
        return cast("bytes | None", await self._redis.get(_PREFIX + config_id))

    async def put(self, config_id: str, value: bytes) -> None:
        """Writes one entry."""
        await self._redis.set(_PREFIX + config_id, value, px=self._ttl_ms)

    async def delete(self, config_id: str) -> None:
        """Deletes one entry; one that is not there is no error."""
        await self._redis.delete(_PREFIX + config_id)

    async def apply(self, entries: Mapping[str, bytes | None]) -> None:
        """Writes many entries, and deletes those whose value is None."""
        pairs = list(entries.items())
        for start in range(0, len(pairs), _BATCH):
            pipe = self._redis.pipeline(transaction=False)
            for config_id, value in pairs[start : start + _BATCH]:
                if value is None:
                    pipe.delete(_PREFIX + config_id)
                else:
                    pipe.set(_PREFIX + config_id, value, px=self._ttl_ms)
            await pipe.execute()

    async def get_many(self, config_ids: list[str]) -> dict[str, bytes]:
        """The entries that are there, of those asked for."""
        found: dict[str, bytes] = {}
        for start in range(0, len(config_ids), _BATCH):
            names = config_ids[start : start + _BATCH]
            values = await self._redis.mget([_PREFIX + name for name in names])
            found |= {
                name: value for name, value in zip(names, values, strict=True) if isinstance(value, bytes)
            }
        return found

    async def config_ids(self) -> set[str]:
        """Whose entries are there."""
        found: set[str] = set()
        async for key in self._redis.scan_iter(match=f"{_PREFIX}*", count=_SCAN_COUNT):
            found.add(key.decode("utf-8", "surrogateescape").removeprefix(_PREFIX))
        return found

    async def ping(self) -> None:
        """Whether Redis answers."""
        await self._redis.ping()
