"""Runs test cases for the window and writes them; all methods run on the background loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import msgspec

from engine.case_file import Case
from engine.cases.expectation import expected_of
from engine.cases.find import SavedCase
from engine.cases.run import CaseRunner, OnVerdict, run_case
from engine.errors import BadInput, EngineUnavailable
from engine.sandbox.pool import EnginePool
from engine.settings import Settings
from engine.transform import Script, Transformer

HOSTS = 2
"""Beside that of the preview, which goes on meanwhile; started by the first run of a case."""


class CaseService:
    """Test cases through engine hosts of their own. Close it when done."""

    def __init__(self, settings: Settings) -> None:
        self._pool = EnginePool(size=HOSTS, spares=0)
        self._transformer = Transformer(self._pool, settings.lua, settings.lua.variables_of(os.environ))

    async def run_all(self, cases: Sequence[SavedCase], script: Script, on_verdict: OnVerdict) -> None:
        """Runs cases of one script, as it is in the editor. Raises EngineUnavailable."""
        await CaseRunner(self._transformer, lambda _case: script).run_all(cases, on_verdict)

    async def keep(self, saved: SavedCase, case: Case, script: Script) -> None:
        """Writes a case that expects what the script does with it now; fields of an older one that we do not know stay.

        Raises:
            BadInput: the name or the metadata cannot be used, or the file not be written.
            EngineUnavailable: no engine host could be started.
        """
        path = saved.path
        try:
            older = await asyncio.to_thread(saved.read)
        except BadInput:  # there is none, or nothing that can be read
            older = case
        where = str(path)
        run = await run_case(
            script, msgspec.structs.replace(case, expected=None), self._transformer,
            config_id=saved.config_id, where=where,
        )  # fmt: skip
        if run.outcome is None:
            raise EngineUnavailable("the case was not run")
        expected = expected_of(run.outcome, case.payload)
        written = msgspec.structs.replace(case, expected=expected, extra=older.extra)
        await asyncio.to_thread(saved.workspace.save_case, saved.config_id, saved.name, written)

    async def renew(self, saved: SavedCase, script: Script) -> None:
        """Has a case expect what the script does with it now. Raises what `keep` raises."""
        case = await asyncio.to_thread(saved.read)
        await self.keep(saved, case, script)

    async def close(self) -> None:
        """Ends the engine hosts."""
        await self._pool.close()
