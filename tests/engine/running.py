"""How the engine's tests run a script: a request with ordinary values, in this process or in an engine host."""

from __future__ import annotations

from typing import Any

from engine.model import script_hash
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply, RunRequest
from engine.sandbox.runtime import ScriptRuntime

MB = 1024 * 1024

MISSION_SCRIPT = b"""
headers["X-Transformed"] = "by-lua-script"
headers["X-Original-Payload"] = payload
headers["X-Config"] = metadata.config_id
local json = require("json")
local data = json.decode(payload)
data.enriched = true
request.body = json.encode(data)
"""
MISSION_PAYLOAD = b'{"foo":"bar"}'
MISSION_BODY = b'{"enriched":true,"foo":"bar"}'
MISSION_HEADERS = {
    b"X-Transformed": b"by-lua-script",
    b"X-Original-Payload": MISSION_PAYLOAD,
    b"X-Config": b"test_config",
}


def run_request(source: str | bytes, payload: bytes = b"{}", **changes: Any) -> RunRequest:
    """A run of `source` with half a second and 50 MB, unless `changes` to RunRequest's fields say otherwise."""
    code = source.encode() if isinstance(source, str) else source
    ordinary: dict[str, Any] = {
        "headers": (),
        "webhook_id": "wh_1",
        "config_id": "test_config",
        "attempt": 0,
        "max_attempts": 20,
        "created_at": "2026-01-01T00:00:00Z",
        "config": b"",
        "previous_error": b"",
        "cpu_seconds": 0.5,
        "memory_bytes": 50 * MB,
    }
    return RunRequest(script_hash=script_hash(code), source=code, payload=payload, **{**ordinary, **changes})


MISSION = run_request(MISSION_SCRIPT, MISSION_PAYLOAD)


def is_mission_reply(reply: RunReply) -> bool:
    """Whether this is exactly what the mission's example must give."""
    headers = dict(zip(reply.headers[::2], reply.headers[1::2], strict=True))
    return (reply.error_type, reply.body, headers) == (None, MISSION_BODY, MISSION_HEADERS)


class Runs:
    """Runs in one Lua state of this process, one after the other."""

    def __init__(self) -> None:
        self.runtime = ScriptRuntime()

    def reply(self, source: str | bytes, payload: bytes = b"{}", **changes: Any) -> RunReply:
        """What a run left."""
        reply = self.runtime.run(run_request(source, payload, **changes))
        self.runtime.tidy()
        return reply

    def body(self, source: str | bytes, payload: bytes = b"{}", **changes: Any) -> bytes:
        """The body of a run that must not fail."""
        reply = self.reply(source, payload, **changes)
        assert reply.error_type is None, f"{reply.error_type}: {reply.error_message}"
        return reply.body or b""

    def still_right(self) -> bool:
        """Whether the mission's example gives its exact bytes now."""
        return is_mission_reply(self.runtime.run(MISSION))


async def pool_is_right(pool: EnginePool) -> bool:
    """Whether the mission's example gives its exact bytes in this pool now."""
    return is_mission_reply(await pool.run(MISSION))
