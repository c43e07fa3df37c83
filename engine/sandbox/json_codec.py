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


_DECODER = msgspec.json.Decoder()


def decode(text: str) -> Any:
    """The values of a JSON document: dict, list, byte-form str, float, int, bool, None. Integers are as they
    are written; see `with_doubles`.

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
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(value, 0)
    return value


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


def _check_depth(value: Any, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    for item in value.values() if type(value) is dict else value:
        if type(item) is dict or type(item) is list:
            _check_depth(item, depth + 1)


def with_doubles(value: Any) -> Any:
    """`value`, as `decode` gave it, with the integers that a C long cannot hold as the doubles nearest to them.

    Raises:
        JsonError: one is out of a double's range.
    """
    if type(value) is int:
        return value if -_LONG <= value < _LONG else _big(value)
    if type(value) is dict:
        return {key: with_doubles(item) for key, item in value.items()}
    return [with_doubles(item) for item in value] if type(value) is list else value


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
        # Sorting by code points in C is sorting by the bytes of UTF-8, as Go does.
        self._encode: Callable[[Any], bytes] = msgspec.json.Encoder(order="deterministic").encode

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
        # One frame for each level of nesting: MAX_DEPTH of them fit into Python's stack. The usual kinds of values
        # are told apart in line: a call for each would double the cost of a document.
        if depth > MAX_DEPTH:
            raise JsonError(f"nested deeper than {MAX_DEPTH} levels, or a table that contains itself")
        table_type, exact, pairs = self._table_type, _EXACT, {}
        for key, value in table.items():
            kind = type(value)
            if kind is str:
                pairs[key] = value if value.isascii() else _text(value)
            elif kind is table_type:
                pairs[key] = self._table(value, depth + 1)
            elif (kind is int and -exact < value < exact) or (
                kind is float and _PLAIN_FROM <= value < _PLAIN_BELOW
            ):
                pairs[key] = value
            else:
                pairs[key] = _scalar(value)
        if not pairs:
            return []
        return _object(pairs) if type(next(iter(pairs))) is str else _array(pairs)


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


def _object(pairs: dict[str, Any]) -> dict[str, Any] | msgspec.Raw:
    try:
        if "".join(pairs).isascii():
            return pairs
    except TypeError:
        raise JsonError(_MIXED) from None
    names = {key: _text(key) for key in sorted(pairs)}
    texts = {name: pairs[key] for key, name in names.items() if isinstance(name, str)}
    if len(texts) == len(names):
        return texts
    encode = msgspec.json.Encoder(order="deterministic").encode
    members = (encode(name) + b":" + encode(pairs[key]) for key, name in names.items())
    return msgspec.Raw(b",".join(members).join((b"{", b"}")))


def _array(pairs: dict[int, Any]) -> list[Any]:
    count = len(pairs)
    if set(map(type, pairs)) != {int}:
        raise JsonError(_MIXED)
    if list(pairs) == list(range(1, count + 1)):  # nearly always: Lua walks the array part in order
        return list(pairs.values())
    try:
        return [pairs[place] for place in range(1, count + 1)]
    except KeyError:
        raise JsonError("a sparse array (its keys are not 1 to n) has no JSON form") from None


_EXACT = 1 << 53
_LONG = 1 << 63
_PLAIN_FROM, _PLAIN_BELOW = 1e-4, 1e15  # where msgspec prints a double that is no integer just as Go does
_MIXED = "a table with keys that are neither all strings nor 1 to n has no JSON form"
_HTML = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)
