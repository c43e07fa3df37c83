"""Where the time of the mission's example goes, step by step, in microseconds.

Steps inside the script are differences between runs of its first n lines; steps around it are timed alone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from statistics import median
from typing import Any

import lupa.lua51 as lupa
import msgspec

from engine.child_process import FramedChild, read_frame, write_frame
from engine.model import Webhook
from engine.sandbox import runtime as runtime_module
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import Request, RunReply, RunRequest
from engine.sandbox.runtime import ScriptRuntime
from engine.settings import LuaSettings
from engine.transform import Script, outcome_of, run_request
from tests.bench.report import Table, calls_for, microseconds, number, one_repeat
from tests.bench.scripts import MISSION, MISSION_LINES, MISSION_PAYLOAD

REPEATS = 9
ROUND_TRIPS = 1500
INCOMING = {"Content-Type": "application/json", "User-Agent": "bench/1.0"}
Steps = list[tuple[str, float]]


def run() -> list[Table]:
    """The table."""
    request = _request(MISSION)
    inside = _script_steps()
    around = _crossing_steps(request, inside[0][1])
    in_process = [*around, *inside[1:]]
    outside = asyncio.run(_host_steps(request, sum(cost for _, cost in in_process)))
    table = Table(
        "Engine: where the time of the mission's example goes (13-byte payload)", ("step", "microseconds")
    )
    for name, cost in in_process:
        table.rows.append((name, number(cost)))
    table.rows.append(("**one run in process**", number(sum(cost for _, cost in in_process))))
    for name, cost in outside:
        table.rows.append((name, number(cost)))
    table.raw = dict([*in_process, *outside])
    return [table]


def _request(source: str) -> RunRequest:
    webhook = Webhook(
        id="wh_01HZX3J9Y8Q2",
        config_id="test_config",
        endpoint="https://example.com/hook",
        payload=MISSION_PAYLOAD,
        headers=INCOMING,
        max_attempts=20,
        created_at="2026-01-01T00:00:00Z",
    )
    return run_request(Script.of(source.encode()), webhook, LuaSettings(), {}, None)


def _script_steps() -> Steps:
    """The empty script, then what each further part of the example adds, measured in turn to share the noise."""
    names = (
        "(empty)", "script: three headers, and their way out", 'script: require("json")',
        "script: json.decode", "script: data.enriched = true", "script: json.encode, and the body's way out",
    )  # fmt: skip
    texts = list(accumulate(MISSION_LINES, "{}\n{}".format, initial=""))
    requests = [_request(texts[lines]) for lines in (0, 3, 4, 5, 6, 7)]
    runtime = ScriptRuntime()
    costs = _in_turn([partial(runtime.run, request) for request in requests])
    return [
        (names[0], costs[0]),
        *(
            (name, max(0.0, cost - before))
            for name, before, cost in zip(names[1:], costs, costs[1:], strict=False)
        ),
    ]


def _in_turn(calls: list[Callable[[], object]]) -> list[float]:
    counts = [calls_for(call, 0.03) for call in calls]
    rounds = [
        [one_repeat(call, count) for call, count in zip(calls, counts, strict=True)] for _ in range(REPEATS)
    ]
    return [median(column) for column in zip(*rounds, strict=True)]


def _crossing_steps(request: RunRequest, empty: float) -> Steps:
    """What an empty script's run is made of."""
    lua = lupa.LuaRuntime(encoding="latin-1", source_encoding="latin-1", register_eval=False)
    takes = lua.eval("function(...) return 'ok', 0, false, false, 0, 0, 0 end")
    arguments = (
        request.script_hash, request.cpu_seconds, 51200.0, request.payload, b"wh_01HZX3J9Y8Q2", b"test_config",
        0, 20, b"2026-01-01T00:00:00Z", None, None, *request.headers,
    )  # fmt: skip
    answer: tuple[Any, ...] = ("ok", 0.0, False, False, 4, 0, 0, *("Content-Type", "application/json") * 2)
    crossing = microseconds(lambda: takes(*arguments))
    reply = microseconds(lambda: runtime_module._reply(answer, (), (0.0, 0.0), request))
    return [
        ("arguments into Lua and back (one call)", crossing),
        ("the reply from what came back", reply),
        ("a fresh environment, limits, output checks, log", max(0.0, empty - crossing - reply)),
    ]


async def _host_steps(request: RunRequest, in_process: float) -> Steps:
    packing = _packing(request)
    frame = msgspec.msgpack.encode(request)
    pipe = _blocking_round_trip(frame)
    loop_trip = await _asyncio_round_trip(frame)
    async with EnginePool(size=1, spares=0) as pool:
        through = await _median_of(lambda: pool.run(request))
    rest = through - in_process - packing - loop_trip
    return [
        ("msgpack: request and reply, both ways", packing),
        ("pipe there and back, two process switches", pipe),
        ("asyncio's share of the round trip", max(0.0, loop_trip - pipe)),
        ("what remains: pool, timers, the host between two runs", max(0.0, rest)),
        ("**one run through a host**", through),
        ("around it: webhook to request, reply to outcome", _around(request)),
    ]


def _packing(request: RunRequest) -> float:
    reply = ScriptRuntime().run(request)
    encode = msgspec.msgpack.Encoder().encode
    requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
    replies = msgspec.msgpack.Decoder(RunReply)

    def both_ways() -> None:
        requests.decode(encode(request))
        replies.decode(encode(reply))

    return microseconds(both_ways)


def _around(request: RunRequest) -> float:
    reply = ScriptRuntime().run(request)
    webhook = Webhook(id="wh", config_id="c", endpoint="e", payload=MISSION_PAYLOAD, headers=INCOMING)
    script, limits = Script.of(MISSION.encode()), LuaSettings()

    def both() -> None:
        run_request(script, webhook, limits, {}, None)
        outcome_of(reply, webhook)

    return microseconds(both)


def _blocking_round_trip(frame: bytes) -> float:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if child.stdin is None or child.stdout is None:
        raise AssertionError("no pipes")
    write_to, read_from = child.stdin.fileno(), child.stdout.fileno()

    def trip() -> None:
        write_frame(write_to, frame)
        read_frame(read_from)

    trip()
    cost = median(one_repeat(trip, ROUND_TRIPS) for _ in range(REPEATS))
    child.stdin.close()
    child.wait()
    child.stdout.close()
    return cost


async def _asyncio_round_trip(frame: bytes) -> float:
    child = await FramedChild.start("tests.bench.echo", extra_env={"PYTHONPATH": os.curdir})

    async def trip() -> None:
        await child.send(frame)
        await child.receive()

    cost = await _median_of(trip)
    await child.close()
    return cost


async def _median_of(trip: Callable[[], Any]) -> float:
    loop = asyncio.get_running_loop()
    await trip()
    found = []
    for _ in range(REPEATS):
        started = loop.time()
        for _ in range(ROUND_TRIPS):
            await trip()
        found.append((loop.time() - started) / ROUND_TRIPS * 1e6)
    return median(found)
