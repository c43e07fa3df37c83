"""Changes scripts that were written by people: the bundled examples and the named escape attempts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import resources
from tests.fuzz.grammar import FUNCTIONS, GLOBALS, NUMBERS, STRINGS

_TOKEN = re.compile(rb"\s+|[A-Za-z_]\w*|\d[\w.]*|\"(?:[^\"\\\n]|\\.)*\"|.", re.DOTALL)
_NUMBER = re.compile(rb"\b\d+\b")
_NAME = re.compile(rb"\b[a-z_][a-z_.]*\b")
_VERDICT = b"local function verdict(got, what) request.body = tostring(got and what) end "


def seeds() -> tuple[bytes, ...]:
    """The scripts to start from."""
    examples = sorted(Path(resources.__file__).with_name("examples").glob("*.lua"))
    attempts = sorted(Path(__file__).parents[1].joinpath("engine", "escapes").glob("*.lua"))
    found = [path.read_bytes() for path in examples]
    for path in attempts:
        for section in re.split(rb"^-{3,4} .*\n", path.read_bytes(), flags=re.MULTILINE):
            if section.strip():
                found.append(_VERDICT + section)
    return tuple(found)


class Mutator:
    """Mutated seeds from random choices; most still compile, many do not."""

    def __init__(self, choices: random.Random, found: tuple[bytes, ...]) -> None:
        self._r, self._seeds = choices, found
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            self._other_number,
            self._other_number,
            self._other_name,
            self._other_name,
            self._without_line,
            self._line_of_another,
            self._line_twice,
            self._tokens_swapped,
            self._without_token,
            self._other_byte,
        )

    def program(self) -> bytes:
        """One seed after one to four changes."""
        source = self._r.choice(self._seeds)
        for _ in range(self._r.randint(1, 4)):
            source = self._r.choice(self._ways)(source)
        return source

    def noise(self) -> bytes:
        """Bytes of no meaning."""
        if self._r.random() < 0.5:
            return self._r.randbytes(self._r.randint(0, 200))
        words = (
            b"end",
            b"(",
            b")",
            b"function",
            b"=",
            b"\x1bLua",
            b"return",
            b"local",
            b"{",
            b"}",
            b"...",
            b"x",
            b"'",
        )
        return b" ".join(self._r.choices(words, k=self._r.randint(1, 40)))

    def _replace_one(self, pattern: re.Pattern[bytes], source: bytes, other: bytes) -> bytes:
        places = list(pattern.finditer(source))
        if not places:
            return source
        place = self._r.choice(places)
        return source[: place.start()] + other + source[place.end() :]

    def _other_number(self, source: bytes) -> bytes:
        return self._replace_one(_NUMBER, source, self._r.choice(NUMBERS).encode())

    def _other_name(self, source: bytes) -> bytes:
        return self._replace_one(_NAME, source, self._r.choice(FUNCTIONS + GLOBALS + STRINGS).encode())

    def _without_line(self, source: bytes) -> bytes:
        lines = source.splitlines(keepends=True)
        if len(lines) > 1:
            del lines[self._r.randrange(len(lines))]
        return b"".join(lines)

    def _line_of_another(self, source: bytes) -> bytes:
        lines = source.splitlines(keepends=True)
        other = self._r.choice(self._seeds).splitlines(keepends=True)
        lines.insert(self._r.randint(0, len(lines)), self._r.choice(other) + b"\n")
        return b"".join(lines)

    def _line_twice(self, source: bytes) -> bytes:
        lines = source.splitlines(keepends=True)
        place = self._r.randrange(len(lines)) if lines else 0
        return b"".join(lines[: place + 1] + lines[place:])

    def _tokens_swapped(self, source: bytes) -> bytes:
        tokens = _TOKEN.findall(source)
        if len(tokens) > 1:
            one, two = self._r.randrange(len(tokens)), self._r.randrange(len(tokens))
            tokens[one], tokens[two] = tokens[two], tokens[one]
        return b"".join(tokens)

    def _without_token(self, source: bytes) -> bytes:
        tokens = _TOKEN.findall(source)
        if tokens:
            del tokens[self._r.randrange(len(tokens))]
        return b"".join(tokens)

    def _other_byte(self, source: bytes) -> bytes:
        place = self._r.randrange(len(source) + 1)
        return source[:place] + self._r.randbytes(1) + source[place + self._r.randint(0, 1) :]
