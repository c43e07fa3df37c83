"""Says which lines of two bodies differ, in bounded time whatever the bodies are.

Equal lines at both ends are set aside first. Lines that occur once on both sides anchor the rest (patience diff);
what lies between two anchors is compared exactly (Myers) while the budget lasts. Beyond it, a stretch counts as
replaced as a whole, and the note says so.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from engine.display import DiffKind, DiffLine
from engine.display_body import body_text

CONTEXT_LINES = 3
MAX_ROWS = 10_000
MAX_STRETCH = 2_000
"""Of lines removed or added in one go the first so many are shown, so that both sides come into view."""

MAX_LINE_CHARACTERS = 4_000
COMPARED_BYTES = 16 * 1024 * 1024
"""Of a body longer than this only the beginning is compared (an eighth of it when it is binary)."""

STEP_BUDGET = 1_000_000
"""Comparisons before the rest counts as replaced: under half a second."""


class Match(NamedTuple):
    """`size` equal lines, from 0-based `left` and `right` on."""

    left: int
    right: int
    size: int


def diff(left: bytes, right: bytes) -> tuple[tuple[DiffLine, ...], str]:
    """The rows that turn one body's display text into the other's, three lines of context around each change.

    Returns:
        The rows (none when there is nothing to show) and a note for the reader, which may be empty.
    """
    if left == right:
        return (), "No difference."
    before, after = body_text(left, COMPARED_BYTES), body_text(right, COMPARED_BYTES)
    notes = [note for note in dict.fromkeys((before.note, after.note)) if "first" in note]
    if before.text == after.text:
        return (), " ".join(
            ["Only white space differs." if not notes else "No difference in what is shown.", *notes]
        )
    left_lines, right_lines = _lines(before.text), _lines(after.text)
    comparison = _Comparison(left_lines, right_lines)
    rows = _rows(left_lines, right_lines, comparison.matches())
    if comparison.gave_up:
        notes.append("The bodies differ too much to compare line by line: a stretch is shown as replaced.")
    if len(rows) > MAX_ROWS:
        notes.append(f"Shown are the first {MAX_ROWS:,} of {len(rows):,} rows.")
        del rows[MAX_ROWS:]
    return tuple(rows), " ".join(notes)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


class _Comparison:
    """Finds the matching stretches of two lists of lines within a budget of steps."""

    def __init__(self, left: list[str], right: list[str]) -> None:
        self._left, self._right = left, right
        self._steps_left = STEP_BUDGET
        self.gave_up = False

    def matches(self) -> list[Match]:
        """Matching stretches in order, adjacent ones joined; an empty one marks the end of both sides."""
        found: list[Match] = []
        waiting = [(0, len(self._left), 0, len(self._right))]
        while waiting:
            waiting.extend(self._split(waiting.pop(), found))
        found.sort()
        joined: list[Match] = []
        for match in found:
            if (
                joined
                and (joined[-1].left + joined[-1].size, joined[-1].right + joined[-1].size) == match[:2]
            ):
                last = joined.pop()
                joined.append(Match(last.left, last.right, last.size + match.size))
            else:
                joined.append(match)
        return [*joined, Match(len(self._left), len(self._right), 0)]

    def _split(self, part: tuple[int, int, int, int], found: list[Match]) -> list[tuple[int, int, int, int]]:
        """Note what matches at the ends of a part, or all of a small one; return the parts still to compare."""
        low, high, low_right, high_right = self._trim(part, found)
        if low == high or low_right == high_right:
            return []
        self._steps_left -= (high - low + high_right - low_right) // 8  # reading is cheaper than comparing
        anchors = self._anchors(low, high, low_right, high_right) if self._steps_left > 0 else []
        if not anchors:
            self._compare(low, high, low_right, high_right, found)
            return []
        parts = []
        for left, right in anchors:
            parts.append((low, left, low_right, right))
            low, low_right = left, right  # the anchor itself is the first equal line of the next part
        return [*parts, (low, high, low_right, high_right)]

    def _trim(self, part: tuple[int, int, int, int], found: list[Match]) -> tuple[int, int, int, int]:
        low, high, low_right, high_right = part
        start, start_right = low, low_right
        while low < high and low_right < high_right and self._left[low] == self._right[low_right]:
            low, low_right = low + 1, low_right + 1
        if low > start:
            found.append(Match(start, start_right, low - start))
        end = high
        while low < high and low_right < high_right and self._left[high - 1] == self._right[high_right - 1]:
            high, high_right = high - 1, high_right - 1
        if end > high:
            found.append(Match(high, high_right, end - high))
        return low, high, low_right, high_right

    def _anchors(self, low: int, high: int, low_right: int, high_right: int) -> list[tuple[int, int]]:
        """The longest run of lines that occur once on each side and stand in the same order on both."""
        right_at = _unique(self._right, low_right, high_right)
        pairs = [
            (at, right_at[line]) for line, at in _unique(self._left, low, high).items() if line in right_at
        ]
        tails: list[int] = []  # the smallest right index that ends a rising run of each length
        tail_pairs: list[int] = []
        before: list[int] = []
        for index, (_, right) in enumerate(pairs):
            place = bisect_left(tails, right)
            tails[place : place + 1] = [right]
            tail_pairs[place : place + 1] = [index]
            before.append(tail_pairs[place - 1] if place else -1)
        run: list[tuple[int, int]] = []
        index = tail_pairs[-1] if tail_pairs else -1
        while index >= 0:
            run.append(pairs[index])
            index = before[index]
        return run[::-1]

    def _compare(self, low: int, high: int, low_right: int, high_right: int, found: list[Match]) -> None:
        """Myers' shortest edit: `reach[k]` is how far the left side is read on diagonal k after `edits` edits."""
        width, height = high - low, high_right - low_right
        if set(self._left[low:high]).isdisjoint(self._right[low_right:high_right]):
            return
        reach, history = {1: 0}, []
        for edits in range(width + height + 1):
            self._steps_left -= edits + 1
            if self._steps_left < 0:
                self.gave_up = True
                return
            history.append(dict(reach))
            for k in range(-edits, edits + 1, 2):
                down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
                x = reach[k + 1] if down else reach[k - 1] + 1
                y = x - k
                while x < width and y < height and self._left[low + x] == self._right[low_right + y]:
                    x, y = x + 1, y + 1
                reach[k] = x
                if x >= width and y >= height:
                    found.extend(_trace(history, width, height, low, low_right))
                    return


def _trace(history: list[dict[int, int]], x: int, y: int, low: int, low_right: int) -> list[Match]:
    """Walk Myers' steps back and collect the diagonals."""
    found = []
    for edits in range(len(history) - 1, -1, -1):
        reach, k = history[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        previous = k + 1 if down else k - 1
        start_x = reach[previous] if edits else 0
        start_y = start_x - previous if edits else 0
        after_x = (start_x if down else start_x + 1) if edits else 0
        if x > after_x:
            found.append(Match(low + after_x, low_right + after_x - k, x - after_x))
        x, y = start_x, start_y
    return found


def _unique(lines: list[str], low: int, high: int) -> dict[str, int]:
    """Lines that occur once in the range, with their index, in order."""
    at: dict[str, int] = {}
    again: set[str] = set()
    for index in range(low, high):
        line = lines[index]
        if line in at:
            again.add(line)
        else:
            at[line] = index
    for line in again:
        del at[line]
    return at


def _rows(left: list[str], right: list[str], matches: list[Match]) -> list[DiffLine]:
    rows: list[DiffLine] = []
    at_left = at_right = 0
    for match in matches:
        rows.extend(_changed(DiffKind.REMOVED, left, at_left, match.left))
        rows.extend(_changed(DiffKind.ADDED, right, at_right, match.right))
        at_left, at_right = match.left + match.size, match.right + match.size
        last = (at_left, at_right) == (len(left), len(right))
        rows.extend(_context(left, match, first=match.left + match.right == 0, last=last))
    return rows


def _changed(kind: DiffKind, lines: list[str], start: int, end: int) -> list[DiffLine]:
    shown = min(end, start + MAX_STRETCH)
    if kind is DiffKind.REMOVED:
        rows = [DiffLine(kind, _short(lines[i]), left=i + 1) for i in range(start, shown)]
    else:
        rows = [DiffLine(kind, _short(lines[i]), right=i + 1) for i in range(start, shown)]
    if shown < end:
        rows.append(DiffLine(DiffKind.GAP, f"{end - shown:,} more {kind.value} lines"))
    return rows


def _context(lines: list[str], match: Match, *, first: bool, last: bool) -> list[DiffLine]:
    """The lines of a match next to a change, and how many lie between."""
    head = 0 if first else CONTEXT_LINES
    tail = 0 if last else CONTEXT_LINES
    if match.size <= head + tail + 1:
        return [_same(lines, match, offset) for offset in range(match.size)]
    hidden = match.size - head - tail
    return [
        *(_same(lines, match, offset) for offset in range(head)),
        DiffLine(DiffKind.GAP, f"{hidden:,} unchanged lines"),
        *(_same(lines, match, offset) for offset in range(match.size - tail, match.size)),
    ]


def _same(lines: list[str], match: Match, offset: int) -> DiffLine:
    index, right = match.left + offset, match.right + offset
    return DiffLine(DiffKind.SAME, _short(lines[index]), index + 1, right + 1)


def _short(line: str) -> str:
    if len(line) <= MAX_LINE_CHARACTERS:
        return line
    return f"{line[:MAX_LINE_CHARACTERS]}… ({len(line) - MAX_LINE_CHARACTERS:,} more characters)"
