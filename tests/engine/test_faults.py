"""Faults in mid-run: Redis gone, a server that drops the connection, a host killed; each run gets its own outcome."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web

from engine.errors import EngineUnavailable
from engine.model import Outcome, ScriptErrorType, Webhook
from engine.modules.live import LiveModules
from engine.sandbox.blame import RunInterrupted
from engine.sandbox.pool import EnginePool
from engine.settings import LuaSettings, RedisSettings, Seconds, Settings
from engine.transform import Script, Transformer
from tests.engine.http_site import Site
from tests.engine.redis_server import RedisServer
from tests.engine.running import run_request

C_STACK_OVERFLOW = 'string.find(string.rep("a",1000000), string.rep("a?",1000000).."b")'

WAIT = """
local kv, http = require("kv"), require("http")
kv.set("seen", "yes")
local before = assert(kv.get("seen"))
assert(http.get(payload))
"""
UNHANDLED = WAIT + 'request.body = before .. assert(kv.get("seen"))'
CARELESS = WAIT + 'request.body = before .. kv.get("seen")'
HANDLED = WAIT + 'local value, problem = kv.get("seen") request.body = value or "without: " .. problem'
NO_KV = 'request.body = assert(require("http").get(payload)).body'


class Gate(Site):
    """Requests to /gate wait until `open` is set; `arrived` gets one entry for each."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.arrived: asyncio.Queue[str] = asyncio.Queue()

    async def __aenter__(self) -> Gate:
        await super().__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.open.set()
        await super().__aexit__(None, None, None)

    async def _gate(self, request: web.Request) -> web.Response:
        self.arrived.put_nowait(request.path)
        await self.open.wait()
        return web.Response(text=f"{request.method} {request.path}")

    async def wait_for(self, count: int) -> None:
        """Returns when that many more requests wait."""
        for _ in range(count):
            await self.arrived.get()


class World:
    """Scripts that use live modules, in one pool."""

    def __init__(self, pool: EnginePool, modules: LiveModules, site: Gate) -> None:
        self.pool, self.modules, self.site = pool, modules, site
        self._transformer = Transformer(pool, LuaSettings(timeout=Seconds(1)))

    async def run(self, source: str, path: str = "/x", config_id: str = "shop") -> Outcome:
        """One run; its payload is the URL of `path`."""
        webhook = Webhook(
            id="wh_1",
            config_id=config_id,
            endpoint="https://receiver.example/",
            payload=self.site.url(path),
        )
        return await self._transformer.run(Script.of(source.encode()), webhook, modules=self.modules)

    def start(self, source: str, path: str, config_id: str = "shop") -> asyncio.Task[Outcome]:
        """The same, in the background."""
        return asyncio.create_task(self.run(source, path, config_id))

    def idle_host(self) -> int:
        """The process id of the one host that is there."""
        (host,) = self.pool._idle
        return host.pid


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def world(redis: RedisServer) -> AsyncIterator[World]:
    lua = LuaSettings(allowed_hosts=("127.0.0.1",), http_cache_enabled=False, http_timeout=Seconds(30))
    settings = Settings(lua=lua, redis=RedisSettings(redis.addr))
    async with Gate() as site, LiveModules.of(settings) as modules, EnginePool(size=6, spares=0) as pool:
        await pool.warm_up()
        yield World(pool, modules, site)


def body(outcome: Outcome) -> bytes:
    assert outcome.result is not None, outcome.error
    return outcome.result.body


def error(outcome: Outcome) -> tuple[ScriptErrorType, str]:
    assert outcome.error is not None, outcome.result
    return outcome.error.type, outcome.error.message


# --- Redis


async def test_redis_gone_in_mid_run_is_the_end_of_those_only_that_need_it(
    world: World, redis: RedisServer
) -> None:
    runs = [
        world.start(source, f"/gate/{place}")
        for place, source in enumerate((UNHANDLED, CARELESS, HANDLED, NO_KV))
    ]
    await world.site.wait_for(len(runs))
    redis.stop()
    while_down = await asyncio.gather(world.run(NO_KV), world.run("request.body = 'plain'"))
    world.site.open.set()
    unhandled, careless, handled, no_kv = await asyncio.gather(*runs)

    why = "Redis cannot be reached, or refused the connection"
    kind, message = error(unhandled)
    assert (kind, why in message) == (ScriptErrorType.MODULE_KV, True)
    kind, message = error(careless)
    assert (kind, message.startswith(f"kv.get: {why}; then: ")) == (ScriptErrorType.MODULE_KV, True)
    assert body(handled) == f"without: {why}".encode()
    assert body(no_kv) == b"GET /gate/3"
    assert [body(outcome) for outcome in while_down] == [b"GET /x", b"plain"]

    redis.start()
    assert body(await world.run(UNHANDLED)) == b"yesyes"


@pytest.mark.parametrize("call", ['kv.get("k")', 'kv.set("k", "v")', 'kv.del("k")'])
async def test_each_function_of_kv_says_that_redis_is_gone(
    world: World, redis: RedisServer, call: str
) -> None:
    redis.stop()
    # `set` and `del` give the problem as their only value.
    checked = f"local a, b = {call} local problem = b or a if problem then error(problem, 0) end"
    kind, message = error(await world.run('local kv = require("kv") ' + checked))
    assert kind is ScriptErrorType.MODULE_KV
    assert message == "Redis cannot be reached, or refused the connection"


# --- the http server


@pytest.mark.parametrize("path", ["/drop", "/drop/body"])
@pytest.mark.parametrize(
    "call", ["get(payload)", 'post(payload, "{}")', 'put(payload, "{}")', "delete(payload)"]
)
async def test_a_dropped_connection_is_unreachable_and_the_next_call_works(
    world: World, path: str, call: str
) -> None:
    call = f'require("http").{call}'
    kind, message = error(await world.run(f"request.body = assert({call}).body", path))
    assert (kind, "127.0.0.1: " in message, "broke off" in message) == (
        ScriptErrorType.MODULE_HTTP,
        True,
        True,
    )
    handled = f'local answer, problem = {call} request.body = tostring(answer) .. " " .. problem'
    assert body(await world.run(handled, path)).startswith(b"nil 127.0.0.1: ")
    once_more = (
        path == "/drop" and "post" not in call
    )  # a method that may be repeated, and no answer had begun
    assert world.site.hits[path] == (4 if once_more else 2)
    assert body(await world.run(NO_KV)) == b"GET /x"


async def test_a_connection_dropped_in_mid_run_leaves_the_neighbours_theirs(world: World) -> None:
    neighbours = [world.start(NO_KV, f"/gate/{n}", f"shop:{n}") for n in range(3)]
    await world.site.wait_for(3)
    dropped = await asyncio.gather(*(world.run(NO_KV, path) for path in ("/drop", "/drop/body")))
    assert [error(outcome)[0] for outcome in dropped] == [ScriptErrorType.MODULE_HTTP] * 2
    world.site.open.set()
    assert [body(outcome) for outcome in await asyncio.gather(*neighbours)] == [
        b"GET /gate/%d" % n for n in range(3)
    ]


class OneAnswerEach:
    """A server that answers the first request of a connection, keeps it open, and drops it at the second."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for answers in (True, False):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break  # the client closed it
            self.requests.append(head.split(b" ", 1)[0])
            if answers:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        writer.close()


async def test_a_kept_connection_that_breaks_is_replaced_but_a_post_is_never_sent_twice(world: World) -> None:
    server = OneAnswerEach()
    async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as listener:
        world.site.port, own = listener.sockets[0].getsockname()[1], world.site.port
        post = 'request.body = assert(require("http").post(payload, "")).body'
        assert body(await world.run(NO_KV)) == b"ok"
        assert body(await world.run(NO_KV)) == b"ok"
        assert (server.requests, server.connections) == ([b"GET"] * 3, 2), "sent again on a new connection"
        kind, message = error(await world.run(post))
        assert (kind, "broke off" in message) == (ScriptErrorType.MODULE_HTTP, True)
        assert server.requests.count(b"POST") == 1
        assert body(await world.run(post)) == b"ok"
        world.site.port = own
    assert body(await world.run(NO_KV)) == b"GET /x"


# --- hosts


async def test_a_host_killed_while_its_run_waits_for_a_call_is_replaced_and_the_run_repeated(
    world: World,
) -> None:
    victim_host = world.idle_host()
    victim = world.start(UNHANDLED, "/gate/victim")
    await world.site.wait_for(1)
    neighbours = [world.start(NO_KV, f"/gate/{n}", f"shop:{n}") for n in range(3)]
    await world.site.wait_for(3)
    os.kill(victim_host, signal.SIGKILL)
    world.site.open.set()
    assert body(await victim) == b"yesyes"
    assert [body(outcome) for outcome in await asyncio.gather(*neighbours)] == [
        b"GET /gate/%d" % n for n in range(3)
    ]
    assert world.site.hits["/gate/victim"] == 2
    assert [world.site.hits[f"/gate/{n}"] for n in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("call", ['kv.set("seen", "yes")', 'kv.del("seen")'])
async def test_what_may_happen_twice_is_repeated(world: World, call: str) -> None:
    host = world.idle_host()
    run = world.start(f'require("kv").{call[3:]} {NO_KV}', "/gate")
    await world.site.wait_for(1)
    os.kill(host, signal.SIGKILL)
    world.site.open.set()
    assert body(await run) == b"GET /gate"


@pytest.mark.parametrize("call", ['post(payload, "{}")', 'put(payload, "{}")', "delete(payload)"])
@pytest.mark.parametrize("answered", [False, True])
async def test_a_run_that_had_sent_something_is_not_repeated_behind_the_workers_back(
    world: World, call: str, answered: bool
) -> None:
    host = world.idle_host()
    name = "http." + call.partition("(")[0]
    first = call.replace("payload", 'payload .. "/first"') if answered else call
    site = world.site
    path = "/x" if answered else "/gate"
    source = f'local http = require("http") assert(http.{first}) '
    source += f'assert(http.get("{site.url("/gate").decode()}"))' if answered else ""
    run = world.start(source, path)
    neighbour = world.start(NO_KV, "/gate/neighbour", "other")
    await site.wait_for(2)
    os.kill(host, signal.SIGKILL)
    site.open.set()
    with pytest.raises(RunInterrupted, match=rf"after it had sent {name}") as interrupted:
        await run
    assert isinstance(interrupted.value, EngineUnavailable), "whoever retries those retries it"
    assert site.hits["/x/first" if answered else "/gate"] == 1
    assert body(await neighbour) == b"GET /gate/neighbour"
    assert body(await world.run(NO_KV)) == b"GET /x"


async def test_a_batch_that_is_interrupted_gives_the_replies_it_has(world: World) -> None:
    host = world.idle_host()
    post = 'request.body = assert(require("http").post(payload, "")).body'
    requests = [
        run_request(source, world.site.url(path))
        for source, path in ((NO_KV, "/0"), (post, "/1"), (NO_KV, "/2"), (post, "/gate"), (post, "/4"))
    ]
    batch = asyncio.create_task(world.pool.run_batch(requests, world.modules))
    await world.site.wait_for(1)
    os.kill(host, signal.SIGKILL)
    world.site.open.set()
    with pytest.raises(RunInterrupted) as interrupted:
        await batch
    assert [reply.body for reply in interrupted.value.replies] == [b"GET /0", b"POST /1", b"GET /2"]
    assert world.site.hits == {"/0": 1, "/1": 1, "/2": 1, "/gate": 1}


async def test_a_batch_that_finds_no_host_any_more_gives_the_replies_it_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_more() -> None:
        raise EngineUnavailable("no memory")

    post = 'request.body = assert(require("http").post(payload, "")).body'
    requests = [run_request(post, world.site.url("/1")), run_request(NO_KV, world.site.url("/gate"))]
    async with EnginePool(size=1, spares=0) as pool:
        await pool.warm_up()
        (host,) = (idle.pid for idle in pool._idle)
        monkeypatch.setattr(pool, "_start", no_more)
        batch = asyncio.create_task(pool.run_batch(requests, world.modules))
        await world.site.wait_for(1)
        os.kill(host, signal.SIGKILL)
        world.site.open.set()
        with pytest.raises(EngineUnavailable, match="no memory") as failed:
            await batch
    assert [reply.body for reply in failed.value.replies] == [b"POST /1"], "or it would be sent again"


async def test_a_run_after_one_that_had_sent_something_is_repeated(world: World) -> None:
    host = world.idle_host()
    post = 'request.body = assert(require("http").post(payload, "")).body'
    requests = [run_request(post, world.site.url("/1")), run_request(NO_KV, world.site.url("/gate"))]
    batch = asyncio.create_task(world.pool.run_batch(requests, world.modules))
    await world.site.wait_for(1)
    os.kill(host, signal.SIGKILL)
    world.site.open.set()
    assert [reply.body for reply in await batch] == [b"POST /1", b"GET /gate"]
    assert world.site.hits == {"/1": 1, "/gate": 2}


# --- all at once

GOOD = """
local kv, http = require("kv"), require("http")
local me = metadata.config_id
assert(kv.set("own", me) == nil)
local answer = assert(http.get(payload))
request.body = answer.body .. " " .. assert(kv.get("own"))
"""
HOSTILE = {
    4: ('require("kv").get("k") while true do end', "/x", ScriptErrorType.TIMEOUT),
    14: ('require("kv").set("own", "mine") ' + C_STACK_OVERFLOW, "/x", ScriptErrorType.RUNTIME),
    24: ('local t = { require("http").get(payload) } while true do t = { t } end', "/x", ScriptErrorType.MEMORY_LIMIT),
    34: ('while true do pcall(require("http").get, payload, nil, { cache_ttl = 0 }) end', "/x",
         ScriptErrorType.TIMEOUT),
    44: (NO_KV, "/drop/body", ScriptErrorType.MODULE_HTTP),
}  # fmt: skip


async def test_fifty_concurrent_runs_through_modules_with_five_hostile_ones(world: World) -> None:
    runs = []
    for number in range(50):
        source, path, _ = HOSTILE.get(number, (GOOD, f"/own/{number}", None))
        runs.append(world.run(source, path, f"c{number}"))
    for number, outcome in enumerate(await asyncio.gather(*runs)):
        if number in HOSTILE:
            assert error(outcome)[0] is HOSTILE[number][2], (number, outcome.error)
        else:
            assert body(outcome) == b"GET /own/%d c%d" % (number, number)
            assert world.site.hits[f"/own/{number}"] == 1
