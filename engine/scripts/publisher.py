"""The rules under which a workspace's scripts reach a cluster: approved, unchanged, looked at, allowed, confirmed.

Window and commands act through this class alone, so that no greyed button is all that stands between a draft and
production.
"""

from __future__ import annotations

import asyncio
import enum
from typing import Protocol

import msgspec

from engine.errors import HowkError, WorkspaceError
from engine.go_time import go_time
from engine.model import ScriptConfig
from engine.sandbox.pool import EnginePool
from engine.scripts.approval import Checks, check_text, read_text
from engine.scripts.journal import Act, Journal
from engine.scripts.review import Approval, Review, Standing, Text, standing_of
from engine.scripts.review_store import ReviewStore
from engine.scripts.store import ScriptStore, Step, StepState, StoredVersion, StoreReport
from engine.scripts.versions import next_version
from engine.transform import Transformer
from engine.workspace import Workspace

SHORT = 12


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


class Look(msgspec.Struct, frozen=True):
    """Everything about one script towards one cluster, as it is now; `text` is None when it is not in the workspace."""

    config_id: str
    text: Text | None
    review: Review
    live: ScriptConfig | None
    standing: Standing | None
    version: str  # the next one


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
        return f"{self._profile}/{config_id}" if self._rules.production else ""

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
            looked_at: hash of the live script whose difference the approver has seen; empty when none was live.
            note: for colleagues.
            seen: the text whose difference the approver has seen, where somebody may have written another since.

        Raises:
            PublishRefused: a check failed, the text or the live script is another one, or a rule forbids this approver.
            BadInput, ClusterUnreachable, EngineUnavailable: see `look` and `check`.
        """
        look = await self.look(config_id)
        text = await asyncio.to_thread(read_text, self._workspace, config_id)
        if _hash(look.live) != looked_at:
            raise self._changed(config_id, looked_at, look.live)
        if seen is not None and seen != text:
            why = f"{config_id} was written anew since you looked. Look at the difference again."
            raise PublishRefused(Refusal.NOT_LOOKED_AT, why)
        self._check_approver(look.review, text, self.who)
        checks = await check_text(self._workspace, config_id, text, self._pool, self._transformer)
        _demand_clean(config_id, checks)
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
        self._check_rules(config_id, confirmation)
        text = await asyncio.to_thread(read_text, self._workspace, config_id)
        review = await asyncio.to_thread(self.reviews.read, config_id)
        looked_at = self._check_approval(config_id, review, text)
        live = await self._store.live(config_id)
        if _hash(live) != looked_at:
            raise self._changed(config_id, looked_at, live)
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
        return await self._store_and_note(Act.PUBLISHED, script, live, note)

    async def roll_back(
        self, config_id: str, wanted: str, *, expected: str, note: str = "", confirmation: str = ""
    ) -> StoreReport:
        """Publishes an older version again; having been published once, it needs no other approval.

        Args:
            config_id: whose script.
            wanted: hash of the version.
            expected: hash of what is live as far as the person knows.
            note, confirmation: see `publish`.

        Raises as `publish`.
        """
        self._check_rules(config_id, confirmation)
        live = await self._store.live(config_id)
        if _hash(live) != expected:
            raise self._changed(config_id, expected, live)
        versions = await self.history(config_id)
        found = next((one.script for one in versions if one.script and one.script.hash == wanted), None)
        if found is None:
            why = f"no version of {config_id} with the hash {wanted[:SHORT]} is known to the cluster or the journal."
            raise PublishRefused(Refusal.UNKNOWN_VERSION, why)
        script = msgspec.structs.replace(found, updated_at=go_time())
        return await self._store_and_note(Act.ROLLED_BACK, script, live, note)

    async def delete(
        self, config_id: str, *, expected: str, note: str = "", confirmation: str = ""
    ) -> StoreReport:
        """Deletes a script from the cluster; the workspace keeps it. Arguments and errors as `roll_back`."""
        self._check_rules(config_id, confirmation)
        live = await self._store.live(config_id)
        if _hash(live) != expected:
            raise self._changed(config_id, expected, live)
        report = await self._store.delete(config_id)
        return await self._noted(Act.DELETED, report, expected, note)

    async def history(self, config_id: str) -> tuple[StoredVersion, ...]:
        """Every version that the cluster or the journal knows, the newest first. Raises ClusterUnreachable."""
        stored = await self._store.history(config_id)
        noted = await asyncio.to_thread(self.journal.history, config_id, self._profile)
        return merged_history(stored, noted)

    async def noted_repair(self, report: StoreReport) -> StoreReport:
        """Notes that the mirror was repaired."""
        return await self._noted(Act.REPAIRED, report, report.hash, "")

    # Rules.

    def _check_rules(self, config_id: str, confirmation: str) -> None:
        if self._rules.read_only:
            why = f"the profile {self._profile} is read-only: nothing can be changed through it."
            raise PublishRefused(Refusal.READ_ONLY, why)
        wanted = self.confirmation(config_id)
        if wanted and confirmation != wanted:
            why = f"{self._profile} is production: confirm by typing {wanted}."
            raise PublishRefused(Refusal.NOT_CONFIRMED, why)

    def _check_approval(self, config_id: str, review: Review, text: Text) -> str:
        """The hash whose difference was looked at."""
        approval = review.approval
        if approval is None:
            raise PublishRefused(Refusal.NOT_APPROVED, f"{config_id} is not approved: approve it first.")
        if not review.approves(text):
            why = (
                f"{config_id} was edited after {approval.who} approved it: "
                "the approval is void, approve it again."
            )
            raise PublishRefused(Refusal.EDITED_AFTER_APPROVAL, why)
        self._check_approver(review, text, approval.who)
        if self._profile not in approval.looked_at:
            why = (
                f"{approval.who} approved {config_id} without looking at the difference to what is live on "
                f"{self._profile}: approve it for that profile too."
            )
            raise PublishRefused(Refusal.NOT_LOOKED_AT, why)
        return approval.looked_at[self._profile]

    def _check_approver(self, review: Review, text: Text, approver: str) -> None:
        if not self._rules.approver_not_author:
            return
        if not any(author.hash == text.hash for author in review.authors):
            why = (
                f"{self._profile} wants another approver than the author, and nobody is noted as the author of this "
                "text: save it in the studio first."
            )
            raise PublishRefused(Refusal.AUTHOR_UNKNOWN, why)
        if any(author.who == approver for author in review.authors):
            why = (
                f"{self._profile} wants another approver than the author, and {approver} wrote on this text."
            )
            raise PublishRefused(Refusal.APPROVER_IS_AUTHOR, why)

    def _changed(self, config_id: str, expected: str, live: ScriptConfig | None) -> PublishRefused:
        was = expected[:SHORT] or "nothing"
        if live is None:
            now = "it is deleted"
        else:
            who = self.journal.published_by(self._profile).get((config_id, live.hash), "")
            by = f" by {who}" if who else ""
            now = f"now it is {live.hash[:SHORT]} (version {live.version or 'without a name'}, {live.updated_at}{by})"
        changed = f"{config_id} was changed on {self._profile} since you looked: it was {was}, {now}."
        why = f"{changed} Look at the difference again."
        return PublishRefused(Refusal.CHANGED_SINCE, why, live)

    # Acts.

    async def _store_and_note(
        self, act: Act, script: ScriptConfig, live: ScriptConfig | None, note: str
    ) -> StoreReport:
        if live is not None:  # so that the way back is there, whoever published it
            await asyncio.to_thread(self.journal.keep, live)
        await asyncio.to_thread(self.journal.keep, script)
        report = await self._store.put(script)
        return await self._noted(act, report, _hash(live), note)

    async def _noted(self, act: Act, report: StoreReport, previous: str, note: str) -> StoreReport:
        """The report, with one more step when what was done could not be noted."""

        def write() -> None:
            self.journal.add(
                act, report, who=self.who, profile=self._profile, previous_hash=previous, note=note
            )
            if act is not Act.REPAIRED:
                withdrawn = "" if act is Act.PUBLISHED else previous
                self.reviews.note_published(report.config_id, self._profile, report.hash, withdrawn=withdrawn)

        try:
            await asyncio.to_thread(write)
        except WorkspaceError as problem:
            failed = Step("journal", StepState.FAILED, str(problem))
            return msgspec.structs.replace(report, steps=(*report.steps, failed))
        return report

    def _text_if_there(self, config_id: str) -> Text | None:
        if not self._workspace.script_path(config_id).exists():
            return None
        return read_text(self._workspace, config_id)


def merged_history(
    stored: tuple[StoredVersion, ...], noted: tuple[StoredVersion, ...]
) -> tuple[StoredVersion, ...]:
    """What the cluster holds, with who and why where the journal knows, and what only the journal remembers."""
    by_hash = {_hash(version.script): version for version in reversed(noted)}

    def told_more(one: StoredVersion) -> StoredVersion:
        known = by_hash.get(_hash(one.script))
        return msgspec.structs.replace(one, who=known.who, note=known.note) if known else one

    told = [told_more(one) for one in stored]
    held = {_hash(one.script) for one in stored}
    remembered = [one for one in noted if one.script is not None and _hash(one.script) not in held]
    return tuple(sorted([*told, *remembered], key=lambda one: one.published_at, reverse=True))


def _hash(script: ScriptConfig | None) -> str:
    return script.hash if script else ""


def _demand_clean(config_id: str, checks: Checks) -> None:
    if checks.errors:
        first = checks.errors[0]
        why = f"{config_id} has an error in line {first.line}: {first.message}"
        raise PublishRefused(Refusal.CHECKS_FAILED, why)
    if checks.failed:
        names = ", ".join(checks.failed[:3]) + (" ..." if len(checks.failed) > 3 else "")
        why = f"{len(checks.failed)} of {checks.cases} cases of {config_id} fail: {names}."
        raise PublishRefused(Refusal.CHECKS_FAILED, why)
