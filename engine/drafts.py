"""Keeps unsaved text on disk, so that a crash loses nothing: one file per document, replaced as a whole.

A draft file is one JSON line with its key and meta, a line break, and the text byte for byte. One that cannot be
read is set aside under another name and reported, never deleted: it may be all that is left of somebody's work.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from engine.atomic_file import write_atomically
from engine.errors import WorkspaceError

SUFFIX = ".draft"
SET_ASIDE = ".damaged"


class Draft(msgspec.Struct, frozen=True):
    """Unsaved text of one document; `key` and `meta` mean what the one who saves it wants (a path, a cursor)."""

    key: str
    data: bytes
    meta: dict[str, str] = {}


class _Head(msgspec.Struct, frozen=True):
    key: str
    meta: dict[str, str]
    size: int
    sha256: str  # a power cut can leave a file of the right size filled with zeros


class LoadedDrafts(msgspec.Struct, frozen=True):
    """All drafts that were found, sorted by key, and files that could not be read, at their new place."""

    drafts: tuple[Draft, ...]
    set_aside: tuple[Path, ...] = ()


class DraftStore:
    """The drafts of one folder, which is made when the first is saved. Every call works on the disk and blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, key: str, data: bytes, meta: dict[str, str] | None = None) -> None:
        """Keep a document's text in place of what was kept for it before.

        Raises:
            WorkspaceError: it cannot be written; what was kept before still is.
        """
        head = _Head(key, meta or {}, len(data), hashlib.sha256(data).hexdigest())
        path = self._path(key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(path, msgspec.json.encode(head) + b"\n" + data)
        except OSError as error:
            why = f"unsaved text cannot be kept safe there: {error.strerror or error}."
            raise WorkspaceError(path, why, "Save your files, and free some space on that disk.") from error

    def load_all(self) -> LoadedDrafts:
        """Everything that is kept. Raises WorkspaceError when the folder itself cannot be read."""
        drafts, set_aside = [], []
        try:
            paths = sorted(self._folder.glob(f"*{SUFFIX}"))
            for path in paths:
                draft = _decode(path.read_bytes())
                if draft is None:
                    set_aside.append(_put_aside(path))
                else:
                    drafts.append(draft)
        except OSError as error:
            raise WorkspaceError(
                self._folder, f"drafts cannot be read: {error.strerror or error}."
            ) from error
        return LoadedDrafts(tuple(sorted(drafts, key=lambda draft: draft.key)), tuple(set_aside))

    def discard(self, key: str) -> None:
        """Forget a document's draft, since it was saved or given up; nothing happens when there is none.

        Raises:
            WorkspaceError: its file cannot be removed.
        """
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise WorkspaceError(path, f"the draft cannot be removed: {error.strerror or error}.") from error

    def _path(self, key: str) -> Path:
        # Keys are paths and other free text; the real key is inside the file.
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}{SUFFIX}"


def _decode(content: bytes) -> Draft | None:
    head_line, _, data = content.partition(b"\n")
    try:
        head = msgspec.json.decode(head_line, type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if head.size != len(data) or head.sha256 != hashlib.sha256(data).hexdigest():
        return None
    return Draft(head.key, data, head.meta)


def _put_aside(path: Path) -> Path:
    """Rename a damaged file to a name no other file has."""
    number = 0
    while (place := path.with_name(f"{path.stem}-{number}{SET_ASIDE}")).exists():
        number += 1
    return path.rename(place)
