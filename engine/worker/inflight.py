"""How many webhooks are under way to one endpoint and one domain: counters in Redis that all workers share.

A worker that dies leaves its share behind; the counters run out after a while without news, so that it comes back.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from redis.asyncio import Redis

from engine.model import Webhook
from engine.settings import ConcurrencySettings
from engine.webhooks.ids import endpoint_hash

_ENTER = """
local limits = { tonumber(ARGV[1]), tonumber(ARGV[2]) }
for place, key in ipairs(KEYS) do
  local limit = limits[place]
  if limit > 0 and tonumber(redis.call('GET', key) or '0') >= limit then return place end
end
for _, key in ipairs(KEYS) do
  redis.call('INCR', key)
  redis.call('PEXPIRE', key, ARGV[3])
end
return 0
"""

_LEAVE = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 1 then
    redis.call('DECR', key)
    redis.call('PEXPIRE', key, ARGV[1])
  else
    redis.call('DEL', key)
  end
end
return 0
"""


class InFlight:
    """The counters. Every method raises `redis.exceptions.RedisError` or OSError."""

    def __init__(self, redis: Redis, settings: ConcurrencySettings) -> None:
        self._settings = settings
        self._ttl_ms = round(settings.inflight_ttl * 1000)
        self._enter, self._leave = redis.register_script(_ENTER), redis.register_script(_LEAVE)

    async def enter(self, webhook: Webhook) -> str:
        """Counts a webhook as under way, or says why it must wait: `endpoint` or `domain`; empty when it may go."""
        settings = self._settings
        full = await self._enter(
            keys=_keys(webhook),
            args=[settings.max_inflight_per_endpoint, settings.max_inflight_per_domain, self._ttl_ms],
        )
        return ("", "endpoint", "domain")[int(full)]

    async def leave(self, webhook: Webhook) -> None:
        """It is not under way any more; a counter never goes below zero."""
        await self._leave(keys=_keys(webhook), args=[self._ttl_ms])


def domain_of(endpoint: str) -> str:
    """The host of an endpoint, in lower case; empty when it has none."""
    try:
        return (urlsplit(endpoint).hostname or "").lower()
    except ValueError:
        return ""


def _keys(webhook: Webhook) -> list[str]:
    whole = webhook.endpoint_hash or endpoint_hash(webhook.endpoint)
    return [f"concurrency:{whole}", f"domain_concurrency:{domain_of(webhook.endpoint)}"]
