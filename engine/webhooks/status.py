"""What becomes of each webhook, for whoever asks by its id: `status:{webhook_id}` in Redis."""

from __future__ import annotations

import enum
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

_NEWER_ONLY = """
local known = tonumber(redis.call('HGET', KEYS[1], 'ts') or '-1')
if known < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'data', ARGV[1], 'ts', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.status_reply('OK')
"""
"""Late news must not overwrite later ones; doubles of Lua are exact to 256 ns at this size, which is enough."""


class WebhookState(enum.StrEnum):
    """Where a webhook is in its life."""

    PENDING = "pending"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    FAILED = "failed"  # and will be tried again
    EXHAUSTED = "exhausted"


class WebhookStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """One status; times are RFC 3339, `updated_at_ns` is nanoseconds since 1970."""

    webhook_id: str
    state: WebhookState
    attempts: int
    updated_at_ns: int
    last_attempt_at: str | None = None
    last_status_code: int | None = None
    last_error: str | None = None
    next_retry_at: str | None = None
    delivered_at: str | None = None


_ENCODER = msgspec.json.Encoder()


class StatusStore:
    """Statuses in Redis.

    Args:
        ttl_seconds: how long one is kept after its last change.
    """

    def __init__(self, redis: Redis, ttl_seconds: float) -> None:
        self._redis, self._ttl_ms = redis, round(ttl_seconds * 1000)

    def write(self, pipe: Pipeline, status: WebhookStatus) -> None:
        """Adds the writing of one status to a pipeline; an older one than what is there changes nothing."""
        pipe.eval(
            _NEWER_ONLY,
            1,
            _key(status.webhook_id),
            _ENCODER.encode(status),
            str(status.updated_at_ns),
            str(self._ttl_ms),
        )

    async def read(self, webhook_id: str) -> WebhookStatus | None:
        """The status of a webhook; None when none is kept.

        Raises:
            redis.exceptions.RedisError: Redis cannot say.
            msgspec.MsgspecError: another program wrote something else there.
        """
        data = cast("bytes | None", await self._redis.hget(_key(webhook_id), "data"))
        return None if data is None else msgspec.json.decode(data, type=WebhookStatus)


def _key(webhook_id: str) -> str:
    return f"status:{webhook_id}"
