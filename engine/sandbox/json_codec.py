"""JSON between bytes and Lua values, to the byte as HOWK's engine reads and writes it.

Lua strings are byte strings; here each is a `str` of code points 0..255, one per byte. A document is decoded by the
C parser in that same form, so that no string is converted twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import msgspec

MAX_DEPTH = 512
"""Nesting that decode and encode accept; deeper is an error, long before any stack is at risk."""

_ESCAPE = re.compile(
    rb"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|u([0-9a-f]{4})|.)", re.IGNORECASE | re.DOTALL
)
_REPLACEMENT = "�".encode()
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SMALL_DOCUMENT = 100_000
_TABLE_BYTES = 64  # sizeof(Table) of Lua 5.1 on 64 bits
_LONG_DIGITS = re.compile(rb"\d{19}")
_EXPONENT = re.compile(r"e([+-])0?(\d)")


class JsonError(ValueError):
    """A document or value that has no counterpart on the other side; the text is for the script's author."""


def _plain_escape(match: re.Match[bytes]) -> bytes:
    high, low, single = match.groups()
    if high is not None:
        code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
        return chr(code).encode()
    if single is None:
        return match.group()
    code = int(single, 16)
    if code < 0x80:
        return match.group()  # quotes and control characters stay escaped
    if 0xD800 <= code <= 0xDFFF:
        return _REPLACEMENT  # half a pair means nothing on its own; Go reads it so too
    return chr(code).encode()


def _byte_form(text: str) -> bytes:
    """Valid UTF-8 in which every byte of the document is one code point below 256."""
    data = text.encode("latin-1")
    if b"\\u" in data:
        data = _ESCAPE.sub(_plain_escape, data)
    if not data.isascii():
        data = _repaired(data).decode("latin-1").encode()
    return data


def _repaired(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError:
        return go_utf8(data).encode()
    return data


def go_utf8(data: bytes) -> str:
    """UTF-8 text of `data`; each byte that is not part of a character becomes a U+FFFD of its own, as in Go."""
    return "�".join(_utf8_parts(data))


def _utf8_parts(data: bytes) -> list[str]:
    """What stands between the bytes of `data` that are not part of a character."""
    parts: list[str] = []
    while True:
        try:
            parts.append(data.decode())
        except UnicodeDecodeError as problem:
            parts.append(data[: problem.start].decode())
            data = data[problem.start + 1 :]
        else:
            return parts


def _float_of(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise JsonError(f"number {digits[:40]} is out of range")
    return value


_DECODER = msgspec.json.Decoder(float_hook=_float_of)


def decode(text: str) -> Any:
    """The values of a JSON document: dict, list, byte-form str, float or int below 2^63, bool, None.

    Raises:
        JsonError: the document is not JSON, too deep, or holds a number outside a double's range.
    """
    data = text.encode("latin-1") if text.isascii() and "\\u" not in text else _byte_form(text)
    try:
        value = _DECODER.decode(data)
    except msgspec.ValidationError as problem:
        raise JsonError(str(problem)) from None
    except msgspec.DecodeError as problem:
        raise JsonError(_reason(problem)) from None
    except RecursionError:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels") from None
    if type(value) is int or _needs_check(data):
        return _checked(value, 0)
    return value


def _needs_check(data: bytes) -> bool:
    """Whether a document may nest too deep or hold an integer beyond a C long: cheap, and right for nearly all."""
    return data.count(b"[") + data.count(b"{") > MAX_DEPTH or _LONG_DIGITS.search(data) is not None


def least_table_bytes(text: str) -> int:
    """What the tables alone of a document take in Lua, at least: a document that cannot fit is not parsed at all."""
    if len(text) < _SMALL_DOCUMENT:
        return 0
    tables = text.count("[") + text.count("{")
    if tables * _TABLE_BYTES < len(text) * 16:
        return 0
    bare = _STRING.sub("", text)
    return (bare.count("[") + bare.count("{")) * _TABLE_BYTES


def _reason(problem: msgspec.DecodeError) -> str:
    text = str(problem)
    return text.replace("JSON is malformed: ", "invalid JSON: ", 1) if text else "invalid JSON"


def _checked(value: Any, depth: int) -> Any:
    """`value` with integers that a C long cannot hold as doubles; raises on nesting too deep."""
    kind = type(value)
    if kind is int:
        return value if -0x8000000000000000 <= value < 0x8000000000000000 else _big(value)
    if kind is not dict and kind is not list:
        return value
    if depth >= MAX_DEPTH:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    items = value.items() if kind is dict else enumerate(value)
    for key, item in items:
        inner = type(item)
        if inner is dict or inner is list or inner is int:
            replacement = _checked(item, depth + 1)
            if replacement is not item:
                value[key] = replacement
    return value


def _big(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise JsonError("number is out of range") from None


def go_float(value: float) -> str:
    """A double as Go's encoding/json prints it: shortest digits, exponents only below 1e-6 and from 1e21 on.

    Raises:
        JsonError: the value is infinite or not a number.
    """
    if not math.isfinite(value):
        raise JsonError(f"{'NaN' if math.isnan(value) else 'infinity'} has no JSON form")
    size = abs(value)
    if size != 0 and (size < 1e-6 or size >= 1e21):
        return _EXPONENT.sub(r"e\1\2", repr(value))
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    return _without_exponent(text)


def _without_exponent(text: str) -> str:
    """Python's exponent form of a double between 1e-6 and 1e21, written out."""
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    point = len(whole) + int(exponent)
    digits = (whole + fraction).rstrip("0") if fraction else whole
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return sign + digits.ljust(point, "0")


class Encoder:
    """Writes Lua values as JSON text.

    Args:
        table_type: the class that the Lua binding wraps tables in.
    """

    def __init__(self, table_type: type) -> None:
        self._table_type = table_type
        self._encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode

    def encode(self, value: Any) -> bytes:
        """JSON of a Lua value: keys sorted bytewise, `<`, `>`, `&`, U+2028 and U+2029 escaped.

        Raises:
            JsonError: the value holds a function, a cycle, mixed keys, a sparse array, or no finite number.
        """
        data = self._encode(self._table(value, 1) if type(value) is self._table_type else _scalar(value))
        for raw, escaped in _HTML:
            if raw in data:
                data = data.replace(raw, escaped)
        return data

    def _table(self, table: Any, depth: int) -> Any:
        # One frame for each level of nesting: MAX_DEPTH of them fit into Python's stack.
        if depth > MAX_DEPTH:
            raise JsonError(f"nested deeper than {MAX_DEPTH} levels, or a table that contains itself")
        items: list[tuple[Any, Any]] = []
        for key, value in table.items():
            if type(value) is self._table_type:
                items.append((key, self._table(value, depth + 1)))
            else:
                items.append((key, _scalar(value)))
        if items and type(items[0][0]) is str:
            return _object(items)
        return _array(items)


def _scalar(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value)
    if kind is int:
        return value if -_EXACT < value < _EXACT else msgspec.Raw(go_float(float(value)).encode())
    if kind is float:
        return msgspec.Raw(go_float(value).encode())
    if value is None or kind is bool:
        return value
    raise JsonError("a function has no JSON form")


def _text(value: str) -> str | msgspec.Raw:
    """The text of a Lua string; each byte that is no UTF-8 is written `\\ufffd`, as Go does."""
    data = value.encode("latin-1")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return msgspec.Raw(b"\\ufffd".join(map(_inner, _utf8_parts(data))).join((b'"', b'"')))


def _inner(text: str) -> bytes:
    return msgspec.json.encode(text)[1:-1]


def _object(items: list[tuple[Any, Any]]) -> dict[str, Any] | msgspec.Raw:
    result: dict[str, Any] = {}
    try:
        items.sort(key=_first)
    except TypeError:
        raise JsonError(_MIXED) from None
    for key, value in items:
        if type(key) is not str:
            raise JsonError(_MIXED)
        name = key if key.isascii() else _text(key)
        if not isinstance(name, str):
            return _raw_object(items)
        result[name] = value
    return result


def _raw_object(items: list[tuple[Any, Any]]) -> msgspec.Raw:
    if not all(type(key) is str for key, _ in items):
        raise JsonError(_MIXED)
    members = (msgspec.json.encode(_text(key)) + b":" + msgspec.json.encode(value) for key, value in items)
    return msgspec.Raw(b",".join(members).join((b"{", b"}")))


def _array(items: list[tuple[Any, Any]]) -> list[Any]:
    count = len(items)
    result: list[Any] = [None] * count
    for key, value in items:
        if type(key) is not int:
            raise JsonError(_MIXED)
        if not 1 <= key <= count:
            raise JsonError("a sparse array (its keys are not 1 to n) has no JSON form")
        result[key - 1] = value
    return result


def _first(item: tuple[Any, Any]) -> Any:
    return item[0]


_EXACT = 1 << 53
_MIXED = "a table with keys that are neither all strings nor 1 to n has no JSON form"
_HTML = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
