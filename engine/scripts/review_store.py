"""Reviews on disk: `reviews/<config_id>.json` beside the scripts, one readable file for each script."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.atomic_file import write_atomically
from engine.errors import BadInput, WorkspaceError
from engine.go_time import go_time
from engine.scripts.review import Approval, Author, Review
from engine.workspace import Workspace


class ReviewStore:
    """The reviews of one workspace. Holds nothing: what it answers is what is on disk now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def path(self, config_id: str) -> Path:
        """Where a script's review is, or would be."""
        return self._workspace.review_path(config_id)

    def read(self, config_id: str) -> Review:
        """The review of a script; an empty one when there is none.

        Raises:
            BadInput: the file is none; it is left as it is.
        """
        path = self.path(config_id)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return Review()
        except OSError as problem:
            raise WorkspaceError(path, f"it cannot be read: {problem.strerror}.") from problem
        try:
            return msgspec.json.decode(data, type=Review)
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise BadInput(
                "review",
                str(path),
                f"{problem}.",
                "Mend it, or move it away: the script then needs a new approval.",
            ) from problem

    def write(self, config_id: str, review: Review) -> None:
        """Replaces a review. Raises WorkspaceError when it cannot be written; the old one is unharmed."""
        path = self.path(config_id)
        try:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, msgspec.json.format(msgspec.json.encode(review), indent=2) + b"\n")
        except OSError as problem:
            raise WorkspaceError(path, f"it cannot be written: {problem.strerror}.") from problem

    def note_saved(self, config_id: str, who: str, script_hash: str) -> None:
        """Notes that somebody saved this text. Its authors are those who saved since a text of theirs was published."""
        review = self.read(config_id)
        authors = review.authors
        if authors and authors[-1].hash in review.published.values():
            authors = ()
        others = tuple(author for author in authors if author.who != who)
        mine = Author(who, script_hash, go_time())
        self.write(config_id, msgspec.structs.replace(review, authors=(*others, mine)))

    def approve(self, config_id: str, approval: Approval) -> None:
        """Notes an approval, in the place of an earlier one."""
        self.write(config_id, msgspec.structs.replace(self.read(config_id), approval=approval))

    def note_published(self, config_id: str, profile: str, script_hash: str, *, withdrawn: str = "") -> None:
        """Notes what is live on a profile by our doing; empty for nothing.

        Args:
            config_id: whose script.
            profile: where.
            script_hash: what is live now.
            withdrawn: hash of a text that was taken back: what somebody rolled back needs a new approval.
        """
        review = self.read(config_id)
        approval = review.approval
        if approval is not None and approval.hash == withdrawn:
            approval = None
        published = {**review.published, profile: script_hash}
        self.write(config_id, msgspec.structs.replace(review, published=published, approval=approval))
