"""A saved input of a script, and how it is written as JSON: payload, headers, metadata, and what is expected.

`payload` holds the text exactly when it is UTF-8, so that a diff in git can be read; else `payload_b64` holds the
bytes. Who writes a case by hand may also put a JSON value there: its text in the file is then the payload.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from engine.display_json import check_json, pretty_json
from engine.errors import BadInput

_KNOWN = ("payload", "payload_b64", "headers", "metadata", "expected")


class Case(msgspec.Struct, frozen=True):
    """One saved input: what a webhook brings, and optionally what must come out.

    `extra` keeps fields this version does not know, so that saving loses nothing.
    """

    payload: bytes
    headers: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    expected: dict[str, Any] | None = None
    extra: dict[str, Any] = {}


def decode_case(data: bytes, where: str) -> Case:
    """Read a case; `where` is the file's name for errors.

    Raises:
        BadInput: it is not JSON, or a field has the wrong type; line and column, or the field, are named.
    """
    if (problem := check_json(data)) is not None:
        raise BadInput("test case", f"{where}:{problem.line}:{problem.column}", problem.message)
    fields = _convert(data, dict[str, msgspec.Raw], where, "the whole file")
    return Case(
        payload=_payload(fields, where),
        headers=_field(fields, "headers", dict[str, str], where) or {},
        metadata=_field(fields, "metadata", dict[str, Any], where) or {},
        expected=_field(fields, "expected", dict[str, Any], where),
        extra={name: _convert(raw, Any, where, name) for name, raw in fields.items() if name not in _KNOWN},
    )


def encode_case(case: Case) -> bytes:
    """Write a case as indented JSON that ends with a line break."""
    fields: dict[str, Any] = {}
    try:
        fields["payload"] = case.payload.decode("utf-8")
    except UnicodeDecodeError:
        fields["payload_b64"] = base64.b64encode(case.payload).decode("ascii")
    fields |= {"headers": case.headers, "metadata": case.metadata}
    if case.expected is not None:
        fields["expected"] = case.expected
    return pretty_json(msgspec.json.encode(fields | case.extra)) + b"\n"


def _payload(fields: dict[str, msgspec.Raw], where: str) -> bytes:
    encoded = _field(fields, "payload_b64", str, where)
    if encoded is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise BadInput("test case", f"{where}, payload_b64", f"it is not base64 ({error}).") from error
    raw = fields.get("payload")
    if raw is None:
        raise BadInput("test case", where, "it has no payload.", 'Add "payload" (text) or "payload_b64".')
    value = bytes(raw)
    return msgspec.json.decode(value, type=str).encode("utf-8") if value[:1] == b'"' else value


def _field(fields: dict[str, msgspec.Raw], name: str, kind: Any, where: str) -> Any:
    raw = fields.get(name)
    return None if raw is None or bytes(raw) == b"null" else _convert(raw, kind, where, name)


def _convert(raw: msgspec.Raw | bytes, kind: Any, where: str, field: str) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadInput("test case", f"{where}, {field}", f"{error}.") from error
