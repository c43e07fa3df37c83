"""What a test case expects of a run: the `expected` object of a case file, read and checked.

It is about an outcome or about an error. Of an outcome, body and headers are each stated exactly or in part:

| field | the run must leave |
| --- | --- |
| `body` | this text, byte for byte |
| `body_b64` | these bytes, base64 |
| `body_json` | this JSON value; order of keys, white space and `1` or `1.0` make no difference |
| `body_json_contains` | at least this: objects may have more keys, at any depth; arrays as many elements, one by one |
| `headers` | these headers and no others: as the script left them, without the defaults that HOWK adds |
| `headers_contain` | at least these headers |
| `headers_absent` | none of these names |
| `retry_on_status` | these statuses, in any order |
| `opt_out_default_headers` | true or false |
| `error_type` | no outcome but this error, `script_runtime_error` for one |
| `error_line` | with `error_type`: at this line of the script |
| `error_message_contains` | with `error_type`: its message has this text |

What is not mentioned is not looked at: `{}` expects no more than that the script does not fail. Header names are the
same in any case. A field that is none of these is refused: a misspelled one would pass whatever the script does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from engine.errors import BadInput
from engine.model import Outcome, ScriptErrorType, Transformed

BODY_FIELDS = ("body", "body_b64", "body_json", "body_json_contains")
PARTIAL_HEADERS = ("headers_contain", "headers_absent")
ERROR_FIELDS = ("error_type", "error_line", "error_message_contains")

Line = Annotated[int, msgspec.Meta(ge=1)]
Status = Annotated[int, msgspec.Meta(ge=100, le=999)]


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of the table above; UNSET where the case says nothing."""

    body: str | UnsetType = UNSET
    body_b64: str | UnsetType = UNSET
    body_json: Any = UNSET
    body_json_contains: Any = UNSET
    headers: dict[str, str] | UnsetType = UNSET
    headers_contain: dict[str, str] | UnsetType = UNSET
    headers_absent: tuple[str, ...] | UnsetType = UNSET
    retry_on_status: tuple[Status, ...] | UnsetType = UNSET
    opt_out_default_headers: bool | UnsetType = UNSET
    error_type: ScriptErrorType | UnsetType = UNSET
    error_line: Line | UnsetType = UNSET
    error_message_contains: str | UnsetType = UNSET

    def body_bytes(self) -> bytes | None:
        """The exact body, where one is expected as text or bytes."""
        if isinstance(self.body, str):
            return self.body.encode("utf-8")
        return base64.b64decode(self.body_b64) if isinstance(self.body_b64, str) else None

    def names(self) -> set[str]:
        """The fields that are there."""
        return {name for name in self.__struct_fields__ if getattr(self, name) is not UNSET}


def read_expectation(fields: dict[str, Any], where: str) -> Expectation:
    """The `expected` of a case; `where` is the file's name for errors.

    Raises:
        BadInput: a field is unknown, has the wrong type, or contradicts another; file and field are named.
    """
    unknown = sorted(set(fields) - set(Expectation.__struct_fields__))
    if unknown:
        known = ", ".join(Expectation.__struct_fields__)
        raise _refusal(where, unknown[0], "no such field is known.", f"There are: {known}.")
    try:
        expected = msgspec.convert(fields, Expectation)
    except msgspec.ValidationError as problem:
        why, _, place = str(problem).partition(" - at `$")
        raise _refusal(where, place.strip(".`"), f"{why[:1].lower()}{why[1:]}.") from problem
    for name, why, remedy in _objections(expected):
        raise _refusal(where, name, why, remedy)
    return expected


def _refusal(where: str, field: str, why: str, remedy: str = "") -> BadInput:
    return BadInput("test case", f"{where}, expected{'.' * bool(field)}{field}", why, remedy)


def _objections(expected: Expectation) -> Iterable[tuple[str, str, str]]:
    """Field, reason and remedy of whatever makes no sense although each field alone does."""
    names = expected.names()
    bodies = [name for name in BODY_FIELDS if name in names]
    if len(bodies) > 1:
        yield bodies[1], f"the body is given as {bodies[0]} already.", "Keep one of them."
    partial = [name for name in PARTIAL_HEADERS if name in names]
    if "headers" in names and partial:
        yield partial[0], "`headers` already says which headers there are.", "Keep one of them."
    errors = [name for name in ERROR_FIELDS if name in names]
    if errors and "error_type" not in names:
        yield errors[0], "it needs an error_type beside it.", "Add it, as script_runtime_error."
    if errors and len(errors) < len(names):
        other = min(names - set(errors))
        yield other, "a run that ends in an error leaves no outcome.", f"Drop it, or {errors[0]}."
    yield from _header_objections(expected)
    if isinstance(expected.body_b64, str):
        try:
            base64.b64decode(expected.body_b64, validate=True)
        except binascii.Error as problem:
            yield "body_b64", f"it is not base64 ({problem}).", ""


def _header_objections(expected: Expectation) -> Iterable[tuple[str, str, str]]:
    seen: dict[str, str] = {}
    for field in ("headers", *PARTIAL_HEADERS):
        for name in getattr(expected, field) or ():
            if name.lower() in seen:
                other = seen[name.lower()]
                yield field, f'"{other}" and "{name}" are one header.', "Keep one of them."
            seen[name.lower()] = name


def expected_of(outcome: Outcome, payload: bytes) -> dict[str, Any]:
    """The exact expectation that a run meets, as a case file holds it: for saving a run as a case.

    A body that is a JSON object or array is kept as `body_json`, which a person can read and git can compare; one that
    went out as it came in is kept byte for byte.
    """
    if outcome.error is not None:
        return {"error_type": outcome.error.type.value}
    result = outcome.result or Transformed(b"", {})
    return _body_fields(result.body, payload) | {
        "headers": result.headers,
        "retry_on_status": list(result.retry_on_status),
        "opt_out_default_headers": result.opt_out_default_headers,
    }


def _body_fields(body: bytes, payload: bytes) -> dict[str, Any]:
    if body != payload and body[:1] in (b"{", b"["):
        try:
            return {"body_json": msgspec.json.decode(body)}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # then it is text, or bytes
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_b64": base64.b64encode(body).decode("ascii")}
