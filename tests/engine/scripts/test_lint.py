"""Lint: each rule where it applies and where it does not, no false alarm on the examples, and hostile nesting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import resources
from engine.scripts.lint import MAX_BYTES, RULES, lint
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
    ("os.time()", "absent-library", 1, 1, "warning", "Scripts have no `os`."),
    ("local f = load\nheaders.X = f", "absent-library", 1, 11, "warning", "`load`"),
    ("payload = 'x'", "input-assigned", 1, 1, "warning", "request.body"),
    ("metadata = {}", "input-assigned", 1, 1, "warning", "`metadata` is an input"),
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
    ("local unused = 1", "unused-local", 1, 7, "info", "`unused` is never read."),
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


@pytest.mark.parametrize("depth", [150, 20_000])
def test_nesting_is_survived(depth: int) -> None:
    source = b"headers.X = " + b"(" * depth + b"1" + b")" * depth
    assert [problem.code for problem in lint(source)] in ([], ["too-deep"])


def test_what_is_too_long_or_no_lua_is_survived() -> None:
    assert lint(b"x = nope\n" * MAX_BYTES) == ()
    for source in (b"\x00\xff", b"if then else", b"local", b'"', b"[[" * 500, b"\xc3(" * 1000):
        lint(source)


def test_the_documents_list_every_rule() -> None:
    text = resources.doc_path("lint").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(RULES)
