"""What a workspace knows of a script's way to a cluster: who wrote it, who approved it, and how it stands.

Kept beside the scripts as `reviews/<config_id>.json`, so that it travels with them through version control.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Any

import msgspec

from engine.model import ScriptConfig, script_hash

CONFIG_CHARACTERS = 16
SHORT_HASH, SHORT_CONFIG = 12, 6


class Standing(enum.StrEnum):
    """How a script of the workspace stands towards one cluster."""

    DRAFT = "draft"  # nobody approved this text
    APPROVED = "approved"  # this text may be published
    LIVE = "live"  # this text is what the cluster runs
    DRIFTED = (
        "drifted"  # the cluster runs what this workspace never published or saw: somebody else changed it
    )


class Author(msgspec.Struct, frozen=True):
    """Someone who saved the script, and what they saved last.

    Attributes:
        who, when: time is RFC 3339 in UTC.
        hash, config_digest: of the script's bytes, and of its script_config; empty when that is none.
        settled: the profiles on which all that they wrote is live.
    """

    who: str
    hash: str
    when: str
    config_digest: str = ""
    settled: tuple[str, ...] = ()

    def wrote(self, text: Text) -> bool:
        """Whether they saved exactly this text and script_config."""
        return (self.hash, self.config_digest) == (text.hash, text.config_digest)


class Approval(msgspec.Struct, frozen=True):
    """One approval of one exact text and script_config; any edit of either voids it.

    Attributes:
        config_id: whose script it was; a renamed one is another.
        hash, config_digest: of the script's bytes, and of its script_config.
        who, when, note: the approver; time is RFC 3339 in UTC.
        cases: how many test cases were green.
        looked_at: profile name -> mark of the live script whose difference was looked at (see `mark_of`).
    """

    hash: str
    config_digest: str
    who: str
    when: str
    note: str = ""
    cases: int = 0
    looked_at: dict[str, str] = {}
    config_id: str = ""


class Review(msgspec.Struct, frozen=True):
    """Everything known of one script; `published` is profile name -> mark that this workspace last knew live there."""

    authors: tuple[Author, ...] = ()
    approval: Approval | None = None
    published: dict[str, str] = {}

    def approves(self, text: Text) -> bool:
        """Whether there is an approval of exactly this text and script_config."""
        approval = self.approval
        return approval is not None and (approval.config_id, approval.hash, approval.config_digest) == (
            text.config_id, text.hash, text.config_digest,
        )  # fmt: skip

    def authors_of(self, text: Text, profile: str) -> tuple[Author, ...]:
        """Those who wrote on this text, but for what is live on a profile already."""
        return tuple(one for one in self.authors if one.wrote(text) or profile not in one.settled)


class Text(msgspec.Struct, frozen=True):
    """A script as the workspace holds it: its UTF-8 source, its script_config, and whose it is."""

    source: str
    config: dict[str, Any]
    config_id: str = ""

    @property
    def hash(self) -> str:
        """What the text is known by everywhere."""
        return script_hash(self.source)

    @property
    def config_digest(self) -> str:
        """What the script_config is known by in a review: independent of how its JSON is written."""
        return digest_of(self.config)

    def as_script(self) -> ScriptConfig:
        """The text as a cluster would hold it, without version and times."""
        return ScriptConfig(self.config_id, self.source, self.hash, script_config=self.config or None)

    def is_what(self, script: ScriptConfig | None) -> bool:
        """Whether this is what a cluster runs."""
        return script is not None and (self.hash, self.config) == (script.hash, script.script_config or {})


def digest_of(config: dict[str, Any] | None) -> str:
    """Lower-case hex SHA-256 of a script_config's JSON with sorted keys; none is as good as an empty one."""
    return hashlib.sha256(msgspec.json.encode(config or {}, order="sorted")).hexdigest()


_NO_CONFIG = digest_of(None)


def mark_of(script: ScriptConfig | None) -> str:
    """What a published script is recognised by: its hash, and what its script_config says where it has one.

    Empty for no script. The hash alone would not tell when somebody changes the script_config only.
    """
    return "" if script is None else mark(script.hash, digest_of(script.script_config))


def mark(script_hash: str, config_digest: str) -> str:
    """See `mark_of`."""
    if config_digest == _NO_CONFIG:
        return script_hash
    return f"{script_hash}+{config_digest[:CONFIG_CHARACTERS]}"


def short_mark(mark: str) -> str:
    """A mark as people tell it: enough of it to be recognised."""
    script_hash, plus, config = mark.partition("+")
    return f"{script_hash[:SHORT_HASH]}{plus}{config[:SHORT_CONFIG]}"


def standing_of(text: Text, review: Review, profile: str, live: ScriptConfig | None) -> Standing:
    """How a script of the workspace stands towards a cluster.

    Args:
        text: what the workspace holds.
        review: what is known of it.
        profile: name of the cluster's profile.
        live: what it runs now.
    """
    if text.is_what(live):
        return Standing.LIVE
    live_mark = mark_of(live)
    if review.approves(text) and review.approval is not None:
        looked_at = review.approval.looked_at.get(profile)
        if looked_at == live_mark or not live_mark:
            return Standing.APPROVED
    if live_mark and live_mark != review.published.get(profile):
        return Standing.DRIFTED
    return Standing.DRAFT
