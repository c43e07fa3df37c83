"""Does what `howk-studio test` promises: finds the cases, runs them, reports, and says how it went by exit code."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import typer

from engine.atomic_file import write_atomically
from engine.cases.find import SavedCase, discover
from engine.cases.report import case_lines, json_document, junit_document, summary
from engine.cases.run import CaseRunner
from engine.cases.verdict import CaseStatus, CaseVerdict
from engine.errors import BadInput
from engine.sandbox.pool import EnginePool
from engine.settings import load_settings
from engine.transform import Transformer

EXIT_DONE, EXIT_FAILED, EXIT_UNREADABLE = range(3)
MAX_HOSTS = 4


async def run_cases(paths: list[Path], *, json: bool, junit: Path | None) -> int:
    """Runs the cases that `paths` mean (none: those of the folder we are in) and returns the exit code.

    Raises:
        BadInput: a path is no workspace, script or case, or the JUnit file cannot be written.
        EngineUnavailable: no engine host could be started.
    """
    cases = discover(paths or [Path()])
    verdicts = await _run(cases, print_lines=not json)
    results = list(zip(cases, verdicts, strict=True))
    if json:
        typer.echo(msgspec.json.encode(json_document(results)).decode())
    else:
        typer.echo(summary(verdicts) if cases else "no test cases found")
    if junit is not None:
        _write(junit, junit_document(results))
    return exit_code(verdicts)


async def _run(cases: tuple[SavedCase, ...], *, print_lines: bool) -> tuple[CaseVerdict, ...]:
    def report(case: SavedCase, verdict: CaseVerdict) -> None:
        if print_lines:
            typer.echo("\n".join(case_lines(case, verdict)))
        elif verdict.problem:
            typer.echo(f"howk-studio: {verdict.problem}", err=True)

    settings = load_settings(os.environ)
    hosts = max(1, min(MAX_HOSTS, os.cpu_count() or 1, len(cases)))
    async with EnginePool(size=hosts, spares=0) as pool:
        return await CaseRunner(
            Transformer(pool, settings.lua, settings.lua.variables_of(os.environ))
        ).run_all(cases, report)


def exit_code(verdicts: tuple[CaseVerdict, ...]) -> int:
    """0 all passed; 1 a script does not do what is expected; 2 a case cannot be run as it is written."""
    if any(verdict.status is CaseStatus.UNREADABLE for verdict in verdicts):
        return EXIT_UNREADABLE
    return EXIT_DONE if all(verdict.passed for verdict in verdicts) else EXIT_FAILED


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as problem:
        why = f"it cannot be written: {problem.strerror or problem}."
        raise BadInput("JUnit file", str(path), why, "Check the folder and its permissions.") from problem
