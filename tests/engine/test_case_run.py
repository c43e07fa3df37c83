"""Finding the cases that a path means, and running them: one by one, side by side, cancelled, with recorded answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import resources
from engine.case_file import Case, encode_case
from engine.cases.find import SavedCase, discover
from engine.cases.run import CaseRunner, run_case
from engine.cases.verdict import CaseStatus, CaseVerdict
from engine.errors import BadInput
from engine.modules.calls import HttpAnswer, ModuleCall, ModuleReply
from engine.modules.fixture import Fixture, encode_fixtures
from engine.sandbox.pool import EnginePool
from engine.settings import LuaSettings
from engine.transform import Script, Transformer
from engine.workspace import Workspace

ECHO = b"request.body = payload"
RETRY = b"""
local e = previous_error
request.body = metadata.attempt .. " " .. (e and e.status_code .. " " .. e.attempt .. " " .. e.message or "first")
"""


class Folder:
    """A workspace that a test fills."""

    def __init__(self, path: Path) -> None:
        self.workspace = Workspace(path)

    def script(self, config_id: str, source: bytes = ECHO) -> Path:
        self.workspace.save_script(config_id, source)
        return self.workspace.script_path(config_id)

    def case(self, config_id: str, name: str, payload: bytes = b"{}", **more: Any) -> SavedCase:
        self.workspace.save_case(config_id, name, Case(payload, **more))
        return SavedCase(self.workspace.path, config_id, name)

    @property
    def path(self) -> Path:
        return self.workspace.path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
async def runner() -> AsyncIterator[CaseRunner]:
    async with EnginePool(size=2, spares=0) as pool:
        yield CaseRunner(Transformer(pool, LuaSettings()))


def names(cases: tuple[SavedCase, ...]) -> list[str]:
    return [f"{case.config_id}/{case.name}" for case in cases]


# --- finding


def test_a_workspace_means_all_its_cases_in_order(folder: Folder) -> None:
    for config_id, name in (("b", "2"), ("b", "1"), ("a:x", "only")):
        folder.script(config_id)
        folder.case(config_id, name)
    assert names(discover([folder.path])) == ["a:x/only", "b/1", "b/2"]
    assert names(discover([folder.path / "tests"])) == ["a:x/only", "b/1", "b/2"]


def test_a_script_a_folder_and_a_case_mean_theirs_and_none_twice(folder: Folder) -> None:
    script = folder.script("a:x")
    one, two = folder.case("a:x", "one"), folder.case("a:x", "two")
    assert names(discover([script])) == ["a:x/one", "a:x/two"]
    assert names(discover([two.path])) == ["a:x/two"]
    assert names(discover([one.path.parent])) == ["a:x/one", "a:x/two"]
    assert names(discover([two.path, script, folder.path])) == ["a:x/two", "a:x/one"]


def test_relative_paths_stay_relative(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.script("a")
    folder.case("a", "one")
    monkeypatch.chdir(folder.path)
    assert [str(case.path) for case in discover([Path("a.lua")])] == ["tests/a/one.json"]
    monkeypatch.chdir(folder.path / "tests" / "a")
    assert names(discover([Path("one.json")])) == ["a/one"]
    assert names(discover([Path()])) == ["a/one"]
    assert names(discover([Path("..")])) == ["a/one"]
    assert names(discover([Path("../..")])) == ["a/one"]


def test_recorded_answers_are_no_case(folder: Folder) -> None:
    folder.script("a")
    folder.case("a", "one")
    fixtures = folder.workspace.fixtures_path("a", "one")
    fixtures.write_bytes(encode_fixtures(()))
    assert fixtures.name == "one.fixtures.json"
    assert names(discover([folder.path])) == ["a/one"]
    with pytest.raises(BadInput, match="neither a script nor a test case"):
        discover([fixtures])
    with pytest.raises(BadInput, match="recorded answers"):
        folder.workspace.case_path("a", "x.fixtures")
    folder.workspace.delete_case("a", "one")
    assert not fixtures.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "there is no such file"),
        ("notes.txt", "this is neither a script nor a test case"),
        ("settings.json", "this is neither a script nor a test case"),
        ("empty", "there are no scripts and no cases"),
    ],
)
def test_what_means_nothing_is_refused_by_name(folder: Folder, name: str, words: str) -> None:
    (folder.path / "notes.txt").write_text("x")
    (folder.path / "settings.json").write_text("{}")
    (folder.path / "empty").mkdir()
    with pytest.raises(BadInput, match=rf"{name}: {words}"):
        discover([folder.path / name])


# --- running


async def test_every_example_passes(runner: CaseRunner) -> None:
    cases = discover([resources.example_workspace()])
    verdicts = await runner.run_all(cases)
    assert {case.name: v.mismatches for case, v in zip(cases, verdicts, strict=True) if not v.passed} == {}
    assert {verdict.status for verdict in verdicts} == {CaseStatus.PASSED}
    expected = [case.read().expected or {} for case in cases]
    for kind in (
        "body",
        "body_b64",
        "body_json",
        "body_json_contains",
        "headers",
        "headers_contain",
        "error_type",
    ):
        assert any(kind in fields for fields in expected), f"no example shows {kind}"


async def test_a_retry_sees_its_attempt_and_why_the_one_before_failed(
    folder: Folder, runner: CaseRunner
) -> None:
    folder.script("a", RETRY)
    before = {"message": "busy", "status_code": 503, "attempt": 1, "reason": "http_5xx"}
    case = folder.case(
        "a", "x", metadata={"attempt": 2, "previous_error": before}, expected={"body": "2 503 1 busy"}
    )
    assert (await runner.run(case)).status is CaseStatus.PASSED


async def test_a_case_without_expectation_fails_only_with_its_script(
    folder: Folder, runner: CaseRunner
) -> None:
    folder.script("good")
    folder.script("bad", b"error('no')")
    assert (await runner.run(folder.case("good", "x"))).status is CaseStatus.NO_EXPECTATION
    verdict = await runner.run(folder.case("bad", "x"))
    assert verdict.status is CaseStatus.FAILED
    assert verdict.mismatches[0].field == "error_type"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"expected": {"boddy": "x"}}, r"tests/a/x\.json, expected\.boddy"),
        ({"metadata": {"attempt": "two"}}, r"tests/a/x\.json, metadata\.attempt: expected `int`"),
        ({"metadata": {"previous_error": {}}}, r"x\.json, metadata\.previous_error: object missing"),
    ],
)
async def test_a_case_of_a_wrong_shape_is_unreadable(
    folder: Folder, runner: CaseRunner, more: dict[str, Any], words: str
) -> None:
    folder.script("a")
    case = folder.case("a", "x", **more)
    verdict = await runner.run(case)
    assert (verdict.status, verdict.outcome) == (CaseStatus.UNREADABLE, None)
    with pytest.raises(BadInput, match=words):
        await run_case(Script.of(ECHO), case.read(), runner._transformer, config_id="a", where=str(case.path))


async def test_damaged_files_are_the_verdict_of_their_case_alone(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a")
    folder.case("a", "1-damaged").path.write_bytes(b"{")
    folder.case("a", "2-fine", expected={"body": "{}"})
    folder.case("gone", "orphan")
    folder.script("latin", b"-- \xe9")
    folder.case("latin", "x")
    verdicts = await runner.run_all(discover([folder.path]))
    unreadable = CaseStatus.UNREADABLE
    assert [v.status for v in verdicts] == [unreadable, CaseStatus.PASSED, unreadable, unreadable]
    problems = [verdict.problem for verdict in verdicts]
    assert "1-damaged.json:1:" in problems[0]
    assert "gone.lua: there is no such script" in problems[2]
    assert "not UTF-8" in problems[3]


async def test_the_script_of_the_namespace_stands_in(folder: Folder, runner: CaseRunner) -> None:
    folder.script("wh", b"request.body = metadata.config_id .. config.x")
    folder.workspace.save_config("wh", b'{"x": "!"}')
    case = folder.case("wh:42:6", "x", expected={"body": "wh:42:6!"})
    assert (await runner.run(case)).status is CaseStatus.PASSED


async def test_verdicts_come_in_the_order_of_the_cases(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a", b"local n = tonumber(payload) for i = 1, n * 20000 do end request.body = payload")
    for number in range(20):
        folder.case("a", f"{number:02}", str(20 - number).encode(), expected={"body": str(20 - number)})
    told: list[str] = []

    def note(case: SavedCase, verdict: CaseVerdict) -> None:
        told.append(case.name)
        assert verdict.status is CaseStatus.PASSED

    await runner.run_all(discover([folder.path]), note)
    assert told == [f"{number:02}" for number in range(20)]


async def test_a_run_can_be_cancelled(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a", b"while true do end")
    for number in range(6):
        folder.case("a", str(number))
    told: list[str] = []
    running = asyncio.create_task(
        runner.run_all(discover([folder.path]), lambda case, _verdict: told.append(case.name))
    )
    await asyncio.sleep(0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(told) < 6


async def test_another_script_can_stand_for_the_saved_one(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a", b"error('saved')")
    case = folder.case("a", "x", expected={"body": "draft"})
    other = CaseRunner(runner._transformer, lambda _case: Script.of(b"request.body = 'draft'"))
    assert (await other.run(case)).status is CaseStatus.PASSED


# --- recorded answers


FETCH = b"""
local http = require("http")
local answer, problem = http.get("https://api.example/x")
request.body = answer and answer.body or problem
"""


async def test_module_calls_are_answered_from_the_fixtures(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a", FETCH)
    case = folder.case("a", "x", expected={"body": "hello"})
    call = ModuleCall("http", "get", (b"https://api.example/x",))
    fixture = Fixture.of(call, ModuleReply(HttpAnswer(200, b"hello", {})))
    folder.workspace.fixtures_path("a", "x").write_bytes(encode_fixtures((fixture,)))
    assert (await runner.run(case)).status is CaseStatus.PASSED


async def test_a_call_that_was_not_recorded_says_so(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a", FETCH)
    verdict = await runner.run(folder.case("a", "x", expected={"body": "hello"}))
    assert "was not recorded" in verdict.mismatches[0].got


async def test_damaged_fixtures_are_named(folder: Folder, runner: CaseRunner) -> None:
    folder.script("a")
    case = folder.case("a", "x")
    folder.workspace.fixtures_path("a", "x").write_bytes(b"{")
    assert "x.fixtures.json" in (await runner.run(case)).problem


def test_an_unknown_field_of_a_case_stays() -> None:
    data = encode_case(Case(b"x", expected={"body": "x"}, extra={"note": "kept"}))
    assert b'"note": "kept"' in data
