"""Runs test cases for the window and writes them; all methods run on the background loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.case_file import Case
from engine.cases.expectation import expected_of
from engine.cases.find import SavedCase
from engine.cases.recorded import recorded_modules
from engine.cases.run import CaseRunner, OnVerdict, case_webhook
from engine.errors import BadInput
from engine.inputs import read_bytes
from engine.modules.fixture import Fixture, decode_fixtures, encode_fixtures
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

    async def keep(
        self,
        saved: SavedCase,
        case: Case,
        script: Script,
        *,
        answers: tuple[Fixture, ...] | None = None,
        recordings: Path | None = None,
    ) -> None:
        """Writes a case that expects what the script does with it now; fields of an older one that we do not know stay.

        Its recording becomes `answers`, else that of the case its input came from, in the file `recordings`; else it
        keeps the one it has.

        Raises:
            BadInput: the name or the metadata cannot be used, or the file not be written.
            EngineUnavailable: no engine host could be started.
        """
        webhook, previous = case_webhook(case, saved.config_id, str(saved.path))
        await asyncio.to_thread(_save_recording, saved, answers, recordings)
        modules = await asyncio.to_thread(recorded_modules, saved)
        try:
            older = await asyncio.to_thread(saved.read)
        except BadInput:  # there is none, or nothing that can be read
            older = case
        outcome = await self._transformer.run(script, webhook, previous, modules)
        expected = expected_of(outcome, case.payload)
        written = msgspec.structs.replace(case, expected=expected, extra=older.extra)
        await asyncio.to_thread(saved.workspace.save_case, saved.config_id, saved.name, written)

    async def renew(self, saved: SavedCase, script: Script) -> None:
        """Has a case expect what the script does with it now. Raises what `keep` raises."""
        case = await asyncio.to_thread(saved.read)
        await self.keep(saved, case, script)

    async def close(self) -> None:
        """Ends the engine hosts."""
        await self._pool.close()


def _save_recording(saved: SavedCase, answers: tuple[Fixture, ...] | None, recordings: Path | None) -> None:
    own = saved.workspace.fixtures_path(saved.config_id, saved.name)
    if answers is None and recordings is not None and recordings != own and recordings.exists():
        answers = decode_fixtures(read_bytes(recordings, "fixtures"), str(recordings))
    if answers is not None:
        saved.workspace.save_fixtures(saved.config_id, saved.name, encode_fixtures(answers))
