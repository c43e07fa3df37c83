"""Webhooks under way, counted in a real Redis by several workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from redis.asyncio import Redis

from engine.cluster.redis_client import redis_client
from engine.model import Webhook
from engine.settings import ConcurrencySettings, RedisSettings, Seconds
from engine.webhooks.ids import endpoint_hash
from engine.worker.inflight import InFlight, domain_of
from tests.engine.redis_server import RedisServer

WEBHOOK = Webhook("wh_1", "c", "https://A.test/x", b"{}")
KEY = f"concurrency:{endpoint_hash('https://A.test/x')}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    client = redis_client(RedisSettings(addr=server.addr))
    await client.flushall()
    yield client
    await client.aclose()


async def test_so_many_may_go_and_no_more(redis: Redis) -> None:
    inflight = InFlight(redis, ConcurrencySettings(max_inflight_per_endpoint=50))
    answers = await asyncio.gather(*(inflight.enter(WEBHOOK) for _ in range(60)))
    assert (answers.count(""), answers.count("endpoint")) == (50, 10)
    assert await redis.get(KEY) == b"50", "who had to wait is not counted"
    await inflight.leave(WEBHOOK)
    assert await inflight.enter(WEBHOOK) == ""
    assert await inflight.enter(WEBHOOK) == "endpoint"


async def test_a_domain_has_its_own_limit(redis: Redis) -> None:
    inflight = InFlight(redis, ConcurrencySettings(max_inflight_per_domain=1))
    assert await inflight.enter(WEBHOOK) == ""
    other = msgspec.structs.replace(WEBHOOK, endpoint="https://a.test/other")
    assert await inflight.enter(other) == "domain"
    assert await redis.get("domain_concurrency:a.test") == b"1"


async def test_without_a_limit_everything_goes(redis: Redis) -> None:
    inflight = InFlight(redis, ConcurrencySettings(max_inflight_per_endpoint=0))
    assert [await inflight.enter(WEBHOOK) for _ in range(100)] == [""] * 100


async def test_a_counter_never_goes_below_zero(redis: Redis) -> None:
    inflight = InFlight(redis, ConcurrencySettings(max_inflight_per_endpoint=1))
    for _ in range(3):
        await inflight.leave(WEBHOOK)
    assert await redis.keys() == []
    assert await inflight.enter(WEBHOOK) == ""
    assert await inflight.enter(WEBHOOK) == "endpoint"


async def test_the_share_of_a_worker_that_died_comes_back(redis: Redis) -> None:
    inflight = InFlight(redis, ConcurrencySettings(max_inflight_per_endpoint=1, inflight_ttl=Seconds(0.2)))
    assert await inflight.enter(WEBHOOK) == ""
    assert await inflight.enter(WEBHOOK) == "endpoint"
    await asyncio.sleep(0.3)
    assert await inflight.enter(WEBHOOK) == ""


@pytest.mark.parametrize(
    ("endpoint", "domain"),
    [("https://A.Test:8/x", "a.test"), ("http://[::1]/", "::1"), ("x", ""), ("http://[", "")],
)
def test_the_domain_of_an_endpoint(endpoint: str, domain: str) -> None:
    assert domain_of(endpoint) == domain
