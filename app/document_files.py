"""Reads and writes the files of one script: text, script_config, saved cases, drafts. Blocks; for the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from app.inputs import Inputs
from engine.drafts import Draft, DraftStore
from engine.errors import BadInput, HowkError
from engine.workspace import ChangedOnDisk, FileText, Workspace

SCRIPT, INPUT = "script", "input"
PARTS = (SCRIPT, INPUT)
"""What is drafted of a script: its text with its settings, and what the preview runs it on."""


@dataclass(frozen=True, slots=True)
class ScriptFiles:
    """A script as read from disk with what belongs to it; `note` says what of that could not be read."""

    config_id: str
    script: FileText
    modified_ns: int
    config: FileText | None
    inputs: Inputs
    drafts: tuple[Draft, ...]
    note: str


@dataclass(frozen=True, slots=True)
class SavedFiles:
    """What a save wrote; `problem` is what kept it from writing the script_config too."""

    script: FileText
    modified_ns: int
    config: FileText | None
    problem: HowkError | None = None


def draft_key(folder: Path, config_id: str, part: str) -> str:
    """How a draft is found again: the workspace, the script, and which of PARTS it is."""
    return f"{folder}\n{config_id}\n{part}"


def read_files(workspace: Workspace, drafts: DraftStore, config_id: str) -> ScriptFiles:
    """A script, its settings, an input to try it on, and unsaved work on them.

    Raises:
        HowkError: the script itself cannot be read.
    """
    modified_ns = _modified_ns(workspace.script_path(config_id))
    script = workspace.read_script(config_id)
    note = ""
    try:
        config = workspace.read_config(config_id)
    except HowkError as problem:
        config, note = None, str(problem)
    inputs = Inputs.default(config_id)
    try:
        cases = workspace.cases(config_id)
        if cases:
            inputs = read_case(workspace, config_id, cases[0])
    except HowkError as problem:
        note = str(problem)
    keys = {draft_key(workspace.path.resolve(), config_id, part) for part in PARTS}
    own = tuple(draft for draft in drafts.load_all().drafts if draft.key in keys)
    return ScriptFiles(config_id, script, modified_ns, config, inputs, own, note)


def read_case(workspace: Workspace, config_id: str, name: str) -> Inputs:
    """The inputs of a saved case. Raises BadInput when it is damaged, WorkspaceError when it cannot be read."""
    case = workspace.read_case(config_id, name)
    try:
        inputs = Inputs.of_case(case, config_id)
    except msgspec.ValidationError as problem:
        place = str(workspace.case_path(config_id, name))
        raise BadInput("test case", place, f"{problem}.", "Mend its metadata.") from problem
    return replace(inputs, recordings=workspace.fixtures_path(config_id, name))


def discard_drafts(workspace: Workspace, drafts: DraftStore, config_id: str) -> None:
    """Forgets unsaved work on a script. Raises WorkspaceError when it cannot be removed."""
    for part in PARTS:
        drafts.discard(draft_key(workspace.path.resolve(), config_id, part))


@dataclass(frozen=True, slots=True)
class Save:
    """What is to be written where: texts as they are now, and the files as they were read."""

    config_id: str
    text: bytes
    saved: FileText | None
    config: str
    saved_config: FileText | None
    anyway: bool = False
    """Also over what another program wrote since."""


def write_files(workspace: Workspace, save: Save) -> SavedFiles:
    """Writes what changed, the script first.

    Raises:
        ChangedOnDisk: another program changed the script; nothing was written.
        WorkspaceError: the script could not be written; its file is unharmed.
    """
    script = _write_script(workspace, save)
    modified_ns = _modified_ns(script.path)
    try:
        return SavedFiles(script, modified_ns, _write_config(workspace, save))
    except HowkError as problem:
        return SavedFiles(script, modified_ns, save.saved_config, problem)


def _write_script(workspace: Workspace, save: Save) -> FileText:
    saved = save.saved
    if saved is not None and save.text == saved.data and _holds(saved):
        return saved
    return workspace.save_script(save.config_id, save.text, None if save.anyway else saved)


def _write_config(workspace: Workspace, save: Save) -> FileText | None:
    saved = save.saved_config
    if save.config == (saved.text if saved else ""):
        return saved
    path = workspace.config_path(save.config_id)
    if saved is None and path.exists() and not save.anyway:  # it could not be read, or is new since then
        raise ChangedOnDisk(path, deleted=False)
    return workspace.save_config(save.config_id, save.config.encode(), None if save.anyway else saved)


def _holds(file: FileText) -> bool:
    try:
        return file.path.read_bytes() == file.data
    except OSError:
        return False


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
