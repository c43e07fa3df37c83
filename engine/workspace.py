"""A workspace: a plain folder of scripts, their settings and their saved inputs, read and written safely.

Layout: `<config_id>.lua`, `<config_id>.json` (the script_config), `tests/<config_id>/<case>.json`, and beside a case
`<case>.fixtures.json`, the recorded answers to its module calls; `reviews/<config_id>.json`, who wrote and approved it.
Texts are exact bytes; a save replaces a file as a whole or not at all, and never over what someone else wrote
meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import msgspec

from engine.atomic_file import write_atomically
from engine.case_file import Case, decode_case, encode_case
from engine.display_json import check_json
from engine.errors import BadInput, WorkspaceError
from engine.workspace_names import file_stem, name_of

TRASH = ".trash"
REVIEWS = "reviews"
FIXTURES = ".fixtures"
"""How the stem of a file of recorded answers ends, so that no case may be named like this."""


class ChangedOnDisk(WorkspaceError):
    """The file is no longer what was read; saving would lose somebody's change."""

    def __init__(self, path: Path, *, deleted: bool) -> None:
        self.deleted = deleted
        what = "was deleted" if deleted else "was changed by another program"
        super().__init__(
            path, f"it {what} since it was read; nothing was saved.", "Reload it, or save anyway."
        )


class ScriptFile(msgspec.Struct, frozen=True):
    """A script in the folder, as listed: nothing of it has been read."""

    config_id: str
    path: Path
    size_bytes: int
    modified_ns: int


class FileText(msgspec.Struct, frozen=True):
    """The exact content of a file as it was read or saved."""

    path: Path
    data: bytes

    @property
    def text(self) -> str:
        """The content decoded; line ends are kept."""
        return self.data.decode("utf-8")

    @property
    def digest(self) -> str:
        """Lower-case hex SHA-256 of the content: for a script, the hash it is known by everywhere."""
        return hashlib.sha256(self.data).hexdigest()


ScriptText = FileText


class Workspace:
    """One folder, opened; holds no state but its path, so that what it answers is what is on disk now."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a folder. Raises WorkspaceError when it is missing, not a folder, or cannot be read."""
        if not path.exists():
            raise WorkspaceError(path, "there is no such folder.", "Choose another one, or create it.")
        if not path.is_dir():
            raise WorkspaceError(path, "this is a file, not a folder.", "Open the folder it is in.")
        workspace = cls(path)
        workspace.scripts()
        return workspace

    # Scripts.

    def scripts(self) -> tuple[ScriptFile, ...]:
        """The scripts, sorted by config_id; files whose name is no config_id are not among them."""
        found = []
        for entry in self._entries(self.path, ".lua"):
            config_id = name_of(entry.name[:-4])
            if config_id is not None:
                with contextlib.suppress(FileNotFoundError):  # deleted since the folder was listed
                    info = entry.stat()
                    found.append(ScriptFile(config_id, Path(entry.path), info.st_size, info.st_mtime_ns))
        return tuple(sorted(found, key=lambda script: script.config_id))

    def strange_files(self) -> tuple[Path, ...]:
        """Lua files that are no script of the workspace, because no config_id is written like their name."""
        entries = self._entries(self.path, ".lua")
        return tuple(sorted(Path(entry.path) for entry in entries if name_of(entry.name[:-4]) is None))

    def script_path(self, config_id: str) -> Path:
        """Where the script is, or would be. Raises BadInput for what cannot be a config_id."""
        return self.path / f"{file_stem(config_id)}.lua"

    def read_script(self, config_id: str) -> ScriptText:
        """The script's text.

        Raises:
            BadInput: it is not UTF-8; byte and line are named. The file is untouched.
            WorkspaceError: it is missing or cannot be read.
        """
        return _read_text(self.script_path(config_id))

    def save_script(self, config_id: str, data: bytes, since: ScriptText | None = None) -> ScriptText:
        """Replace the script's text, and return it as saved.

        Args:
            config_id: whose script it is.
            data: the new text, UTF-8.
            since: what was read; when the file is no longer that, nothing is saved. None saves in any case.

        Raises:
            ChangedOnDisk: somebody else changed or deleted it.
            WorkspaceError: it could not be written; the old file is unharmed.
        """
        return _save_text(self.script_path(config_id), data, since)

    def create(self, config_id: str, data: bytes = b"") -> ScriptText:
        """A new script. Raises WorkspaceError when there is one of that name, in any case of its letters."""
        path = self.script_path(config_id)
        self._refuse_taken(config_id, path)
        return _save_text(path, data, None)

    def rename(self, config_id: str, new_config_id: str) -> None:
        """Give a script, its settings, cases and review another name: all of them or, on an error, none."""
        path = self.script_path(new_config_id)
        self._refuse_taken(new_config_id, path, but=config_id)
        for taken in (
            self.config_path(new_config_id), self._case_folder(new_config_id), self.review_path(new_config_id),
        ):  # fmt: skip
            if taken.exists() and config_id.casefold() != new_config_id.casefold():
                raise WorkspaceError(
                    taken, "it would be overwritten.", "Move it away, or choose another name."
                )
        moves = [
            (self._case_folder(config_id), self._case_folder(new_config_id)),
            (self.config_path(config_id), self.config_path(new_config_id)),
            (self.review_path(config_id), self.review_path(new_config_id)),
            (self.script_path(config_id), path),
        ]
        _move_all([(old, new) for old, new in moves if old.exists()], path)

    def delete(self, config_id: str) -> Path:
        """Move a script, its settings, cases and review to the workspace's `.trash`; returns the folder they are in.

        Not the system's trash: a server has none. Not a new suffix beside the scripts: those would be committed.
        `.trash` is hidden, ignores itself in git, and on the same file system, so moving cannot fail half-way.
        """
        script = self.script_path(config_id)
        folder = self.new_trash_folder()
        moves = [
            (self._case_folder(config_id), folder / "tests" / file_stem(config_id)),
            (self.config_path(config_id), folder / self.config_path(config_id).name),
            (self.review_path(config_id), folder / REVIEWS / self.review_path(config_id).name),
            (script, folder / script.name),
        ]
        _move_all([(old, new) for old, new in moves if old.exists()], script)
        return folder

    def new_trash_folder(self) -> Path:
        """A folder of its own in `.trash`, with room for cases. Raises WorkspaceError when it cannot be made."""
        folder = self.path / TRASH / f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}"
        with _reporting(folder, "nothing was deleted"):
            (folder / "tests").mkdir(parents=True)
            (folder / REVIEWS).mkdir()
            (self.path / TRASH / ".gitignore").write_bytes(b"*\n")
        return folder

    def restore(self, trashed: Path) -> None:
        """Undo a `delete`: put back what its folder holds. Raises WorkspaceError when a file stands there again."""
        moves = [(old, self.path / old.name) for old in trashed.iterdir() if old.is_file()]
        for folder in ("tests", REVIEWS):
            moves += [(old, self.path / folder / old.name) for old in (trashed / folder).glob("*")]
        for _, new in moves:
            if new.exists():
                raise WorkspaceError(new, "it exists again; nothing was restored.", "Rename it first.")
        _move_all(moves, trashed)

    # Reviews: see `engine.scripts.review_store`.

    def review_path(self, config_id: str) -> Path:
        """Where the script's review is, or would be."""
        return self.path / REVIEWS / f"{file_stem(config_id)}.json"

    # Settings.

    def config_path(self, config_id: str) -> Path:
        """Where the script_config is, or would be."""
        return self.path / f"{file_stem(config_id)}.json"

    def read_config(self, config_id: str) -> FileText | None:
        """The text of the script_config, whether or not it is JSON (see `parse_config`); None when there is none."""
        path = self.config_path(config_id)
        return _read_text(path) if path.exists() else None

    def save_config(self, config_id: str, data: bytes, since: FileText | None = None) -> FileText:
        """Replace the script_config's text, as it is, even when it is not JSON yet. As `save_script`."""
        return _save_text(self.config_path(config_id), data, since)

    # Cases.

    def cases(self, config_id: str) -> tuple[str, ...]:
        """Names of the saved inputs, sorted."""
        folder = self._case_folder(config_id)
        if not folder.is_dir():
            return ()
        names = (name_of(entry.name[:-5]) for entry in self._entries(folder, ".json"))
        return tuple(sorted(name for name in names if name is not None and not name.endswith(FIXTURES)))

    def case_folders(self) -> tuple[str, ...]:
        """The config_ids that have a folder of cases, with or without a script, sorted."""
        tests = self.path / "tests"
        if not tests.is_dir():
            return ()
        with _reporting(tests, "the folder cannot be read"), os.scandir(tests) as entries:
            names = [name_of(entry.name) for entry in entries if entry.is_dir()]
        return tuple(sorted(name for name in names if name is not None))

    def case_path(self, config_id: str, name: str) -> Path:
        """Where a case is, or would be. Raises BadInput for what cannot be a name."""
        if name.endswith(FIXTURES):
            why = f"{FIXTURES} at the end is for files of recorded answers."
            raise BadInput("case name", repr(name), why, "Choose another name.")
        return self._case_folder(config_id) / f"{file_stem(name, 'case name')}.json"

    def fixtures_path(self, config_id: str, name: str) -> Path:
        """Where a case's recorded answers are, or would be. Raises BadInput for what cannot be a name."""
        return self.case_path(config_id, name).with_suffix(f"{FIXTURES}.json")

    def read_case(self, config_id: str, name: str) -> Case:
        """A saved input. Raises BadInput when it is damaged, WorkspaceError when it cannot be read."""
        path = self.case_path(config_id, name)
        return decode_case(_read(path), str(path))

    def save_case(self, config_id: str, name: str, case: Case) -> None:
        """Save an input under a name, over the one that has it. Raises WorkspaceError when it cannot be written."""
        path = self.case_path(config_id, name)
        with _reporting(path, "the case was not saved"):
            path.parent.mkdir(parents=True, exist_ok=True)
        _save_text(path, encode_case(case), None)

    def save_fixtures(self, config_id: str, name: str, data: bytes) -> None:
        """Save a case's recorded answers; older ones go to `.trash`. Raises WorkspaceError when that cannot be done."""
        path = self.fixtures_path(config_id, name)
        if path.exists() and _read(path) != data:
            _move_all([(path, self.new_trash_folder() / path.relative_to(self.path))], path)
        with _reporting(path, "the recorded answers were not saved"):
            path.parent.mkdir(parents=True, exist_ok=True)
        _save_text(path, data, None)

    def delete_case(self, config_id: str, name: str) -> None:
        """Remove a saved input and its recorded answers. Raises WorkspaceError when it cannot be removed."""
        path = self.case_path(config_id, name)
        with _reporting(path, "the case was not deleted"):
            path.unlink()
            self.fixtures_path(config_id, name).unlink(missing_ok=True)

    def _case_folder(self, config_id: str) -> Path:
        return self.path / "tests" / file_stem(config_id)

    def _refuse_taken(self, config_id: str, path: Path, but: str | None = None) -> None:
        """Names that differ in case only are one file on many systems, and a workspace travels by git."""
        for script in self.scripts():
            if script.config_id.casefold() == config_id.casefold() and script.config_id != but:
                raise WorkspaceError(
                    path, f"there is a script {script.config_id} already.", "Choose another name."
                )

    def _entries(self, folder: Path, suffix: str) -> Iterator[os.DirEntry[str]]:
        with _reporting(folder, "the folder cannot be read"), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix) and not entry.name.startswith(".") and entry.is_file():
                    yield entry


def parse_config(text: FileText) -> dict[str, Any]:
    """The settings that a script_config text holds.

    Raises:
        BadInput: it is not a JSON object; line and column are named.
    """
    if (problem := check_json(text.data)) is not None:
        raise BadInput("script_config", f"{text.path}:{problem.line}:{problem.column}", problem.message)
    try:
        return msgspec.json.decode(text.data, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadInput(
            "script_config", str(text.path), f"it is not an object of settings ({error})."
        ) from error


def _read(path: Path) -> bytes:
    with _reporting(path, "it cannot be read"):
        return path.read_bytes()


def _read_text(path: Path) -> FileText:
    data = _read(path)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            "file",
            f"{path}, line {line}",
            f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8 text; the file was left as it is.",
            "Convert it to UTF-8 with the program that wrote it.",
        ) from error
    return FileText(path, data)


def _save_text(path: Path, data: bytes, since: FileText | None) -> FileText:
    if since is not None:
        _refuse_changed(path, since)
    with _reporting(path, "the text was not saved, and the file on disk is as it was"):
        write_atomically(path, data)
    return FileText(path, data)


def _refuse_changed(path: Path, since: FileText) -> None:
    # Contents, not times: a checkout that brings the same text back is no change, and a change within one tick is.
    try:
        unchanged = path.read_bytes() == since.data
    except FileNotFoundError:
        raise ChangedOnDisk(path, deleted=True) from None
    except OSError:
        return  # saving will say what is wrong
    if not unchanged:
        raise ChangedOnDisk(path, deleted=False)


def _move_all(moves: list[tuple[Path, Path]], path: Path) -> None:
    """Rename each, or on the first failure put back those already renamed."""
    if not moves:
        raise WorkspaceError(path, "there is no such script.", "Look at the list of scripts again.")
    done: list[tuple[Path, Path]] = []
    with _reporting(path, "nothing was moved"):
        try:
            for old, new in moves:
                new.parent.mkdir(parents=True, exist_ok=True)
                old.rename(new)
                done.append((old, new))
        except OSError:
            for old, new in reversed(done):
                new.rename(old)
            raise


_REMEDIES = {
    errno.ENOSPC: "Free some space on that disk, then save again.",
    errno.EACCES: "Change the permissions, or work in another folder.",
    errno.EROFS: "The disk is read-only: save to another folder.",
}


@contextlib.contextmanager
def _reporting(path: Path, failed: str) -> Iterator[None]:
    """Turn what the system says into a WorkspaceError that says what it means."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise WorkspaceError(path, f"{failed}: {error.strerror or error}.", remedy) from error
