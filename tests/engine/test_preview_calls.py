"""The three ways to answer a preview's calls, against a real Redis and a real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from engine.errors import BadInput, SettingsError
from engine.modules.calls import Failure, HttpAnswer, ModuleCall, ModuleReply
from engine.modules.fixture import Fixture, encode_fixtures
from engine.modules.recorded import Recorder
from engine.preview_calls import CallMode, PreviewCalls
from engine.settings import LuaSettings, RedisSettings, Settings
from tests.engine.http_site import Site
from tests.engine.redis_server import RedisServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis(host="127.0.0.1", port=server.port) as client:
        await client.flushdb()
        yield client


@pytest.fixture
def cluster(server: RedisServer) -> Settings:
    return Settings(redis=RedisSettings(addr=server.addr), lua=LuaSettings(allowed_hosts=("127.0.0.1",)))


def call(name: str, *arguments: object) -> ModuleCall:
    module, _, function = name.partition(".")
    return ModuleCall(module, function, arguments)


async def ask(calls: PreviewCalls, *asked: ModuleCall) -> list[ModuleReply]:
    async with calls.modules() as modules:
        return [await modules.call(one, "a") for one in asked]


async def test_off_fails_every_call() -> None:
    (reply,) = await ask(PreviewCalls(CallMode.OFF), call("http.get", b"https://a.test/"))
    assert "calls are off in this preview" in reply.problem


async def test_recorded_answers_from_the_file_and_is_the_default(tmp_path: Path) -> None:
    path, get = tmp_path / "c.fixtures.json", call("kv.get", b"k")
    path.write_bytes(encode_fixtures((Fixture.of(get, ModuleReply(b"v")),)))
    assert await ask(PreviewCalls(recordings=path), get) == [ModuleReply(b"v")]
    for without in (PreviewCalls(), PreviewCalls(recordings=tmp_path / "gone.fixtures.json")):
        (reply,) = await ask(without, get)
        assert reply.problem.startswith('kv.get(key="k") was not recorded')
    path.write_text("[")
    with pytest.raises(BadInput, match=r"c\.fixtures\.json"):
        await ask(PreviewCalls(recordings=path), get)


async def test_live_reads_redis_and_leaves_it_as_it_is(redis: Redis, cluster: Settings) -> None:
    key = cluster.lua.kv_key_format.replace("{config_id}", "a").replace("{key}", "k").encode()
    await redis.set(key, b"real")
    live = PreviewCalls(CallMode.LIVE, cluster=cluster)
    get = call("kv.get", b"k")
    replies = await ask(live, get, call("kv.set", b"k", b"mine", None), get, call("kv.del", b"k"), get)
    assert [reply.value for reply in replies] == [b"real", None, b"mine", None, None]
    assert await redis.get(key) == b"real"
    assert await redis.keys() == [key]
    assert (await ask(live, get))[0].value == b"real"  # nothing of the run before


async def test_live_asks_again_in_each_run(cluster: Settings) -> None:
    live = PreviewCalls(CallMode.LIVE, cluster=cluster)
    async with Site() as site:
        for _ in range(2):
            (reply,) = await ask(live, call("http.get", site.url("/x"), None, None))
            assert isinstance(reply.value, HttpAnswer)
        assert site.hits["/x"] == 2


@pytest.mark.parametrize("function", ["post", "put", "delete"])
async def test_live_sends_nothing_that_changes_something_unless_allowed(
    cluster: Settings, function: str
) -> None:
    async with Site() as site:
        one = call(f"http.{function}", site.url("/x"), b"{}", None)
        (refused,) = await ask(PreviewCalls(CallMode.LIVE, cluster=cluster), one)
        assert refused.problem.startswith(f"http.{function} was not sent")
        assert "Run > Allow POST, PUT, DELETE" in refused.problem
        assert refused.failure is Failure.UNREACHABLE
        assert site.requests == []
        (sent,) = await ask(PreviewCalls(CallMode.LIVE, cluster=cluster, sends=True), one)
        assert isinstance(sent.value, HttpAnswer)
        assert [request[0] for request in site.requests] == [function.upper()]


async def test_what_a_live_run_was_answered_is_there_to_keep(cluster: Settings) -> None:
    async with PreviewCalls(CallMode.LIVE, cluster=cluster).modules() as modules:
        assert isinstance(modules, Recorder)
        await modules.call(call("kv.get", b"none"), "a")
        assert modules.fixtures == (Fixture("kv", "get", {"key": "none"}, {}),)


async def test_settings_that_cannot_be_used_are_named() -> None:
    with pytest.raises(SettingsError, match=r"redis\.addr"):
        await ask(PreviewCalls(CallMode.LIVE, cluster=Settings(redis=RedisSettings(addr="nowhere"))))
