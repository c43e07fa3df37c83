"""Kafka in memory and a real Redis with the product's storage of scripts over both, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.cluster.redis_client import redis_client
from engine.model import ScriptConfig, script_hash
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import MirrorKeeper
from engine.settings import RedisSettings
from tests.engine.redis_server import RedisServer

TOPIC = "howk.scripts"
WEEK = 7 * 24 * 3600.0


def script(config_id: str, code: str = "x = 1", version: str = "1") -> ScriptConfig:
    return ScriptConfig(
        config_id, code, script_hash(code), version, {"a": 1}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    )


class Cluster:
    """Kafka in memory, a real Redis, and the store over both."""

    def __init__(self, server: RedisServer, ttl: float = WEEK) -> None:
        self.server, self.broker = server, MemoryBroker()
        self.kafka = MemoryKafka(self.broker)
        self.redis = redis_client(RedisSettings(addr=server.addr), connect_seconds=0.5, operation_seconds=0.5)
        self.mirror = ScriptMirror(self.redis, ttl)
        self.loader = ScriptLoader(self.kafka, TOPIC)
        self.store = ClusterStore(self.kafka, TOPIC, self.loader, self.mirror)

    async def __aenter__(self) -> Cluster:
        self.loader.start()
        await self.loader.caught_up()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.loader.close()
        await self.kafka.close()
        await self.redis.aclose()

    def keeper(self) -> MirrorKeeper:
        return MirrorKeeper(self.loader, self.mirror)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Waits until Redis, which tells nobody of its changes, holds what it should."""
    async with asyncio.timeout(5):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
