"""kv, http and crypto as a script calls them: success, each failure, wrong types; a real Redis, server and key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from engine.model import ScriptErrorType
from engine.modules.calls import ModuleCall, ModuleReply
from engine.modules.live import LiveModules
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply
from engine.sandbox.runtime import ScriptRuntime
from engine.settings import load_settings
from tests.engine.credentials import Vectors
from tests.engine.http_site import Site
from tests.engine.redis_server import RedisServer
from tests.engine.running import run_request

PRELUDE = 'local kv, http, crypto = require("kv"), require("http"), require("crypto") '
SECRET = b'{"token":"\x00\xff"}'


class World:
    """Runs scripts; `URL`, `WRAPPED` and `DATA` in them stand for a page and a credential of the key `main`."""

    def __init__(
        self, pool: EnginePool, modules: LiveModules, site: Site, credential: tuple[bytes, bytes]
    ) -> None:
        self.pool, self.modules, self.site, self.credential = pool, modules, site, credential

    async def run(self, source: str, config_id: str = "shop") -> RunReply:
        wrapped, data = (part.decode() for part in self.credential)
        url = self.site.url("/").decode().rstrip("/")
        for name, value in (("URL", url), ("WRAPPED", wrapped), ("DATA", data)):
            source = source.replace(name, value)
        return await self.pool.run(
            run_request(PRELUDE + source, cpu_seconds=2.0, config_id=config_id), self.modules
        )

    async def body(self, source: str, config_id: str = "shop") -> bytes:
        reply = await self.run(source, config_id)
        assert reply.error_type is None, reply.error_message
        return reply.body or b""


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    return Vectors(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis(port=server.port) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def world(redis: Redis, server: RedisServer, vectors: Vectors) -> AsyncIterator[World]:
    settings = load_settings(
        {
            "HOWK_REDIS_ADDR": server.addr,
            "HOWK_LUA_ALLOWED_HOSTS": "127.0.0.1",
            "HOWK_LUA_HTTP_TIMEOUT": "200ms",
            "HOWK_LUA_HTTP_MAX_BODY_BYTES": "100000",
            "HOWK_LUA_CRYPTO_MAIN": vectors.pkcs8.read_text(),
        }
    )
    async with Site() as site, LiveModules.of(settings) as modules, EnginePool(size=2, spares=0) as pool:
        yield World(pool, modules, site, vectors.encrypted(SECRET))


# --- success


async def test_kv_keeps_a_value_from_one_run_to_the_next(world: World, redis: Redis) -> None:
    assert await world.body(r'request.body = tostring(kv.set("k", "\0\255", 60))') == b"nil"
    assert await redis.get("lua:kv:shop:k") == b"\x00\xff"
    assert 0 < await redis.pttl("lua:kv:shop:k") <= 60_000
    assert await world.body('request.body = kv.get("k")') == b"\x00\xff"
    assert await world.body('request.body = tostring(kv.get("k"))', "other") == b"nil"
    assert await world.body('request.body = tostring(kv.del("k"))') == b"nil"
    absent = 'local value, problem = kv.get("k") request.body = tostring(value) .. tostring(problem)'
    assert await world.body(absent) == b"nilnil"


async def test_kv_takes_numbers_as_their_text_and_has_a_ttl_of_a_day(world: World, redis: Redis) -> None:
    assert await world.body("kv.set(7, 12.5) request.body = kv.get(7)") == b"12.5"
    assert 86_000_000 < await redis.pttl("lua:kv:shop:7") <= 86_400_000


async def test_http_get_gives_status_body_and_headers(world: World) -> None:
    source = """
    local answer, problem = http.get("URL/a?q=1", { ["X-Mine"] = "m", ["X-Number"] = 5 }, { cache_ttl = 60 })
    assert(problem == nil)
    local again = http.get("URL/a?q=1", { ["X-Mine"] = "m", ["X-Number"] = 5 }, { cache_ttl = 60 })
    request.body = answer.status_code .. " " .. answer.body .. " " .. answer.headers["x-hit"] .. again.headers["x-hit"]
    """
    assert await world.body(source) == b"200 GET /a?q=1 11"
    assert world.site.hits["/a"] == 1
    headers = world.site.requests[0][2]
    assert (headers["X-Mine"], headers["X-Number"]) == ("m", "5")


async def test_http_get_may_leave_out_headers_and_options(world: World) -> None:
    both = 'http.get("URL/a") http.get("URL/a", nil, { cache_ttl = 0 }) http.get("URL/a", nil, {})'
    assert (
        await world.body(f'{both} request.body = http.get("URL/status/404", {{}}).status_code .. ""')
        == b"404"
    )
    assert world.site.hits["/a"] == 2


@pytest.mark.parametrize("function", ["post", "put", "delete"])
async def test_http_sends_a_body(world: World, function: str) -> None:
    source = rf'local a, problem = http.{function}("URL/b", "\0\255", {{ ["Content-Type"] = "x/y" }}) '
    source += (
        'request.body = a.status_code .. " " .. a.body .. " " .. a.headers["x-hit"] .. tostring(problem)'
    )
    name = function.upper().encode()
    assert await world.body(source) == b"200 %s /b 1nil" % name
    method, _, headers, body = world.site.requests[0]
    assert (method, headers["Content-Type"], body) == (function.upper(), "x/y", b"\x00\xff")


async def test_http_delete_needs_no_body(world: World) -> None:
    assert await world.body('request.body = http.delete("URL/b").body') == b"DELETE /b"
    assert "Content-Type" not in world.site.requests[0][2]


async def test_crypto_opens_a_credential(world: World) -> None:
    source = (
        'local plain, problem = crypto.decrypt_credential("main", "WRAPPED", "DATA") request.body = plain'
    )
    assert await world.body(source + " assert(problem == nil)") == SECRET


# --- failures: nil, and why

OF_THE_SCRIPT = [
    ('kv.get("")', "the key is empty"),
    ('kv.get(("k"):rep(1025))', "the key has 1025 bytes; 1024 are the most"),
    ('kv.get("list")', "the key holds something that is no string"),
    ('kv.set("", "v")', "the key is empty"),
    ('kv.set(("k"):rep(1025), "v")', "the key has 1025 bytes; 1024 are the most"),
    ('kv.set("k", ("v"):rep(2^20 + 1))', "the value has 1048577 bytes; 1048576 are the most"),
    ('kv.set("k", "v", 0)', "ttl_seconds must be more than 0 and at most ten years"),
    ('kv.set("k", "v", -1)', "ttl_seconds must be more than 0 and at most ten years"),
    ('kv.set("k", "v", 1e12)', "ttl_seconds must be more than 0 and at most ten years"),
    ('kv.set("k", "v", 0/0)', "ttl_seconds must be a finite number of seconds"),
    ('kv.set("k", "v", 1/0)', "ttl_seconds must be a finite number of seconds"),
    ('kv.del("")', "the key is empty"),
    ('kv.del(("k"):rep(1025))', "the key has 1025 bytes; 1024 are the most"),
    ('crypto.decrypt_credential("main", "not base64!", "DATA")', "symmetric_key_b64 is not base64"),
    ('crypto.decrypt_credential("main", "WRAPPED", "YWJ")', "encrypted_data_b64 is not base64"),
    ('crypto.decrypt_credential("main", "WRAPPED", "YWJj")', "encrypted_data_b64 is too short for a nonce and a tag"),
    ('crypto.decrypt_credential("main", "YWJj", "DATA")', "the credential cannot be decrypted with this key"),
    ('crypto.decrypt_credential("", "WRAPPED", "DATA")', "key_name must be printable text of at most 128 bytes"),
]  # fmt: skip
OF_HTTP = [
    ('"ftp://a.test/"', "http:// or https://"),
    ('"http://other.test/"', "not in allowed_hosts"),
    ('"URL/redirect/307?http://other.test/"', "not in allowed_hosts"),
    ('"URL/loop"', "redirects"),
    ('"URL/size/100001"', "larger than 100000 bytes"),
    ('"URL/endless"', "larger than 100000 bytes"),
]
OF_THE_NETWORK = [
    ('"URL/drop"', "the connection broke off"),
    ('"URL/drop/body"', "the answer broke off"),
    ('"URL/slow"', "did not answer in full within 0.2 s"),
    ('"URL/trickle"', "did not answer in full within 0.2 s"),
    ('"http://127.0.0.1:1/"', "the connection was refused"),
]
CALLS = {
    "get": "http.get({})",
    "post": 'http.post({}, "")',
    "put": 'http.put({}, "")',
    "delete": "http.delete({})",
}
FAILURES = [
    *((call, why, ScriptErrorType.RUNTIME) for call, why in OF_THE_SCRIPT),
    *((CALLS[name].format(url), why, ScriptErrorType.RUNTIME) for name in CALLS for url, why in OF_HTTP),
    *((CALLS[name].format(url), why, ScriptErrorType.MODULE_HTTP) for name in CALLS for url, why in OF_THE_NETWORK),
    ('http.get("URL/x", { Host = "evil" })', "the header Host cannot be set by a script", ScriptErrorType.RUNTIME),
    ('http.put("URL/x", "", { ["X Y"] = "a" })', "a header's name", ScriptErrorType.RUNTIME),
    ('http.get("URL/x", nil, { cache_ttl = -1 })', "cache_ttl must not be negative", ScriptErrorType.RUNTIME),
    ('http.get("URL/x", nil, { cache_ttl = 0/0 })', "cache_ttl must be a finite number", ScriptErrorType.RUNTIME),
    ('http.post("URL/x")', "the body is missing", ScriptErrorType.RUNTIME),
    ('http.put("URL/x", nil)', "the body is missing", ScriptErrorType.RUNTIME),
    ('http.post("URL/x", ("x"):rep(100001))', "100001 bytes; 100000 are the most", ScriptErrorType.RUNTIME),
    ('crypto.decrypt_credential("other", "WRAPPED", "DATA")', "crypto key 'other' is not configured",
     ScriptErrorType.MODULE_CRYPTO),
]  # fmt: skip


@pytest.mark.parametrize(("call", "why", "unhandled"), FAILURES, ids=[call[:60] for call, _, _ in FAILURES])
async def test_a_failure_is_nil_and_why_or_the_end_of_who_does_not_look(
    world: World, redis: Redis, call: str, why: str, unhandled: ScriptErrorType
) -> None:
    await redis.rpush("lua:kv:shop:list", "x")  # type: ignore[misc]
    only_a_problem = call.startswith(("kv.set", "kv.del"))  # they have nothing else to return
    names = "problem" if only_a_problem else "value, problem"
    checked = f"local {names} = {call} "
    handled = checked + f'request.body = tostring({"nil" if only_a_problem else "value"}) .. " " .. problem'
    end = checked + "if problem then error(problem) end"
    reply, body = await asyncio.gather(world.run(end), world.body(handled))
    assert body.startswith(b"nil ")
    assert why in body.decode()
    assert (reply.error_type, why in reply.error_message, reply.error_line) == (unhandled, True, 1)


# --- wrong argument types

WRONG = [
    *(
        (f"kv.{name}({arguments})", f"bad argument #1 to '{name}' (string expected, got {kind})")
        for name in ("get", "set", "del")
        for arguments, kind in (("", "no value"), ("{}", "table"), ("true", "boolean"), ("print", "function"))
    ),
    ('kv.set("k")', "bad argument #2 to 'set' (string expected, got no value)"),
    ('kv.set("k", {})', "bad argument #2 to 'set' (string expected, got table)"),
    ('kv.set("k", "v", "60")', "bad argument #3 to 'set' (number expected, got string)"),
    ('kv.set("k", "v", {})', "bad argument #3 to 'set' (number expected, got table)"),
    *(
        (f"http.{name}({arguments})", f"bad argument #1 to '{name}' (string expected, got {kind})")
        for name in ("get", "post", "put", "delete")
        for arguments, kind in (("", "no value"), ("{}", "table"), ("false", "boolean"))
    ),
    ('http.get("URL/x", "h")', "bad argument #2 to 'get' (table expected, got string)"),
    ('http.get("URL/x", { X = {} })', "bad argument #2 to 'get' (headers must be strings)"),
    ('http.get("URL/x", { "X" })', "bad argument #2 to 'get' (headers must be strings)"),
    ('http.get("URL/x", nil, 60)', "bad argument #3 to 'get' (table expected, got number)"),
    ('http.get("URL/x", nil, { cache_ttl = "60" })',
     "bad argument #3 to 'get' (cache_ttl must be a number, got string)"),
    *(
        line
        for name in ("post", "put", "delete")
        for line in (
            (f'http.{name}("URL/x", {{}})', f"bad argument #2 to '{name}' (string expected, got table)"),
            (f'http.{name}("URL/x", true)', f"bad argument #2 to '{name}' (string expected, got boolean)"),
            (f'http.{name}("URL/x", "", "h")', f"bad argument #3 to '{name}' (table expected, got string)"),
            (f'http.{name}("URL/x", "", {{ X = true }})', f"bad argument #3 to '{name}' (headers must be strings)"),
        )
    ),
    *(
        (f"crypto.decrypt_credential({arguments})",
         f"bad argument #{place} to 'decrypt_credential' (string expected, got {kind})")
        for arguments, place, kind in (
            ("", 1, "no value"), ("{}", 1, "table"), ('"main"', 2, "no value"), ('"main", true', 2, "boolean"),
            ('"main", "WRAPPED"', 3, "no value"), ('"main", "WRAPPED", {}', 3, "table"),
        )
    ),
    ("require()", "bad argument #1 to 'require' (string expected, got no value)"),
    ("require({})", "bad argument #1 to 'require' (string expected, got table)"),
    ('require("redis")', "module 'redis' not found; a script can require base64, crypto, http, json, kv, log"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[call for call, _ in WRONG])
def test_a_wrong_type_raises_at_the_scripts_line_and_calls_nothing(call: str, message: str) -> None:
    calls: list[ModuleCall] = []

    def answer(call: ModuleCall) -> ModuleReply:
        calls.append(call)
        return ModuleReply()

    reply = ScriptRuntime(answer).run(run_request(f"{PRELUDE}\n\n{call}"))
    assert (reply.error_type, reply.error_message, reply.error_line) == (ScriptErrorType.RUNTIME, message, 3)
    assert calls == []
