"""Two config_ids that try to read each other, a thousand runs each way: nothing crosses."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from engine.modules.calls import HttpAnswer, ModuleCall, ModuleReply
from engine.modules.http import HttpModule
from engine.modules.kv import KvModule
from engine.modules.kv_store import MemoryKv
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply, RunRequest
from engine.settings import LuaSettings
from tests.engine.http_site import Site
from tests.engine.running import Runs, run_request

RUNS = 1000
ALICE, BOB = "alice:eu", "bob:eu"
OTHER = {ALICE: BOB, BOB: ALICE}

# Leaves the run's own name wherever a run can write, after it has looked for the other's in all those places.
SPY = """
local me, other = metadata.config_id, "%(other)s"
local mine = "left by " .. me
local found = {}
local function look(place, value)
  if type(value) == "string" and string.find(value, "left by", 1, true) then
    found[#found + 1] = place .. ": " .. value
  end
end
local function walk(place, value, seen)
  look(place, value)
  if type(value) ~= "table" or seen[value] then return end
  seen[value] = true
  walk(place .. " (metatable)", getmetatable(value), seen)
  for key, member in pairs(value) do
    look(place .. " (key)", key)
    walk(place .. "." .. tostring(key), member, seen)
  end
end
local MODULES = { "json", "base64", "kv", "http", "crypto", "log" }

local globals, seen = _G, {}
walk("_G", globals, seen)
for _, name in ipairs(MODULES) do walk("require " .. name, require(name), seen) end
for level = 0, 10 do
  local ok, env = pcall(getfenv, level)
  if ok then walk("getfenv " .. level, env, seen) end
end
walk("environment of a library function", getfenv(string.upper), seen)
look("a method of strings", ("").spied)
look("what an error left", tostring(select(2, pcall(error))))
look("a string method", (("x"):upper()))
look("a random number", tostring(math.random()))

planted = mine
rawset(globals, "planted_raw", mine)
loadstring("planted_by_loadstring = " .. string.format("%%q", mine))()
for _, name in ipairs({ "string", "table", "math", "log", "metadata", "headers", "config", "request" }) do
  globals[name].spied = mine
  if name ~= "headers" then pcall(setmetatable, globals[name], { __index = { inherited = mine }, left = mine }) end
end
for _, name in ipairs(MODULES) do
  local module = require(name)
  module.spied = mine
  setmetatable(module, { __index = { inherited = mine } })
end
string.upper = function() return mine end
pcall(function() getmetatable("").__index.spied = mine end)
pcall(setfenv, string.lower, { spied = mine })
setmetatable(globals, { __index = function(_, name) return name == "inherited" and mine or nil end })
math.randomseed(#me)
pcall(error, { left = mine })
headers.spied = nil
log.info(me, { owner = me })
rawset(globals, "request", { body = #found == 0 and "clean" or table.concat(found, "; "), headers = { ["X-Me"] = me } })
setfenv(1, { planted = mine })
"""

KV_SPY = """
local kv = require("kv")
local me, other = metadata.config_id, "%(other)s"
local leaks = {}
local function expect(key, allowed)
  local value, problem = kv.get(key)
  if problem then leaks[#leaks + 1] = key .. " failed: " .. problem end
  if value ~= nil and value ~= allowed then leaks[#leaks + 1] = key .. " holds " .. value end
end
metadata.config_id, config = other, { config_id = other }
local mine = "left by " .. me
local head, tail = string.match(other, "^(%%w+):(%%w+)$")
local KEYS = { "shared", other, other .. ":shared", "lua:kv:" .. other .. ":shared", "../" .. other,
               ":shared", tail .. ":shared", "%%3A" .. tail .. ":shared", head .. "%%3A" .. tail .. ":shared", "*" }
for _, key in ipairs(KEYS) do expect(key, mine) end
for _, key in ipairs(KEYS) do
  local problem = kv.set(key, mine)
  if problem then leaks[#leaks + 1] = problem end
end
for _, key in ipairs(KEYS) do
  if kv.get(key) ~= mine then leaks[#leaks + 1] = key .. " was changed" end
end
if #payload %% 2 == 0 then kv.del("shared") end
request.body = #leaks == 0 and "clean" or table.concat(leaks, "; ")
"""

HTTP_SPY = """
local http = require("http")
local me = metadata.config_id
metadata.config_id = "%(other)s"
local answer, problem = http.get(payload, nil, { cache_ttl = 60 })
if not answer then error(problem) end
local said = answer.headers["x-hit"]
answer.body, answer.headers["x-hit"], answer.spied = "left by " .. me, "left by " .. me, "left by " .. me
local again = http.get(payload, nil, { cache_ttl = 60 })
if again.headers["x-hit"] ~= said or again.spied then error("an answer was changed in the cache") end
request.body = said
"""


class Outside:
    """kv in memory and a real http module, behind the real keys and caches."""

    def __init__(self) -> None:
        settings = LuaSettings(allowed_hosts=("127.0.0.1",))
        self.kv = KvModule(MemoryKv(), settings.kv_key_format, settings.kv_ttl_default)
        self.http = HttpModule(settings)

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        functions = {
            ("kv", "get"): self.kv.get,
            ("kv", "set"): self.kv.set,
            ("kv", "del"): self.kv.delete,
            ("http", "get"): self.http.get,
        }
        return await functions[call.module, call.function](call.arguments, config_id)


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(size=2, spares=1) as started:
        yield started


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    made = Outside()
    yield made
    await made.http.close()


def spies(source: str, payload: bytes = b"{}", *, count: int = RUNS) -> list[RunRequest]:
    """Runs of both config_ids, in an order that is random and the same every time."""
    order = random.Random(1)
    owners = [order.choice((ALICE, BOB)) for _ in range(count)]
    scripts = {owner: source % {"other": OTHER[owner]} for owner in OTHER}
    return [run_request(scripts[owner], payload, config_id=owner, cpu_seconds=2.0) for owner in owners]


def judge(request: RunRequest, reply: RunReply) -> None:
    """Whether a run found nothing, and its reply is its own and nobody else's."""
    assert (reply.error_type, reply.body) == (None, b"clean"), reply.error_message or reply.body
    me = request.config_id
    extra = dict(zip(reply.extra_headers[::2], reply.extra_headers[1::2], strict=True))
    assert extra == {b"X-Me": me.encode()}
    (line,) = reply.logs
    assert (line.message, line.fields) == (me, {"owner": me})
    assert OTHER[me] not in repr(reply)


async def in_batches(
    pool: EnginePool, requests: Sequence[RunRequest], outside: Outside, size: int = 50
) -> list[RunReply]:
    """The replies, from two hosts at a time."""
    starts = range(0, len(requests), size)
    batches = (pool.run_batch(requests[start : start + size], outside) for start in starts)
    return [reply for batch in await asyncio.gather(*batches) for reply in batch]


async def test_a_thousand_runs_in_one_pool_find_nothing_of_each_other(
    pool: EnginePool, outside: Outside
) -> None:
    requests = spies(SPY)
    for request, reply in zip(requests, await in_batches(pool, requests, outside), strict=True):
        judge(request, reply)


def test_a_thousand_runs_in_one_lua_state_find_nothing_of_each_other() -> None:
    runtime = Runs().runtime
    for request in spies(SPY):
        judge(request, runtime.run(request))
        runtime.tidy()


def test_the_spy_finds_what_is_there() -> None:
    planted = 'string.spied = "left by bob:eu" setmetatable(_G, { __index = { x = "left by bob:eu" } }) '
    body = Runs().body(planted + SPY % {"other": BOB}, config_id=ALICE, cpu_seconds=2.0)
    assert b"_G.string.spied: left by bob:eu" in body
    assert b"(metatable)" in body


async def test_no_key_of_kv_leads_to_the_other(pool: EnginePool, outside: Outside) -> None:
    requests = spies(KV_SPY) + spies(KV_SPY, b"odd", count=100)
    # One after the other: a run of the same config_id beside it may change its keys, and is meant to.
    for reply in await in_batches(pool, requests, outside, len(requests)):
        assert (reply.error_type, reply.body) == (None, b"clean"), reply.error_message or reply.body
    for owner in (ALICE, BOB):
        kept = await outside.kv.get((b"*",), owner)
        assert kept.value == f"left by {owner}".encode()


async def test_config_ids_and_keys_that_read_alike_are_apart(outside: Outside) -> None:
    """`a` with the key `b:c`, and `a:b` with the key `c`, as a plain join of the two would mix them up."""
    pairs = [("a", b"b:c"), ("a:b", b"c"), ("a%3Ab", b"c"), ("a", b"%3Ab:c"), ("", b"a:b:c"), ("a:b:c", b"d")]
    for owner, key in pairs:
        assert (await outside.kv.set((key, owner.encode() + b"|" + key, None), owner)).problem == ""
    for owner, key in pairs:
        assert (await outside.kv.get((key,), owner)).value == owner.encode() + b"|" + key


async def test_an_answer_in_the_http_cache_is_not_the_others(pool: EnginePool, outside: Outside) -> None:
    async with Site() as site:
        requests = spies(HTTP_SPY, site.url("/shared"))
        replies = await in_batches(pool, requests, outside)
        said: dict[str, set[bytes | None]] = {ALICE: set(), BOB: set()}
        for request, reply in zip(requests, replies, strict=True):
            assert reply.error_type is None, reply.error_message
            said[request.config_id].add(reply.body)
        # One request for each, answered from its own cache ever after.
        assert site.hits["/shared"] == 2
        assert all(len(hits) == 1 for hits in said.values())
        assert said[ALICE] != said[BOB]


async def test_equal_gets_at_the_same_time_are_not_shared_between_the_two(outside: Outside) -> None:
    async with Site() as site:
        gets = [outside.http.get((site.url("/short"), None, 0), owner) for owner in (ALICE, BOB) * 5]
        answers = [reply.value for reply in await asyncio.gather(*gets)]
        assert all(isinstance(answer, HttpAnswer) and answer.body == b"soon" for answer in answers)
        assert site.hits["/short"] == 2
