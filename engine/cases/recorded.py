"""Answers the module calls of a case from the fixtures beside it: a test or preview reaches no cluster, no network."""

from __future__ import annotations

from pathlib import Path

from engine.cases.find import SavedCase
from engine.inputs import read_bytes
from engine.modules.calls import Modules
from engine.modules.fixture import decode_fixtures
from engine.modules.recorded import RecordedModules


def recorded_modules(case: SavedCase) -> Modules:
    """The recorded answers of a case, for one run; without a file, each call fails and says what to do.

    Raises:
        BadInput: the file cannot be read, or is no list of fixtures.
    """
    return recorded_at(case.workspace.fixtures_path(case.config_id, case.name))


def recorded_at(path: Path | None) -> Modules:
    """The recorded answers of a file, for one run; as `recorded_modules`. None is a file that does not exist."""
    if path is None or not path.exists():
        return RecordedModules(())
    return RecordedModules(decode_fixtures(read_bytes(path, "fixtures"), str(path)))
