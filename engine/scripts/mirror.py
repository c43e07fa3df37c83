"""The Redis mirror of published scripts: `script:{config_id}`, for programs that do not read the topic.

Values are the bytes of the topic's records, so that fields this version does not know pass through. When it is safe to
write which: `engine.scripts.mirror_keeper.settle`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

from redis.asyncio import Redis

_PREFIX = "script:"
_SCAN_COUNT = 1000
_BATCH = 500

_REPLACE = """
local found = redis.pcall('GET', KEYS[1])
local digest = type(found) == 'string' and redis.sha1hex(found) or ''
if digest ~= ARGV[1] then return 0 end
if ARGV[2] == 'delete' then
  redis.call('DEL', KEYS[1])
elseif ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[3])
end
return 1
"""


class ScriptMirror:
    """Scripts in Redis. Every method raises `redis.exceptions.RedisError` or OSError when Redis cannot do it.

    Args:
        ttl_seconds: how long an entry stays after it was written or renewed; 0 for ever.
    """

    def __init__(self, redis: Redis, ttl_seconds: float) -> None:
        self._redis = redis
        self.ttl_seconds = ttl_seconds
        self._ttl_ms = round(ttl_seconds * 1000)
        self._replace = redis.register_script(_REPLACE)

    async def get(self, config_id: str) -> bytes | None:
        """The entry of exactly this config_id."""
        return (await self.get_many([config_id])).get(config_id)

    async def get_many(self, config_ids: Collection[str]) -> dict[str, bytes]:
        """The entries that are there, of those asked for."""
        found: dict[str, bytes] = {}
        for names in batches(config_ids):
            values = await self._redis.mget([_PREFIX + name for name in names])
            found |= {
                name: value for name, value in zip(names, values, strict=True) if isinstance(value, bytes)
            }
        return found

    async def replace(self, entries: Mapping[str, bytes | None], found: Mapping[str, bytes]) -> set[str]:
        """Writes entries, and deletes those whose value is None, where they still are what was `found`.

        Returns:
            those that somebody else has changed since, which are left alone.
        """
        changed: set[str] = set()
        for names in batches(entries):
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                value, before = entries[name], found.get(name)
                digest = "" if before is None else hashlib.sha1(before, usedforsecurity=False).hexdigest()
                action = "delete" if value is None else "set"
                await self._replace(
                    keys=[_PREFIX + name], args=[digest, action, self._ttl_ms, value or b""], client=pipe
                )
            done = await pipe.execute()
            changed |= {name for name, written in zip(names, done, strict=True) if not written}
        return changed

    async def renew(self, config_ids: Collection[str]) -> set[str]:
        """Lets entries stay as long as if they were written now, whatever they hold.

        Returns:
            those that are not there. Entries that stay for ever are not looked for.
        """
        missing: set[str] = set()
        for names in batches(config_ids):
            pipe = self._redis.pipeline(transaction=False)
            for name in names:
                if self._ttl_ms:
                    pipe.pexpire(_PREFIX + name, self._ttl_ms)
                else:
                    pipe.persist(_PREFIX + name)
            done = await pipe.execute()
            if self._ttl_ms:
                missing |= {name for name, renewed in zip(names, done, strict=True) if not renewed}
        return missing

    async def config_ids(self) -> set[str]:
        """Whose entries are there. A key that is not UTF-8 is no config_id's."""
        found: set[str] = set()
        async for key in self._redis.scan_iter(match=f"{_PREFIX}*", count=_SCAN_COUNT):
            try:
                found.add(cast("bytes", key).decode().removeprefix(_PREFIX))
            except UnicodeDecodeError:
                continue
        return found


def batches(names: Collection[str]) -> Iterator[Sequence[str]]:
    """Names in portions that one round trip may carry."""
    every = list(names)
    for start in range(0, len(every), _BATCH):
        yield every[start : start + _BATCH]
