"""How many webhooks were enqueued, delivered, failed: counters by the hour in Redis, and endpoints estimated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

COUNTED = ("enqueued", "delivered", "failed", "exhausted")


class Stats(msgspec.Struct, frozen=True):
    """Counts over a period; `unique_endpoints` is an estimate (HyperLogLog, about 1 % off)."""

    period: str
    enqueued: int = 0
    delivered: int = 0
    failed: int = 0
    exhausted: int = 0
    unique_endpoints: int = 0


class StatsStore:
    """Counters in Redis.

    Args:
        ttl_seconds: how long an hour's counters are kept.
    """

    def __init__(self, redis: Redis, ttl_seconds: float) -> None:
        self._redis, self._ttl_ms = redis, round(ttl_seconds * 1000)

    def add(
        self, pipe: Pipeline, counts: Mapping[str, int], endpoint_hashes: Collection[str], now: datetime
    ) -> None:
        """Adds to the counters of this hour, through a pipeline."""
        hour = _hour(now)
        for name, count in counts.items():
            pipe.incrby(f"stats:{name}:{hour}", count)
            pipe.pexpire(f"stats:{name}:{hour}", self._ttl_ms)
        if endpoint_hashes:
            pipe.pfadd(f"hll:endpoints:{hour}", *endpoint_hashes)
            pipe.pexpire(f"hll:endpoints:{hour}", self._ttl_ms)

    async def read(self, hours: int, now: datetime) -> Stats:
        """The counts of the current hour and of those before it that a period of `hours` touches.

        Raises:
            redis.exceptions.RedisError: Redis cannot say.
        """
        names = [_hour(now - timedelta(hours=back)) for back in range(hours + 1)]
        pipe = self._redis.pipeline(transaction=False)
        pipe.mget([f"stats:{counted}:{hour}" for counted in COUNTED for hour in names])
        pipe.pfcount(*(f"hll:endpoints:{hour}" for hour in names))
        values, endpoints = await pipe.execute()
        counts = [int(value or 0) for value in values]
        size = len(names)
        sums = {name: sum(counts[place * size : (place + 1) * size]) for place, name in enumerate(COUNTED)}
        return Stats(period=f"{hours}h", unique_endpoints=endpoints, **sums)


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H")
