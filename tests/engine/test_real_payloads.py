"""Real webhook bodies, where a checkout has them beside it, go through the engine as values and as bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.runtime import ScriptRuntime
from tests.engine.running import run_request

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "github-webhooks.jsonl"
THROUGH_LUA = 'local json = require("json") request.body = json.encode(json.decode(payload))'

pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="the real payloads are not beside this checkout")


def documents() -> list[dict[str, Any]]:
    with DATA.open(encoding="utf-8") as lines:
        return [json.loads(line)["payload"] for line in lines]


def as_lua_keeps_it(value: Any) -> Any:
    """What Lua tables can hold of a JSON value: no null, and no difference between an empty object and array."""
    if isinstance(value, dict):
        return {key: as_lua_keeps_it(item) for key, item in value.items() if item is not None} or []
    if isinstance(value, list):
        return [as_lua_keeps_it(item) for item in value]
    return value


def test_two_hundred_real_bodies_survive_decode_and_encode() -> None:
    runtime = ScriptRuntime()
    for document in documents():
        reply = runtime.run(run_request(THROUGH_LUA, json.dumps(document, ensure_ascii=False).encode()))
        assert reply.body is not None, reply.error_message
        assert json.loads(reply.body) == as_lua_keeps_it(document)


def test_two_hundred_real_bodies_go_through_untouched_when_a_script_leaves_them_alone() -> None:
    runtime = ScriptRuntime()
    for document in documents():
        payload = json.dumps(document).encode()
        assert runtime.run(run_request("request.body = payload", payload)).body == payload
