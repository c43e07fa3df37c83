"""Reviews on disk: `reviews/<config_id>.json` beside the scripts, one readable file for each script."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from engine.atomic_file import write_atomically
from engine.errors import BadInput, WorkspaceError
from engine.go_time import go_time
from engine.scripts.review import Approval, Author, Review, digest_of, mark
from engine.workspace import FileText, Workspace, parse_config


def saved_config_digest(config: FileText | None) -> str:
    """What a script_config as it was saved is known by in a review; empty when it is no JSON object."""
    try:
        return digest_of(parse_config(config) if config else None)
    except BadInput:
        return ""


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

    def note_saved(self, config_id: str, who: str, script_hash: str, config_digest: str) -> None:
        """Notes that somebody saved this text and this script_config (`digest_of`; empty when that is none)."""
        review = self.read(config_id)
        others = tuple(author for author in review.authors if author.who != who)
        mine = Author(who, script_hash, go_time(), config_digest)
        self.write(config_id, replace(review, authors=(*others, mine)))

    def approve(self, config_id: str, approval: Approval) -> None:
        """Notes an approval, in the place of an earlier one."""
        self.write(config_id, replace(self.read(config_id), approval=approval))

    def note_published(self, config_id: str, profile: str, live: str, authors: tuple[Author, ...]) -> None:
        """Notes that the workspace's text is live on a profile.

        Args:
            config_id: whose script.
            profile: where.
            live: its mark.
            authors: of that text; who has saved since is none of them, and stays one of the next text.
        """
        review = self.read(config_id)
        settled = tuple(
            replace(one, settled=tuple(sorted({*one.settled, profile}))) if one in authors else one
            for one in review.authors
        )
        published = {**review.published, profile: live}
        self.write(config_id, replace(review, published=published, authors=settled))

    def note_withdrawn(self, config_id: str, profile: str, live: str, withdrawn: str) -> None:
        """Notes that something was taken back from a profile: it needs a new approval, its authors are such again.

        Args:
            config_id: whose script.
            profile: where.
            live: mark of what is live instead; empty for nothing.
            withdrawn: mark of what was.
        """
        review = self.read(config_id)
        approval = review.approval
        if approval is not None and mark(approval.hash, approval.config_digest) == withdrawn:
            approval = None
        authors = tuple(
            replace(one, settled=tuple(name for name in one.settled if name != profile))
            for one in review.authors
        )
        published = {**review.published, profile: live}
        self.write(config_id, replace(review, published=published, approval=approval, authors=authors))
