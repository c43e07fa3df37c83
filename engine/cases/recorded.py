"""Answers the module calls of a test case from the fixtures beside it; a test reaches no cluster and no network."""

from __future__ import annotations

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
    path = case.workspace.fixtures_path(case.config_id, case.name)
    fixtures = decode_fixtures(read_bytes(path, "fixtures"), str(path)) if path.exists() else ()
    return RecordedModules(fixtures)
