"""The table of the script API and the sandbox agree: nothing is promised that is not there, nothing is there unsaid."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from engine.sandbox.api import API, MODULE_NAMES, ApiEntry
from tests.engine.running import Runs

# Everything a run can reach by name, as "name type" lines; `_G` is not walked again.
WALK = """
local seen, lines = { [_G] = true }, {}
local function walk(prefix, table)
  for name, value in pairs(table) do
    lines[#lines + 1] = prefix .. name .. " " .. type(value)
    if type(value) == "table" and not seen[value] then
      seen[value] = true
      walk(prefix .. name .. ".", value)
      seen[value] = nil
    end
  end
end
walk("", _G)
for _, name in ipairs({ "base64", "crypto", "http", "json", "kv", "log" }) do
  walk(name .. ".", require(name))
end
request.body = table.concat(lines, "\\n")
"""
FULL = {
    "headers": (),
    "config": b'{"opt_out_default_headers":true}',
    "previous_error": b'{"message":"m","status_code":500,"attempt":0,"reason":"r"}',
}
LUA_TYPE = {"function": "function", "table": "table", "module": "table"}


@pytest.fixture(scope="module")
def reachable() -> dict[str, str]:
    lines = Runs().body(WALK, **FULL).decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def test_every_function_of_a_run_is_in_the_table(reachable: dict[str, str]) -> None:
    functions = {name for name, kind in reachable.items() if kind == "function"}
    assert functions == {entry.name for entry in API if entry.kind == "function"}


def test_every_other_name_of_a_run_is_in_the_table(reachable: dict[str, str]) -> None:
    others = {name for name, kind in reachable.items() if kind != "function"}
    assert others <= {entry.name for entry in API if entry.kind != "function"}


# `require` alone finds the modules but log; a run starts without the two outputs.
@pytest.mark.parametrize(
    "entry",
    [e for e in API if e.name not in {*MODULE_NAMES, "request.body", "request.retry_on_status"}],
    ids=lambda entry: entry.name,
)
def test_what_the_table_names_is_there(reachable: dict[str, str], entry: ApiEntry) -> None:
    kind = reachable[entry.name]
    assert kind == LUA_TYPE.get(entry.kind, kind)


def test_the_modules_of_the_table_are_those_require_lists() -> None:
    reply = Runs().reply('require("nothing")')
    assert reply.error_message.endswith(", ".join(MODULE_NAMES))
    assert {entry.name for entry in API if entry.kind == "module"} == set(MODULE_NAMES)


def test_no_name_is_there_twice() -> None:
    names = [entry.name for entry in API]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("entry", API, ids=lambda entry: entry.name)
def test_an_entry_tells_an_author_what_they_need(entry: ApiEntry) -> None:
    assert entry.kind in {"function", "table", "value", "module"}
    assert entry.group in {"input", "output", "module", "library"}
    assert entry.signature.startswith(f"{entry.name}(") == (entry.kind == "function")
    assert 10 < len(entry.doc) < 200


def test_the_table_costs_next_to_nothing_to_import() -> None:
    code = (
        "import json, sys; before = set(sys.modules); import engine.sandbox.api; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"lupa", "msgspec", "tomllib"} & set(json.loads(result.stdout))
