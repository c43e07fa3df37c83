"""JSON problems are found where they are, and formatting changes nothing but white space."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.display_json import check_json, pretty_json
from engine.errors import BadInput

PROBLEMS = [
    (b"", 1, 1, "nothing here"),
    (b" \n ", 2, 2, "nothing here"),
    (b"[1,]", 1, 3, "nothing follows this comma"),
    (b'{"a": 1,\n}', 1, 8, "nothing follows this comma"),
    (b'{"a" 1}', 1, 6, "expected a :"),
    (b'{"a": 1\n "b": 2}', 2, 2, "expected a comma or }"),
    (b"[1,\r\n2\r\n3]", 3, 1, "expected a comma or ]"),
    (b"[1,\r2,\r,3]", 3, 1, "expected a value here, not ,"),
    (b"1 2", 1, 3, "only one"),
    (b'{"a": [1, 2}', 1, 12, "expected a comma or ] here"),
    (b'{"a": "x\n}', 1, 7, "not closed"),
    (b'["abc', 1, 2, "not closed"),
    (b'"a\tb"', 1, 3, "written \\t"),
    (b'"a\\qb"', 1, 3, "\\q is no escape"),
    (b"[NaN]", 1, 2, "no such number"),
    (b"[True]", 1, 2, "write true"),
    (b"[01]", 1, 2, "does not start with 0"),
    (b"[1.]", 1, 2, "not a number"),
    (b"{a: 1}", 1, 2, "double quotes: a"),
    (b"{'a': 1}", 1, 2, "not in single ones"),
    (b"// why\n1", 1, 1, "no comments"),
    (b"\xef\xbb\xbf{}", 1, 1, "byte order mark"),
    (b'{"a":\n"\xc3\xa9\xff"}', 2, 3, "byte 0xff is not UTF-8"),
    (b'{"a":\n  {', 2, 4, "{ of line 2 is not closed"),
    (b"[" * 100_000, 1, 100_001, "not closed"),
]


@pytest.mark.parametrize(("data", "line", "column", "words"), PROBLEMS)
def test_a_problem_is_named_where_it_is(data: bytes, line: int, column: int, words: str) -> None:
    problem = check_json(data)
    assert problem is not None
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.message


@pytest.mark.parametrize(
    "data", [b"0", b'"\\ud800"', b"-0.0e+1", b'{"a":1,"a":2}', b"[" * 9999 + b"]" * 9999]
)
def test_what_the_grammar_allows_is_no_problem(data: bytes) -> None:
    assert check_json(data) is None


@given(st.text(alphabet='[]{},:" \n10.-eE\\utrfalsn/é\ud7ff', max_size=30))
@settings(max_examples=400, deadline=None)
def test_it_agrees_with_the_standard_library(text: str) -> None:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
        accepted = True
    except ValueError:
        accepted = False
    assert (check_json(text.encode()) is None) == accepted


def json_texts() -> st.SearchStrategy[str]:
    """JSON as people and machines write it: odd numbers, escapes, duplicate names, any white space."""
    space = st.sampled_from(["", " ", "\n", "\t ", "\r\n"])
    number = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
    string = st.lists(
        st.sampled_from(
            [*"aé,:[]{} /", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\udead", '\\"', "\\\\", "\x7f", "\u2028"]
        ),
        max_size=6,
    ).map(lambda parts: '"' + "".join(parts) + '"')
    leaf = st.one_of(number.filter(lambda text: text.isascii()), string, st.sampled_from(["true", "null"]))

    def nest(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        padded = st.builds(lambda a, text, b: a + text + b, space, inner, space)
        member = st.builds(lambda name, text: f"{name}:{text}", string, padded)
        return st.one_of(
            st.lists(padded, max_size=4).map(lambda parts: "[" + ",".join(parts) + "]"),
            st.lists(member, max_size=4).map(lambda parts: "{" + ",".join(parts) + "}"),
        )

    return st.recursive(leaf, nest, max_leaves=12)


def without_space(data: bytes) -> bytes:
    return re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda match: match[1] or b"", data)


@given(json_texts())
@settings(max_examples=300, deadline=None)
def test_formatting_changes_white_space_only(text: str) -> None:
    data = text.encode()
    pretty = pretty_json(data)
    assert without_space(pretty) == without_space(data)
    assert pretty_json(pretty) == pretty


def test_formatting_looks_the_same_on_both_ways_through() -> None:
    plain = b'{"a":[1,{},[ ],{"c":1.0,"d":"\\u00e9"}],"b":"SURROGATE"}'
    strange = plain.replace(b"SURROGATE", b"\\ud800")
    assert pretty_json(strange) == pretty_json(plain).replace(b"SURROGATE", b"\\ud800")


def test_deep_nesting_neither_crashes_nor_explodes() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert pretty_json(deep) == deep
    wide = (b"[" * 900 + b"1" + b"]" * 900 + b",") * 500
    assert pretty_json(b"[" + wide + b"1]") == b"[" + wide + b"1]"


def test_formatting_what_is_not_json_says_where() -> None:
    with pytest.raises(BadInput, match="line 2, column 1"):
        pretty_json(b"[1\n2]")
