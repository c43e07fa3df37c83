"""The modules base64 and log, and print, as a script uses them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model import LogLine, ScriptErrorType
from tests.engine.running import MB, Runs

ENCODE = 'request.body = require("base64").encode(payload)'
DECODE = """local data, problem = require("base64").decode(payload)
request.body = data and "data " .. data or "nil, " .. problem"""

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs()


# --- base64


@quick
@given(st.binary())
def test_any_bytes_come_through_base64(runs: Runs, data: bytes) -> None:
    source = 'local b = require("base64") request.body = "x" .. b.decode(b.encode(payload))'
    assert runs.body(source, data) == b"x" + data


@quick
@given(st.binary(min_size=1))
def test_base64_is_the_standard_one(runs: Runs, data: bytes) -> None:
    assert runs.body(ENCODE, data) == base64.b64encode(data)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"", b""),
        (b"AA==", b"\0"),
        (b"+/+/", b"\xfb\xff\xbf"),
        (b"aGk=", b"hi"),
        (b"aGkh", b"hi!"),
        (b"aG\r\nkh\n", b"hi!"),
        (b"aGl=", b"hi"),
    ],
)
def test_base64_is_decoded(runs: Runs, text: bytes, data: bytes) -> None:
    assert runs.body(DECODE, text) == b"data " + data


@pytest.mark.parametrize(
    "text",
    [
        b"a",
        b"aGk",
        b"aG=k",
        b"aGk==",
        b"=aGk",
        b"aGk=x",
        b"aG k",
        b"-_-_",
        b"\xff" * 4,
        b"====",
        b"a===",
        b"\0",
    ],
)
def test_what_is_not_base64_gives_nil_and_why(runs: Runs, text: bytes) -> None:
    assert runs.body(DECODE, text).startswith(b"nil, invalid base64: ")


@pytest.mark.parametrize(
    "call", ["encode()", "encode({})", "encode(nil)", "decode()", "decode(true)", "decode(print)"]
)
def test_a_wrong_argument_raises_at_the_scripts_line(runs: Runs, call: str) -> None:
    reply = runs.reply(f'local b = require("base64")\n\nb.{call}')
    assert (reply.error_type, reply.error_line) == (ScriptErrorType.RUNTIME, 3)
    assert "string expected" in reply.error_message


def test_a_number_is_taken_as_its_text(runs: Runs) -> None:
    assert runs.body('request.body = require("base64").encode(12)') == b"MTI="


def test_five_megabytes_come_through(runs: Runs) -> None:
    data = bytes(range(256)) * (5 * MB // 256)
    assert runs.body(ENCODE, data, cpu_seconds=5.0) == base64.b64encode(data)


# --- log and print


def logs(runs: Runs, source: str) -> list[tuple[str, str, object, int | None]]:
    reply = runs.reply(source, cpu_seconds=5.0)
    assert reply.error_type is None, reply.error_message
    return [(line.level, line.message, line.fields, line.line) for line in reply.logs]


def test_each_level_keeps_its_order_and_line(runs: Runs) -> None:
    source = 'log.debug("a")\nlog.info("b")\n\nlog.warn("c") log.error("d")\nprint("e")'
    assert logs(runs, source) == [
        ("debug", "a", None, 1),
        ("info", "b", None, 2),
        ("warn", "c", None, 4),
        ("error", "d", None, 4),
        ("info", "e", None, 5),
    ]


def test_a_line_names_where_the_function_that_logs_was_called_from_its_own_line(runs: Runs) -> None:
    assert logs(runs, 'local function f()\n  log.info("x")\nend\nf()') == [("info", "x", None, 2)]


def test_fields_come_as_data(runs: Runs) -> None:
    source = (
        'log.info("x", { id = 5, rate = 0.5, ok = true, name = "é", list = { 1, 2 }, inner = { a = {} } })'
    )
    fields = {"id": 5, "rate": 0.5, "ok": True, "name": "é", "list": [1, 2], "inner": {"a": []}}
    assert logs(runs, source) == [("info", "x", fields, 1)]


def test_a_list_of_fields_has_a_name(runs: Runs) -> None:
    assert logs(runs, 'log.info("x", { 1, 2 })') == [("info", "x", {"values": [1, 2]}, 1)]


def test_numbers_beyond_64_bits_are_floats(runs: Runs) -> None:
    ((_, _, fields, _),) = logs(runs, 'log.info("x", { a = 1e20, b = 2^62, c = -2^63 })')
    assert fields == {"a": 1e20, "b": 2.0**62, "c": -(2.0**63)}


def test_print_joins_anything_with_tabs(runs: Runs) -> None:
    own = 'setmetatable({}, { __tostring = function() return "own" end })'
    source = f'print("a", 1, 1.5, nil, true) print() print({own})'
    assert [message for _, message, _, _ in logs(runs, source)] == ["a\t1\t1.5\tnil\ttrue", "", "own"]


def test_print_refuses_a_tostring_that_gives_no_string(runs: Runs) -> None:
    reply = runs.reply("\nprint(setmetatable({}, { __tostring = function() return 5 end }))")
    assert (reply.error_type, reply.error_line) == (ScriptErrorType.RUNTIME, 2)


def test_a_message_that_is_no_utf_8_is_shown_as_far_as_it_goes(runs: Runs) -> None:
    assert logs(runs, 'log.info("a\\255b\\195\\169")') == [("info", "a�bé", None, 1)]


def test_log_is_the_module_log(runs: Runs) -> None:
    assert runs.body('request.body = tostring(require("log") == log)') == b"true"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("log.info()", "bad argument #1 to 'info' (string expected, got no value)"),
        ("log.warn({})", "bad argument #1 to 'warn' (string expected, got table)"),
        ("log.error('x', 'y')", "bad argument #2 to 'error' (table expected, got string)"),
        ("log.debug('x', { print })", "bad argument #2 to 'debug' (a function has no JSON form)"),
        ("log.debug('x', { 0/0 })", "bad argument #2 to 'debug' (NaN has no JSON form)"),
    ],
)
def test_a_wrong_log_call_raises_at_the_scripts_line(runs: Runs, source: str, message: str) -> None:
    reply = runs.reply("\n" + source)
    assert (reply.error_type, reply.error_line, reply.error_message) == (ScriptErrorType.RUNTIME, 2, message)


def test_the_thousandth_line_is_kept_and_then_one_says_that_more_were_left_out(runs: Runs) -> None:
    lines = logs(runs, 'for i = 1, 5000 do log.info("line " .. i) end')
    assert len(lines) == 1001
    assert lines[999][1] == "line 1000"
    assert lines[1000] == ("warn", "further log lines of this run were left out", None, None)


@pytest.mark.parametrize(
    "call", ['log.info(("x"):rep(1e6))', 'log.info("x", { x = ("x"):rep(1e6) })', 'print(("x"):rep(1e6))']
)
def test_a_line_over_the_byte_limit_is_left_out_and_said_so(runs: Runs, call: str) -> None:
    messages = [line[1] for line in logs(runs, f'log.info("before") {call} log.info("after")')]
    assert messages == ["before", "further log lines of this run were left out"]


def test_a_log_line_says_itself_what_it_is() -> None:
    assert LogLine("info", "x") == LogLine("info", "x", None, None)
