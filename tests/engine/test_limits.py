"""Limits as the pool keeps them: a run ends at its budget wherever it is stuck, and the next run works at once.

CPU time is what the contract is about: budget + 300 ms, as the pool reports it. Wall time is not asserted, since the
machine may be busy with something else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from collections.abc import AsyncIterator

import msgspec
import pytest

from engine.child_process import MAX_FRAME_BYTES, read_frame
from engine.errors import EngineUnavailable
from engine.model import ScriptErrorType
from engine.sandbox.host import Replies
from engine.sandbox.pool import MAX_ATTEMPTS, EnginePool, wall_limit
from engine.sandbox.protocol import CompileRequest, RunReply
from tests.engine.running import MB, MISSION, Runs, is_mission_reply, pool_is_right, run_request

BUDGET_SECONDS = 0.05
CONTRACT_SECONDS = 0.3
BUSY = "local n = 0 while true do n = n + 1 end"
STUCK = 'string.find(string.rep("a", 30), string.rep("a?", 30) .. string.rep("a", 30))'
C_STACK_OVERFLOW = 'string.find(string.rep("a",1000000), string.rep("a?",1000000).."b")'

TIMEOUT, MEMORY, RUNTIME = ScriptErrorType.TIMEOUT, ScriptErrorType.MEMORY_LIMIT, ScriptErrorType.RUNTIME

# Scripts that the count hook or the allocator stops: the host lives on. The number is the line to blame,
# which Lua does not tell where memory ran out.
STOPPED = {
    "a loop": ("while true do end", TIMEOUT, 1),
    "a loop below other lines": ("local x\n\nwhile true do end", TIMEOUT, 3),
    "a loop in pcall in a loop": ("while true do pcall(function() while true do end end) end", TIMEOUT, 1),
    "an endless table": ("local t = {}\nfor i = 1, 1e12 do t[i] = i end", MEMORY, None),
    "a gigabyte in one string": ('local s = string.rep("a", 1e9)', MEMORY, None),
    "a gigabyte in one string in pcall": (
        'pcall(string.rep, "a", 1e9) error("not enough memory", 0)',
        MEMORY,
        None,
    ),
}

# Scripts that only the end of their host stops.
KILLED = {
    "a pattern that backtracks": (STUCK, TIMEOUT),
    "an empty string ten billion times": ('string.rep("", 1e10)', TIMEOUT),
    "a pattern that overflows the C stack": (C_STACK_OVERFLOW, RUNTIME),
    "a table that is a tree of itself in JSON": (
        'local t = {} for i = 1, 40 do t = { t, t } end require("json").encode(t)',
        TIMEOUT,
    ),
    "an insertion far below the list": ("table.insert({}, -2 ^ 31, 1)", TIMEOUT),
}


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    async with EnginePool(spares=1) as started:
        await started.warm_up()
        yield started


def pids(pool: EnginePool) -> list[int]:
    return [host.pid for host in pool._idle]


@pytest.mark.parametrize(("source", "kind", "line"), STOPPED.values(), ids=STOPPED)
async def test_a_script_is_stopped_and_its_host_goes_on(
    pool: EnginePool, source: str, kind: ScriptErrorType, line: int | None
) -> None:
    (host,) = pids(pool)
    seconds = BUDGET_SECONDS if kind is TIMEOUT else 5.0
    reply = await pool.run(run_request(source, cpu_seconds=seconds))
    assert reply.error_type is kind
    assert reply.error_line == line or kind is MEMORY
    if kind is TIMEOUT:
        assert BUDGET_SECONDS <= reply.cpu_seconds <= BUDGET_SECONDS + CONTRACT_SECONDS
        assert "50 ms" in reply.error_message
    else:
        assert "50 MB" in reply.error_message
        assert reply.memory_peak_bytes <= 51 * MB
    assert await pool_is_right(pool)
    assert pids(pool) == [host]


@pytest.mark.parametrize(("source", "kind"), KILLED.values(), ids=KILLED)
async def test_a_script_that_ends_its_host_leaves_the_next_run_alone(
    pool: EnginePool, source: str, kind: ScriptErrorType
) -> None:
    host = pids(pool)
    reply = await pool.run(run_request(source, cpu_seconds=BUDGET_SECONDS))
    assert reply.error_type is kind
    assert reply.cpu_seconds <= BUDGET_SECONDS + CONTRACT_SECONDS
    assert "library" in reply.error_message, "the wall clock ended it, not its CPU time"
    assert await pool_is_right(pool)
    assert not set(host) & set(pids(pool))


async def test_a_c_stack_overflow_is_the_scripts_fault_and_said_so(pool: EnginePool) -> None:
    reply = await pool.run(run_request(C_STACK_OVERFLOW))
    assert reply.error_type is RUNTIME
    assert "C stack" in reply.error_message


async def test_a_script_that_compiles_for_ever_ends_too(pool: EnginePool) -> None:
    source = b"x = {" + b"{1,2,3}," * 4_000_000 + b"}"
    reply = await pool.run(CompileRequest("hash", source, BUDGET_SECONDS))
    assert reply.error_type in {TIMEOUT, ScriptErrorType.SYNTAX}
    assert await pool_is_right(pool)


async def test_a_payload_over_the_memory_limit_is_a_memory_error_and_the_next_runs_have_time(
    pool: EnginePool,
) -> None:
    reply = await pool.run(run_request("request.body = 'x'", b"x" * (60 * MB), cpu_seconds=0.01))
    assert reply.error_type is MEMORY
    for _ in range(100):
        assert await pool_is_right(pool)


@pytest.mark.parametrize("megabytes", [2, 5, 10])
async def test_a_script_does_not_die_of_its_own_garbage(pool: EnginePool, megabytes: int) -> None:
    source = "for i = 1, 12 do local copy = payload .. i end request.body = 'done'"
    reply = await pool.run(run_request(source, b"x" * (megabytes * MB), cpu_seconds=5.0))
    assert reply.body == b"done", reply.error_message


async def test_a_request_larger_than_a_frame_is_refused_and_the_pool_goes_on(
    pool: EnginePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_FRAME_BYTES == 256 * MB
    monkeypatch.setattr("engine.sandbox.pool.MAX_FRAME_BYTES", MB)
    reply = await pool.run(run_request("x = 1", b"x" * (2 * MB)))
    assert reply.error_type is MEMORY
    assert await pool_is_right(pool)


def test_an_output_larger_than_a_frame_becomes_an_error_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.sandbox.host.MAX_FRAME_BYTES", 100)
    frames_in, frames_out = os.pipe()
    replies = Replies(frames_out)
    for body in (b"small", bytes(200), b"last"):
        replies.add(RunReply(None, body=body), send=body == b"last")
    found = [
        reply
        for _ in range(3)
        for reply in msgspec.msgpack.decode(read_frame(frames_in) or b"", type=list[RunReply])
    ]
    os.close(frames_in)
    os.close(frames_out)
    assert [(reply.error_type, reply.body) for reply in found] == [
        (None, b"small"),
        (MEMORY, None),
        (None, b"last"),
    ]


def test_a_recursion_without_end_costs_little_to_report() -> None:
    reply = Runs().reply("local function deep() return 1 + deep() end\ndeep()", cpu_seconds=5.0)
    assert (reply.error_type, reply.error_message, reply.error_line) == (RUNTIME, "stack overflow", 1)
    assert "script:1: in function 'deep'" in reply.error_traceback
    assert len(reply.error_traceback.splitlines()) <= 25
    assert reply.cpu_seconds < 0.03


# --- hosts that something else ends


async def test_a_host_killed_in_mid_run_is_replaced_and_the_run_repeated() -> None:
    async with EnginePool(spares=0) as pool:
        await pool.warm_up()
        (host,) = pids(pool)
        source = "local n = 0 for i = 1, 3e6 do n = n + i end request.body = tostring(n)"
        run = asyncio.create_task(pool.run(run_request(source, cpu_seconds=5.0)))
        await asyncio.sleep(0.01)
        os.kill(host, signal.SIGKILL)
        reply = await run
        assert (reply.error_type, reply.body) == (None, b"4500001500000")


async def test_an_idle_host_that_was_killed_costs_nothing_but_a_new_one(pool: EnginePool) -> None:
    os.kill(pids(pool)[0], signal.SIGKILL)
    await asyncio.sleep(0.05)
    assert await pool_is_right(pool)


async def test_hosts_that_keep_being_killed_end_in_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with EnginePool(spares=0) as pool:
        start, started = pool._start, []

        async def start_and_kill() -> object:
            host = await start()
            started.append(host.pid)
            asyncio.get_running_loop().call_later(0.02, os.kill, host.pid, signal.SIGKILL)
            return host

        monkeypatch.setattr(pool, "_start", start_and_kill)
        with pytest.raises(EngineUnavailable, match="-9"):
            await pool.run(run_request(BUSY, cpu_seconds=5.0))
        assert len(started) == MAX_ATTEMPTS
        monkeypatch.undo()
        assert await pool_is_right(pool)


async def test_hosts_that_cannot_start_say_why() -> None:
    async with EnginePool(spares=0, address_space_bytes=1 * MB) as pool:
        with pytest.raises(EngineUnavailable):
            await pool.run(MISSION)


# --- cancelling, sharing and closing


async def test_a_cancelled_run_ends_its_host_and_the_next_run_works(pool: EnginePool) -> None:
    (host,) = pids(pool)
    run = asyncio.create_task(pool.run(run_request(BUSY, cpu_seconds=30.0)))
    await asyncio.sleep(0.05)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    with pytest.raises(ProcessLookupError):
        os.kill(host, 0)
    assert await pool_is_right(pool)


async def test_good_and_hostile_runs_side_by_side_each_get_their_own_outcome() -> None:
    hostile = [
        ("while true do end", TIMEOUT),
        (C_STACK_OVERFLOW, RUNTIME),
        ("local t = {} while true do t = { t } end", MEMORY),
    ]
    async with EnginePool(size=3, spares=1) as pool:
        runs = []
        for round_ in range(3):
            for source, kind in hostile:
                seconds = BUDGET_SECONDS if kind is TIMEOUT else 5.0
                runs.append((kind, None, pool.run(run_request(source, cpu_seconds=seconds))))
                own = f"{round_} {kind}".encode()
                runs.append(
                    (None, own, pool.run(run_request("request.body = payload .. '!'", own, cpu_seconds=5.0)))
                )
        replies = await asyncio.gather(*(run for _, _, run in runs))
        for (kind, own, _), reply in zip(runs, replies, strict=True):
            assert reply.error_type is kind, reply.error_message
            assert reply.body == (own and own + b"!")
        assert all(map(is_mission_reply, await asyncio.gather(*(pool.run(MISSION) for _ in range(6)))))


async def test_closing_leaves_no_process_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        pool = EnginePool(size=2, spares=2)
        await asyncio.gather(pool.run(MISSION), pool.run(MISSION))
        running = pids(pool)
        await pool.close()
        await pool.close()
    for pid in running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_closing_while_a_spare_starts_leaves_no_process() -> None:
    pool = EnginePool(spares=2)
    await pool.run(MISSION)
    await asyncio.sleep(0)
    await pool.close()
    assert not pool._starting
    assert pids(pool) == []


def test_a_run_may_wait_for_the_machine_but_not_for_ever() -> None:
    assert 0.5 < wall_limit(0.5) < 10
