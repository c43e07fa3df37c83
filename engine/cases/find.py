"""Finds the test cases that are meant by a workspace, a script, a folder of cases or a case file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from engine.case_file import Case
from engine.errors import BadInput, WorkspaceError
from engine.inputs import read_script, read_script_config
from engine.model import namespace_of
from engine.transform import Script
from engine.workspace import Workspace
from engine.workspace_names import name_of


class SavedCase(msgspec.Struct, frozen=True):
    """One case on disk; nothing of it has been read. `folder` is the workspace's."""

    folder: Path
    config_id: str
    name: str

    @property
    def workspace(self) -> Workspace:
        """Where it is read from."""
        return Workspace(self.folder)

    @property
    def path(self) -> Path:
        """Its file."""
        return self.workspace.case_path(self.config_id, self.name)

    def read(self) -> Case:
        """Its content. Raises BadInput when it is damaged, WorkspaceError when it cannot be read."""
        return self.workspace.read_case(self.config_id, self.name)

    def read_script(self) -> Script:
        """The script it is a case of, which as on a worker may be that of its namespace.

        Raises:
            BadInput: there is none, it is not UTF-8, or its script_config is no JSON object.
        """
        for config_id in (self.config_id, namespace_of(self.config_id)):
            path = self.workspace.script_path(config_id)
            if path.exists():
                return Script.of(read_script(path), read_script_config(self.workspace.config_path(config_id)))
        path = self.workspace.script_path(self.config_id)
        raise WorkspaceError(path, "there is no such script.", f"Add it, or remove {self.path.parent}.")

    def in_words(self) -> dict[str, Any]:
        """What names it in a document."""
        return {"config_id": self.config_id, "case": self.name, "file": str(self.path)}


def discover(paths: Iterable[Path]) -> tuple[SavedCase, ...]:
    """The cases of each path in turn, by config_id and name, none twice.

    A path is a workspace, a script, a folder of cases (`tests` or `tests/<config_id>`), or a case.

    Raises:
        BadInput: a path is none of these, or cannot be read.
    """
    found: dict[Path, SavedCase] = {}
    for path in paths:
        for case in _cases_at(path):
            found.setdefault(case.path.resolve(), case)
    return tuple(found.values())


def cases_of(workspace: Workspace, config_id: str) -> tuple[SavedCase, ...]:
    """The cases of one script, by name."""
    return tuple(SavedCase(workspace.path, config_id, name) for name in workspace.cases(config_id))


def _cases_at(path: Path) -> tuple[SavedCase, ...]:
    if path.is_dir():
        return _cases_in(path)
    if not path.exists():
        raise BadInput("test", str(path), "there is no such file or folder.", "Check the path.")
    name = name_of(path.stem)
    if path.suffix == ".lua" and name is not None:
        return cases_of(Workspace(path.parent), name)
    whole = path.resolve()
    config_id = name_of(whole.parent.name)
    in_tests = path.suffix == ".json" and whole.parent.parent.name == "tests"
    if in_tests and name and config_id and name in Workspace(_up(path, 3)).cases(config_id):
        return (SavedCase(_up(path, 3), config_id, name),)
    raise BadInput(
        "test", str(path), "this is neither a script nor a test case.",
        "A case is a file tests/<config_id>/<case>.json of a workspace.",
    )  # fmt: skip


def _cases_in(folder: Path) -> tuple[SavedCase, ...]:
    whole = folder.resolve()
    config_id = name_of(whole.name)
    if whole.parent.name == "tests" and config_id is not None:
        return cases_of(Workspace(_up(folder, 2)), config_id)
    workspace = Workspace(_up(folder, 1) if whole.name == "tests" else folder)
    config_ids = workspace.case_folders()
    if not config_ids and not workspace.scripts():
        raise BadInput("test", str(folder), "there are no scripts and no cases in it.", "Name a workspace.")
    return tuple(case for config_id in config_ids for case in cases_of(workspace, config_id))


def _up(path: Path, levels: int) -> Path:
    """The folder so many levels up; relative where the path is, so that messages read as the command was typed."""
    short = len(path.parents) < levels or ".." in path.parts
    return (path.resolve() if short else path).parents[levels - 1]
