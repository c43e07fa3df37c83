"""The mix of scripts that a long-lived worker might see: mostly good ones, some that are wrong, a few that attack."""

from __future__ import annotations

import random
from collections.abc import Sequence

from engine.model import ScriptErrorType
from engine.modules.calls import ModuleCall, ModuleReply
from engine.modules.kv import KvModule
from engine.modules.kv_store import MemoryKv
from engine.sandbox.protocol import RunReply, RunRequest
from tests.engine.running import MB, MISSION_SCRIPT, run_request

GOOD = (
    MISSION_SCRIPT,
    b'headers["X-A"] = metadata.config_id headers["X-Size"] = #payload',
    b'local json, base64 = require("json"), require("base64") '
    b"local data = json.decode(payload) data.copy = base64.encode(payload) request.body = json.encode(data)",
    b'local parts = {} for i = 1, 500 do parts[i] = string.format("%05d", i) end request.body = table.concat(parts)',
    b'local kv = require("kv") kv.set("k" .. #payload % 50, payload, 60) request.body = kv.get("k" .. #payload % 50)',
    b'for i = 1, 20 do log.info("line " .. i, { i = i, list = { 1, 2, 3 } }) end',
)
BAD: tuple[tuple[bytes, ScriptErrorType], ...] = (
    (b"local x = = 1", ScriptErrorType.SYNTAX),
    (b"local t = nil t.x = 1", ScriptErrorType.RUNTIME),
    (b'error({ code = 1, text = string.rep("x", 2000) })', ScriptErrorType.RUNTIME),
    (b"request.body = 5", ScriptErrorType.INVALID_OUTPUT),
)
HOSTILE: tuple[tuple[bytes, ScriptErrorType], ...] = (
    (b"local function deep() return 1 + deep() end deep()", ScriptErrorType.RUNTIME),
    (b"while true do pcall(function() while true do end end) end", ScriptErrorType.TIMEOUT),
    (b"local t = {} while true do t = { t } end", ScriptErrorType.MEMORY_LIMIT),
    (b'local s = "x" while true do s = s .. s end', ScriptErrorType.MEMORY_LIMIT),
    (
        b'return require("json").decode("[" .. string.rep("{},", 500000) .. "{}]")',
        ScriptErrorType.MEMORY_LIMIT,
    ),
    (
        b"for i = 1, 1e4 do planted, _G['g' .. i], string['s' .. i] = i, {}, i end x()",
        ScriptErrorType.RUNTIME,
    ),
)
KILLERS: tuple[tuple[bytes, ScriptErrorType], ...] = (
    (
        b'string.find(string.rep("a", 30), string.rep("a?", 30) .. string.rep("a", 30))',
        ScriptErrorType.TIMEOUT,
    ),
    (b'string.find(string.rep("a",1000000), string.rep("a?",1000000).."b")', ScriptErrorType.RUNTIME),
)
"""These end their host, so they run in a pool of their own: the memory of the others shows over their whole life."""

VERSIONS = 2000  # of each good script: more than a host keeps compiled

Job = tuple[RunRequest, ScriptErrorType | None]


def job(choices: random.Random) -> Job:
    """A run, and how it must end."""
    roll = choices.random()
    source, error = _choose(choices, roll)
    text = b'{"foo":"' + b"x" * choices.randint(0, 4000) + b'"}'
    version = b"\n-- version %d" % choices.randrange(VERSIONS)
    memory = 8 * MB if error is ScriptErrorType.MEMORY_LIMIT else 50 * MB
    seconds = 0.01 if error is ScriptErrorType.TIMEOUT else 2.0
    return run_request(source + version, text, cpu_seconds=seconds, memory_bytes=memory), error


def _choose(choices: random.Random, roll: float) -> tuple[bytes, ScriptErrorType | None]:
    if roll < 0.8:
        return choices.choice(GOOD), None
    return choices.choice(BAD if roll < 0.97 else HOSTILE)


def killer(choices: random.Random) -> Job:
    """A run that ends its host."""
    source, error = choices.choice(KILLERS)
    return run_request(source, cpu_seconds=0.05), error


class Storage:
    """kv in memory; nothing else is there."""

    def __init__(self) -> None:
        self._kv = KvModule(MemoryKv(), "lua:kv:{config_id}:{key}", 60.0)

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """See `Modules`."""
        functions = {"get": self._kv.get, "set": self._kv.set, "del": self._kv.delete}
        return await functions[call.function](call.arguments, config_id)


def wrong(jobs: Sequence[Job], replies: Sequence[RunReply]) -> list[str]:
    """What did not end as it must."""
    return [
        f"{reply.error_type} instead of {error}: {reply.error_message[:200]}"
        for (_, error), reply in zip(jobs, replies, strict=True)
        if reply.error_type is not error
    ]
