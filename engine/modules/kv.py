"""kv: storage of scripts in Redis, where no config_id can reach the keys of another."""

from __future__ import annotations

import math
import re
from typing import Any

from engine.errors import SettingsError
from engine.model import namespace_of
from engine.modules.arguments import CallFailed, answered, optional_seconds, required_bytes
from engine.modules.calls import Failure, ModuleReply
from engine.modules.kv_store import KvStore, StoreRefused, StoreUnreachable

MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 1024 * 1024
MAX_TTL_SECONDS = 10 * 365.25 * 24 * 3600

_FORMAT = re.compile(r"([^{}]*)\{(config_id|namespace)\}(:[^{}]*)\{key\}")


class KeyFormat:
    """How a script's key becomes a Redis key, `lua:kv:{config_id}:{key}` by default.

    Read literally that format is ambiguous: config_id `a` with key `b:c` and config_id `a:b` with key `c` would share
    a Redis key. So in the config_id's part `:` is written `%3A` and `%` is written `%25`: that part then ends at the
    first colon after the prefix, and no two pairs can meet. Config_ids without those two characters, and all keys,
    stand as they are; a workspace names its files in the same way. (Escaping the key instead would have left
    config_ids with a colon alone but changed keys such as `seen:42`, also under `kv:{namespace}:{key}`, where
    published programs hold them plain and no escape is needed, since a namespace has no colon.)

    Raises:
        SettingsError: the format does not name one of `{config_id}` and `{namespace}`, then a colon, then `{key}`.
    """

    def __init__(self, text: str) -> None:
        match = _FORMAT.fullmatch(text)
        if match is None:
            raise SettingsError(
                "lua.kv_key_format",
                f"{text!r} would let scripts read each other's keys.",
                "Write {config_id} or {namespace}, a colon and, at the end, {key}.",
            )
        self._prefix, self._owner, self._middle = match.groups()

    def redis_key(self, config_id: str, key: bytes) -> bytes:
        """The full key. Under `{namespace}` all config_ids of a namespace share their keys, as published workers do."""
        owner = namespace_of(config_id) if self._owner == "namespace" else config_id
        escaped = owner.replace("%", "%25").replace(":", "%3A")
        return f"{self._prefix}{escaped}{self._middle}".encode("utf-8", "surrogatepass") + key


class KvModule:
    """Carries out `kv.get(key)`, `kv.set(key, value, ttl_seconds?)` and `kv.del(key)`.

    Args:
        store: where values are kept; the caller closes it.
        key_format: see `KeyFormat`.
        default_ttl: seconds that a value set without a ttl is kept.
    """

    def __init__(self, store: KvStore, key_format: str, default_ttl: float) -> None:
        self._store, self._keys, self._default_ttl = store, KeyFormat(key_format), default_ttl

    async def get(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies the value, None when there is none."""
        return await answered(self._get(arguments, config_id))

    async def set(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies None; a ttl is in seconds, fractions count, more than 0 and at most ten years."""
        return await answered(self._set(arguments, config_id))

    async def delete(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies None, whether or not there was a value."""
        return await answered(self._delete(arguments, config_id))

    async def _get(self, arguments: tuple[Any, ...], config_id: str) -> bytes | None:
        key = self._key(arguments, config_id)
        try:
            return await self._store.get(key)
        except (StoreUnreachable, StoreRefused) as problem:
            raise _failed(problem) from problem

    async def _set(self, arguments: tuple[Any, ...], config_id: str) -> None:
        key, value = self._key(arguments, config_id), required_bytes(arguments, 1, "the value")
        if len(value) > MAX_VALUE_BYTES:
            raise CallFailed(f"the value has {len(value)} bytes; {MAX_VALUE_BYTES} are the most")
        ttl = optional_seconds(arguments, 2, "ttl_seconds")
        try:
            await self._store.set(key, value, _milliseconds(self._default_ttl if ttl is None else ttl))
        except (StoreUnreachable, StoreRefused) as problem:
            raise _failed(problem) from problem

    async def _delete(self, arguments: tuple[Any, ...], config_id: str) -> None:
        key = self._key(arguments, config_id)
        try:
            await self._store.delete(key)
        except (StoreUnreachable, StoreRefused) as problem:
            raise _failed(problem) from problem

    def _key(self, arguments: tuple[Any, ...], config_id: str) -> bytes:
        key = required_bytes(arguments, 0, "the key")
        if not key:
            raise CallFailed("the key is empty")
        if len(key) > MAX_KEY_BYTES:
            raise CallFailed(f"the key has {len(key)} bytes; {MAX_KEY_BYTES} are the most")
        return self._keys.redis_key(config_id, key)


def _milliseconds(ttl: float) -> int:
    if not 0 < ttl <= MAX_TTL_SECONDS:
        raise CallFailed("ttl_seconds must be more than 0 and at most ten years")
    return math.ceil(ttl * 1000)


def _failed(problem: StoreUnreachable | StoreRefused) -> CallFailed:
    unreachable = isinstance(problem, StoreUnreachable)
    return CallFailed(str(problem), Failure.UNREACHABLE if unreachable else Failure.NONE)
