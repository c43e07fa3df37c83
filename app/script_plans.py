"""What the dialogs of approving and publishing show of a script and a cluster: the difference, versions, checks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from engine.display import DiffLine
from engine.display_diff import diff
from engine.model import ScriptConfig
from engine.scripts.publisher import Look, Publisher
from engine.scripts.review import Text
from engine.scripts.store import StepState, StoreReport
from widgets.cluster_rows import time_in_words
from widgets.profile_look import ProfileLook
from widgets.publish_plan import NO_VERSION, Version

if TYPE_CHECKING:  # its clients take long to load
    from engine.cluster.open_profile import OpenCluster
    from engine.cluster.profiles import Profile

NOTHING = ScriptConfig("", "", "")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One script and the cluster as they were looked at, with the difference."""

    look: Look
    who: str
    profile: Profile
    lines: tuple[DiffLine, ...]
    note: str
    published_by: str = ""  # who made live what is live, where the workspace knows

    @property
    def live_version(self) -> Version:
        """What is live, as the dialogs show it."""
        live = self.look.live
        if live is None:
            return NO_VERSION
        return Version(live.version, live.hash, time_in_words(live.updated_at), self.published_by)

    @property
    def approved(self) -> bool:
        """Whether this text may be published over this live script."""
        text, approval = self.look.text, self.look.review.approval
        if text is None or approval is None or not self.look.review.approves(text):
            return False
        return approval.looked_at.get(self.profile.name) == self.look.live_mark


async def prepare(
    publisher: Publisher, cluster: OpenCluster, config_id: str, new: ScriptConfig | None
) -> Prepared:
    """A look at a script, and its difference to `new`; None for the workspace's text."""
    look = await publisher.look(config_id)
    live = b"" if look.live is None else as_shown(look.live.lua_code, look.live.script_config or {})
    if new is not None:
        after = as_shown(new.lua_code, new.script_config or {})
    else:
        after = b"" if look.text is None else text_shown(look.text)
    lines, note = await asyncio.to_thread(diff, live, after)
    known = await asyncio.to_thread(publisher.journal.published_by, cluster.profile.name)
    by = known.get((config_id, look.live.hash), "") if look.live else ""
    return Prepared(look, publisher.who, cluster.profile, lines, note, by)


def text_shown(text: Text) -> bytes:
    """A workspace's script as differences show it."""
    return as_shown(text.source, text.config)


def as_shown(source: str, config: dict[str, Any]) -> bytes:
    """A script and its script_config as one text, for differences; each byte of the source counts."""
    if not config:
        return source.encode()
    lines = msgspec.json.format(msgspec.json.encode(config, order="sorted"), indent=2).decode()
    return f"{source}\n-- script_config\n{lines}\n".encode()


def look_of(profile: Profile) -> ProfileLook:
    """How a profile is recognised."""
    return ProfileLook(profile.name, profile.colour, profile.rules.production, profile.rules.read_only)


def mended(report: StoreReport, repair: StoreReport) -> StoreReport:
    """The report of a publication, with what a repair made of its steps."""
    new = {step.name: step for step in repair.steps}
    steps = [new.pop(step.name, step) for step in report.steps]
    done = tuple(step for step in [*steps, *new.values()] if step.state is not StepState.SKIPPED)
    return msgspec.structs.replace(report, steps=done)
