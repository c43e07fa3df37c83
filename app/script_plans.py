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
    return Prepared(look, publisher.who, cluster.profile, lines, note)


def text_shown(text: Text) -> bytes:
    """A workspace's script as differences show it."""
    return as_shown(text.source, text.config)


def as_shown(source: str, config: dict[str, Any]) -> bytes:
    """A script and its script_config as one text, for differences."""
    if not config:
        return source.encode()
    lines = msgspec.json.format(msgspec.json.encode(config, order="sorted"), indent=2).decode()
    return f"{source.rstrip()}\n\n-- script_config\n{lines}\n".encode()


def look_of(profile: Profile) -> ProfileLook:
    """How a profile is recognised."""
    return ProfileLook(profile.name, profile.colour, profile.rules.production, profile.rules.read_only)


def live_version(live: ScriptConfig | None) -> Version:
    """What is live, as the dialogs show it."""
    return Version(live.version, live.hash, minute(live.updated_at)) if live else NO_VERSION


def minute(time: str) -> str:
    """`2026-11-24T10:02:13.5Z` as people read it."""
    return time[:16].replace("T", " ")


def mended(report: StoreReport, repair: StoreReport) -> StoreReport:
    """The report of a publication, with what a repair made of its steps."""
    new = {step.name: step for step in repair.steps}
    steps = [new.pop(step.name, step) for step in report.steps]
    done = tuple(step for step in [*steps, *new.values()] if step.state is not StepState.SKIPPED)
    return msgspec.structs.replace(report, steps=done)
