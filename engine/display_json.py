"""Says where bytes stop being JSON, in plain words, and formats JSON without touching anything but white space.

The fast path is msgspec. Only when it refuses is the text walked token by token: to find the place, or to find that
nothing is wrong (a lone surrogate escape and deep nesting are JSON by its grammar, but not for msgspec).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate

import msgspec

from engine.display import JsonProblem
from engine.errors import BadInput

MAX_INDENTATION_BYTES = 64 * 1024 * 1024
"""Deeply nested JSON is left as it is when indenting would add more than this: it grows with depth times lines."""

INDENT = 2
_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
      ( [\[\]{},:]
      | "(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"
      | (?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)? | true | false | null)(?![\w.+-])
      ) | (\Z) )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\n\r]*")
_STRING_START = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_WORD = re.compile(r"[\w$.+-]+")
_LINE_END = re.compile(r"\r\n|\r|\n")
_STRING_BYTES = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_CLOSER = {"[": "]", "{": "}"}
_FOREIGN_WORDS = {"True": "true", "False": "false", "None": "null", "nil": "null", "undefined": "null"}


def check_json(data: bytes) -> JsonProblem | None:
    """What keeps these bytes from being one JSON value, and where; None when they are one."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        return _problem(f"byte 0x{data[error.start]:02x} is not UTF-8 text", before, len(before))
    try:
        msgspec.json.decode(data, type=msgspec.Raw)  # Raw: the grammar is checked, nothing is built
    except (msgspec.DecodeError, RecursionError):
        found = _Walk(text).find()
        return None if found is None else _problem(found[0], text, found[1])
    return None


def pretty_json(data: bytes) -> bytes:
    """The same JSON, indented by two spaces; names, numbers and strings are kept byte for byte, in their order.

    So deeply nested that indenting would explode it, it comes back as it is.

    Raises:
        BadInput: it is not JSON; `where` names line and column.
    """
    if (problem := check_json(data)) is not None:
        raise BadInput(
            "JSON",
            f"line {problem.line}, column {problem.column}",
            problem.message,
            "Correct it, then format.",
        )
    return _indented(data)


@lru_cache(maxsize=2)  # a payload stays while its script is edited, and a body is both shown and compared
def _indented(data: bytes) -> bytes:
    if _indentation_bytes(data) > MAX_INDENTATION_BYTES:
        return data
    try:
        return msgspec.json.format(data, indent=INDENT)
    except (msgspec.DecodeError, RecursionError):
        return "".join(_pretty_pieces(data.decode("utf-8"))).encode("utf-8")


def _problem(message: str, text: str, at: int) -> JsonProblem:
    line, start = 1, 0
    for line_end in _LINE_END.finditer(text, 0, at):
        line, start = line + 1, line_end.end()
    return JsonProblem(message, line, at - start + 1)


def _indentation_bytes(data: bytes) -> int:
    """How many spaces indenting adds, at most; a cheap bound first, since nearly all JSON is flat."""
    openings = data.count(b"[") + data.count(b"{")
    lines = 2 * openings + data.count(b",")
    if INDENT * openings * lines <= MAX_INDENTATION_BYTES:
        return 0
    steps = [0] * 256
    steps[ord("[")] = steps[ord("{")] = 1
    steps[ord("]")] = steps[ord("}")] = -1
    structure = _STRING_BYTES.sub(b"", data).translate(None, b" \t\r\n0123456789+-.eEtrufalsn:")
    return INDENT * sum(accumulate(map(steps.__getitem__, structure)))


def _tokens(text: str) -> Iterator[str]:
    """The pieces of text that is known to be JSON."""
    for match in _TOKEN.finditer(text):
        if match[1] is not None:
            yield match[1]


def _pretty_pieces(text: str) -> Iterator[str]:
    depth = 0
    previous = ""
    for piece in _tokens(text):
        closes = piece in "]}"
        depth -= closes
        empty = closes and previous in ("[", "{")
        if not empty and previous and (closes or previous in ("[", "{", ",")):
            yield "\n" + " " * (INDENT * depth)
        yield ": " if piece == ":" else piece
        depth += piece in "[{"
        previous = piece


class _Found(Exception):
    def __init__(self, message: str, at: int) -> None:
        self.message, self.at = message, at


class _Walk:
    """Walks JSON text without recursion, so that depth costs memory and never a stack."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[tuple[str, int]] = []
        self._expect: Callable[[str, int], None] = self._value
        self._comma_at = -1

    def find(self) -> tuple[str, int] | None:
        """What is wrong and the index where; None when nothing is."""
        try:
            self._run()
        except _Found as found:
            return found.message, found.at
        return None

    def _run(self) -> None:
        position, match = 0, _TOKEN.match
        while True:
            piece = match(self._text, position)
            if piece is None:
                start = _SPACE.match(self._text, position)
                raise _name_the_problem(self._text, start.end() if start else position)
            position = piece.end()
            if piece[1] is None:
                return self._end(position)
            self._expect(piece[1], piece.start(1))

    def _end(self, at: int) -> None:
        if self._open:
            opener, opened_at = self._open[-1]
            line = len(_LINE_END.findall(self._text, 0, opened_at)) + 1
            raise _Found(f"the text ends here, but the {opener} of line {line} is not closed", at)
        if self._expect != self._nothing:
            raise _Found("there is nothing here; a JSON value is expected", at)

    def _value(self, piece: str, at: int) -> None:
        if piece in "[{":
            self._open.append((piece, at))
            self._expect = self._first_element if piece == "[" else self._first_name
        elif piece in "]}" and self._comma_at >= 0:
            raise _Found(f"nothing follows this comma before the {piece}; remove the comma", self._comma_at)
        elif piece in "]},:":
            raise _Found(f"expected a value here, not {piece}", at)
        else:
            self._after_value()

    def _first_element(self, piece: str, at: int) -> None:
        if piece == "]":
            self._close()
        else:
            self._comma_at = -1
            self._value(piece, at)

    def _first_name(self, piece: str, at: int) -> None:
        if piece == "}":
            self._close()
        else:
            self._comma_at = -1
            self._name(piece, at)

    def _name(self, piece: str, at: int) -> None:
        if piece == "}" and self._comma_at >= 0:
            raise _Found("nothing follows this comma before the }; remove the comma", self._comma_at)
        if piece[0] != '"':
            raise _Found(f"expected a name in double quotes here, not {piece[:40]}", at)
        self._expect = self._colon

    def _colon(self, piece: str, at: int) -> None:
        if piece != ":":
            raise _Found("expected a : between the name and its value here", at)
        self._comma_at = -1
        self._expect = self._value

    def _comma_or_close(self, piece: str, at: int) -> None:
        opener = self._open[-1][0]
        if piece == _CLOSER[opener]:
            self._close()
        elif piece == ",":
            self._comma_at = at
            self._expect = self._value if opener == "[" else self._name
        elif piece in "]}":
            raise _Found(f"expected a comma or {_CLOSER[opener]} here: it was opened with {opener}", at)
        else:
            raise _Found(f"expected a comma or {_CLOSER[opener]} before this", at)

    def _nothing(self, piece: str, at: int) -> None:
        raise _Found("the JSON value ended before this; there can be only one", at)

    def _close(self) -> None:
        self._open.pop()
        self._after_value()

    def _after_value(self) -> None:
        self._comma_at = -1
        self._expect = self._comma_or_close if self._open else self._nothing


def _name_the_problem(text: str, at: int) -> _Found:
    """Words for characters that begin no token."""
    char = text[at]
    if char == '"':
        return _name_string_problem(text, at)
    word = _WORD.match(text, at)
    if word is not None:
        return _Found(_word_problem(word[0]), at)
    messages = {
        "'": "strings are written in double quotes, not in single ones",
        "/": "JSON has no comments",
        "\ufeff": "an invisible byte order mark stands here; remove it",
    }
    if char.isspace():
        return _Found(f"JSON knows spaces, tabs and line breaks, but not the space U+{ord(char):04X}", at)
    return _Found(messages.get(char, f"{char!r} cannot stand here"), at)


def _name_string_problem(text: str, at: int) -> _Found:
    match = _STRING_START.match(text, at)
    end = match.end() if match else at + 1
    rest = text[end : end + 6]
    if not rest or rest == "\\":
        return _Found('this string is not closed with "', at)
    if rest[0] in "\r\n":
        return _Found('this string is not closed with " on its line; a line break in it is written \\n', at)
    if rest.startswith("\\u"):
        return _Found("\\u is followed by four hexadecimal digits", end)
    if rest[0] == "\\":
        return _Found(f"{rest[:2]} is no escape JSON knows; a backslash itself is written \\\\", end)
    written = "\\t" if rest[0] == "\t" else f"\\u{ord(rest[0]):04x}"
    return _Found(f"this control character is written {written} in a string", end)


def _word_problem(word: str) -> str:
    shown = word if len(word) <= 40 else word[:40] + "…"
    if word in _FOREIGN_WORDS:
        return f"{shown} is not JSON; write {_FOREIGN_WORDS[word]}"
    if word.lstrip("+-") in ("NaN", "Infinity", "inf", "nan"):
        return f"{shown} is not JSON, which knows no such number"
    if word[0] == "+":
        return f"a number has no + before it: {shown}"
    if re.match(r"-?0[0-9]", word):
        return f"a number does not start with 0: {shown}"
    if re.match(r"[-.]?[0-9]", word) or word[0] in "-.":
        return f"{shown} is not a number as JSON writes them"
    return f"strings are written in double quotes: {shown}"
