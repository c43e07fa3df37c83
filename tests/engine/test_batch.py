"""Runs in batches: one host, one frame, replies in order, and a run that ends its host harms no other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest

from engine.model import ScriptErrorType
from engine.modules.calls import Failure, ModuleCall, ModuleReply
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import Request, RunReply
from tests.engine.running import run_request

ECHO = "request.body = payload"
LOOP = "while true do end"
C_STACK_OVERFLOW = 'string.find(string.rep("a",1000000), string.rep("a?",1000000).."b")'
STORED = 'local kv = require("kv") request.body = kv.get("k") .. metadata.webhook_id'


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(size=2, spares=1) as made:
        yield made


class Storage:
    """Answers kv.get with the config_id, after others had their turn."""

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        await asyncio.sleep(0)
        if call.arguments == (b"down",):
            return ModuleReply(problem="it does not answer", failure=Failure.UNREACHABLE)
        return ModuleReply(config_id.encode())


def bodies(replies: Sequence[RunReply]) -> list[bytes | None]:
    return [reply.body for reply in replies]


def echoes(count: int) -> list[Request]:
    return [run_request(ECHO, b"%d" % number) for number in range(count)]


async def test_replies_come_in_the_order_of_the_requests(pool: EnginePool) -> None:
    assert bodies(await pool.run_batch(echoes(200))) == [b"%d" % number for number in range(200)]


async def test_an_empty_batch_has_no_replies(pool: EnginePool) -> None:
    assert await pool.run_batch([]) == []


async def test_runs_that_end_their_host_leave_the_others_their_own_outcomes(pool: EnginePool) -> None:
    loop, overflow = run_request(LOOP, cpu_seconds=0.05), run_request(C_STACK_OVERFLOW)
    first, second, third = echoes(3)
    replies = await pool.run_batch([first, loop, overflow, second, overflow, loop, third])
    assert [reply.error_type for reply in replies] == [
        None,
        ScriptErrorType.TIMEOUT,
        ScriptErrorType.RUNTIME,
        None,
        ScriptErrorType.RUNTIME,
        ScriptErrorType.TIMEOUT,
        None,
    ]
    assert [replies[place].body for place in (0, 3, 6)] == [b"0", b"1", b"2"]


async def test_the_run_that_ended_its_host_is_found_among_many(pool: EnginePool) -> None:
    requests = echoes(40)
    requests[25] = run_request(C_STACK_OVERFLOW)
    replies = await pool.run_batch(requests)
    assert [number for number, reply in enumerate(replies) if reply.error_type] == [25]
    assert replies[25].error_type is ScriptErrorType.RUNTIME
    assert [reply.body for reply in replies if reply.body] == [b"%d" % n for n in range(40) if n != 25]


class Counting:
    """Answers every call and counts those of each config_id."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        self.calls[config_id] += 1
        return ModuleReply(b"v")


async def test_a_call_is_not_carried_out_again_when_a_run_ends_the_host(pool: EnginePool) -> None:
    calls = 'require("kv").get("k") '
    requests: list[Request] = [
        run_request(ECHO, b"0"),
        run_request(calls + ECHO, b"1", config_id="before"),
        run_request(ECHO, b"2"),
        run_request(calls + C_STACK_OVERFLOW, config_id="culprit"),
        run_request(calls + ECHO, b"4", config_id="after"),
        run_request(C_STACK_OVERFLOW),
        run_request(calls + ECHO, b"6", config_id="last"),
    ]
    counting = Counting()
    replies = await pool.run_batch(requests, counting)
    assert [reply.body for reply in replies] == [b"0", b"1", b"2", None, b"4", None, b"6"]
    assert counting.calls == {"before": 1, "culprit": 1, "after": 1, "last": 1}


async def test_module_calls_in_a_batch_are_answered_for_the_run_that_made_them(pool: EnginePool) -> None:
    requests = [run_request(STORED, webhook_id=f"-{n}", config_id=f"c{n}") for n in range(20)]
    assert bodies(await pool.run_batch(requests, Storage())) == [b"c%d-%d" % (n, n) for n in range(20)]


async def test_a_module_failure_of_one_run_is_not_the_next_ones(pool: EnginePool) -> None:
    dies = run_request('require("kv").get("down") error("no")')
    fails = run_request('error("no")')
    replies = await pool.run_batch([dies, fails], Storage())
    assert [reply.error_type for reply in replies] == [ScriptErrorType.MODULE_KV, ScriptErrorType.RUNTIME]


async def test_a_request_larger_than_a_frame_is_refused_alone(
    pool: EnginePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.sandbox.pool.MAX_FRAME_BYTES", 10_000)
    small = echoes(3)
    replies = await pool.run_batch([small[0], run_request(ECHO, b"x" * 20_000), *small[1:]])
    assert [reply.error_type for reply in replies] == [None, ScriptErrorType.MEMORY_LIMIT, None, None]
    assert [reply.body for reply in replies if reply.error_type is None] == [b"0", b"1", b"2"]


async def test_fifty_concurrent_runs_with_five_hostile_ones_each_get_their_own_outcome() -> None:
    async with EnginePool(size=4, spares=2) as pool:
        hostile = {7: LOOP, 17: C_STACK_OVERFLOW, 27: LOOP, 37: C_STACK_OVERFLOW, 47: LOOP}
        requests = [
            run_request(hostile[n], cpu_seconds=0.05) if n in hostile else run_request(ECHO, b"%d" % n)
            for n in range(50)
        ]
        replies = await asyncio.gather(*(pool.run(request) for request in requests))
    for number, reply in enumerate(replies):
        if number in hostile:
            assert reply.error_type in (ScriptErrorType.TIMEOUT, ScriptErrorType.RUNTIME)
        else:
            assert reply.body == b"%d" % number


class SlowStorage:
    """Answers after a while."""

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        await asyncio.sleep(0.03)
        return ModuleReply(b"v")


async def test_module_calls_of_one_run_share_one_time_limit(
    pool: EnginePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.sandbox.pool.CALLS_SECONDS", 0.2)
    source = """
    local kv = require("kv")
    local answered, why = 0, nil
    for i = 1, 50 do
      local value, problem = kv.get("k")
      if value then answered = answered + 1 else why = problem end
    end
    request.body = why .. " " .. (answered < 10 and "few" or "many")
    """
    reply = await pool.run(run_request(source), SlowStorage())
    assert reply.body == b"the module calls of this run took longer than 0.2 s few"
