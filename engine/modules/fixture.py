"""A recorded module call and its answer, as JSON that can be read and reviewed in git.

    {"module": "http", "function": "get", "arguments": {"url": "https://api.example.com/x", "headers": {"Accept": "*"}},
     "reply": {"status_code": 200, "headers": {"content-type": "text/plain"}, "body": "hello"}}

Bytes that are no UTF-8 are base64 under the name with `_b64` added; in headers they are `{"b64": "..."}`. A reply is
`value`, or `problem` with perhaps `failure` (unreachable, missing_key); an empty one is nil.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from engine.display_json import pretty_json
from engine.errors import BadInput
from engine.modules.calls import Failure, HttpAnswer, ModuleCall, ModuleReply

PARAMETERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("kv", "get"): ("key",),
    ("kv", "set"): ("key", "value", "ttl_seconds"),
    ("kv", "del"): ("key",),
    ("http", "get"): ("url", "headers", "cache_ttl"),
    ("http", "post"): ("url", "body", "headers"),
    ("http", "put"): ("url", "body", "headers"),
    ("http", "delete"): ("url", "body", "headers"),
    ("crypto", "decrypt_credential"): ("key_name", "symmetric_key_b64", "encrypted_data_b64"),
}
"""The names of each function's arguments, in the order of `ModuleCall.arguments`."""


class Fixture(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call with its answer; see the module."""

    module: str
    function: str
    arguments: dict[str, Any] = {}
    reply: dict[str, Any] = {}

    @classmethod
    def of(cls, call: ModuleCall, reply: ModuleReply) -> Fixture:
        """Writes down a call that `live` modules know, and its reply."""
        return cls(call.module, call.function, _named(call), _reply_fields(reply))

    def to_call(self) -> ModuleCall:
        """Raises BadInput when an argument cannot be read."""
        names = PARAMETERS.get((self.module, self.function))
        if names is None:
            raise self._unusable(f"there is no {self.module}.{self.function}")
        arguments = [self._read(self.arguments, name) for name in names]
        while arguments and arguments[-1] is None:
            arguments.pop()
        return ModuleCall(self.module, self.function, tuple(arguments))

    def to_reply(self) -> ModuleReply:
        """Raises BadInput when the reply cannot be read."""
        fields = self.reply
        if "problem" in fields:
            return ModuleReply(None, str(fields["problem"]), self._failure(fields.get("failure", "")))
        if "status_code" not in fields:
            return ModuleReply(self._read(fields, "value"))
        status, body = fields["status_code"], self._read(fields, "body") or b""
        headers = self._read(fields, "headers") or {}
        if not (isinstance(status, int) and isinstance(body, bytes) and isinstance(headers, dict)):
            raise self._unusable("status_code must be a number, body a string, headers an object")
        return ModuleReply(HttpAnswer(status, body, headers))

    def _read(self, fields: dict[str, Any], name: str) -> Any:
        """A string under `name` is text, under `name`_b64 it is base64."""
        try:
            if name not in fields and f"{name}_b64" in fields:
                return _unbase64(fields[f"{name}_b64"])
            return _unwritten(fields.get(name))
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise self._unusable(f"{name} cannot be read") from problem

    def _failure(self, text: Any) -> Failure:
        try:
            return Failure(text)
        except ValueError as problem:
            raise self._unusable(f"failure must be one of {', '.join(filter(None, Failure))}") from problem

    def _unusable(self, why: str) -> BadInput:
        return BadInput("fixture", f"{self.module}.{self.function}", f"{why}.")


def encode_fixtures(fixtures: tuple[Fixture, ...]) -> bytes:
    """A list of fixtures as indented JSON that ends with a line break."""
    return pretty_json(msgspec.json.encode(fixtures)) + b"\n"


def decode_fixtures(data: bytes, where: str) -> tuple[Fixture, ...]:
    """Reads what `encode_fixtures` wrote, or a person; `where` is the file's name for errors.

    Raises:
        BadInput: it is no list of fixtures, or one cannot be used.
    """
    try:
        fixtures = msgspec.json.decode(data, type=tuple[Fixture, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise BadInput("fixtures", where, f"{problem}.") from problem
    for fixture in fixtures:
        fixture.to_call(), fixture.to_reply()
    return fixtures


def _named(call: ModuleCall) -> dict[str, Any]:
    names = PARAMETERS.get((call.module, call.function), ())
    more = tuple(f"argument_{at + 1}" for at in range(len(names), len(call.arguments)))
    return dict(
        _written(name, value)
        for name, value in zip(names + more, call.arguments, strict=False)
        if value is not None
    )


def _reply_fields(reply: ModuleReply) -> dict[str, Any]:
    if reply.problem:
        failure = {"failure": reply.failure.value} if reply.failure else {}
        return {"problem": reply.problem} | failure
    if isinstance(reply.value, HttpAnswer):
        answer = reply.value
        parts = (_written("headers", answer.headers), _written("body", answer.body))
        return {"status_code": answer.status_code} | dict(parts)
    return {} if reply.value is None else dict([_written("value", reply.value)])


def _written(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, dict):
        return name, {_shown(key): _written_header(text) for key, text in value.items()}
    if isinstance(value, float) and value.is_integer():
        return name, int(value)  # Lua's numbers are all alike
    if not isinstance(value, bytes):
        return name, value
    try:
        return name, value.decode("utf-8")
    except UnicodeDecodeError:
        return f"{name}_b64", base64.b64encode(value).decode("ascii")


def _written_header(value: bytes) -> Any:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode("ascii")}


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _unwritten(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, dict):
        return {
            name.encode("utf-8"): _unbase64(text["b64"]) if isinstance(text, dict) else text.encode("utf-8")
            for name, text in value.items()
        }
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise TypeError("no string, number or object")


def _unbase64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise ValueError("no base64") from problem
