"""`howk-studio test` as a person or a build server calls it: lines, JSON, JUnit, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

import resources
from engine.case_file import Case
from engine.cli import commands
from engine.workspace import Workspace


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["test", *arguments])


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Scripts `good` (passes), `bad` (fails) and `plain` (expects nothing), and we are in their folder."""
    made = Workspace(tmp_path)
    made.save_script("good", b"request.body = payload")
    made.save_case("good", "same", Case(b"x", expected={"body": "x"}))
    made.save_script("bad", b'log.warn("odd") request.body = "one\\ntwo\\n"')
    made.save_case(
        "bad", "lines", Case(b"x", {}, {}, {"body": "one\nthree\n", "headers_contain": {"X-A": "1"}})
    )
    made.save_script("plain", b"request.body = payload")
    made.save_case("plain", "input", Case(b"x"))
    monkeypatch.chdir(tmp_path)
    return made


def document(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.stdout.count("\n") == 1
    return dict(json.loads(result.stdout))


def test_the_examples_are_green_from_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "engine.cli", "test", str(resources.example_workspace())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "13 passed, 0 failed"
    assert len(done.stdout.splitlines()) == 14


def test_one_line_a_case_with_what_differs_below_it(workspace: Workspace) -> None:
    result = run()
    assert result.exit_code == 1
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0].startswith("FAIL  bad / lines  ")
    assert lines[1] == "      body: expected one"
    assert '      headers["X-A"]: expected 1, got (absent)' in lines
    assert [line for line in lines if line[6:7] in ("-", "+")] == ["      - three", "      + two"]
    assert lines[-3].startswith("ok    good / same  ")
    assert lines[-2].startswith("-     plain / input  ")
    assert lines[-2].endswith(" ms, no expectation")
    assert lines[-1] == "1 passed, 1 failed, 1 without expectation"


def test_passing_is_0_and_no_expectation_is_no_failure(workspace: Workspace) -> None:
    assert run("good.lua", "plain.lua").exit_code == 0


def test_json_is_one_document_and_nothing_else(workspace: Workspace) -> None:
    found = document()
    assert {name: found[name] for name in ("passed", "failed", "no_expectation", "unreadable")} == {
        "passed": 1, "failed": 1, "no_expectation": 1, "unreadable": 0,
    }  # fmt: skip
    bad = found["cases"][0]
    assert (bad["config_id"], bad["case"], bad["file"]) == ("bad", "lines", "tests/bad/lines.json")
    assert bad["status"] == "failed"
    assert bad["mismatches"][1] == {"field": 'headers["X-A"]', "expected": "1", "got": "(absent)"}
    assert found["cases"][2]["status"] == "no_expectation"


def test_an_error_is_in_the_document(workspace: Workspace) -> None:
    workspace.save_script("good", b"\nerror('why')")
    case = document("good.lua")["cases"][0]
    assert (case["error"]["type"], case["error"]["line"]) == ("script_runtime_error", 2)


def test_junit_is_valid_and_tells_failures_from_errors(workspace: Workspace) -> None:
    workspace.save_case("good", "wrong-shape", Case(b"x", expected={"bdy": "x"}))
    result = run("--junit", "report.xml")
    assert result.exit_code == 2
    root = ET.parse(workspace.path / "report.xml").getroot()
    assert root.tag == "testsuites"
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "4", "failures": "1", "errors": "1",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == ["bad", "good", "plain"]
    case = root.find("./testsuite[@name='bad']/testcase")
    assert case is not None
    assert float(case.get("time", "")) > 0
    failure, logs = case.find("failure"), case.find("system-out")
    assert failure is not None
    assert failure.text is not None
    assert "- three" in failure.text
    assert logs is not None
    assert logs.text == "warn: odd"
    error = root.find("./testsuite[@name='good']/testcase[@name='wrong-shape']/error")
    assert error is not None
    assert "expected.bdy" in (error.get("message") or "")


def test_junit_stands_what_xml_cannot_write(workspace: Workspace) -> None:
    workspace.save_script("good", b'request.body = "\\0\\1\\27 <&]]>" log.info("\\0")')
    run("good.lua", "--junit", "report.xml")
    failure = ET.parse(workspace.path / "report.xml").getroot().find(".//failure")
    assert failure is not None
    assert "<&]]>" in (failure.text or "")


def test_a_case_that_cannot_be_read_is_2_and_the_others_run(workspace: Workspace) -> None:
    workspace.case_path("good", "broken").write_bytes(b"{")
    result = run("good.lua")
    assert result.exit_code == 2
    assert "ERROR good / broken" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 passed, 0 failed, 1 unreadable"
    quiet = run("good.lua", "--json")
    assert quiet.stderr.startswith("howk-studio: test case ")
    assert json.loads(quiet.stdout)["cases"][0]["problem"].startswith("test case ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "nowhere: there is no such file or folder"),
        (("--junit", "no/such/folder/x.xml"), "cannot be written: No such file"),
    ],
)
def test_wrong_usage_is_2_and_says_why(workspace: Workspace, arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_no_cases_is_no_failure(workspace: Workspace) -> None:
    workspace.save_script("new", b"")
    result = run("new.lua")
    assert (result.exit_code, result.stdout) == (0, "no test cases found\n")


def test_limits_come_from_the_settings(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.save_script("slow", b"while true do end")
    workspace.save_case("slow", "x", Case(b"", expected={"error_type": "script_timeout"}))
    monkeypatch.setenv("HOWK_LUA_TIMEOUT", "50ms")
    assert run("slow.lua").exit_code == 0


def test_a_broken_setting_is_2(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOWK_LUA_TIMEOUT", "soon")
    result = run()
    assert result.exit_code == 2
    assert "soon" in result.stderr
