"""Runs test cases: one code path for the window, the command and whatever replays webhooks through a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from engine.case_file import Case
from engine.cases.compare import compare
from engine.cases.expectation import Expectation, read_expectation
from engine.cases.find import SavedCase
from engine.cases.recorded import recorded_modules
from engine.cases.verdict import CaseStatus, CaseVerdict
from engine.errors import BadInput
from engine.inputs import Metadata, webhook_of
from engine.model import PreviousError, Webhook
from engine.modules.calls import Modules
from engine.transform import Script, Transformer

PARALLEL = 8
"""Cases that are read and wait for a host at once; how many run is the pool's affair."""

ScriptOf = Callable[[SavedCase], Script]
ModulesOf = Callable[[SavedCase], Modules]
OnVerdict = Callable[[SavedCase, CaseVerdict], None]


class CaseRunner:
    """Runs cases through one transformer.

    Args:
        transformer: runs the scripts.
        script_of: the script of a case, else the one on disk. It may raise BadInput.
        modules_of: answers the module calls of a case, else its recorded fixtures. It may raise BadInput.
    """

    def __init__(
        self,
        transformer: Transformer,
        script_of: ScriptOf = SavedCase.read_script,
        modules_of: ModulesOf = recorded_modules,
    ) -> None:
        self._transformer, self._script_of, self._modules_of = transformer, script_of, modules_of

    async def run_all(
        self, cases: Sequence[SavedCase], on_verdict: OnVerdict = lambda _case, _verdict: None
    ) -> tuple[CaseVerdict, ...]:
        """Runs cases side by side; `on_verdict` and the result have them in the order given. Can be cancelled.

        Raises:
            EngineUnavailable: no engine host could be started.
        """
        room = asyncio.Semaphore(PARALLEL)

        async def one(case: SavedCase) -> CaseVerdict:
            async with room:
                return await self.run(case)

        tasks = [asyncio.create_task(one(case)) for case in cases]
        try:
            verdicts = []
            for case, task in zip(cases, tasks, strict=True):
                verdicts.append(await task)
                on_verdict(case, verdicts[-1])
            return tuple(verdicts)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self, saved: SavedCase) -> CaseVerdict:
        """Reads and runs one case. What is wrong with its files is its verdict.

        Raises:
            EngineUnavailable: no engine host could be started.
        """
        try:
            case = await asyncio.to_thread(saved.read)
            script = await asyncio.to_thread(self._script_of, saved)
            modules = await asyncio.to_thread(self._modules_of, saved)
            return await run_case(
                script, case, self._transformer,
                config_id=saved.config_id, where=str(saved.path), modules=modules,
            )  # fmt: skip
        except BadInput as problem:
            return CaseVerdict(CaseStatus.UNREADABLE, problem=str(problem))


async def run_case(
    script: Script,
    case: Case,
    transformer: Transformer,
    *,
    config_id: str,
    where: str = "",
    modules: Modules | None = None,
) -> CaseVerdict:
    """Runs a script on a case and compares.

    A case without `expected` passes, as "no expectation", when the script does not fail: whoever saves an input that
    must fail writes down the `error_type`.

    Args:
        script: what to run.
        case: what to run it on, and what is expected.
        transformer: runs it.
        config_id: whose webhook it is, unless the case's metadata say so.
        where: the case's file, for errors.
        modules: answers the script's calls of kv, http and crypto.

    Raises:
        BadInput: the case's metadata or its expectation have a wrong shape; file and field are named.
        EngineUnavailable: no engine host could be started.
    """
    expected = None if case.expected is None else read_expectation(case.expected, where)
    webhook, previous = case_webhook(case, config_id, where)
    outcome = await transformer.run(script, webhook, previous, modules)
    comparison = compare(expected, outcome)
    status = _status(expected, bool(comparison.mismatches))
    return CaseVerdict(status, comparison.mismatches, outcome, comparison.bodies)


def _status(expected: Expectation | None, differs: bool) -> CaseStatus:
    if differs:
        return CaseStatus.FAILED
    return CaseStatus.NO_EXPECTATION if expected is None else CaseStatus.PASSED


def case_webhook(case: Case, config_id: str, where: str = "") -> tuple[Webhook, PreviousError | None]:
    """The webhook of a case, at whatever attempt, and why the attempt before it failed.

    Raises:
        BadInput: a metadata field has the wrong type; file and field are named.
    """
    try:
        metadata = msgspec.convert(case.metadata, Metadata)
    except msgspec.ValidationError as problem:
        why, _, place = str(problem).partition(" - at `$")
        raise BadInput(
            "test case", f"{where}, metadata{place.rstrip('`')}", f"{why[:1].lower()}{why[1:]}."
        ) from problem
    webhook = msgspec.structs.replace(
        webhook_of(metadata, config_id), payload=case.payload, headers=case.headers
    )
    return webhook, metadata.previous_error
