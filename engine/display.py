"""Turns bytes and outcomes into what a person reads: pretty JSON, hex, differences, the request as text.

Pure functions of values, so that they can run in another process and keep a large body away from Qt's main thread.
"""

from __future__ import annotations

import enum

import msgspec


class BodyKind(enum.StrEnum):
    """How a body is shown."""

    EMPTY = "empty"
    JSON = "json"
    TEXT = "text"
    HEX = "hex"


class JsonProblem(msgspec.Struct, frozen=True):
    """Why bytes are not JSON, and where: 1-based line and column (in characters)."""

    message: str
    line: int
    column: int


class BodyText(msgspec.Struct, frozen=True):
    """A body as text to show: `note` says what a reader must know (cut off, not UTF-8), else empty."""

    kind: BodyKind
    text: str
    size_bytes: int
    note: str = ""


class DiffKind(enum.StrEnum):
    """What became of a line."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    GAP = "gap"  # unchanged lines left out; the text says how many


class DiffLine(msgspec.Struct, frozen=True):
    """One line of a difference with its 1-based numbers on the two sides."""

    kind: DiffKind
    text: str
    left: int | None = None
    right: int | None = None


class HeaderKind(enum.StrEnum):
    """Where a header of the outgoing request comes from, or what became of an incoming one."""

    SAME = "same"  # as it came in
    ADDED = "added"  # by the script
    CHANGED = "changed"  # by the script; `before` holds the incoming value
    REMOVED = "removed"  # by the script; not sent
    DEFAULT = "default"  # set by HOWK itself


class HeaderRow(msgspec.Struct, frozen=True):
    """One row of the header comparison; `value` is what is sent (empty for a removed one)."""

    kind: HeaderKind
    name: str
    value: str
    before: str | None = None
