"""How far a line of a Lua script is indented; text in, numbers out, no Qt."""

from __future__ import annotations

import re
from typing import Final

from widgets.completion import code_only

STEP: Final = 2

_TOKEN: Final = re.compile(r"\b(?:function|then|do|repeat|else|elseif|end|until)\b|[{}()\[\]]")
_OPENERS: Final = frozenset({"function", "then", "do", "repeat", "else", "{", "(", "["})
_LEADING_CLOSER: Final = re.compile(r"\s*(?:end\b|else\b|elseif\b|until\b|[})\]])")
_FINISHED_CLOSER: Final = re.compile(r"\s*(?:end|else|elseif|until|[})\]])\Z")
_OUTGROWN_CLOSER: Final = re.compile(r"\s*(?:(?:end|until)\w|else[^\Wi]|elsei[^\Wf]|elseif\w)\Z")


def closes_block(line: str) -> bool:
    """Say whether `line` begins with what ends a block: it stands one step further left."""
    return _LEADING_CLOSER.match(line) is not None


def just_closed(line: str) -> bool:
    """Say whether `line` is nothing but a closing word, so that typing it should pull it to the left."""
    return _FINISHED_CLOSER.match(line) is not None


def outgrew_closer(line: str) -> bool:
    """Say whether the last letter typed made another word of a closing word: `end` became `endp`."""
    return _OUTGROWN_CLOSER.match(line) is not None


def indent_for(before: str, line: str = "") -> int:
    """Give the indentation in columns of `line` that comes after the lines `before`."""
    code = code_only(before[-20_000:])
    previous = next((text for text in reversed(code.split("\n")) if text.strip(" \t\r\0")), "")
    columns = len(previous) - len(previous.lstrip(" \t"))
    balance = _balance(previous)
    if balance > 0:
        columns += STEP
    elif balance < 0:
        columns -= STEP
    return max(0, columns - STEP if closes_block(line) else columns)


def _balance(line: str) -> int:
    """Openers less closers, but for the closers that the line begins with: they moved the line itself."""
    balance, leading = 0, True
    for word in _TOKEN.findall(line):
        if word == "elseif":  # it closes, and its `then` opens again
            balance -= 0 if leading else 1
        elif word == "else":
            balance += 1 if leading else 0
        elif word in _OPENERS:
            balance += 1
        elif not leading:
            balance -= 1
        leading = leading and word not in _OPENERS and line.lstrip().startswith(word)
    return balance
