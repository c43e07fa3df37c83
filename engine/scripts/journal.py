"""What was done to clusters from this workspace: one line for each act, and the texts that were published.

Kept in the workspace as `reviews/journal.jsonl` and `reviews/versions/<config_id>/<mark>.json`, so that a rollback
works when the topic has forgotten a version, and colleagues see who did what.
"""

from __future__ import annotations

import enum
import os
from pathlib import Path

import msgspec

from engine.atomic_file import write_atomically
from engine.errors import WorkspaceError
from engine.go_time import go_time, unix_ns_of
from engine.model import ScriptConfig
from engine.scripts.record import BadScriptRecord, decode_script, encode_script
from engine.scripts.review import mark_of
from engine.scripts.store import StoredVersion, StoreReport
from engine.workspace import REVIEWS, Workspace
from engine.workspace_names import file_stem


class Act(enum.StrEnum):
    """What was done."""

    PUBLISHED = "published"
    ROLLED_BACK = "rolled_back"
    DELETED = "deleted"
    REPAIRED = "repaired"


class Entry(msgspec.Struct, frozen=True):
    """One act.

    Attributes:
        hash, mark: of what is live by it (see `engine.scripts.review.mark_of`); empty for a deletion.
        previous: mark of what was live before.
        failed: which step did not succeed, and why.
    """

    when: str
    who: str
    profile: str
    act: Act
    config_id: str
    hash: str = ""
    version: str = ""
    mark: str = ""
    previous: str = ""
    note: str = ""
    failed: str = ""


class Journal:
    """The journal of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._file = workspace.path / REVIEWS / "journal.jsonl"
        self._versions = workspace.path / REVIEWS / "versions"

    def add(
        self,
        act: Act,
        report: StoreReport,
        *,
        who: str,
        profile: str,
        live: str = "",
        previous: str = "",
        note: str = "",
    ) -> None:
        """Notes an act. Raises WorkspaceError when it cannot be written; the act itself has been done.

        Args:
            act, report: what was done, and what became of it.
            who, profile, note: who did it, where, and why.
            live, previous: marks of what is live now, and of what was before.
        """
        failure = report.failure()
        entry = Entry(
            when=go_time(),
            who=who,
            profile=profile,
            act=act,
            config_id=report.config_id,
            hash=report.hash,
            version=report.version,
            mark=live,
            previous=previous,
            note=note,
            failed=f"{failure.name}: {failure.detail}" if failure else "",
        )
        line = msgspec.json.encode(entry) + b"\n"
        try:
            self._file.parent.mkdir(exist_ok=True)
            # One write at the end of the file: what two programs append stays apart.
            descriptor = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                torn = os.fstat(descriptor).st_size > 0 and not self._ends_a_line(descriptor)
                os.write(descriptor, b"\n" + line if torn else line)
            finally:
                os.close(descriptor)
        except OSError as problem:
            raise WorkspaceError(self._file, f"it cannot be written: {problem.strerror}.") from problem

    @staticmethod
    def _ends_a_line(descriptor: int) -> bool:
        os.lseek(descriptor, -1, os.SEEK_END)
        return os.read(descriptor, 1) == b"\n"

    def keep(self, script: ScriptConfig) -> None:
        """Keeps a version's text, before it is published. Raises WorkspaceError when it cannot be written."""
        path = self._version_path(script.config_id, mark_of(script))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, encode_script(script))
        except OSError as problem:
            raise WorkspaceError(path, f"it cannot be written: {problem.strerror}.") from problem

    def entries(self) -> tuple[Entry, ...]:
        """Everything that was noted, the oldest first; lines that cannot be read are passed over."""
        try:
            lines = self._file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as problem:
            raise WorkspaceError(self._file, f"it cannot be read: {problem.strerror}.") from problem
        found = []
        for line in lines:
            try:
                found.append(msgspec.json.decode(line, type=Entry))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # torn, or of a later version
        return tuple(found)

    def history(self, config_id: str, profile: str) -> tuple[StoredVersion, ...]:
        """The versions of a script that were published to a profile from here, the newest first.

        After them come those of others that they replaced.
        """
        entries = [
            entry
            for entry in reversed(self.entries())
            if (entry.config_id, entry.profile) == (config_id, profile) and entry.act is not Act.REPAIRED
        ]
        ours = [self._as_version(entry) for entry in entries]
        known = {_mark(entry) for entry in entries}
        others = dict.fromkeys(entry.previous for entry in entries if entry.previous not in known)
        replaced = [script for name in others if (script := self.version(config_id, name)) is not None]
        return (
            *(one for one in ours if one is not None),
            *(
                StoredVersion(script, "journal, replaced", _milliseconds(script.updated_at))
                for script in replaced
            ),
        )

    def _as_version(self, entry: Entry) -> StoredVersion | None:
        """What an entry published; None when it was not kept."""
        script = self.version(entry.config_id, _mark(entry)) if entry.hash else None
        if entry.hash and script is None:
            return None
        place = f"journal, {entry.act.value.replace('_', ' ')}"
        return StoredVersion(script, place, _milliseconds(entry.when), entry.who, entry.note)

    def version(self, config_id: str, wanted: str) -> ScriptConfig | None:
        """The version with a mark; None when it was not kept, or its file was damaged."""
        if not wanted:
            return None
        try:
            script = decode_script(self._version_path(config_id, wanted).read_bytes(), config_id)
        except (OSError, BadScriptRecord):
            return None
        return script if wanted in (mark_of(script), script.hash) else None

    def published_by(self, profile: str) -> dict[tuple[str, str], str]:
        """(config_id, hash) -> who published it to a profile last."""
        return {
            (entry.config_id, entry.hash): entry.who
            for entry in self.entries()
            if entry.profile == profile and entry.act is not Act.REPAIRED
        }

    def _version_path(self, config_id: str, wanted: str) -> Path:
        return self._versions / file_stem(config_id) / f"{wanted}.json"


def _mark(entry: Entry) -> str:
    return entry.mark or entry.hash


def _milliseconds(when: str) -> int:
    try:
        return unix_ns_of(when) // 1_000_000
    except ValueError:
        return 0
