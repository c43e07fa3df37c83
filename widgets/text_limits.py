"""Which texts are too large to colour or to lay out, so that no editor ever blocks on one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PLAIN_BYTES: Final = 2_000_000
PLAIN_LINE_BYTES: Final = 100_000
# Scintilla lays out a whole line at each edit: 8 ms per MB of ASCII in a monospaced font, but 400 ms per MB of a line
# with other characters. Texts with longer lines are shown as an excerpt.
LAID_OUT_LINE_BYTES: Final = 1_000_000
LAID_OUT_WIDE_LINE_BYTES: Final = 32_000
EXCERPT_BYTES: Final = 32_000


def long_lines(data: bytes, limit: int) -> Iterator[bytes]:
    """Give the lines of more than `limit` bytes, looking at little of the others."""
    start = 0
    while len(data) - start > limit:
        newline = data.rfind(b"\n", start, start + limit + 1)
        if newline < 0:
            newline = data.find(b"\n", start)
            end = newline if newline >= 0 else len(data)
            yield data[start:end]
            newline = end
        start = newline + 1


def plain_reason_for(data: bytes) -> tuple[str, bool]:
    """Say why `data` is shown without colours (empty when it is not), and whether only as an excerpt."""
    longest = 0
    for line in long_lines(data, LAID_OUT_WIDE_LINE_BYTES):
        longest = max(longest, len(line))
        if len(line) > LAID_OUT_LINE_BYTES or not line.isascii():
            size = f"{EXCERPT_BYTES // 1000} KB"
            return f"Very long line: first {size} shown, read-only; Format to edit", True
    if len(data) > PLAIN_BYTES:
        return "Large text: no colours, no folding", False
    if longest > PLAIN_LINE_BYTES:
        return "Long line: no colours, no folding", False
    return "", False


def cut_at_character(data: bytes, limit: int) -> bytes:
    """Give the first `limit` bytes, or up to three fewer so that no UTF-8 character is split."""
    end = min(limit, len(data))
    while end > 0 and end < len(data) and data[end] & 0xC0 == 0x80 and limit - end < 4:
        end -= 1
    return data[:end]
