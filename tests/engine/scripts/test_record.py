"""A script as the topic and the mirror hold it: the wire contract's fields, and what other programs write."""

from __future__ import annotations

import json

import msgspec
import pytest

from engine.go_time import ZERO_TIME
from engine.model import script_hash
from engine.scripts.record import BadScriptRecord, decode_script, encode_script, script_headers
from tests.engine.scripts.cluster import script

FROM_GO = (
    rb'{"config_id":"wh:42","lua_code":"if a \u003c b \u0026 c then end","hash":"'
    + script_hash("if a < b & c then end").encode()
    + rb'","version":"v7","script_config":{"limit":1e+21,"on":true},'
    rb'"created_at":"2026-02-01T02:58:34.699708649-03:00","updated_at":"0001-01-01T00:00:00Z"}'
)


def test_what_the_published_system_writes_is_read() -> None:
    read = decode_script(FROM_GO, "wh:42")
    assert (read.lua_code, read.version) == ("if a < b & c then end", "v7")
    assert read.script_config == {"limit": 1e21, "on": True}
    assert (read.created_at, read.updated_at) == ("2026-02-01T02:58:34.699708649-03:00", ZERO_TIME)
    assert json.loads(encode_script(read)) == json.loads(FROM_GO)


def test_a_script_comes_back_from_its_record() -> None:
    one = msgspec.structs.replace(script("wh:42", 'x = "<é>\\0"'), script_config={"a": [1, None, {"b": 1.5}]})
    assert decode_script(encode_script(one), "wh:42") == one
    assert list(json.loads(encode_script(one))) == [
        "config_id", "lua_code", "hash", "version", "script_config", "created_at", "updated_at",
    ]  # fmt: skip
    bare = msgspec.structs.replace(one, script_config={})
    assert "script_config" not in json.loads(encode_script(bare))
    assert script_headers(one) == {"script_hash": one.hash, "version": "1"}


def test_fields_of_others_are_no_error() -> None:
    assert decode_script(
        b'{"config_id":"a","lua_code":"x","later":1,"version":null}', "a"
    ).hash == script_hash("x")
    with pytest.raises(BadScriptRecord):
        decode_script(b'{"config_id":"a","lua_code":"x"}', "A")
