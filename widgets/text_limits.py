"""Which texts are too large to colour or to lay out, so that no editor ever blocks on one."""

from __future__ import annotations

from typing import Final

PLAIN_BYTES: Final = 2_000_000
PLAIN_LINE_BYTES: Final = 100_000
# Scintilla lays out a whole line at each edit: 7 ms per MB of ASCII in a monospaced font, but 230 ms per MB
# as soon as the text has other characters. Longer lines are shown as an excerpt.
LAID_OUT_LINE_BYTES: Final = 1_000_000
LAID_OUT_WIDE_LINE_BYTES: Final = 64_000
EXCERPT_BYTES: Final = 32_000


def has_line_over(data: bytes, limit: int) -> bool:
    """Say whether a line of `data` has more than `limit` bytes, looking at few of them."""
    start = 0
    while len(data) - start > limit:
        window_end = start + limit + 1
        newline = max(data.rfind(b"\n", start, window_end), data.rfind(b"\r", start, window_end))
        if newline < 0:
            return True
        start = newline + 1
    return False


def plain_reason_for(data: bytes) -> tuple[str, bool]:
    """Say why `data` is shown without colours (empty when it is not), and whether only as an excerpt."""
    longest = LAID_OUT_LINE_BYTES if data.isascii() else LAID_OUT_WIDE_LINE_BYTES
    if has_line_over(data, longest):
        kib = EXCERPT_BYTES // 1000
        return f"Very long line: first {kib} KB shown, read-only; Format to edit", True
    if len(data) > PLAIN_BYTES:
        return "Large text: no colours, no folding", False
    if has_line_over(data, PLAIN_LINE_BYTES):
        return "Long line: no colours, no folding", False
    return "", False


def cut_at_character(data: bytes, limit: int) -> bytes:
    """Give the first `limit` bytes, or up to three fewer so that no UTF-8 character is split."""
    end = min(limit, len(data))
    while end > 0 and end < len(data) and data[end] & 0xC0 == 0x80 and limit - end < 4:
        end -= 1
    return data[:end]
