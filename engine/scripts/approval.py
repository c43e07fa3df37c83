"""What an approval demands: a clean script and green cases, of exactly the text that is approved."""

from __future__ import annotations

import asyncio

import msgspec

from engine.cases.find import SavedCase, cases_of
from engine.cases.run import CaseRunner
from engine.sandbox.pool import EnginePool
from engine.scripts.problem import Problem, Severity
from engine.scripts.review import Text
from engine.scripts.validate import check_script
from engine.transform import Script, Transformer
from engine.workspace import Workspace, parse_config


class Checks(msgspec.Struct, frozen=True):
    """What was found: problems of the script, and how many of its cases are green.

    `failed` names the cases that are not. A script without cases may be approved; the approval then says so.
    """

    problems: tuple[Problem, ...] = ()
    cases: int = 0
    failed: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid an approval; warnings are told, and left to the approver."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def ok(self) -> bool:
        """Whether nothing forbids an approval."""
        return not self.errors and not self.failed


def read_text(workspace: Workspace, config_id: str) -> Text:
    """The script and its script_config as they are on disk.

    Raises:
        BadInput: one of them cannot be used: not UTF-8, or no JSON object.
        WorkspaceError: there is no such script, or it cannot be read.
    """
    source = workspace.read_script(config_id).text
    config = workspace.read_config(config_id)
    return Text(source, parse_config(config) if config else {}, config_id)


async def check_text(
    workspace: Workspace, config_id: str, text: Text, pool: EnginePool, transformer: Transformer
) -> Checks:
    """Checks a text and runs the script's saved cases with it.

    Raises:
        EngineUnavailable: no engine host could be started.
    """
    source = text.source.encode()
    problems = await check_script(pool, source)
    script = Script.of(source, text.config)

    def this_script(_case: SavedCase) -> Script:
        return script

    cases = await asyncio.to_thread(cases_of, workspace, config_id)
    verdicts = await CaseRunner(transformer, this_script).run_all(cases)
    failed = tuple(case.name for case, verdict in zip(cases, verdicts, strict=True) if not verdict.passed)
    return Checks(problems, len(cases), failed)
