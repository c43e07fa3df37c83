"""Finds and replaces in bytes that are meant as UTF-8: patterns in, byte ranges out, no Qt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: `text` as it is, or as a regular expression in Python's syntax."""

    text: str
    match_case: bool = False
    whole_word: bool = False
    regex: bool = False


class PatternError(ValueError):
    """A regular expression or its replacement that cannot be used, with a sentence for the user."""


def compile_query(query: Query) -> re.Pattern[str]:
    """Make the pattern of a query; raises PatternError."""
    source = query.text if query.regex else re.escape(query.text)
    if query.whole_word:
        source = rf"(?<!\w)(?:{source})(?!\w)"
    flags = re.MULTILINE | (re.NOFLAG if query.match_case else re.IGNORECASE)
    try:
        return re.compile(source, flags)
    except (re.error, OverflowError, RecursionError) as problem:
        raise PatternError(_sentence(problem)) from problem


def find_all(data: bytes, pattern: re.Pattern[str]) -> Iterator[tuple[int, int, re.Match[str]]]:
    """Give the byte ranges of all matches in order, one at a time; empty ones are left out."""
    text = _text(data)
    ascii_only = len(text) == len(data)
    character = byte = 0
    for found in pattern.finditer(text):
        if found.start() == found.end():
            continue
        if ascii_only:
            yield found.start(), found.end(), found
            continue
        start = byte + _size(text[character : found.start()])
        byte = start + _size(found.group())
        character = found.end()
        yield start, byte, found


def replacement_for(found: re.Match[str], query: Query, replacement: str) -> bytes:
    """Give what one match becomes; groups like `\\1` count in regular expressions only; raises PatternError."""
    if not query.regex:
        return replacement.encode("utf-8", "surrogateescape")
    try:
        return found.expand(replacement).encode("utf-8", "surrogateescape")
    except (re.error, IndexError) as problem:
        raise PatternError(_sentence(problem)) from problem


def replace_all(data: bytes, query: Query, replacement: str) -> tuple[bytes, int]:
    """Give `data` with every match replaced, and how many there were; raises PatternError."""
    pieces: list[bytes] = []
    last = count = 0
    for start, end, found in find_all(data, compile_query(query)):
        pieces += (data[last:start], replacement_for(found, query, replacement))
        last = end
        count += 1
    return b"".join((*pieces, data[last:])), count


def _text(data: bytes) -> str:
    return data.decode("ascii") if data.isascii() else data.decode("utf-8", "surrogateescape")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _sentence(problem: BaseException) -> str:
    message = str(problem) or "too complex"
    return message[:1].upper() + message[1:]
