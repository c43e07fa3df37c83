"""What is about to change on a cluster, as a value: what goes where, over what, and what was checked before."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from engine.scripts.store import StepState, StoreReport
from widgets.check_list import Check
from widgets.profile_look import ProfileLook

SHORT_HASH = 12


class Change(enum.StrEnum):
    """What is done to the script; the values begin sentences."""

    PUBLISH = "Publish"
    ROLL_BACK = "Roll back"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a script; an empty hash means that there is none. `when` is text for people."""

    version: str = ""
    hash: str = ""
    when: str = ""
    who: str = ""


NO_VERSION = Version()


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """One change of one script on one cluster.

    Attributes:
        live: what the cluster runs now.
        new: what it will run; for a deletion nothing.
        checks: all must have passed.
    """

    config_id: str
    profile: ProfileLook
    new: Version
    live: Version = NO_VERSION
    checks: tuple[Check, ...] = ()
    change: Change = Change.PUBLISH

    def title(self, version: str) -> str:
        """What will be done, in one line, for the `version` that is typed now."""
        if self.change is Change.DELETE:
            return f"Delete {self.config_id} from {self.profile.name}"
        words = {Change.PUBLISH: ("Publish", "to"), Change.ROLL_BACK: ("Roll back", "on")}
        verb, where = words[self.change]
        number = f" version {version}" if version and self.change is Change.PUBLISH else ""
        back = f" to {self.new.version or self.new.hash[:SHORT_HASH]}" * (self.change is Change.ROLL_BACK)
        return f"{verb} {self.config_id}{number}{back} {where} {self.profile.name}"

    def confirmation(self) -> str:
        """What must be typed before production is changed; empty elsewhere."""
        return f"{self.profile.name}/{self.config_id}" if self.profile.production else ""


def is_live(report: StoreReport) -> bool:
    """Whether the source of truth has taken the change."""
    return any(step.name in {"kafka", "api"} and step.state is StepState.DONE for step in report.steps)


def result_sentence(plan: PublishPlan, report: StoreReport) -> str:
    """What became of it, for people."""
    what = plan.config_id if plan.change is Change.DELETE else f"{plan.config_id} version {report.version}"
    done = "is deleted from" if plan.change is Change.DELETE else "is live on"
    failed = report.failure()
    if failed is None:
        return f"{what} {done} {plan.profile.name}."
    if not is_live(report):
        return f"Nothing was changed: {failed.detail}"
    if failed.name == "redis":
        return (
            f"{what} {done} {plan.profile.name}: Kafka has it. "
            f"The Redis mirror was not written: {failed.detail} "
            "Repair writes the mirror again; nothing is published twice."
        )
    return (
        f"{what} was accepted by {plan.profile.name}, but reading it back did not confirm it: {failed.detail}"
    )
