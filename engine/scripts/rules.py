"""What is demanded of a change to a cluster, and why nothing is sent: pure decisions about values."""

from __future__ import annotations

import enum
from typing import Protocol

from engine.errors import HowkError
from engine.model import ScriptConfig
from engine.scripts.approval import Checks
from engine.scripts.review import Review, Text


class Refusal(enum.StrEnum):
    """Why nothing was sent."""

    NOT_APPROVED = "not_approved"
    EDITED_AFTER_APPROVAL = "edited_after_approval"
    APPROVER_IS_AUTHOR = "approver_is_author"
    AUTHOR_UNKNOWN = "author_unknown"
    READ_ONLY = "read_only"
    NOT_CONFIRMED = "not_confirmed"
    CHECKS_FAILED = "checks_failed"
    CHANGED_SINCE = "changed_since"
    NOT_LOOKED_AT = "not_looked_at"
    UNKNOWN_VERSION = "unknown_version"


class PublishRefused(HowkError):
    """A rule forbids it, and nothing was sent; the sentence says what to do.

    `live` is what the cluster runs now, where that is the reason.
    """

    def __init__(self, reason: Refusal, why: str, live: ScriptConfig | None = None) -> None:
        self.reason, self.why, self.live = reason, why, live
        super().__init__(why)


class Rules(Protocol):
    """What a profile demands."""

    @property
    def read_only(self) -> bool:
        """Nothing may be changed."""
        ...

    @property
    def production(self) -> bool:
        """Each change is confirmed by typing what is changed where."""
        ...

    @property
    def approver_not_author(self) -> bool:
        """Nobody approves what they wrote."""
        ...


def demand_writable(profile: str, rules: Rules) -> None:
    """Refuses any change through a read-only profile, also one that decides nothing. Raises PublishRefused."""
    if rules.read_only:
        why = f"the profile {profile} is read-only: nothing can be changed through it."
        raise PublishRefused(Refusal.READ_ONLY, why)


def confirmation_of(config_id: str, profile: str, rules: Rules) -> str:
    """What must be typed before this script is changed there; empty where nothing must be."""
    return f"{profile}/{config_id}" if rules.production else ""


def demand_confirmed(config_id: str, profile: str, rules: Rules, confirmation: str) -> None:
    """Refuses a change that may not be made at all, or that was not confirmed. Raises PublishRefused."""
    demand_writable(profile, rules)
    wanted = confirmation_of(config_id, profile, rules)
    if wanted and confirmation != wanted:
        why = f"{profile} is production: confirm by typing {wanted}."
        raise PublishRefused(Refusal.NOT_CONFIRMED, why)


def demand_approved(text: Text, review: Review, profile: str, rules: Rules) -> str:
    """The mark of the live script whose difference was looked at before this text was approved for a profile.

    Raises:
        PublishRefused: there is no approval of exactly this text for this profile, or not by whom it demands.
    """
    config_id, approval = text.config_id, review.approval
    if approval is None:
        raise PublishRefused(Refusal.NOT_APPROVED, f"{config_id} is not approved: approve it first.")
    if not review.approves(text):
        why = (
            f"{config_id} was edited after {approval.who} approved it: "
            "the approval is void, approve it again."
        )
        raise PublishRefused(Refusal.EDITED_AFTER_APPROVAL, why)
    demand_approver(text, review, profile, rules, approval.who)
    if profile not in approval.looked_at:
        why = (
            f"{approval.who} approved {config_id} without looking at the difference to what is live on "
            f"{profile}: approve it for that profile too."
        )
        raise PublishRefused(Refusal.NOT_LOOKED_AT, why)
    return approval.looked_at[profile]


def demand_approver(text: Text, review: Review, profile: str, rules: Rules, approver: str) -> None:
    """Refuses an approver who wrote on the text, where a profile forbids that. Raises PublishRefused."""
    if not rules.approver_not_author:
        return
    if not any(author.wrote(text) for author in review.authors):
        why = (
            f"{profile} wants another approver than the author, and nobody is noted as the author of this "
            "text and script_config: save it in the studio first."
        )
        raise PublishRefused(Refusal.AUTHOR_UNKNOWN, why)
    if any(author.who == approver for author in review.authors_of(text, profile)):
        why = f"{profile} wants another approver than the author, and {approver} wrote on this text."
        raise PublishRefused(Refusal.APPROVER_IS_AUTHOR, why)


def demand_clean(config_id: str, checks: Checks) -> None:
    """Refuses a script with errors or with cases that are not green. Raises PublishRefused."""
    if checks.errors:
        first = checks.errors[0]
        why = f"{config_id} has an error in line {first.line}: {first.message}"
        raise PublishRefused(Refusal.CHECKS_FAILED, why)
    if checks.failed:
        names = ", ".join(checks.failed[:3]) + (" ..." if len(checks.failed) > 3 else "")
        why = f"{len(checks.failed)} of {checks.cases} cases of {config_id} fail: {names}."
        raise PublishRefused(Refusal.CHECKS_FAILED, why)
