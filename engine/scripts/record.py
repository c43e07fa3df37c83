"""A published script as `howk.scripts` and the Redis mirror hold it: JSON both ways, and the headers of its record."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.errors import HowkError
from engine.go_time import ZERO_TIME
from engine.model import ScriptConfig, script_hash

TOMBSTONE_HEADERS = {"operation": "delete"}


class BadScriptRecord(HowkError):
    """A record that is no script; `why` names what is wrong with it and quotes nothing of it."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"this is no script: {why}")


class _Wire(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The JSON object, its fields in the order in which HOWK writes them."""

    config_id: str
    lua_code: str
    hash: str
    version: str
    script_config: dict[str, Any] | None = None
    created_at: str
    updated_at: str


class _Read(msgspec.Struct):
    """The same for reading; null is as good as absent."""

    config_id: str
    lua_code: str
    hash: str | None = None
    version: str | None = None
    script_config: dict[str, Any] | None = None
    created_at: str | None = None
    updated_at: str | None = None


_ENCODER = msgspec.json.Encoder()
_READER = msgspec.json.Decoder(_Read)


def encode_script(script: ScriptConfig) -> bytes:
    """The JSON object of a script.

    Text is written as it is; Go would escape `<`, `>` and `&`, which means the same to every reader.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    return _ENCODER.encode(
        _Wire(
            config_id=script.config_id,
            lua_code=script.lua_code,
            hash=script.hash,
            version=script.version,
            script_config=script.script_config or None,
            created_at=script.created_at,
            updated_at=script.updated_at,
        )
    )


def decode_script(value: bytes, config_id: str) -> ScriptConfig:
    """The script of a record or of a mirror's entry.

    Args:
        value: the JSON object.
        config_id: what its key says.

    Raises:
        BadScriptRecord: it is none, it is another config_id's, or its hash is not that of its code.
    """
    try:
        wire = _READER.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise BadScriptRecord(str(problem)) from problem
    except RecursionError as problem:
        raise BadScriptRecord("it is nested too deeply") from problem
    if wire.config_id != config_id:
        raise BadScriptRecord("its `config_id` is not that of its key")
    actual = script_hash(wire.lua_code)
    if wire.hash and wire.hash != actual:
        raise BadScriptRecord("its `hash` is not that of its `lua_code`")
    return ScriptConfig(
        config_id=config_id,
        lua_code=wire.lua_code,
        hash=actual,
        version=wire.version or "",
        script_config=wire.script_config,
        created_at=wire.created_at or ZERO_TIME,
        updated_at=wire.updated_at or ZERO_TIME,
    )


def script_headers(script: ScriptConfig) -> dict[str, str]:
    """The headers of its record in `howk.scripts`."""
    return {"script_hash": script.hash, "version": script.version}
