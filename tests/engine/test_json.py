"""json.decode and json.encode against what Go's encoding/json reads and writes, byte for byte.

go_json.txt was printed by Go 1.26: numbers as bits and text, then strings and documents as hex.
"""

from __future__ import annotations

import json
import math
import re
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model import ScriptErrorType
from engine.sandbox.json_codec import MAX_DEPTH, go_float, go_utf8
from engine.sandbox.pool import EnginePool
from tests.engine.running import MB, Runs, run_request

GO = Path(__file__).with_name("go_json.txt").read_text()
NUMBERS, STRINGS, DOCUMENTS = (
    [line.partition(" ")[::2] for line in section.splitlines()] for section in re.split("--- .*\n", GO)
)

ENCODE = 'local json = require("json") local text, problem = json.encode({}) request.body = text or "nil, " .. problem'
DECODE = """local json = require("json")
local value, problem = json.decode(payload)
local kind = type(value)
if kind == "table" then value = json.encode(value) end
request.body = value == nil and "nil, " .. tostring(problem) or kind .. " " .. tostring(value)"""
ROUND_TRIP = """local json = require("json")
local value, problem = json.decode(payload)
assert(problem == nil, problem)
request.body = json.encode(value)"""

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs()


def encoded(runs: Runs, lua: str) -> str:
    return runs.body(ENCODE.replace("{}", lua)).decode()


def decoded(runs: Runs, document: str | bytes) -> str:
    data = document.encode() if isinstance(document, str) else document
    return runs.body(DECODE, data).decode("utf-8", "backslashreplace")


# --- numbers


def double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])


def test_there_are_enough_numbers() -> None:
    assert len(NUMBERS) >= 400


def test_numbers_are_written_as_go_writes_them() -> None:
    assert [go_float(double(bits)) for bits, _ in NUMBERS] == [text for _, text in NUMBERS]


def test_numbers_come_through_a_script_as_go_would_pass_them_on(runs: Runs) -> None:
    document = ",".join(repr(double(bits)) for bits, _ in NUMBERS).join("[]")
    assert (
        runs.body(ROUND_TRIP, document.encode()) == ",".join(text for _, text in NUMBERS).join("[]").encode()
    )


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_double_is_written_short_and_reads_back_the_same(value: float) -> None:
    text = go_float(value)
    assert float(text) == value
    assert ("e" in text) == (value != 0 and not 1e-6 <= abs(value) < 1e21)
    shortest = Decimal(repr(value)).normalize().as_tuple().digits
    if abs(value) < 1e16:
        assert Decimal(text).normalize().as_tuple().digits == shortest


@pytest.mark.parametrize(
    ("lua", "text"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("-5", "-5"),
        ("2^53", "9007199254740992"),
        ("2^63", "9223372036854776000"),
        ("-2^63", "-9223372036854776000"),
        ("2^64", "18446744073709552000"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1/3", "0.3333333333333333"),
        ("{ 1, 2.5, 1e300 }", "[1,2.5,1e+300]"),
    ],
)
def test_a_lua_number_is_written_as_go_writes_it(runs: Runs, lua: str, text: str) -> None:
    assert encoded(runs, lua) == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("9007199254740993", "number 9.007199254741e+15"),
        ("9223372036854775807", "number 9.2233720368548e+18"),
        ("9223372036854775808", "number 9.2233720368548e+18"),
        ("-9223372036854775809", "number -9.2233720368548e+18"),
        ("18446744073709551616", "number 1.844674407371e+19"),
        ("1E2", "number 100"),
        ("1e308", "number 1e+308"),
        ("1" + "0" * 300, "number 1e+300"),
        ("1e-400", "number 0"),
    ],
)
def test_a_json_number_is_a_double(runs: Runs, document: str, text: str) -> None:
    assert decoded(runs, document) == text


# --- strings


@pytest.mark.parametrize(("raw", "expected"), STRINGS, ids=[raw for raw, _ in STRINGS])
def test_a_string_is_written_as_go_writes_it(runs: Runs, raw: str, expected: str) -> None:
    source = 'request.body = require("json").encode(payload)'
    assert runs.body(source, bytes.fromhex(raw)) == bytes.fromhex(expected)


@pytest.mark.parametrize(("raw", "expected"), STRINGS, ids=[raw for raw, _ in STRINGS])
def test_a_key_is_written_as_go_writes_it(runs: Runs, raw: str, expected: str) -> None:
    source = 'request.body = require("json").encode({ [payload] = { 1, 0.5 } })'
    assert runs.body(source, bytes.fromhex(raw)) == b"{" + bytes.fromhex(expected) + b":[1,0.5]}"


@pytest.mark.parametrize(("document", "expected"), DOCUMENTS, ids=[document for document, _ in DOCUMENTS])
def test_a_string_is_read_as_go_reads_it(runs: Runs, document: str, expected: str) -> None:
    source = 'local text = require("json").decode(payload) request.body = text'
    assert runs.body(source, bytes.fromhex(document)) == bytes.fromhex(expected)


@quick
@given(st.text())
def test_any_text_comes_through_unchanged(runs: Runs, text: str) -> None:
    for document in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        data = document.encode("utf-8", "surrogatepass")
        assert json.loads(runs.body(ROUND_TRIP, data)) == go_utf8(text.encode("utf-8", "surrogatepass"))


@quick
@given(st.binary())
def test_any_bytes_in_a_string_become_text_byte_for_byte(runs: Runs, data: bytes) -> None:
    body = runs.body('request.body = require("json").encode({ payload, { [payload] = 1 } })', data)
    text = go_utf8(data)
    assert json.loads(body) == [text, {text: 1}]


# --- arrays and objects

values = st.recursive(
    st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53)
    | st.text(),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner, min_size=1),
    max_leaves=20,
)


@quick
@given(values)
def test_any_nested_value_comes_through_unchanged(runs: Runs, value: Any) -> None:
    body = runs.body(ROUND_TRIP, json.dumps(value).encode())
    assert json.loads(body, parse_int=float) == plain(value)


def plain(value: Any) -> Any:
    if isinstance(value, str):
        return go_utf8(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {plain(key): plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("lua", "text"),
    [
        ("{}", "[]"),
        ("{ {} }", "[[]]"),
        ("{ a = {} }", '{"a":[]}'),
        ("{ 1, 2, 3 }", "[1,2,3]"),
        ("{ [2] = 'b', [1] = 'a' }", '["a","b"]'),
        ("{ b = 1, a = 2, B = 3 }", '{"B":3,"a":2,"b":1}'),
        ("{ ['1'] = true }", '{"1":true}'),
        ("{ [''] = 1 }", '{"":1}'),
        ("{ ['\\255'] = 1, ['\\254'] = 2 }", '{"\\ufffd":2,"\\ufffd":1}'),
        ("nil", "null"),
        ("true", "true"),
        ("'x'", '"x"'),
        ("{ '<a>&' }", '["\\u003ca\\u003e\\u0026"]'),
        ("{ ['<'] = 1 }", '{"\\u003c":1}'),
        ("setmetatable({ 1 }, { __index = { 2, 3 }, __len = function() return 3 end })", "[1]"),
    ],
)
def test_a_value_is_written_so(runs: Runs, lua: str, text: str) -> None:
    assert encoded(runs, lua) == text


@pytest.mark.parametrize(
    ("lua", "why"),
    [
        ("print", "a function has no JSON form"),
        ("{ print }", "a function has no JSON form"),
        ("{ a = { b = print } }", "a function has no JSON form"),
        ("0/0", "NaN has no JSON form"),
        ("1/0", "infinity has no JSON form"),
        ("{ -1/0 }", "infinity has no JSON form"),
        ("{ 1, 2, nil, 4 }", "a sparse array"),
        ("{ [0] = 1 }", "a sparse array"),
        ("{ [-1] = 1 }", "a sparse array"),
        ("{ [1.5] = 1 }", "neither all strings nor 1 to n"),
        ("{ [true] = 1 }", "neither all strings nor 1 to n"),
        ("{ [print] = 1 }", "neither all strings nor 1 to n"),
        ("{ 1, a = 2 }", "neither all strings nor 1 to n"),
        ("{ a = 2, [1] = 1, b = 3 }", "neither all strings nor 1 to n"),
        ("{ ['\\255'] = 1, [1] = 2 }", "neither all strings nor 1 to n"),
    ],
)
def test_a_value_without_a_json_form_gives_nil_and_why(runs: Runs, lua: str, why: str) -> None:
    answer = encoded(runs, lua)
    assert answer.startswith("nil, ")
    assert why in answer


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("[1,2,3]", "table [1,2,3]"),
        ("[]", "table []"),
        ("{}", "table []"),
        (' { "a" : 1 } ', 'table {"a":1}'),
        ('{"a":1,"a":2}', 'table {"a":2}'),
        ('{"a":null}', "table []"),
        ('{"a":[null]}', 'table {"a":[]}'),
        ("true", "boolean true"),
        ("false", "boolean false"),
        ('"x"', "string x"),
        ('""', "string "),
        ("null", "nil, nil"),
        ("\t\r\n 5 \n", "number 5"),
        ('{"":1}', 'table {"":1}'),
    ],
)
def test_a_document_is_read_so(runs: Runs, document: str, text: str) -> None:
    assert decoded(runs, document) == text


def test_null_is_nil_also_within_an_array(runs: Runs) -> None:
    source = 'local v = require("json").decode("[1,null,3]") request.body = v[1] .. type(v[2]) .. v[3]'
    assert runs.body(source) == b"1nil3"


@pytest.mark.parametrize(
    "document",
    [
        "", " ", "{", "[", "[1,]", "{,}", '{"a"}', '{"a":}', '{"a":1,}', "{a:1}", "[1 2]", "01", "1.", ".5", "+1", "1e",
        "--1", "nul", "True", "NaN", "Infinity", "-Infinity", "'x'", '"x', '"\\x"', '"\\u12"', '"\t"', '"\n"', "1 2",
        "[]]", "{}x", "\ufeff{}", "// x", '"\\ud800\\u12"', "1e400", "-1e400", "9" * 400, "\0", "[1]\0",
    ],
)  # fmt: skip
def test_what_is_not_json_gives_nil_and_why(runs: Runs, document: str) -> None:
    answer = decoded(runs, document)
    assert answer.startswith("nil, ")
    assert len(answer) < 200
    assert answer != "nil, nil"


TOKENS = st.sampled_from(
    [
        *'{}[]:, \t"',
        "1",
        "0",
        "-",
        ".",
        "e",
        "E+",
        "null",
        "true",
        "fals",
        "e1",
        '"a"',
        '""',
        "\\",
        "\\u00",
        "\\n",
        "é",
    ]
)


@settings(quick, max_examples=500)
@given(
    st.lists(TOKENS, max_size=12).map("".join)
    | st.binary(max_size=12).map(lambda data: data.decode("latin-1"))
)
def test_what_is_json_is_settled_by_its_grammar(runs: Runs, document: str) -> None:
    """Python's parser says whether it is, once told to refuse what only it takes."""
    try:
        value = json.loads(document, parse_constant=_refuse, parse_float=_finite)
    except ValueError:
        assert re.match("nil, (?!nil)", decoded(runs, document))
    else:
        body = decoded(runs, document)
        assert body == "nil, nil" if value is None else not body.startswith("nil")


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _refuse(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_is_read_and_written_to_the_same_depth(runs: Runs, opening: str, closing: str) -> None:
    levels = MAX_DEPTH // (2 if len(opening) == 6 else 1)
    deepest = opening * (levels - 1) + "[1]" * 1 + closing * (levels - 1)
    assert runs.body(ROUND_TRIP, deepest.encode()) == deepest.encode()
    too_deep = opening * (levels + 1) + "1" + closing * (levels + 1)
    assert "nested deeper than 512 levels" in decoded(runs, too_deep)


def test_a_value_nested_too_deep_or_in_itself_gives_nil_and_why(runs: Runs) -> None:
    source = """local t = {} for i = 1, 600 do t = { t } end
      local text, problem = require("json").encode(t)
      local own = {} own[1] = own
      local text2, problem2 = require("json").encode(own)
      request.body = tostring(text) .. tostring(text2) .. problem .. problem2"""
    body = runs.body(source)
    assert body.startswith(b"nilnilnested deeper than 512 levels")
    assert body.endswith(b"a table that contains itself")


def test_one_table_in_two_places_is_written_twice(runs: Runs) -> None:
    assert encoded(runs, "(function() local t = { 1 } return { t, t } end)()") == "[[1],[1]]"


@pytest.mark.parametrize("argument", ["", "nil", "{}", "true", "print"])
def test_decoding_what_is_no_string_raises_at_the_scripts_line(runs: Runs, argument: str) -> None:
    reply = runs.reply(f'local json = require("json")\n\njson.decode({argument})')
    assert (reply.error_type, reply.error_line) == (ScriptErrorType.RUNTIME, 3)
    assert "string expected" in reply.error_message


def test_a_document_of_ten_megabytes_comes_through(runs: Runs) -> None:
    row = {"id": 12345, "name": "n" * 400, "tags": ["a", "b"], "price": 1.25}
    document = json.dumps([row] * (10 * MB // 400), separators=(",", ":"), sort_keys=True)
    assert len(document) > 10 * MB
    body = runs.body(ROUND_TRIP, document.encode(), memory_bytes=256 * MB, cpu_seconds=30.0)
    assert body == document.encode()


async def test_a_document_of_ten_megabytes_comes_through_a_host() -> None:
    document = json.dumps(["n" * 1000] * (10 * MB // 1000), separators=(",", ":")).encode()
    assert len(document) > 10 * MB
    async with EnginePool(spares=0) as pool:
        reply = await pool.run(run_request(ROUND_TRIP, document, memory_bytes=256 * MB, cpu_seconds=30.0))
    assert (reply.error_type, reply.body) == (None, document)


LARGE_AND_WRONG = {
    "open objects": (b'{"a":' * (2 * MB), "nested deeper than 512 levels"),
    "a string without end": (b'"' + b"x" * (10 * MB), "truncated"),
    "cut short": (b"[" + b'"x",' * (10 * MB // 4), "truncated"),
    "one digit too many": (b"1" * (10 * MB), "out of range"),
    "no UTF-8 at its end": (b'"' + b"x" * (10 * MB) + b'\xff"}', "invalid JSON"),
}


@pytest.mark.parametrize("name", LARGE_AND_WRONG)
def test_ten_megabytes_that_are_no_document_give_nil_and_why(runs: Runs, name: str) -> None:
    document, why = LARGE_AND_WRONG[name]
    source = 'local value, problem = require("json").decode(payload) request.body = tostring(value) .. " " .. problem'
    body = runs.body(source, document, memory_bytes=256 * MB, cpu_seconds=30.0)
    assert body.startswith(b"nil ")
    assert why in body.decode()
    assert runs.still_right()


@pytest.mark.parametrize(
    "document", [b"[" + b"[]," * (10 * MB // 3) + b"1]", b"[" * (10 * MB)], ids=["lists", "open"]
)
def test_ten_megabytes_that_do_not_fit_end_the_run_and_not_the_host(runs: Runs, document: bytes) -> None:
    reply = runs.reply(ROUND_TRIP, document, cpu_seconds=30.0)
    assert reply.error_type is ScriptErrorType.MEMORY_LIMIT
    assert runs.still_right()


def test_infinity_and_nan_are_refused_by_name() -> None:
    for value in (math.inf, -math.inf, math.nan):
        with pytest.raises(ValueError, match="no JSON form"):
            go_float(value)
