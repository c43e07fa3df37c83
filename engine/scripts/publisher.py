"""The rules under which a workspace's scripts reach a cluster: approved, unchanged, looked at, allowed, confirmed.

Window and commands act through this class alone, so that no greyed button is all that stands between a draft and
production.
"""

from __future__ import annotations

import asyncio

import msgspec

from engine.errors import BadInput
from engine.go_time import go_time
from engine.model import ScriptConfig
from engine.sandbox.pool import EnginePool
from engine.scripts.approval import Checks, check_text, read_text
from engine.scripts.history import merged_history
from engine.scripts.journal import Act, Journal
from engine.scripts.review import Approval, Author, Review, Standing, Text, mark_of, short_mark, standing_of
from engine.scripts.review_store import ReviewStore
from engine.scripts.rules import (
    PublishRefused,
    Refusal,
    Rules,
    confirmation_of,
    demand_approved,
    demand_approver,
    demand_clean,
    demand_confirmed,
)
from engine.scripts.store import ScriptStore, Step, StepState, StoredVersion, StoreReport
from engine.scripts.versions import next_version
from engine.transform import Transformer
from engine.workspace import Workspace


class Look(msgspec.Struct, frozen=True):
    """Everything about one script towards one cluster, as it is now; `text` is None when it is not in the workspace."""

    config_id: str
    text: Text | None
    review: Review
    live: ScriptConfig | None
    standing: Standing | None
    version: str  # the next one

    @property
    def live_mark(self) -> str:
        """What to give as looked at, or as expected, by somebody who was shown this."""
        return mark_of(self.live)


class Publisher:
    """Acts on one cluster for one person.

    Args:
        workspace: where the scripts are.
        store: where they are published.
        profile: the cluster's name.
        rules: what it demands.
        pool, transformer: check scripts and run their cases, with the engine that the workers use.
        who: under which name acts are noted.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: ScriptStore,
        *,
        profile: str,
        rules: Rules,
        pool: EnginePool,
        transformer: Transformer,
        who: str,
    ) -> None:
        self._workspace, self._store, self._profile, self._rules = workspace, store, profile, rules
        self._pool, self._transformer, self.who = pool, transformer, who
        self.reviews, self.journal = ReviewStore(workspace), Journal(workspace)

    def confirmation(self, config_id: str) -> str:
        """What must be typed before this script is changed there; empty where nothing must be."""
        return confirmation_of(config_id, self._profile, self._rules)

    async def look(self, config_id: str) -> Look:
        """How a script stands.

        Raises:
            BadInput: a file of the workspace cannot be used.
            ClusterUnreachable: nobody can say what is live.
        """
        text = await asyncio.to_thread(self._text_if_there, config_id)
        review = await asyncio.to_thread(self.reviews.read, config_id)
        live = await self._store.live(config_id)
        standing = standing_of(text, review, self._profile, live) if text else None
        return Look(config_id, text, review, live, standing, next_version(live.version if live else ""))

    async def check(self, config_id: str) -> Checks:
        """What an approval would find now. Raises as `look`, and EngineUnavailable."""
        text = await asyncio.to_thread(read_text, self._workspace, config_id)
        return await check_text(self._workspace, config_id, text, self._pool, self._transformer)

    async def approve(
        self, config_id: str, looked_at: str, note: str = "", *, seen: Text | None = None
    ) -> Approval:
        """Approves the script as it is on disk.

        Args:
            config_id: whose script.
            looked_at: mark of the live script whose difference the approver has seen (`Look.live_mark`).
            note: for colleagues.
            seen: the text whose difference the approver has seen, where somebody may have written another since.

        Raises:
            PublishRefused: a check failed, the text or the live script is another one, or a rule forbids this approver.
            BadInput, ClusterUnreachable, EngineUnavailable: see `look` and `check`.
        """
        look = await self.look(config_id)
        text = await asyncio.to_thread(read_text, self._workspace, config_id)
        await self._demand_unchanged(config_id, looked_at, look.live)
        if seen is not None and seen != text:
            why = f"{config_id} was written anew since you looked. Look at the difference again."
            raise PublishRefused(Refusal.NOT_LOOKED_AT, why)
        demand_approver(text, look.review, self._profile, self._rules, self.who)
        checks = await check_text(self._workspace, config_id, text, self._pool, self._transformer)
        demand_clean(config_id, checks)
        known = look.review.approval
        still = known.looked_at if known is not None and look.review.approves(text) else {}
        approval = Approval(
            hash=text.hash,
            config_digest=text.config_digest,
            who=self.who,
            when=go_time(),
            note=note,
            cases=checks.cases,
            looked_at={**still, self._profile: looked_at},
            config_id=config_id,
        )
        await asyncio.to_thread(self.reviews.approve, config_id, approval)
        return approval

    async def publish(
        self, config_id: str, *, version: str = "", note: str = "", confirmation: str = ""
    ) -> StoreReport:
        """Publishes the approved text.

        Args:
            config_id: whose script.
            version: what it is called; the next one when empty.
            note: for the journal.
            confirmation: see `confirmation`.

        Raises:
            PublishRefused: a rule forbids it; nothing was sent.
            ClusterUnreachable, ClusterRefused: see `ScriptStore.put`.
            BadInput: a file of the workspace cannot be used.
        """
        demand_confirmed(config_id, self._profile, self._rules, confirmation)
        text = await asyncio.to_thread(read_text, self._workspace, config_id)
        review = await asyncio.to_thread(self.reviews.read, config_id)
        looked_at = demand_approved(text, review, self._profile, self._rules)
        live = await self._store.live(config_id)
        await self._demand_unchanged(config_id, looked_at, live)
        now = go_time()
        script = ScriptConfig(
            config_id=config_id,
            lua_code=text.source,
            hash=text.hash,
            version=version or next_version(live.version if live else ""),
            script_config=text.config or None,
            created_at=live.created_at if live else now,
            updated_at=now,
        )
        return await self._store_and_note(Act.PUBLISHED, script, live, note, authors=review.authors)

    async def roll_back(
        self, config_id: str, wanted: str, *, expected: str, note: str = "", confirmation: str = ""
    ) -> StoreReport:
        """Publishes an older version again; having been published once, it needs no other approval.

        Args:
            config_id: whose script.
            wanted: mark of the version.
            expected: mark of what is live as far as the person knows (`Look.live_mark`).
            note, confirmation: see `publish`.

        Raises as `publish`.
        """
        demand_confirmed(config_id, self._profile, self._rules, confirmation)
        live = await self._store.live(config_id)
        await self._demand_unchanged(config_id, expected, live)
        versions = [one.script for one in await self.history(config_id) if one.script is not None]
        found = next((script for script in versions if mark_of(script) == wanted), None)
        if found is None:
            why = f"no version of {config_id} known to the cluster or the journal is {short_mark(wanted)}."
            raise PublishRefused(Refusal.UNKNOWN_VERSION, why)
        script = msgspec.structs.replace(found, updated_at=go_time())
        return await self._store_and_note(Act.ROLLED_BACK, script, live, note)

    async def delete(
        self, config_id: str, *, expected: str, note: str = "", confirmation: str = ""
    ) -> StoreReport:
        """Deletes a script from the cluster; the workspace keeps it. Arguments and errors as `roll_back`."""
        demand_confirmed(config_id, self._profile, self._rules, confirmation)
        live = await self._store.live(config_id)
        await self._demand_unchanged(config_id, expected, live)
        if live is not None:  # so that the way back is there, whoever published it
            await asyncio.to_thread(self.journal.keep, live)
        report = await self._store.delete(config_id)
        return await self._noted(Act.DELETED, report, None, live, note)

    async def history(self, config_id: str) -> tuple[StoredVersion, ...]:
        """Every version that the cluster or the journal knows, the newest first. Raises ClusterUnreachable."""
        stored = await self._store.history(config_id)
        noted = await asyncio.to_thread(self.journal.history, config_id, self._profile)
        return merged_history(stored, noted)

    async def noted_repair(self, report: StoreReport) -> StoreReport:
        """Notes that the mirror was repaired."""
        return await self._noted(Act.REPAIRED, report, None, None, "")

    # Rules.

    async def _demand_unchanged(self, config_id: str, expected: str, live: ScriptConfig | None) -> None:
        """Refuses when something else is live than a person knows, and tells what."""
        if mark_of(live) == expected:
            return
        if live is None:
            now = "it is deleted"
        else:
            published_by = await asyncio.to_thread(self.journal.published_by, self._profile)
            who = published_by.get((config_id, live.hash), "")
            by = f" by {who}" if who else ""
            version = f"version {live.version or 'without a name'}"
            now = f"now it is {short_mark(mark_of(live))} ({version}, {live.updated_at}{by})"
        was = short_mark(expected) or "nothing"
        changed = f"{config_id} was changed on {self._profile} since you looked: it was {was}, {now}."
        raise PublishRefused(Refusal.CHANGED_SINCE, f"{changed} Look at the difference again.", live)

    # Acts.

    async def _store_and_note(
        self,
        act: Act,
        script: ScriptConfig,
        live: ScriptConfig | None,
        note: str,
        *,
        authors: tuple[Author, ...] = (),
    ) -> StoreReport:
        if live is not None:  # so that the way back is there, whoever published it
            await asyncio.to_thread(self.journal.keep, live)
        await asyncio.to_thread(self.journal.keep, script)
        report = await self._store.put(script)
        return await self._noted(act, report, script, live, note, authors=authors)

    async def _noted(
        self,
        act: Act,
        report: StoreReport,
        script: ScriptConfig | None,
        before: ScriptConfig | None,
        note: str,
        *,
        authors: tuple[Author, ...] = (),
    ) -> StoreReport:
        """The report, with one more step when what was done could not be noted."""
        live, previous = mark_of(script), mark_of(before)

        def write() -> None:
            self.journal.add(
                act, report, who=self.who, profile=self._profile, live=live, previous=previous, note=note
            )
            if act is Act.PUBLISHED:
                self.reviews.note_published(report.config_id, self._profile, live, authors)
            elif act is not Act.REPAIRED:
                self.reviews.note_withdrawn(report.config_id, self._profile, live, previous)

        try:
            await asyncio.to_thread(write)
        except BadInput as problem:
            failed = Step("journal", StepState.FAILED, str(problem))
            return msgspec.structs.replace(report, steps=(*report.steps, failed))
        return report

    def _text_if_there(self, config_id: str) -> Text | None:
        if not self._workspace.script_path(config_id).exists():
            return None
        return read_text(self._workspace, config_id)
