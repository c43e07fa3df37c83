"""The wire types: what HOWK's topics, Redis keys and API carry, and the values every layer speaks in.

Field names and JSON shapes are those of the wire contract. All types are frozen; secrets are masked in `repr`.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Any

import msgspec

from engine.go_time import ZERO_TIME

DEFAULT_MAX_ATTEMPTS = 20


class ScriptErrorType(enum.StrEnum):
    """Why a run did not yield a request. The values are read by other programs."""

    NOT_FOUND = "script_not_found"
    SYNTAX = "script_syntax_error"
    RUNTIME = "script_runtime_error"
    TIMEOUT = "script_timeout"
    MEMORY_LIMIT = "script_memory_limit"
    INVALID_OUTPUT = "script_invalid_output"
    DISABLED = "script_disabled"
    MODULE_CRYPTO = "script_module_crypto"
    MODULE_KV = "script_module_kv"
    MODULE_HTTP = "script_module_http"


class ScriptError(msgspec.Struct, frozen=True):
    """A failed run: `line` is 1-based in the script, None when no line of it is to blame."""

    type: ScriptErrorType
    message: str
    line: int | None = None
    traceback: str = ""

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line else ""
        return f"{self.type.value}{place}: {self.message}"


class LogLine(msgspec.Struct, frozen=True):
    """One line a script logged: level is debug, info, warn or error; print() logs at info."""

    level: str
    message: str
    fields: dict[str, Any] | None = None
    line: int | None = None


class ScriptConfig(msgspec.Struct, gc=False, frozen=True, omit_defaults=True):
    """A script as the topic `howk.scripts` and the Redis mirror hold it."""

    config_id: str
    lua_code: str
    hash: str
    version: str = ""
    script_config: dict[str, Any] | None = None
    created_at: str = ZERO_TIME
    updated_at: str = ZERO_TIME


class Webhook(msgspec.Struct, frozen=True):
    """A webhook as `howk.pending` carries it; `payload` is the raw bytes of its JSON value.

    `attempt` counts from 0. `script_hash` says that a transformation is expected: this webhook is never delivered
    raw. `delivery_query_params` and `delivery_headers` are templates that a worker fills at send time and never stores.
    `unknown_fields` holds the JSON of what this version does not know, and passes it on. No secret appears in `repr`.
    """

    id: str
    config_id: str
    endpoint: str
    payload: bytes
    headers: dict[str, str] = {}
    signing_secret: str = ""
    attempt: int = 0
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    created_at: str = ZERO_TIME
    scheduled_at: str = ZERO_TIME
    endpoint_hash: str = ""
    idempotency_key: str = ""
    script_hash: str = ""
    delivery_query_params: dict[str, str] = {}
    delivery_headers: dict[str, str] = {}
    retry_on_status: tuple[int, ...] = ()
    unknown_fields: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return (
            f"Webhook(id={self.id!r}, config_id={self.config_id!r}, endpoint={self.endpoint!r}, "
            f"payload=<{len(self.payload)} bytes>, headers=<{len(self.headers)}>, attempt={self.attempt})"
        )


class PreviousError(msgspec.Struct, frozen=True):
    """What a script sees in `previous_error` on a retry."""

    message: str
    status_code: int | None = None
    attempt: int = 0
    reason: str = ""


class Transformed(msgspec.Struct, frozen=True):
    """What a script made of a webhook, checked: body bytes and the headers it left, final for this webhook.

    `headers` are the webhook's headers as the script left them with `request.headers` merged in; default headers
    are not part of it. `removed_headers` names what came in and is not sent. `body` is always set: the payload
    itself when the script left none.
    """

    body: bytes
    headers: dict[str, str]
    removed_headers: tuple[str, ...] = ()
    opt_out_default_headers: bool = False
    retry_on_status: tuple[int, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """One run of one script: exactly one of `result` and `error` is set."""

    result: Transformed | None
    error: ScriptError | None
    logs: tuple[LogLine, ...] = ()
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    memory_peak_bytes: int = 0

    @property
    def ok(self) -> bool:
        """Whether the webhook would be delivered."""
        return self.error is None


class OutgoingRequest(msgspec.Struct, frozen=True):
    """The HTTP request that goes over the wire: header names and values in the order they are sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header, its name in any case; None when it is not sent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


def script_hash(lua_code: str | bytes) -> str:
    """Lower-case hex SHA-256 of the UTF-8 source: how a script's version is named everywhere."""
    data = lua_code.encode() if isinstance(lua_code, str) else lua_code
    return hashlib.sha256(data).hexdigest()


def namespace_of(config_id: str) -> str:
    """The part before the first colon, which is the whole id when there is none."""
    return config_id.partition(":")[0]
