"""Circuits in a real Redis, with a clock of the test's own: when they open, who probes, and when they close."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from engine.cluster.redis_client import redis_client
from engine.settings import CircuitSettings, RedisSettings
from engine.worker.circuit import CircuitBreaker, CircuitState
from tests.engine.redis_server import RedisServer

HASH = "ab" * 16
START = 1_769_914_714.0
CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


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


class Bench:
    """A breaker and its clock."""

    def __init__(self, redis: Redis) -> None:
        self.breaker, self.now = CircuitBreaker(redis, CircuitSettings(), 86400), START

    async def fail(self, times: int = 1, every: float = 1) -> CircuitState:
        for _ in range(times):
            state = await self.breaker.tell(HASH, self.now, success=False)
            self.now += every
        return state

    async def succeed(self) -> CircuitState:
        return await self.breaker.tell(HASH, self.now, success=True)

    async def ask(self) -> tuple[bool, CircuitState, bool]:
        permit = await self.breaker.ask(HASH, self.now)
        return permit.allowed, permit.state, permit.probe


@pytest.fixture
def bench(redis: Redis) -> Bench:
    return Bench(redis)


async def test_an_endpoint_that_nobody_knows_is_open_to_all(bench: Bench, redis: Redis) -> None:
    assert await bench.ask() == (True, CLOSED, False)
    assert await bench.succeed() is CLOSED
    assert await redis.keys() == [], "what works costs nothing"


async def test_five_failures_within_a_minute_open_it(bench: Bench) -> None:
    assert await bench.fail(4) is CLOSED
    assert await bench.ask() == (True, CLOSED, False)
    assert await bench.fail() is OPEN
    assert await bench.ask() == (False, OPEN, False)


async def test_failures_that_are_far_apart_do_not(bench: Bench) -> None:
    assert await bench.fail(20, every=16) is CLOSED, "five of them never fall into one minute"


async def test_a_success_between_starts_anew(bench: Bench) -> None:
    await bench.fail(4)
    await bench.succeed()
    assert await bench.fail(4) is CLOSED
    assert await bench.fail() is OPEN


async def test_after_five_minutes_one_probes_each_minute(bench: Bench) -> None:
    await bench.fail(5, every=0)
    bench.now += 299
    assert await bench.ask() == (False, OPEN, False)
    bench.now += 1
    answers = await asyncio.gather(*(bench.ask() for _ in range(20)))
    assert answers.count((True, HALF_OPEN, True)) == 1
    assert answers.count((False, HALF_OPEN, False)) == 19
    bench.now += 59
    assert await bench.ask() == (False, HALF_OPEN, False)
    bench.now += 1
    assert await bench.ask() == (True, HALF_OPEN, True), "the one before never came back"


async def test_two_successes_close_it_and_a_failure_opens_it_again(bench: Bench) -> None:
    await bench.fail(5, every=0)
    bench.now += 300
    await bench.ask()
    assert await bench.fail(every=0) is OPEN
    assert await bench.ask() == (False, OPEN, False)
    bench.now += 300
    await bench.ask()
    assert await bench.succeed() is HALF_OPEN
    assert await bench.ask() == (True, HALF_OPEN, True), "a success lets the next probe go at once"
    assert await bench.succeed() is CLOSED
    assert await bench.ask() == (True, CLOSED, False)
    assert await bench.fail(4, every=0) is CLOSED


async def test_the_record_is_that_of_the_wire_contract(bench: Bench, redis: Redis) -> None:
    await bench.fail(5, every=0)
    record = json.loads(await redis.get(f"circuit:{HASH}"))
    assert (
        record.items()
        >= {
            "endpoint_hash": HASH,
            "state": "open",
            "failures": 0,
            "successes": 0,
            "last_failure_at": "2026-02-01T02:58:34Z",
            "state_changed_at": "2026-02-01T02:58:34Z",
            "next_probe_at": "2026-02-01T03:03:34Z",
        }.items()
    )
    assert 86300 < await redis.ttl(f"circuit:{HASH}") <= 86400


@pytest.mark.parametrize("odd", [b"", b"nonsense", b"[]", b"null", b"3"])
async def test_a_record_that_is_none_is_begun_anew(bench: Bench, redis: Redis, odd: bytes) -> None:
    await redis.set(f"circuit:{HASH}", odd)
    assert await bench.ask() == (True, CLOSED, False)
    assert await bench.fail() is CLOSED
