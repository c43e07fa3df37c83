"""preview and check as a person or program calls them: output, JSON contract, exit codes, and refusals in words."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from engine.cli import commands
from tests.engine.running import MB, MISSION_BODY, MISSION_PAYLOAD, MISSION_SCRIPT

FIELDS = {
    "ok", "body", "body_b64", "headers", "removed_headers", "opt_out_default_headers", "retry_on_status", "request",
    "logs", "error", "cpu_ms", "wall_ms", "memory_peak_bytes",
}  # fmt: skip


class Folder:
    """Files of a test, and commands run on them in a process of their own or (faster) in this one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str, content: str | bytes | dict[str, Any]) -> str:
        text = json.dumps(content) if isinstance(content, dict) else content
        target = self.path / name
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(target)

    def preview(self, script: str | bytes, payload: bytes = b"{}", *options: str) -> Result:
        return run(
            "preview", self.file("s.lua", script), "--payload", self.file("payload", payload), *options
        )

    def document(self, script: str | bytes, payload: bytes = b"{}", *options: str) -> dict[str, Any]:
        result = self.preview(script, payload, "--json", *options)
        assert result.stdout.count("\n") == 1
        return dict(json.loads(result.stdout))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


# --- in a process of its own


def process(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", *arguments], capture_output=True, timeout=60, check=False
    )


def test_a_preview_in_a_process_of_its_own(tmp_path: Path) -> None:
    files = Folder(tmp_path)
    script, payload = files.file("test_config.lua", MISSION_SCRIPT), files.file("p.json", MISSION_PAYLOAD)
    result = process("preview", script, "--payload", payload, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["body"] == MISSION_BODY.decode()
    assert json.loads(result.stdout)["headers"]["X-Config"] == "test_config"


def test_a_failed_preview_says_why_on_stderr_alone(tmp_path: Path) -> None:
    files = Folder(tmp_path)
    result = process("preview", files.file("s.lua", "\nerror('no')"), "--payload", files.file("p", b"{}"))
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"howk-studio: script_runtime_error (line 2): no\n")


def test_check_in_a_process_of_its_own(tmp_path: Path) -> None:
    script = Folder(tmp_path).file("s.lua", "x = = 1")
    result = process("check", script)
    assert result.returncode == 1
    assert result.stdout.decode() == f"{script}:1:5: error: unexpected symbol near '='\n"


# --- preview --json, field by field


def test_a_document_has_all_fields_of_the_contract_and_no_other(folder: Folder) -> None:
    assert set(folder.document("local x")) == FIELDS
    assert set(folder.document("error('x')")) == FIELDS
    assert set(folder.document("x = =")) == FIELDS


def test_a_good_run_fills_the_document(folder: Folder) -> None:
    source = """headers["X-A"] = "1" headers["X-Gone"] = "" request.retry_on_status = { 409 }
      config.opt_out_default_headers = true request.body = "é" log.warn("careful", { n = 1 })"""
    headers = folder.file("h.json", {"X-Gone": "x", "X-Kept": "y"})
    document = folder.document(source, b"{}", "--headers", headers)
    assert document["ok"] is True
    assert (document["body"], document["body_b64"], document["error"]) == ("é", None, None)
    assert document["headers"] == {"X-Kept": "y", "X-A": "1"}
    assert document["removed_headers"] == ["X-Gone"]
    assert document["opt_out_default_headers"] is True
    assert document["retry_on_status"] == [409]
    assert document["logs"] == [{"level": "warn", "message": "careful", "fields": {"n": 1}, "line": 2}]
    assert document["request"] == {
        "method": "POST",
        "url": "https://receiver.example/webhooks",
        "headers": {"Content-Type": "application/json", "User-Agent": "HOWK/1.0", "X-Kept": "y", "X-A": "1"},
        "body_b64": base64.b64encode("é".encode()).decode(),
    }
    assert 0 < document["cpu_ms"] < 500
    assert document["wall_ms"] > 0
    assert 0 < document["memory_peak_bytes"] < MB


def test_a_body_that_is_no_text_comes_as_base64(folder: Folder) -> None:
    document = folder.document("request.body = payload .. 'x'", bytes(range(256)))
    assert document["body"] is None
    assert base64.b64decode(document["body_b64"]) == bytes(range(256)) + b"x"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (
            "local x\nx.y = 1",
            {
                "type": "script_runtime_error",
                "message": "attempt to index local 'x' (a nil value)",
                "line": 2,
                "traceback": "script:2: in main chunk",
            },
        ),
        (
            "\n\nx = =",
            {
                "type": "script_syntax_error",
                "message": "unexpected symbol near '='",
                "line": 3,
                "traceback": "",
            },
        ),
        (
            "request.body = 1",
            {
                "type": "script_invalid_output",
                "message": "request.body must be a string, not number 1",
                "line": None,
                "traceback": "",
            },
        ),
    ],
)
def test_a_failed_run_fills_the_error(folder: Folder, source: str, error: dict[str, Any]) -> None:
    document = folder.document(source)
    assert document["error"] == error
    assert (document["ok"], document["body"], document["body_b64"], document["request"]) == (
        False,
        None,
        None,
        None,
    )
    assert (document["headers"], document["removed_headers"], document["retry_on_status"]) == ({}, [], [])


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("while true do end", "script_timeout"),
        ("local t = {} while true do t = { t } end", "script_memory_limit"),
        ('string.find(string.rep("a", 30), string.rep("a?", 30) .. string.rep("a", 30))', "script_timeout"),
    ],
)
def test_a_limit_is_an_error_like_others(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, source: str, kind: str
) -> None:
    monkeypatch.setenv("HOWK_LUA_TIMEOUT", "100ms" if kind == "script_timeout" else "5s")
    document = folder.document(source)
    assert document["error"]["type"] == kind
    assert document["error"]["message"]


# --- recorded answers

CALLS = 'local kv = require("kv") local v, why = kv.get("token") request.body = v or why'
FIXTURE = {"module": "kv", "function": "get", "arguments": {"key": "token"}, "reply": {"value": "t-1"}}


def test_calls_are_answered_from_the_file_of_fixtures(folder: Folder) -> None:
    fixtures = folder.file("c.fixtures.json", json.dumps([FIXTURE]))
    assert folder.document(CALLS, b"{}", "--fixtures", fixtures)["body"] == "t-1"


def test_without_fixtures_a_call_fails_and_says_what_to_do(folder: Folder) -> None:
    said = folder.document(CALLS)["body"]
    assert said.startswith('kv.get(key="token") was not recorded')
    assert said.endswith("give its answer in a .fixtures.json file")
    error = folder.document('error((select(2, require("http").get("https://a.test/"))))')["error"]
    assert error["type"] == "script_module_http"
    assert "was not recorded" in error["message"]


def test_fixtures_that_cannot_be_used_are_refused(folder: Folder) -> None:
    incr = json.dumps([FIXTURE | {"function": "incr"}])
    for content, named in (
        ("[", "c.fixtures.json"),
        ('{"module": "kv"}', "c.fixtures.json"),
        (incr, "kv.incr"),
    ):
        path = folder.file("c.fixtures.json", content)
        assert named in refused(folder.preview(CALLS, b"{}", "--fixtures", path))
    assert "gone.json" in refused(folder.preview(CALLS, b"{}", "--fixtures", "gone.json"))


# --- preview as text


def test_a_preview_shows_the_request_and_the_figures(folder: Folder) -> None:
    result = folder.preview('headers["X-A"] = "1" print("hello")', b'{"a":1}')
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "POST /webhooks HTTP/1.1"
    assert {"Host: receiver.example", "X-A: 1", "Content-Type: application/json"} <= set(lines)
    assert lines[-2:] == ["", '{"a":1}']
    assert "log info (line 1): hello" in result.stderr
    assert "ms CPU" in result.stderr


def test_a_failed_preview_prints_no_request(folder: Folder) -> None:
    result = folder.preview("local function f()\n  error('no')\nend\nf()")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "script:2: in function 'f'" in result.stderr


# --- inputs


def test_metadata_reaches_script_and_request(folder: Folder) -> None:
    fields = {
        "webhook_id": "wh_9",
        "config_id": "billing:eu",
        "attempt": 3,
        "max_attempts": 5,
        "created_at": "2026-02-01T00:00:00Z",
        "endpoint": "https://example.com/x?y=1",
        "signing_secret": "s",
        "previous_error": {"message": "m", "status_code": 500, "attempt": 2, "reason": "http"},
        "unknown": 1,
    }
    source = """local m = metadata
      request.body = table.concat({ m.webhook_id, m.config_id, m.attempt, m.max_attempts, m.created_at,
        previous_error.message }, "|")"""
    document = folder.document(source, b"{}", "--metadata", folder.file("m.json", fields))
    assert document["body"] == "wh_9|billing:eu|3|5|2026-02-01T00:00:00Z|m"
    assert document["request"]["url"] == "https://example.com/x?y=1"
    assert document["request"]["headers"]["X-Webhook-Attempt"] == "4"
    assert document["request"]["headers"]["X-Webhook-Signature"].startswith("t=")


def test_the_config_id_is_that_of_the_option_else_the_metadata_else_the_file_name(folder: Folder) -> None:
    script = folder.file("billing%3Aeu.lua", "request.body = metadata.config_id")
    base = ["preview", script, "--payload", folder.file("p", b"{}"), "--json"]
    metadata = ["--metadata", folder.file("m.json", {"config_id": "other"})]
    assert json.loads(run(*base).stdout)["body"] == "billing:eu"
    assert json.loads(run(*base, *metadata).stdout)["body"] == "other"
    assert json.loads(run(*base, *metadata, "--config-id", "mine").stdout)["body"] == "mine"


def test_the_script_config_beside_the_script_is_used(folder: Folder) -> None:
    folder.file("s.json", {"currency": "EUR"})
    assert folder.document("request.body = config.currency")["body"] == "EUR"


def test_settings_come_from_the_environment_and_the_folder(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.file("config.yaml", "delivery: {user_agent: from-file}")
    assert folder.document("local x")["request"]["headers"]["User-Agent"] == "from-file"
    monkeypatch.setenv("HOWK_DELIVERY_USER_AGENT", "from-environment")
    assert folder.document("local x")["request"]["headers"]["User-Agent"] == "from-environment"


def test_a_payload_of_fifty_megabytes_is_over_the_memory_limit_and_said_so(folder: Folder) -> None:
    document = folder.document("request.body = payload .. 'x'", bytes(50 * MB))
    assert document["error"]["type"] == "script_memory_limit"
    assert "50 MB" in document["error"]["message"]


# --- refusals: exit code 2, one sentence on stderr that names the file and what is wrong with it


def refused(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("howk-studio: ")
    assert "Traceback" not in result.stderr
    return result.stderr


def test_files_that_are_missing_are_named(folder: Folder) -> None:
    script, payload = folder.file("s.lua", "local x"), folder.file("p", b"{}")
    assert "gone.lua" in refused(run("preview", "gone.lua", "--payload", payload))
    assert "gone.json" in refused(run("preview", script, "--payload", "gone.json"))
    assert "gone.json" in refused(run("preview", script, "--payload", payload, "--headers", "gone.json"))
    assert "gone.json" in refused(run("preview", script, "--payload", payload, "--metadata", "gone.json"))
    assert "gone.lua" in refused(run("check", script, "gone.lua"))
    assert str(folder.path) in refused(run("preview", script, "--payload", str(folder.path)))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '"x"', '{"X-A": 1}', '{"X-A": null}', '{"X-A": ["a"]}', b"\xff", b'{"X": "\xff"}'],
)
def test_headers_that_are_no_object_of_strings_are_refused(folder: Folder, content: str | bytes) -> None:
    assert "h.json" in refused(folder.preview("local x", b"{}", "--headers", folder.file("h.json", content)))


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"attempt": "1"}',
        '{"attempt": -1}',
        '{"attempt": 1.5}',
        '{"attempt": 99999999999999999999}',
        '{"webhook_id": 5}',
        '{"max_attempts": -1}',
        '{"previous_error": "x"}',
        '{"previous_error": {}}',
        '{"previous_error": {"message": "m", "status_code": "500"}}',
        '{"previous_error": {"message": "m", "attempt": 1e30}}',
    ],
)
def test_metadata_of_the_wrong_type_is_refused(folder: Folder, content: str) -> None:
    said = refused(folder.preview("local x", b"{}", "--metadata", folder.file("m.json", content)))
    assert "m.json" in said


@pytest.mark.parametrize("content", ["", "{", "[]", "5", b"\xff"])
def test_a_script_config_that_is_no_object_is_refused(folder: Folder, content: str | bytes) -> None:
    folder.file("s.json", content)
    assert "s.json" in refused(folder.preview("local x"))


def test_a_script_config_with_numbers_no_double_holds_does_not_crash(folder: Folder) -> None:
    folder.file("s.json", '{"big": 1e400}')
    assert "s.json" in refused(folder.preview("local x"))
    folder.file("s.json", '{"big": ' + "9" * 30 + "}")
    assert folder.document("request.body = type(config.big)")["body"] == "number"


def test_a_script_that_is_no_utf_8_is_refused_with_its_place(folder: Folder) -> None:
    script = folder.file("s.lua", b"local a = 1\nlocal b = '\xe9'\n")
    for result in (folder.preview(b"local a = 1\nlocal b = '\xe9'\n"), run("check", script)):
        assert "s.lua, line 2, byte 12: byte 0xe9 is not UTF-8" in refused(result)


def test_a_setting_that_does_not_fit_is_named(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOWK_LUA_TIMEOUT", "soon")
    assert "lua.timeout" in refused(folder.preview("local x"))


@pytest.mark.parametrize(
    "arguments", [["preview"], ["preview", "x.lua"], ["check"], ["nothing"], ["preview", "x.lua", "--what"]]
)
def test_wrong_usage_ends_with_two(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage" in result.stderr or "No such command" in result.stderr


# --- check


def test_check_says_nothing_about_scripts_without_problems(folder: Folder) -> None:
    result = run("check", folder.file("a.lua", "headers.X = 1"), folder.file("b.lua", ""))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_check_names_file_line_and_column_of_each_problem(folder: Folder) -> None:
    good, first, second = (
        folder.file("a.lua", "headers.X = 1"),
        folder.file("b.lua", "\n  x = = 1"),
        folder.file("c.lua", "if x then\n"),
    )
    result = run("check", good, first, second)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{first}:2:7: error: unexpected symbol near '='",
        f"{second}:2:1: error: 'end' expected (to close 'if' at line 1) near '<eof>'",
    ]


def test_check_says_what_lint_says_and_fails_for_errors_only(folder: Folder) -> None:
    script = folder.file("a.lua", "local unused = 1\nheades.X = 1")
    result = run("check", script)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{script}:1:7: info: `unused` is never read; take it out, or call it `_unused`.",
        f"{script}:2:1: warning: Nothing defines `heades`: did you mean `headers`?",
    ]
    assert run("check", folder.file("b.lua", 'require("socket")')).exit_code == 1


def test_check_as_json_is_a_list_of_problems(folder: Folder) -> None:
    script = folder.file("b.lua", "x = = 1")
    result = run("check", script, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {
            "file": script,
            "severity": "error",
            "message": "unexpected symbol near '='",
            "line": 1,
            "column": 5,
            "code": "syntax",
        }
    ]
    assert json.loads(run("check", folder.file("a.lua", "headers.X = 1"), "--json").stdout) == []


def test_check_refuses_a_function_that_this_lua_cannot_call_safely(folder: Folder) -> None:
    result = run("check", folder.file("a.lua", "\nlocal function f(a, b, c, d, ...) end"))
    assert result.exit_code == 1
    assert ":2:1: error: a function with '...' takes at most 3 named parameters" in result.stdout


def test_check_does_not_run_the_script(folder: Folder) -> None:
    assert run("check", folder.file("a.lua", "error('ran')")).exit_code == 0


def test_the_script_config_sees_the_variables_that_the_operator_allowed_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "s.lua").write_text("request.body = config.a .. ' ' .. config.b", "utf-8")
    (tmp_path / "s.json").write_text('{"a": "${SHOP_NAME}", "b": "${HOME}"}', "utf-8")
    (tmp_path / "p").write_bytes(b"{}")
    environment = {"SHOP_NAME": "corner", "HOWK_LUA_ALLOWED_VARIABLES": "SHOP_NAME"}
    arguments = ["preview", str(tmp_path / "s.lua"), "--payload", str(tmp_path / "p"), "--json"]
    result = CliRunner().invoke(commands, arguments, env=environment)
    assert json.loads(result.stdout)["body"] == "corner ${HOME}"
