"""What a pane must know of a payload's bytes: whether they are text, and where a line and column are."""

from __future__ import annotations

from typing import Final

CONTROL_SAMPLE_BYTES: Final = 64_000
_CONTROLS: Final = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D}) + b"\x7f"


def why_not_text(data: bytes) -> str:
    """Say why `data` cannot be edited as text without harm; empty when it can."""
    if data.isascii():
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return f"Not UTF-8: byte {data[problem.start]:02X} at offset {problem.start:X}"
    return ""


def looks_binary(data: bytes) -> bool:
    """Say whether `data` is better shown as bytes, though it may be text: NULs, or control characters early on."""
    head = data[:CONTROL_SAMPLE_BYTES]
    return b"\0" in data or len(head.translate(None, _CONTROLS)) < len(head)


def offset_of(data: bytes, line: int, column: int) -> int:
    """Give the byte offset of a 1-based line and column (in characters), the nearest there is."""
    start = 0
    for _ in range(line - 1):
        newline = data.find(b"\n", start)
        if newline < 0:
            return len(data)
        start = newline + 1
    end = data.find(b"\n", start)
    # A character has at most four bytes, so no more of a huge line is decoded.
    text = data[start : min(end if end >= 0 else len(data), start + 4 * column)].decode(
        "utf-8", "surrogateescape"
    )
    return start + len(text[: max(0, column - 1)].encode("utf-8", "surrogateescape"))
