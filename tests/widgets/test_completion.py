"""Completion and call tips for Lua, and its indentation, as pure functions."""

from __future__ import annotations

import pytest

from engine.sandbox.api import ApiEntry
from widgets.completion import CallTip, aliases, call_tip, code_only, complete, entry_for, name_at
from widgets.lua_indent import indent_for, just_closed, outgrew_closer

ENTRIES = (
    ApiEntry("headers", "table", "", "Request headers.", "input"),
    ApiEntry("metadata.attempt", "value", "", "Which attempt.", "input"),
    ApiEntry("json", "module", "", "JSON.", "module"),
    ApiEntry("json.decode", "function", "json.decode(text)", "Parses JSON.", "module"),
    ApiEntry("json.encode", "function", "json.encode(value, pretty)", "Writes JSON.", "module"),
    ApiEntry("string.format", "function", "string.format(format, ...)", "Formats.", "library"),
    ApiEntry("string.rep", "function", "string.rep(s, n)", "Repeats.", "library"),
    ApiEntry("tostring", "function", "tostring(value)", "As text.", "library"),
)


def names(text: str, *, asked: bool = False) -> tuple[str, ...]:
    caret = text.index("|")
    found = complete(text.replace("|", ""), caret, ENTRIES, asked=asked)
    return found.names if found else ()


def tip(text: str) -> tuple[str, str]:
    caret = text.index("|")
    found = call_tip(text.replace("|", ""), caret, ENTRIES)
    return (found.text, found.text[found.highlight_start : found.highlight_end]) if found else ("", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("json.|", ("decode", "encode")),
        ("json.en|", ("encode",)),
        ('local j = require("json")\nj.|', ("decode", "encode")),
        ("s:re|", ("rep",)),
        ("metadata.|", ("attempt",)),
        ("he|", ("headers",)),
        ("HE|", ("headers",)),
        ("h|", ()),
        ("unknown.|", ()),
        ("-- he|", ()),
        ('"he|', ()),
        ("--[[ x\nhe|", ()),
        ("[==[ he| ]==]", ()),
        ("x = 0x1f|", ()),
        ("local customer = 1\nlocal t = cus|", ("customer",)),
        ("cus|tomer_id = customer", ("customer",)),
        ('require("js|', ("json",)),
        ("tostring|", ()),
        ("whi|", ("while",)),
    ],
)
def test_candidates(text: str, expected: tuple[str, ...]) -> None:
    assert names(text) == expected


def test_asking_offers_everything() -> None:
    assert {"headers", "json", "end"} <= set(names("|", asked=True))


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("json.encode(|", "value"),
        ("json.encode({1, 2}, |", "pretty"),
        ("json.encode(f(a, b), |", "pretty"),
        ('json.encode("a,b(" |', "value"),
        ("string.format(a, b, c, |", "..."),
        ("json.decode(a, b, |", ""),
        ("function add(a, b) end\nadd(1, |", "b"),
        ('local j = require("json")\nj.decode(|', "text"),
    ],
)
def test_the_argument_being_written_is_highlighted(text: str, argument: str) -> None:
    assert tip(text)[1] == argument


def test_no_tip_outside_calls() -> None:
    assert tip("json.decode(x)|") == ("", "")
    assert tip("x = {|") == ("", "")
    assert call_tip("json.decode(", 12, ENTRIES) == CallTip(0, "json.decode(text)\nParses JSON.", 12, 16)


def test_names_under_the_pointer() -> None:
    text = 'x = json.decode(y) -- json\ns = "json"'
    assert name_at(text, 5) == "json"
    assert name_at(text, 10) == "json.decode"
    assert name_at(text, 23) == ""
    assert name_at(text, text.rindex("json")) == ""
    assert name_at("end", 1) == ""
    assert entry_for("s:rep", "", ENTRIES) == ENTRIES[6]


def test_aliases_and_code_only_keep_offsets() -> None:
    assert aliases("j = require 'json'") == {"j": "json"}
    text = "a = 'x' .. [[y]] -- z\nb"
    assert len(code_only(text)) == len(text)
    assert "x" not in code_only(text)
    assert code_only(text).endswith("\nb")


@pytest.mark.parametrize(
    ("before", "line", "columns"),
    [
        ("if x then", "", 2),
        ("if x then", "end", 0),
        ("  foo(function(a)", "", 4),
        ("  foo(function(a)\n    b()", "end)", 2),
        ("  end)", "", 2),
        ("local t = {", "", 2),
        ("if a then b() end", "", 0),
        ("  elseif x then", "", 4),
        ("  else", "", 4),
        ("repeat", "until x", 0),
        ("x = 1 -- then", "", 0),
        ("x = 'function'", "", 0),
        ("  x()\n\n", "", 2),
        ("    b() end", "", 2),
        ("for k, v in pairs(t) do", "", 2),
    ],
)
def test_indentation(before: str, line: str, columns: int) -> None:
    assert indent_for(before, line) == columns


def test_closing_words() -> None:
    assert just_closed("    end")
    assert not just_closed("    x = end")
    assert outgrew_closer("  endp")
    assert not outgrew_closer("  elsei")
    assert not outgrew_closer("  elseif")
