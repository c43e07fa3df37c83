"""Refuses the one kind of Lua function that writes past Lua 5.1's stack (CVE-2014-5461, never fixed in 5.1).

A call with fewer arguments than named parameters, to a function that also takes `...`, uses as many slots more than
the interpreter made sure of as arguments are missing. Three fit into the slots that every stack has to spare.
"""

from __future__ import annotations

import struct

MAX_NAMED_WITH_VARARG = 3
_HEADER_BYTES = 12
_IS_VARARG = 2
_CONSTANT_BYTES = {0: 0, 1: 1, 3: 8}  # nil, boolean, number; a string has its length before it
_STRING_CONSTANT = 4


def check_chunk(dump: str) -> None:
    """Checks what `string.dump` made of a chunk, one code point for each byte.

    Raises:
        ValueError: a function in it has too many named parameters before `...`; its line is named.
    """
    _Reader(dump.encode("latin-1")).function()


class _Reader:
    """Walks the functions of a precompiled chunk as this machine's Lua 5.1 writes it (64 bits)."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, _HEADER_BYTES

    def function(self) -> None:
        self._string()
        line, _, _, named, vararg, _ = self._take("<iiBBBB")
        if vararg & _IS_VARARG and named > MAX_NAMED_WITH_VARARG:
            raise ValueError(
                f"{line}: a function with '...' takes at most {MAX_NAMED_WITH_VARARG} named parameters"
            )
        self._skip(4 * self._count())  # instructions
        for _ in range(self._count()):
            self._constant()
        for _ in range(self._count()):
            self.function()
        self._skip(4 * self._count())  # lines
        for _ in range(self._count()):
            self._string()  # a local variable and where it is alive
            self._skip(8)
        for _ in range(self._count()):
            self._string()  # an upvalue

    def _constant(self) -> None:
        (kind,) = self._take("<B")
        if kind == _STRING_CONSTANT:
            self._string()
        else:
            self._skip(_CONSTANT_BYTES[kind])

    def _string(self) -> None:
        self._skip(self._take("<Q")[0])

    def _count(self) -> int:
        return int(self._take("<i")[0])

    def _skip(self, size: int) -> None:
        self._at += size

    def _take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values
