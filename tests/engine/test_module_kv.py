"""kv: values, limits and isolation, against a real redis-server and against memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from engine.errors import SettingsError
from engine.modules.calls import Failure, ModuleReply
from engine.modules.kv import MAX_KEY_BYTES, MAX_VALUE_BYTES, KeyFormat, KvModule
from engine.modules.kv_store import KvStore, MemoryKv, RedisKv
from engine.settings import RedisSettings, Secret
from tests.engine.redis_server import RedisServer

DEFAULT_FORMAT = "lua:kv:{config_id}:{key}"
PUBLISHED_FORMAT = "kv:{namespace}:{key}"


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One of its own, for tests that stop it."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def redis(shared_server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis(port=shared_server.port)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(params=["redis", "memory"])
async def store(
    request: pytest.FixtureRequest, redis: Redis, shared_server: RedisServer
) -> AsyncIterator[KvStore]:
    store: KvStore = RedisKv(RedisSettings(shared_server.addr)) if request.param == "redis" else MemoryKv()
    yield store
    await store.close()


@pytest.fixture
def kv(store: KvStore) -> KvModule:
    return KvModule(store, DEFAULT_FORMAT, 60)


# --- values


async def test_a_value_is_kept_and_forgotten(kv: KvModule) -> None:
    assert await kv.get((b"token",), "a") == ModuleReply(None)
    assert await kv.set((b"token", b"\x00\xff"), "a") == ModuleReply(None)
    assert await kv.get((b"token",), "a") == ModuleReply(b"\x00\xff")
    assert await kv.delete((b"token",), "a") == ModuleReply(None)
    assert await kv.delete((b"token",), "a") == ModuleReply(None)
    assert await kv.get((b"token",), "a") == ModuleReply(None)


async def test_a_fraction_of_a_second_is_a_ttl(kv: KvModule) -> None:
    await kv.set((b"k", b"v", 0.05), "a")
    assert (await kv.get((b"k",), "a")).value == b"v"
    await asyncio.sleep(0.08)
    assert (await kv.get((b"k",), "a")).value is None


async def test_without_a_ttl_the_default_holds(redis: Redis, shared_server: RedisServer) -> None:
    store = RedisKv(RedisSettings(shared_server.addr))
    kv = KvModule(store, DEFAULT_FORMAT, 60)
    await kv.set((b"a", b"v"), "id")
    await kv.set((b"b", b"v", None), "id")
    await kv.set((b"c", b"v", 5), "id")
    ttls = [await redis.pttl(f"lua:kv:id:{key}") for key in "abc"]
    await store.close()
    assert [round(ttl / 1000) for ttl in ttls] == [60, 60, 5]


async def test_the_largest_key_and_value_fit(kv: KvModule) -> None:
    key, value = b"k" * MAX_KEY_BYTES, b"v" * MAX_VALUE_BYTES
    assert await kv.set((key, value), "a") == ModuleReply(None)
    assert (await kv.get((key,), "a")).value == value


async def test_other_programs_find_the_key_where_the_wire_contract_says(
    redis: Redis, shared_server: RedisServer
) -> None:
    store = RedisKv(RedisSettings(shared_server.addr))
    await KvModule(store, DEFAULT_FORMAT, 60).set((b"seen:42", b"1"), "orders")
    await KvModule(store, PUBLISHED_FORMAT, 60).set((b"seen:42", b"2"), "orders:eu:7")
    await store.close()
    assert await redis.get("lua:kv:orders:seen:42") == b"1"
    assert await redis.get("kv:orders:seen:42") == b"2"


async def test_memory_forgets_by_its_clock() -> None:
    now = [0.0]
    store = MemoryKv(lambda: now[0])
    for number in range(3000):
        await store.set(b"%d" % number, b"v", 1000)
        now[0] += 0.01
    assert await store.get(b"2999") == b"v"
    assert await store.get(b"0") is None
    assert len(store._values) < 2000, "what ran out is swept away"


# --- failures


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((b"k", b"v", 0), "more than 0"),
        ((b"k", b"v", -1), "more than 0"),
        ((b"k", b"v", 10 * 366 * 86400), "ten years"),
        ((b"k", b"v", float("inf")), "finite"),
        ((b"k", b"v", float("nan")), "finite"),
        ((b"k", b"v", True), "number"),
        ((b"k", b"v", b"5"), "number"),
        ((b"k" * (MAX_KEY_BYTES + 1), b"v"), "1025 bytes; 1024 are the most"),
        ((b"k", b"v" * (MAX_VALUE_BYTES + 1)), "1048577 bytes"),
        ((b"", b"v"), "empty"),
        ((b"k",), "value is missing"),
        ((b"k", 5), "must be a string"),
        ((), "key is missing"),
        (("k", b"v"), "must be a string"),
    ],
)
async def test_what_cannot_be_stored_says_why(kv: KvModule, arguments: tuple[Any, ...], problem: str) -> None:
    reply = await kv.set(arguments, "a")
    assert problem in reply.problem
    assert (reply.value, reply.failure) == (None, Failure.NONE)


@pytest.mark.parametrize("function", ["get", "delete"])
async def test_a_key_that_cannot_be_says_why(kv: KvModule, function: str) -> None:
    for arguments in ((), (b"",), (7,), (b"k" * 2000,)):
        reply = await getattr(kv, function)(arguments, "a")
        assert "key" in reply.problem
        assert reply.failure is Failure.NONE


async def test_a_key_that_is_no_string_in_redis_is_refused(redis: Redis, shared_server: RedisServer) -> None:
    await redis.rpush("lua:kv:a:list", "x")  # type: ignore[misc]
    store = RedisKv(RedisSettings(shared_server.addr))
    reply = await KvModule(store, DEFAULT_FORMAT, 60).get((b"list",), "a")
    await store.close()
    assert reply == ModuleReply(None, "the key holds something that is no string", Failure.NONE)


async def test_redis_gone_in_the_middle_is_unreachable_and_comes_back(server: RedisServer) -> None:
    store = RedisKv(RedisSettings(server.addr))
    kv = KvModule(store, DEFAULT_FORMAT, 60)
    await kv.set((b"k", b"v"), "a")
    server.stop()
    for reply in (await kv.get((b"k",), "a"), await kv.set((b"k", b"v"), "a"), await kv.delete((b"k",), "a")):
        assert reply.failure is Failure.UNREACHABLE
        assert reply.problem == "Redis cannot be reached, or refused the connection"
    server.start()
    assert await kv.get((b"k",), "a") == ModuleReply(None), "the first call after a restart works"
    await store.close()


async def test_redis_gone_while_calls_wait(server: RedisServer) -> None:
    store = RedisKv(RedisSettings(server.addr))
    kv = KvModule(store, DEFAULT_FORMAT, 60)
    await kv.get((b"k",), "a")
    server.hang()
    waiting = [asyncio.create_task(kv.get((b"k",), "a")) for _ in range(40)]
    await asyncio.sleep(0.1)
    server.stop()
    assert {reply.failure for reply in await asyncio.gather(*waiting)} == {Failure.UNREACHABLE}
    await store.close()


async def test_a_redis_that_hangs_is_given_up_in_time(server: RedisServer) -> None:
    store = RedisKv(RedisSettings(server.addr))
    kv = KvModule(store, DEFAULT_FORMAT, 60)
    await kv.get((b"k",), "a")
    server.hang()
    started = time.monotonic()
    reply = await kv.get((b"k",), "a")
    assert time.monotonic() - started < 2.5
    assert reply == ModuleReply(None, "Redis did not answer in time", Failure.UNREACHABLE)
    await store.close()


async def test_a_wrong_password_is_not_repeated(tmp_path_factory: pytest.TempPathFactory) -> None:
    with RedisServer(tmp_path_factory.mktemp("redis"), "--requirepass", "right") as server:
        store = RedisKv(RedisSettings(server.addr, password=Secret("wrong-password")))
        reply = await KvModule(store, DEFAULT_FORMAT, 60).get((b"k",), "a")
        await store.close()
        assert reply.failure is Failure.UNREACHABLE
        assert "password" not in reply.problem
        assert "127.0.0.1" not in reply.problem
        store = RedisKv(RedisSettings(server.addr, password=Secret("right"), db=3))
        assert await KvModule(store, DEFAULT_FORMAT, 60).get((b"k",), "a") == ModuleReply(None)
        await store.close()


async def test_many_calls_share_a_few_connections(redis: Redis, shared_server: RedisServer) -> None:
    store = RedisKv(RedisSettings(shared_server.addr))
    kv = KvModule(store, DEFAULT_FORMAT, 60)
    replies = await asyncio.gather(*(kv.set((b"%d" % n, b"v"), "a") for n in range(500)))
    assert set(replies) == {ModuleReply(None)}
    assert len(await redis.client_list()) <= 34
    await store.close()


@pytest.mark.parametrize("addr", ["localhost", "redis://:secret@host:1", "host:x", ":6379", ""])
def test_an_address_that_is_none_is_refused_unseen(addr: str) -> None:
    with pytest.raises(SettingsError, match=r"redis\.addr") as refused:
        RedisKv(RedisSettings(addr))
    assert "secret" not in str(refused.value)


# --- isolation

IDS = st.text(st.sampled_from("ab:%3A25é"), max_size=6)
KEYS = st.binary(max_size=6) | IDS.map(str.encode)


@given(IDS, KEYS, IDS, KEYS)
def test_two_pairs_never_share_a_redis_key(id_1: str, key_1: bytes, id_2: str, key_2: bytes) -> None:
    keys = KeyFormat(DEFAULT_FORMAT)
    same = keys.redis_key(id_1, key_1) == keys.redis_key(id_2, key_2)
    assert same == ((id_1, key_1) == (id_2, key_2))


async def test_a_colon_does_not_lead_into_another_script_s_keys(kv: KvModule) -> None:
    await kv.set((b"c", b"secret"), "a:b")
    assert (await kv.get((b"b:c",), "a")).value is None
    assert (await kv.get((b"c",), "a%3Ab")).value is None
    assert (await kv.get((b"c",), "a:b")).value == b"secret"


@pytest.mark.parametrize(
    ("config_id", "key", "redis_key"),
    [
        ("orders", b"last", b"lua:kv:orders:last"),
        ("orders", b"seen:42", b"lua:kv:orders:seen:42"),
        ("orders", b"100%", b"lua:kv:orders:100%"),
        ("wh:42:6", b"last", b"lua:kv:wh%3A42%3A6:last"),
        ("50%", b"\xff", b"lua:kv:50%25:\xff"),
        ("zoë", b"k", "lua:kv:zoë:k".encode()),
    ],
)
def test_ordinary_ids_stand_as_they_are(config_id: str, key: bytes, redis_key: bytes) -> None:
    assert KeyFormat(DEFAULT_FORMAT).redis_key(config_id, key) == redis_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kv:{key}",
        "{key}:{config_id}",
        "kv:{config_id}{key}",
        "kv:{config_id}-{key}",
        "kv:{config_id}:{key}x{key}",
    ],
)
def test_a_format_that_would_mix_scripts_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"lua\.kv_key_format"):
        KeyFormat(text)
