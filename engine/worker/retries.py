"""Webhooks that wait to be tried again: `retries`, `retry_data:{id}` and `retry_meta:{id}:{attempt}` in Redis.

What is kept is the webhook as it came, not as its script left it: a retry is transformed once, by the script of then.
Every time is given by the caller, so that tests and several schedulers agree on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import zstandard
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from engine.go_time import go_time
from engine.model import Webhook
from engine.webhooks.record import BadRecord, decode_webhook, encode_webhook

QUEUE = "retries"
MAX_WEBHOOK_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024

_POP = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, tonumber(ARGV[2]))
for _, member in ipairs(due) do
  redis.call('ZADD', KEYS[1], ARGV[3], member)
end
return due
"""
"""Pushed ahead, not removed: one whose scheduler dies comes again when the lock has run out."""


class Due(msgspec.Struct, frozen=True):
    """A webhook whose time has come; `member` names it in the queue until it is done."""

    member: str
    webhook: Webhook


class Retries:
    """The queue. Every method raises `redis.exceptions.RedisError` or OSError when Redis cannot do it.

    Args:
        ttl_seconds: how long a waiting webhook is kept.
    """

    def __init__(self, redis: Redis, ttl_seconds: float) -> None:
        self._redis, self._ttl_ms = redis, round(ttl_seconds * 1000)
        self._pop = redis.register_script(_POP)

    def schedule(self, pipe: Pipeline, webhook: Webhook, due_at: float, reason: str, now_ns: int) -> None:
        """Adds to a pipeline that a webhook waits until `due_at` (Unix seconds) for its attempt `webhook.attempt`."""
        packed = zstandard.compress(encode_webhook(webhook))
        pipe.set(_data(webhook.id), packed, px=self._ttl_ms)
        meta = msgspec.json.encode({"reason": reason, "scheduled_at": go_time(now_ns)})
        pipe.set(_meta(webhook.id, webhook.attempt), meta, px=self._ttl_ms)
        pipe.zadd(QUEUE, {member_of(webhook): due_at})

    async def pop_due(self, now: float, limit: int, lock_seconds: float) -> tuple[list[Due], list[str]]:
        """Those whose time has come, each for one scheduler until the lock runs out.

        Args:
            now: Unix seconds.
            limit: the most of them.
            lock_seconds: until another scheduler may have it.

        Returns:
            the webhooks, and the members whose webhook is gone or cannot be read, to be removed by the caller.
        """
        found = await self._pop(keys=[QUEUE], args=[now, limit, now + lock_seconds])
        members = [member.decode("utf-8", "surrogateescape") for member in found]
        if not members:
            return [], []
        packed = await self._redis.mget([_data(_split(member)[0]) for member in members])
        due: list[Due] = []
        lost: list[str] = []
        for member, data in zip(members, packed, strict=True):
            webhook = _unpacked(data, member)
            if webhook is None:
                lost.append(member)
            else:
                due.append(Due(member, webhook))
        return due, lost

    async def done(self, members: Sequence[str]) -> None:
        """Takes members out of the queue, once they are back in Kafka; what they are made of stays for the worker."""
        if members:
            await self._redis.zrem(QUEUE, *members)

    def forget(self, pipe: Pipeline, webhook: Webhook) -> None:
        """Adds to a pipeline that nothing of a webhook waits any more: its state is terminal."""
        pipe.zrem(QUEUE, member_of(webhook))
        pipe.delete(_data(webhook.id), _meta(webhook.id, webhook.attempt))

    async def waiting(self) -> int:
        """How many wait."""
        return int(await self._redis.zcard(QUEUE))


def member_of(webhook: Webhook) -> str:
    """How an attempt is named in the queue."""
    return f"{webhook.id}:{webhook.attempt}"


def _split(member: str) -> tuple[str, int]:
    webhook_id, _, attempt = member.rpartition(":")
    return webhook_id, int(attempt) if attempt.isascii() and attempt.isdigit() else -1


def _unpacked(data: bytes | str | None, member: str) -> Webhook | None:
    if not isinstance(data, bytes):
        return None
    try:
        webhook = decode_webhook(_decompressed(data))
    except (zstandard.ZstdError, BadRecord):
        return None
    # The queue says which attempt it is: the data may be that of a later one.
    attempt = _split(member)[1]
    return msgspec.structs.replace(webhook, attempt=attempt) if attempt >= 0 else None


def _decompressed(data: bytes) -> bytes:
    """Bit by bit: a frame need not say how large it will be. Raises zstandard.ZstdError or BadRecord."""
    plain = bytearray()
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        while chunk := reader.read(_CHUNK_BYTES):
            plain += chunk
            if len(plain) > MAX_WEBHOOK_BYTES:
                raise BadRecord(f"it has more than {MAX_WEBHOOK_BYTES >> 20} MB")
    return bytes(plain)


def _data(webhook_id: str) -> str:
    return f"retry_data:{webhook_id}"


def _meta(webhook_id: str, attempt: int) -> str:
    return f"retry_meta:{webhook_id}:{attempt}"
