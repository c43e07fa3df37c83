"""Turns a body into text to read: formatted JSON, text as it is, or a hex dump; cut with a note when it is long."""

from __future__ import annotations

from engine.display import BodyKind, BodyText
from engine.display_json import check_json, pretty_json

SHOWN_BYTES = 1024 * 1024
"""How much of a body is shown unless told otherwise; the rest is counted in the note."""

HEX_SHARE = 8
"""A hex dump shows this part of the limit: each of its 16-byte rows takes five times the room."""

_HEX_ROW = 16
_PRINTABLE = bytes(code if 32 <= code < 127 else ord(".") for code in range(256))
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b") + b"\x7f"


def body_text(body: bytes, limit: int = SHOWN_BYTES) -> BodyText:
    """A body for a reader: JSON indented, UTF-8 text as it is, everything else as a hex dump.

    Args:
        body: what is sent or was given.
        limit: bytes of text to show at most (an eighth of it of a binary body).
    """
    if not body:
        return BodyText(BodyKind.EMPTY, "", 0)
    if check_json(body) is None:
        text, note = _cut(pretty_json(body), limit, " of the formatted text")
        return BodyText(BodyKind.JSON, text, len(body), note)
    if is_text(body):
        text, note = _cut(body, limit)
        return BodyText(BodyKind.TEXT, text, len(body), note)
    shown = body[: max(limit // HEX_SHARE, _HEX_ROW)]
    note = "Not UTF-8 text: shown as bytes." + (
        " " + _cut_note(len(shown), len(body)) if shown != body else ""
    )
    return BodyText(BodyKind.HEX, hex_dump(shown), len(body), note)


def is_text(body: bytes) -> bool:
    """Whether these bytes are UTF-8 without control characters that no text has."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(body.translate(None, _CONTROL)) == len(body)


def hex_dump(data: bytes) -> str:
    """Rows of an eight-digit offset, 16 bytes in hex, and their ASCII."""
    return "\n".join(_hex_row(data, offset) for offset in range(0, len(data), _HEX_ROW))


def _hex_row(data: bytes, offset: int) -> str:
    row = data[offset : offset + _HEX_ROW]
    left, right = row[:8].hex(" "), row[8:].hex(" ")
    return f"{offset:08x}  {left:<23}  {right:<23}  {row.translate(_PRINTABLE).decode('ascii')}"


def _cut(text: bytes, limit: int, of_what: str = "") -> tuple[str, str]:
    if len(text) <= limit:
        return text.decode("utf-8"), ""
    # A character at the edge is left out rather than broken.
    shown = text[:limit].decode("utf-8", "ignore")
    return shown, _cut_note(len(shown.encode("utf-8")), len(text), of_what)


def _cut_note(shown: int, size: int, of_what: str = "") -> str:
    return f"Shown are the first {shown:,} of {size:,} bytes{of_what}."


def human_size(size: int) -> str:
    """A size in bytes for people: `999 bytes`, `1.2 KB`, `50 MB`; 1 KB is 1024 bytes, as in the settings."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    amount, unit = size / 1024, "KB"
    for larger in ("MB", "GB"):
        if amount >= 1000:
            amount, unit = amount / 1024, larger
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"
