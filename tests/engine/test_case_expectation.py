"""What a case may expect, what is refused, and what a run is found to differ in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cases.compare import MAX_VALUE_MISMATCHES, SHOWN_CHARACTERS, compare
from engine.cases.expectation import Expectation, expected_of, read_expectation
from engine.cases.verdict import ABSENT, Comparison
from engine.errors import BadInput
from engine.model import Outcome, ScriptError, ScriptErrorType, Transformed


def done(body: bytes = b"{}", headers: dict[str, str] | None = None, **more: Any) -> Outcome:
    return Outcome(Transformed(body, headers or {}, **more), None)


def failed(message: str = "it broke", line: int | None = 3) -> Outcome:
    return Outcome(None, ScriptError(ScriptErrorType.RUNTIME, message, line))


def compared(expected: dict[str, Any] | None, outcome: Outcome) -> Comparison:
    return compare(None if expected is None else read_expectation(expected, "x.json"), outcome)


def differences(expected: dict[str, Any] | None, outcome: Outcome) -> dict[str, tuple[str, str]]:
    return {one.field: (one.expected, one.got) for one in compared(expected, outcome).mismatches}


# --- reading


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bdy": "x"}, r"x\.json, expected\.bdy: no such field is known\. There are: body, body_b64"),
        ({"body": 1}, r"expected\.body: expected `str`, got `int`"),
        ({"body": None}, r"expected\.body: expected `str`"),
        ({"headers": {"A": 1}}, r"expected\.headers\[\.\.\.\]: expected `str`, got `int`"),
        ({"headers_absent": "A"}, r"expected\.headers_absent: expected `array`"),
        ({"retry_on_status": [9]}, r"expected\.retry_on_status"),
        ({"opt_out_default_headers": "yes"}, r"expected\.opt_out_default_headers: expected `bool`"),
        ({"error_type": "runtime"}, r"expected\.error_type: invalid enum value 'runtime'"),
        ({"error_type": "script_timeout", "error_line": 0}, r"expected\.error_line"),
        ({"body_b64": "%"}, r"expected\.body_b64: it is not base64"),
        ({"body": "x", "body_json": 1}, r"expected\.body_json: the body is given as body already"),
        ({"headers": {}, "headers_contain": {}}, r"expected\.headers_contain: `headers` already says"),
        ({"error_line": 3}, r"expected\.error_line: it needs an error_type"),
        ({"error_type": "script_timeout", "body": "x"}, r"expected\.body: a run that ends in an error"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, r'expected\.headers: "X-A" and "x-a" are one header'),
        ({"headers_contain": {"A": "1"}, "headers_absent": ["a"]}, r"expected\.headers_absent: "),
    ],
)
def test_a_wrong_shape_is_refused_with_file_and_field(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_expectation(fields, "x.json")


def test_null_is_a_json_value_like_any_other() -> None:
    assert differences({"body_json": None}, done(b"null")) == {}
    assert differences({"body_json": None}, done(b"0")) == {"body": ("null", "0")}


# --- nothing expected


def test_without_an_expectation_only_a_failure_counts() -> None:
    assert differences(None, done(b"anything")) == {}
    assert differences(None, failed()) == {
        "error_type": ("no error", "script_runtime_error (line 3): it broke")
    }


def test_an_empty_expectation_is_that_nothing_fails() -> None:
    assert differences({}, done()) == {}
    assert "error_type" in differences({}, failed())


# --- bodies


def test_a_text_is_compared_byte_for_byte() -> None:
    assert differences({"body": "é\n"}, done("é\n".encode())) == {}
    assert differences({"body": '{"a": 1}'}, done(b'{"a":1}')) == {"body": ('{"a": 1}', '{"a":1}')}
    assert compared({"body": "a"}, done(b"b")).bodies == (b"a", b"b")


def test_bytes_are_compared_and_shown_as_base64() -> None:
    assert differences({"body_b64": "/wA="}, done(b"\xff\x00")) == {}
    assert differences({"body_b64": "/wA="}, done(b"\xff\x01")) == {
        "body": ("2 bytes, base64 /wA=", "2 bytes, base64 /wE=")
    }


def test_json_is_compared_as_a_value() -> None:
    expected = {"body_json": {"a": [1, {"b": 0.5}], "c": None}}
    assert differences(expected, done(b'{ "c":null, "a":[1.0, {"b":5e-1}] }')) == {}


@pytest.mark.parametrize(
    ("expected", "body", "found"),
    [
        ({"a": 1}, b'{"a":2}', {"body.a": ("1", "2")}),
        ({"a": 1}, b"{}", {"body.a": ("1", ABSENT)}),
        ({}, b'{"a":1}', {"body.a": (ABSENT, "1")}),
        ({"a": True}, b'{"a":1}', {"body.a": ("true", "1")}),
        ({"a": 0}, b'{"a":false}', {"body.a": ("0", "false")}),
        ({"a": "1"}, b'{"a":1}', {"body.a": ('"1"', "1")}),
        ({"a": {}}, b'{"a":[]}', {"body.a": ("{}", "[]")}),
        ({"a b": [{"c": 1}]}, b'{"a b":[{"c":2}]}', {'body["a b"][0].c': ("1", "2")}),
        ([1, 2], b"[1]", {"body": ("2 elements: [1,2]", "1 element: [1]")}),
        (9007199254740993, b"9007199254740992", {"body": ("9007199254740993", "9007199254740992")}),
        ({"a": 1}, b"<a/>", {"body": ('{"a":1}', "not JSON: <a/>")}),
        ({"a": 1}, b"", {"body": ('{"a":1}', "not JSON: (empty)")}),
    ],
)
def test_a_json_difference_is_named_by_its_place(
    expected: Any, body: bytes, found: dict[str, tuple[str, str]]
) -> None:
    assert differences({"body_json": expected}, done(body)) == found


def test_the_bodies_of_a_json_difference_have_their_keys_in_one_order() -> None:
    bodies = compared({"body_json": {"b": 1, "a": 2}}, done(b'{"b":1, "a":3}')).bodies
    assert bodies == (b'{"a":2,"b":1}', b'{"a":3,"b":1}')


def test_a_part_may_be_expected_at_any_depth() -> None:
    body = b'{"id":1,"items":[{"sku":"a","n":2},{"sku":"b","n":3}],"more":true}'
    assert differences({"body_json_contains": {"items": [{"sku": "a"}, {"n": 3}]}}, done(body)) == {}
    assert differences({"body_json_contains": {"items": [{"n": 2}]}}, done(body)) == {
        "body.items": ('1 element: [{"n":2}]', '2 elements: [{"sku":"a","n":2},{"sku":"b","n":3}]')
    }
    assert differences({"body_json_contains": {"items": [{}, {"n": 4}], "x": 0}}, done(body)) == {
        "body.items[1].n": ("4", "3"),
        "body.x": ("0", ABSENT),
    }


def test_a_part_has_no_whole_bodies_to_show() -> None:
    assert compared({"body_json_contains": {"a": 1}}, done(b'{"a":2}')).bodies is None


def test_long_values_are_cut_around_the_first_difference() -> None:
    left, right = "x" * 10_000 + "left", "x" * 10_000 + "right"
    expected, got = differences({"body": left}, done(right.encode()))["body"]
    assert (expected[0], expected[-5:], got[-6:]) == ("…", "xleft", "xright")
    assert len(expected) < SHOWN_CHARACTERS


def test_many_differences_are_counted_no_further_than_a_person_reads() -> None:
    found = compared({"body_json": [0] * 100}, done(json.dumps([1] * 100).encode())).mismatches
    assert len(found) == MAX_VALUE_MISMATCHES


def test_a_body_nested_beyond_reason_is_a_difference_and_no_crash() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert "body" in differences({"body_json": []}, done(deep))


# --- headers and the rest


def test_headers_are_these_and_no_others_in_any_case() -> None:
    expected = {"headers": {"content-type": "a", "X-Gone": "1", "X-Same": "s"}}
    got = {"Content-Type": "b", "x-same": "s", "X-New": "2"}
    assert differences(expected, done(headers=got)) == {
        'headers["content-type"]': ("a", "b"),
        'headers["X-Gone"]': ("1", ABSENT),
        'headers["X-New"]': (ABSENT, "2"),
    }


def test_headers_may_be_expected_in_part() -> None:
    expected = {"headers_contain": {"x-a": "1"}, "headers_absent": ["X-B"]}
    assert differences(expected, done(headers={"X-A": "1", "Other": "x"})) == {}
    assert differences(expected, done(headers={"X-A": "2", "x-b": "3"})) == {
        'headers["x-a"]': ("1", "2"),
        'headers["X-B"]': (ABSENT, "3"),
    }


def test_statuses_have_no_order() -> None:
    assert differences({"retry_on_status": [425, 409]}, done(retry_on_status=(409, 425, 409))) == {}
    assert differences({"retry_on_status": []}, done(retry_on_status=(409,))) == {
        "retry_on_status": ("[]", "[409]")
    }


def test_the_opt_out_is_compared() -> None:
    assert differences({"opt_out_default_headers": True}, done()) == {
        "opt_out_default_headers": ("true", "false")
    }


def test_what_is_not_mentioned_is_not_looked_at() -> None:
    outcome = done(b"x", {"A": "1"}, retry_on_status=(409,), opt_out_default_headers=True)
    assert differences({"headers_contain": {"A": "1"}}, outcome) == {}


# --- errors


def test_an_error_is_expected_by_type_line_and_part_of_its_message() -> None:
    expected = {"error_type": "script_runtime_error", "error_line": 3, "error_message_contains": "broke"}
    assert differences(expected, failed()) == {}
    assert differences(expected, failed("else", 4)) == {
        "error_line": ("3", "4"),
        "error_message_contains": ("broke", "else"),
    }
    assert differences(expected, failed(line=None))["error_line"] == ("3", ABSENT)


def test_another_error_or_none_is_a_difference() -> None:
    expected = {"error_type": "script_timeout", "error_line": 1}
    assert differences(expected, failed())["error_type"][0] == "script_timeout"
    assert differences(expected, done()) == {"error_type": ("script_timeout", "no error")}


# --- a run as an expectation


NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.binary(max_size=20) | JSON_VALUES.map(lambda value: json.dumps(value).encode())
HEADERS = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(max_size=5), max_size=3)
OUTCOMES = st.builds(
    lambda body, headers, statuses, opt_out: done(
        body, headers, retry_on_status=tuple(statuses), opt_out_default_headers=opt_out
    ),
    BODIES,
    HEADERS,
    st.lists(st.integers(100, 999), max_size=3),
    st.booleans(),
)


@given(OUTCOMES, BODIES)
def test_a_run_meets_what_it_is_saved_as(outcome: Outcome, payload: bytes) -> None:
    written = json.loads(json.dumps(expected_of(outcome, payload)))
    assert compared(written, outcome) == Comparison()


@given(OUTCOMES)
def test_another_body_does_not(outcome: Outcome) -> None:
    assert outcome.result is not None
    changed = done(outcome.result.body + b"x", outcome.result.headers)
    fields = [one.field for one in compared(expected_of(outcome, b""), changed).mismatches]
    assert any(field.startswith("body") for field in fields)


def test_a_failed_run_is_saved_as_its_error() -> None:
    assert expected_of(failed(), b"") == {"error_type": "script_runtime_error"}


def test_a_body_that_passed_through_is_saved_byte_for_byte() -> None:
    assert expected_of(done(b'{"a": 1}'), b'{"a": 1}')["body"] == '{"a": 1}'
    assert expected_of(done(b'{"a": 1}'), b"")["body_json"] == {"a": 1}
    assert expected_of(done(b"\xff"), b"")["body_b64"] == "/w=="


def test_the_fields_are_those_of_the_readme() -> None:
    from pathlib import Path

    readme = Path(__file__).parents[2].joinpath("README.md").read_text()
    assert [name for name in Expectation.__struct_fields__ if f"`{name}`" not in readme] == []
