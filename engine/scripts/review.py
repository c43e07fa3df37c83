"""What a workspace knows of a script's way to a cluster: who wrote it, who approved it, and how it stands.

Kept beside the scripts as `reviews/<config_id>.json`, so that it travels with them through version control.
"""

from __future__ import annotations

import enum

import msgspec


class Standing(enum.StrEnum):
    """How a script of the workspace stands towards one cluster."""

    DRAFT = "draft"  # nobody approved this text
    APPROVED = "approved"  # this text may be published
    LIVE = "live"  # this text is what the cluster runs
    DRIFTED = (
        "drifted"  # the cluster runs what this workspace never published or saw: somebody else changed it
    )


class Author(msgspec.Struct, frozen=True):
    """Someone who saved the script since it was last live. Times are RFC 3339 in UTC."""

    who: str
    hash: str
    when: str


class Approval(msgspec.Struct, frozen=True):
    """One approval of one exact text and script_config; any edit of either voids it.

    Attributes:
        hash, config_digest: of the script's bytes, and of its script_config.
        who, when, note: the approver; time is RFC 3339 in UTC.
        cases: how many test cases were green.
        looked_at: profile name -> hash of the live script whose difference was looked at; empty when none was live.
    """

    hash: str
    config_digest: str
    who: str
    when: str
    note: str = ""
    cases: int = 0
    looked_at: dict[str, str] = {}


class Review(msgspec.Struct, frozen=True):
    """Everything known of one script; `published` is profile name -> hash that this workspace last knew live there."""

    authors: tuple[Author, ...] = ()
    approval: Approval | None = None
    published: dict[str, str] = {}
