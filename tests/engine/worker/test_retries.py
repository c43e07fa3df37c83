"""Waiting webhooks in a real Redis: in time, once for each scheduler, back when one dies, and gone when done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import zstandard
from redis.asyncio import Redis

from engine.cluster.redis_client import redis_client
from engine.model import Webhook
from engine.settings import RedisSettings
from engine.webhooks.ids import endpoint_hash
from engine.worker.retries import QUEUE, Retries
from tests.engine.redis_server import RedisServer

NOW = 1_769_914_714.0
NOW_NS = 1_769_914_714_500_000_000
WEBHOOK = Webhook(
    "wh_1", "c", "https://a.test/", b'{"a": 1.0}', attempt=2, endpoint_hash=endpoint_hash("https://a.test/"),
    unknown_fields={"later": b"1"},
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as server:
        yield server


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    client = redis_client(RedisSettings(addr=server.addr))
    await client.flushall()
    yield client
    await client.aclose()


async def schedule(redis: Redis, *webhooks: Webhook, due_at: float = NOW) -> Retries:
    retries = Retries(redis, 60)
    pipe = redis.pipeline(transaction=False)
    for webhook in webhooks:
        retries.schedule(pipe, webhook, due_at, "503", NOW_NS)
    await pipe.execute()
    return retries


async def test_the_keys_are_those_of_the_wire_contract(redis: Redis) -> None:
    await schedule(redis, WEBHOOK)
    assert await redis.zrange(QUEUE, 0, -1, withscores=True) == [(b"wh_1:2", NOW)]
    data = await redis.get("retry_data:wh_1")
    assert json.loads(zstandard.decompress(data))["attempt"] == 2
    assert json.loads(await redis.get("retry_meta:wh_1:2")) == {
        "reason": "503",
        "scheduled_at": "2026-02-01T02:58:34.5Z",
    }
    assert 0 < await redis.ttl("retry_data:wh_1") <= 60
    assert 0 < await redis.ttl("retry_meta:wh_1:2") <= 60


async def test_a_webhook_is_due_when_its_time_has_come_and_comes_back_as_it_was(redis: Redis) -> None:
    retries = await schedule(redis, WEBHOOK, due_at=NOW + 10)
    assert await retries.pop_due(NOW + 9, 10, 30) == ([], [])
    due, lost = await retries.pop_due(NOW + 10, 10, 30)
    assert ([one.webhook for one in due], lost) == ([WEBHOOK], [])
    await retries.done([one.member for one in due])
    assert await retries.waiting() == 0


async def test_one_that_was_popped_comes_again_only_after_the_lock(redis: Redis) -> None:
    retries = await schedule(redis, WEBHOOK)
    assert len((await retries.pop_due(NOW, 10, 30))[0]) == 1
    assert await retries.pop_due(NOW + 29, 10, 30) == ([], [])
    assert len((await retries.pop_due(NOW + 30, 10, 30))[0]) == 1, "its scheduler died"


async def test_many_schedulers_share_what_is_due(redis: Redis) -> None:
    webhooks = [msgspec.structs.replace(WEBHOOK, id=f"wh_{number}") for number in range(200)]
    retries = await schedule(redis, *webhooks)
    found = await asyncio.gather(*(retries.pop_due(NOW, 30, 30) for _ in range(10)))
    members = [one.member for due, _ in found for one in due]
    assert len(members) == len(set(members)) == 200


async def test_what_is_lost_or_broken_is_told(redis: Redis) -> None:
    retries = await schedule(redis, WEBHOOK)
    await redis.zadd(QUEUE, {"wh_gone:0": NOW, "wh_broken:0": NOW, "odd": NOW, "wh_json:0": NOW})
    await redis.set("retry_data:wh_broken", b"no zstd")
    await redis.set("retry_data:wh_json", zstandard.compress(b"{}"))
    due, lost = await retries.pop_due(NOW, 10, 30)
    assert [one.member for one in due] == ["wh_1:2"]
    assert set(lost) == {"wh_gone:0", "wh_broken:0", "odd", "wh_json:0"}


async def test_nothing_is_left_of_a_webhook_that_is_done(redis: Redis) -> None:
    retries = await schedule(redis, WEBHOOK)
    pipe = redis.pipeline(transaction=False)
    retries.forget(pipe, WEBHOOK)
    await pipe.execute()
    assert await redis.keys() == []


async def test_a_bomb_is_not_unpacked(redis: Redis) -> None:
    retries = await schedule(redis, WEBHOOK)
    await redis.set("retry_data:wh_1", zstandard.compress(bytes(200 * 1024 * 1024)))
    assert await retries.pop_due(NOW, 10, 30) == ([], ["wh_1:2"])
