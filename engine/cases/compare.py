"""Compares what a run left with what was expected of it; pure functions of values."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from engine.cases.expectation import Expectation
from engine.cases.verdict import ABSENT, Comparison, Mismatch
from engine.model import Outcome, ScriptError, Transformed

MAX_VALUE_MISMATCHES = 20
"""So many places of a JSON body are named; the difference of the whole shows the rest."""

SHOWN_CHARACTERS = 200
_LEAD_CHARACTERS = 30
_STRETCH = 4096
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def compare(expected: Expectation | None, outcome: Outcome) -> Comparison:
    """Everything that is not as expected; of a case without an expectation, only that the script did not fail."""
    expected = expected or Expectation()
    if expected.error_type is not UNSET:
        return Comparison(tuple(_error_mismatches(expected, outcome)))
    if outcome.result is None:
        got = str(outcome.error) if outcome.error else ABSENT
        return Comparison((Mismatch("error_type", "no error", got),))
    body, bodies = _body_mismatches(expected, outcome.result.body)
    return Comparison((*body, *_other_mismatches(expected, outcome.result)), bodies)


def _error_mismatches(expected: Expectation, outcome: Outcome) -> Iterator[Mismatch]:
    error: ScriptError | None = outcome.error
    if error is None or error.type is not expected.error_type:
        got = str(error) if error else "no error"
        yield Mismatch("error_type", str(expected.error_type), got)
        return
    if isinstance(expected.error_line, int) and error.line != expected.error_line:
        got = str(error.line) if error.line else ABSENT
        yield Mismatch("error_line", str(expected.error_line), got)
    part = expected.error_message_contains
    if isinstance(part, str) and part not in error.message:
        yield Mismatch("error_message_contains", *excerpts(part, error.message))


# --- the body


def _body_mismatches(expected: Expectation, body: bytes) -> tuple[list[Mismatch], tuple[bytes, bytes] | None]:
    """What differs, and the two bodies where whole ones are compared."""
    exact = expected.body_bytes()
    if exact is not None:
        if exact == body:
            return [], None
        return [Mismatch("body", *excerpts(_text(exact), _text(body)))], (exact, body)
    partial = expected.body_json is UNSET
    wanted = expected.body_json_contains if partial else expected.body_json
    if wanted is UNSET:
        return [], None
    whole = _sorted_json(wanted)
    try:
        got = msgspec.json.decode(body)
        found = list(_value_mismatches("body", wanted, got, partial=partial))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = [Mismatch("body", shortened(_compact(wanted)), f"not JSON: {shortened(_text(body))}")]
        return found, (whole, body)
    return found[:MAX_VALUE_MISMATCHES], None if partial or not found else (whole, _sorted_json(got))


def _value_mismatches(place: str, expected: Any, got: Any, *, partial: bool) -> Iterator[Mismatch]:
    if isinstance(expected, dict) and isinstance(got, dict):
        more = () if partial else (key for key in got if key not in expected)
        for key in (*expected, *more):
            yield from _key_mismatches(place, key, expected, got, partial=partial)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (wanted, element) in enumerate(zip(expected, got, strict=True)):
            yield from _value_mismatches(f"{place}[{index}]", wanted, element, partial=partial)
    elif not _equal(expected, got):
        yield Mismatch(place, *_shown(expected, got))


def _key_mismatches(
    place: str, key: str, expected: dict[str, Any], got: dict[str, Any], *, partial: bool
) -> Iterator[Mismatch]:
    inner = f"{place}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{place}[{_compact(key)}]"
    if key in expected and key in got:
        yield from _value_mismatches(inner, expected[key], got[key], partial=partial)
    elif key in expected:
        yield Mismatch(inner, shortened(_compact(expected[key])), ABSENT)
    else:
        yield Mismatch(inner, ABSENT, shortened(_compact(got[key])))


def _equal(expected: Any, got: Any) -> bool:
    """As JSON values: 1 is 1.0, but no number is true."""
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    return bool(expected == got)


def _shown(expected: Any, got: Any) -> tuple[str, str]:
    if isinstance(expected, list) and isinstance(got, list):
        return _count(expected), _count(got)
    return excerpts(_compact(expected), _compact(got))


def _count(elements: list[Any]) -> str:
    many = "1 element" if len(elements) == 1 else f"{len(elements)} elements"
    return f"{many}: {shortened(_compact(elements))}"


# --- headers and the rest


def _other_mismatches(expected: Expectation, result: Transformed) -> Iterator[Mismatch]:
    if isinstance(expected.headers, dict):
        yield from _header_mismatches(expected.headers, result.headers, exact=True)
    if isinstance(expected.headers_contain, dict):
        yield from _header_mismatches(expected.headers_contain, result.headers, exact=False)
    if isinstance(expected.headers_absent, tuple):
        sent = {name.lower(): value for name, value in result.headers.items()}
        for name in expected.headers_absent:
            if name.lower() in sent:
                yield Mismatch(_header(name), ABSENT, shortened(sent[name.lower()]))
    if isinstance(expected.retry_on_status, tuple):
        wanted, got = sorted(set(expected.retry_on_status)), sorted(set(result.retry_on_status))
        if wanted != got:
            yield Mismatch("retry_on_status", _compact(wanted), _compact(got))
    opt_out = expected.opt_out_default_headers
    if isinstance(opt_out, bool) and opt_out is not result.opt_out_default_headers:
        yield Mismatch("opt_out_default_headers", _compact(opt_out), _compact(result.opt_out_default_headers))


def _header_mismatches(
    expected: Mapping[str, str], got: Mapping[str, str], *, exact: bool
) -> Iterator[Mismatch]:
    sent = {name.lower(): (name, value) for name, value in got.items()}
    for name, value in expected.items():
        _, found = sent.pop(name.lower(), (name, None))
        if found is None:
            yield Mismatch(_header(name), shortened(value), ABSENT)
        elif found != value:
            yield Mismatch(_header(name), *excerpts(value, found))
    if exact:
        for name, value in sent.values():
            yield Mismatch(_header(name), ABSENT, shortened(value))


def _header(name: str) -> str:
    return f"headers[{_compact(name)}]"


# --- texts


def excerpts(expected: str, got: str) -> tuple[str, str]:
    """Two texts, cut to the part that differs when they are long."""
    long = max(len(expected), len(got)) > SHOWN_CHARACTERS
    start = max(0, _common_length(expected, got) - _LEAD_CHARACTERS) if long else 0
    return shortened(expected, start), shortened(got, start)


def _common_length(one: str, other: str) -> int:
    """How many characters at the start are the same; whole stretches first, since a body may have millions."""
    length, start = min(len(one), len(other)), 0
    while start < length and one[start : start + _STRETCH] == other[start : start + _STRETCH]:
        start += _STRETCH
    start = min(start, length)
    while start < length and one[start] == other[start]:
        start += 1
    return start


def shortened(text: str, start: int = 0) -> str:
    """A text from `start` on, cut to SHOWN_CHARACTERS; an ellipsis stands for what is left out."""
    end = start + SHOWN_CHARACTERS
    return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8") or "(empty)"
    except UnicodeDecodeError:
        return f"{len(body)} bytes, base64 {base64.b64encode(body[:4096]).decode('ascii')}"


def _compact(value: Any) -> str:
    return msgspec.json.encode(value).decode("utf-8")


def _sorted_json(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
