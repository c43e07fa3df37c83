"""What may be written at the caret of a Lua script, and what the call around it takes; no Qt.

Offsets count characters of the text given. An editor that counts bytes passes its bytes decoded as Latin-1,
where the two are the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Final

from engine.sandbox.api import ApiEntry

# fmt: off
KEYWORDS: Final = (
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil", "not", "or",
    "repeat", "return", "then", "true", "until", "while",
)
# fmt: on
MIN_PREFIX: Final = 2
WORD_WINDOW: Final = 40_000
TIP_WIDTH: Final = 72

_QUIET: Final = re.compile(
    r"""--\[(=*)\[.*?(?:\]\1\]|\Z) | --[^\n]* | \[(=*)\[.*?(?:\]\2\]|\Z)
    | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?""",
    re.DOTALL | re.VERBOSE,
)
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PATH_BEFORE: Final = re.compile(r"(?:([A-Za-z_][\w.]*)\s*([.:])\s*)?([A-Za-z_]\w*)?\Z", re.ASCII)
_ALIAS: Final = re.compile(r"""\b([A-Za-z_]\w*)\s*=\s*require\s*\(?\s*["']([\w.]+)["']""", re.ASCII)
_REQUIRE: Final = re.compile(r"""\brequire\s*\(?\s*["'](\w*)\Z""", re.ASCII)
_FUNCTION: Final = re.compile(
    r"\bfunction\s+([A-Za-z_][\w.:]*)\s*(\([^)]*\))|\b([A-Za-z_]\w*)\s*=\s*function\s*(\([^)]*\))", re.ASCII
)
_CALLED: Final = re.compile(r"([A-Za-z_][\w.]*(?::[A-Za-z_]\w*)?)\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Completion:
    """Names that continue the last `prefix_length` characters before the caret, sorted."""

    prefix_length: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallTip:
    """What is called around the caret: `start` is where its name begins, the highlight the argument."""

    start: int
    text: str
    highlight_start: int
    highlight_end: int


def code_only(text: str) -> str:
    """Blank out strings and comments with NULs, so that what is left is code at the same offsets."""
    return _QUIET.sub(lambda found: "\0" * len(found.group()), text)


def aliases(text: str) -> dict[str, str]:
    """Which names of the script stand for a module: `local j = require("json")` gives `{"j": "json"}`."""
    return dict(_ALIAS.findall(text))


def complete(text: str, caret: int, entries: Sequence[ApiEntry], *, asked: bool = False) -> Completion | None:
    """Give what may follow at `caret`, or None.

    Without `asked` (the user pressed a key for it) nothing is offered for fewer than two letters.
    """
    module = _REQUIRE.search(text, max(0, caret - 80), caret)
    if module:
        return _matching(module.group(1), {e.name for e in entries if e.kind == "module"})
    code = code_only(text[:caret])
    found = _PATH_BEFORE.search(code, max(0, caret - 200))
    if found is None or (caret and code[-1] == "\0"):
        return None
    owner, mark, prefix = found.group(1), found.group(2), found.group(3) or ""
    if owner:
        return _matching(prefix, _members(owner, mark, aliases(text), entries))
    if not asked and (len(prefix) < MIN_PREFIX or _is_number_tail(code, found.start(3))):
        return None
    names = {entry.name.partition(".")[0] for entry in entries} | set(KEYWORDS)
    return _matching(prefix, names | _words_near(text, caret, prefix))


def call_tip(text: str, caret: int, entries: Sequence[ApiEntry]) -> CallTip | None:
    """Give the signature of the call that `caret` is inside, with the argument being written, or None."""
    code = code_only(text[:caret])
    opening, argument = _open_call(code)
    called = _CALLED.search(code, max(0, opening - 200), opening) if opening >= 0 else None
    if called is None:
        return None
    name = called.group(1)
    entry = entry_for(name, text, entries)
    signature = entry.signature if entry else _own_signature(name, text)
    if not signature:
        return None
    start, end = _argument_span(signature, argument)
    body = signature + ("\n" + fill(entry.doc, TIP_WIDTH) if entry and entry.doc else "")
    return CallTip(called.start(1), body, start, end)


def entry_for(name: str, text: str, entries: Sequence[ApiEntry]) -> ApiEntry | None:
    """Find the table's row for a name as the script writes it, seeing through `require` and `s:method`."""
    owner, mark, member = name.replace(":", ".").rpartition(".")
    known = {entry.name: entry for entry in entries}
    if ":" in name and f"string.{member}" in known:
        return known[f"string.{member}"]
    return known.get(aliases(text).get(owner, owner) + mark + member)


def name_at(text: str, offset: int) -> str:
    """Give the dotted name at `offset` up to the part pointed at; empty in strings, comments and keywords."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = code_only(text[: end if end >= 0 else len(text)])[start:]
    for found in re.finditer(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)*", line, re.ASCII):
        if found.start() <= offset - start < found.end():
            word_end = _NAME.match(line, _word_start(line, offset - start, found.start()))
            name = line[found.start() : word_end.end() if word_end else found.end()]
            return "" if name in KEYWORDS else name
    return ""


def tip_for(entry: ApiEntry) -> str:
    """Say in a few lines what an entry is, for a hover."""
    heading = entry.signature or f"{entry.name}  ({entry.kind})"
    return heading + "\n" + fill(entry.doc, TIP_WIDTH) if entry.doc else heading


def _matching(prefix: str, names: set[str]) -> Completion | None:
    low = prefix.lower()
    fitting = sorted(
        (name for name in names if name.lower().startswith(low)), key=lambda name: (name.lower(), name)
    )
    if not fitting or fitting == [prefix]:
        return None
    return Completion(len(prefix), tuple(fitting))


def _members(owner: str, mark: str, known: dict[str, str], entries: Sequence[ApiEntry]) -> set[str]:
    # A method call is on a string, the one type whose values have methods here.
    table = "string" if mark == ":" else known.get(owner, owner)
    start = table + "."
    return {
        entry.name[len(start) :].partition(".")[0]
        for entry in entries
        if entry.name.startswith(start) and (mark == "." or entry.kind == "function")
    }


def _words_near(text: str, caret: int, prefix: str) -> set[str]:
    # The word being written is not a candidate for itself, hence the two pieces.
    first, last = max(0, caret - WORD_WINDOW), caret + WORD_WINDOW
    before, after = code_only(text[first : caret - len(prefix)]), code_only(text[caret:last])
    rest = _NAME.match(after)
    return {
        word
        for word in _NAME.findall(before) + _NAME.findall(after[rest.end() if rest else 0 :])
        if len(word) > 2
    }


def _is_number_tail(code: str, start: int) -> bool:
    return start > 0 and code[start - 1].isdigit()  # 0x1f, 1e5


def _open_call(code: str) -> tuple[int, int]:
    """Where the innermost open parenthesis is (-1: none), and how many commas follow it at its own depth."""
    depth = commas = 0
    for at in range(len(code) - 1, max(-1, len(code) - 4000), -1):
        character = code[at]
        if character in ")]}":
            depth += 1
        elif character in "([{":
            if depth == 0:
                return (at if character == "(" else -1), commas
            depth -= 1
        elif character == "," and depth == 0:
            commas += 1
    return -1, 0


def _own_signature(name: str, text: str) -> str:
    for first, first_arguments, second, second_arguments in _FUNCTION.findall(text):
        if name in (first, second):
            return f"{name}{first_arguments or second_arguments}"
    return ""


def _argument_span(signature: str, argument: int) -> tuple[int, int]:
    opening = signature.find("(")
    closing = signature.find(")", opening)
    if opening < 0 or closing < 0:
        return 0, 0
    start = opening + 1
    parts = signature[start:closing].split(",")
    index = min(argument, len(parts) - 1)
    if argument > index and "..." not in parts[index]:
        return 0, 0
    start += sum(len(part) + 1 for part in parts[:index])
    lead = len(parts[index]) - len(parts[index].lstrip())
    return start + lead, start + len(parts[index])


def _word_start(line: str, at: int, lowest: int) -> int:
    while at > lowest and (line[at - 1].isalnum() or line[at - 1] == "_"):
        at -= 1
    return at
