"""Lint: each rule where it applies and where it does not, no false alarm on the examples, and hostile nesting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import resources
from engine.scripts.lint import MAX_BYTES, MAX_TOLD, RULES, lint
from engine.scripts.problem import Severity

GOOD = [
    'local json = require("json")\nrequest.body = json.encode(json.decode(payload))',
    'request.headers = request.headers or {}\nrequest.headers["A"] = "b"',
    "request.headers = {}\nrequest.headers.A = 1",
    'headers["X"] = metadata.attempt + #payload',
    "config.opt_out_default_headers = true\nlocal limit = config.limit or 3\nheaders.L = limit",
    "local function walk(t) for k, v in pairs(t) do if type(v) == 'table' then walk(v) end end end\nwalk(headers)",
    "function shared(a) return a end\nheaders.A = shared(1)",
    "local _, where = string.find(payload, 'x')\nheaders.W = where",
    "local t = { a = 1, [payload] = 2 }\nheaders.T = t.a",
    "local s = 'x'\nheaders.S = s:upper():rep(2)",
    "repeat local done = #payload > 0 until done",
    "for i = 1, #payload do headers['X' .. i] = i end",
    "local kv = require 'kv'\nkv.set('k', 'v')",
    "local ok, found = pcall(require, 'mine')\nheaders.F = ok and found",
    "if previous_error then headers.R = previous_error.status_code end",
    "local http = { fetch = function() return 1 end }\nheaders.H = http.fetch()",
    "local string = { mine = tostring }\nheaders.H = string.mine(1)",
    "io = io or {}\nio.x = 1",
    "log.info('x')",
    "function string.trim(s) return s end\nheaders.X = string.trim(' x ')",
    "local unpack = table.unpack or unpack\nheaders.X = unpack({ 1 })",
    "if table.pack then headers.X = table.pack(1) end",
    "if os then headers.T = os.time() end",
    "headers.J = type(jit) == 'table' and jit.version or 'none'",
    "local t = {}\nfunction t:put(a) self.a = a end\nt:put(1)",
    "local function f(...) return arg.n end\nheaders.N = f(1)",
    "local function f() request.headers.A = '1' end\nrequest.headers = {}\nf()",
    "request['headers'] = {}\nrequest.headers.A = '1'",
    "request = { headers = {} }\nrequest.headers.A = '1'",
    "local json = require('json')\nif payload == '' then json = { mine = tostring } end\nheaders.X = json.mine(1)",
    "_G.shared = 1\nheaders.X = shared",
    "setfenv(1, setmetatable({}, { __index = _G }))\nheaders.X = anything",
    r"local n = payload:match('%d+\.') or payload:match('\(') or payload:match('\q')" + "\nheaders.N = n",
    "local a = [[C:\\]] -- \\\nheaders.A = a",
    "local s = string\nheaders.X = s.upper('x')",
    "-- a comment\nfor --[[ here ]] i = 1, --[[ to ]] 2 do headers.I = i --[[ so ]] + --[[ much ]] 1 end",
    "return",
    "",
]


@pytest.mark.parametrize("source", GOOD)
def test_what_is_meant_is_not_spoken_of(source: str) -> None:
    assert [
        str(problem) for problem in lint(source.encode()) if problem.code not in ("global-variable",)
    ] == []


@pytest.mark.parametrize(
    "script", sorted(resources.example_workspace().glob("*.lua")), ids=lambda path: path.stem
)
def test_the_examples_are_clean(script: Path) -> None:
    assert lint(script.read_bytes()) == ()


BAD = [
    ('local x = require("jsn") headers.X = x', "unknown-module", 1, 11, "error", "did you mean `json`?"),
    ("require 'socket'", "unknown-module", 1, 1, "error", "There is no module `socket`"),
    ('local json = require("json")\njson.decod(payload)', "unknown-member", 2, 6, "error", "`decode`?"),
    ("string.fromat('x')", "unknown-member", 1, 8, "error", "`format`?"),
    ("headers.X = math.tau", "unknown-member", 1, 18, "warning", "`math` has no `tau`"),
    ("request.bdy = 'x'", "unknown-member", 1, 9, "warning", "`body`?"),
    ("headers.X = metadata.atempt", "unknown-member", 1, 22, "warning", "`attempt`?"),
    ("heades['X'] = '1'", "undefined-global", 1, 1, "warning", "`headers`?"),
    ("local total = 1\nheaders.X = totel + total", "undefined-global", 2, 13, "warning", "`total`?"),
    ("string.dump(tostring)", "unknown-member", 1, 8, "error", "`string` has no `dump`"),
    ('local d = require("json").decod(payload)', "unknown-member", 1, 27, "error", "`decode`?"),
    ("local s = string\nheaders.X = s.fromat('x')", "unknown-member", 2, 15, "error", "`format`?"),
    ("log:inf('x')", "unknown-member", 1, 5, "error", "`info`?"),
    ("string['fromat']('x')", "unknown-member", 1, 8, "error", "`format`?"),
    ("os.time()", "absent-library", 1, 1, "error", "`os` is not in the sandbox. Scripts reach no clock"),
    ("dofile('x')", "absent-library", 1, 1, "error", "`dofile` is not in the sandbox."),
    ("local f = load\nheaders.X = f", "absent-library", 1, 11, "warning", "Use loadstring."),
    ("headers.X = json.encode({})", "undefined-global", 1, 13, "warning", 'local json = require("json")'),
    ("local total = 1\nif totel then headers.X = total end", "undefined-global", 2, 4, "warning", "`total`?"),
    ("do local inner = 1 headers.X = inner end\nheaders.Y = inner", "undefined-global", 2, 13, "warning", ""),
    ("for i = 1, 2 do headers.I = i end\nheaders.J = i", "undefined-global", 2, 13, "warning", ""),
    ("local x = x", "undefined-global", 1, 11, "warning", ""),
    ("payload = 'x'", "input-assigned", 1, 1, "warning", "request.body"),
    ("metadata = {}", "input-assigned", 1, 1, "warning", "`metadata` is an input"),
    ("request.headers[payload] = 'b'", "request-headers-unset", 1, 1, "warning", "Set it first"),
    ("request.headers.A = 1 request.headers = {}", "request-headers-unset", 1, 1, "warning", "Set it first"),
    (
        "request.headers['A'] = 'b'",
        "request-headers-unset",
        1,
        1,
        "warning",
        "request.headers = request.headers or {}",
    ),
    ("request.headers.A = 'b'", "request-headers-unset", 1, 1, "warning", "Set it first"),
    ("total = 1\nheaders.T = total", "global-variable", 1, 1, "info", "local total"),
    ("local unused = 1", "unused-local", 1, 7, "info", "`unused` is never read; take it out"),
    ("local function never() end", "unused-local", 1, 16, "info", "`never`"),
    ("-- é\nlocal x, y = 1, 2\nheaders.X = x", "unused-local", 2, 10, "info", "`y`"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[0])
def test_what_is_hardly_meant_is_told_with_its_place(bad: tuple[str, str, int, int, str, str]) -> None:
    source, code, line, column, severity, told = bad
    (problem,) = [found for found in lint(source.encode()) if found.code == code]
    assert (problem.line, problem.column, problem.severity) == (line, column, Severity(severity))
    assert told in problem.message


def test_columns_count_characters() -> None:
    (problem,) = lint('headers.X = "é€" .. nothing'.encode())
    assert problem.column == 21


def test_each_thing_is_told_once() -> None:
    source = b"headers.A = nope\nheaders.B = nope\nrequest.headers.C = 1\nrequest.headers.D = 1\nn = 1\nn = 2"
    assert [problem.code for problem in lint(source)] == [
        "undefined-global",
        "request-headers-unset",
        "global-variable",
    ]


def test_a_local_hides_what_the_api_has() -> None:
    assert (
        lint(
            b"local function f(payload, json) payload = json.anything return payload end headers.X = f(1, {})"
        )
        == ()
    )


def test_problems_come_in_the_order_of_their_lines() -> None:
    found = lint(b"local a = 1\nlocal b = nope\nheaders.X = 1\nlocal c = nope2")
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def codes(source: bytes) -> list[str]:
    return [problem.code for problem in lint(source)]


DEEP = {
    "parentheses": b"headers.X = " + b"(" * 150 + b"1" + b")" * 150,
    "sums": b"headers.X = 1" + b" + 1" * 5_000,
    "members": b"headers.X = payload" + b".a" * 5_000,
    "calls": b"headers.X = tostring" + b"()" * 5_000,
    "branches": b"if payload then " + b"elseif payload then " * 5_000 + b"end",
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP)
def test_depth_is_no_trouble(source: bytes) -> None:
    assert codes(source) == []


def test_what_takes_too_long_is_left_and_said() -> None:
    assert codes(b"x = nope\n" * MAX_BYTES) == ["not-looked-at"]
    assert codes(b"x = 1" + b"..1" * 150_000) == ["not-looked-at"]  # the parser alone would take a minute


@pytest.mark.parametrize(
    "source",
    [
        b"\x00\xff",
        b"if then else",
        b"local",
        b'"',
        b"[[" * 500,
        b"\xc3(" * 1000,
        b"(" * 20_000,
        b"local goto = 1 goto = 2",
    ],
)
def test_what_the_parser_cannot_read_is_left_and_said(source: bytes) -> None:
    assert codes(source) == ["not-looked-at"]


def test_of_very_many_problems_the_worst_are_told() -> None:
    found = lint(b"local a\n" * 1000 + b"require 'socket'\nheaders.X = nope")
    assert len(found) == MAX_TOLD
    assert [problem.code for problem in found[-2:]] == ["unknown-module", "undefined-global"]


def test_the_documents_list_every_rule() -> None:
    text = resources.doc_path("lint").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(RULES)
