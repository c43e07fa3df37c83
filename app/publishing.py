"""The dialogs in which a script is approved, published, rolled back or deleted: what they show, and what follows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.cluster_service import ClusterService
from app.documents import Documents
from app.messages import Messages
from app.theming import Theming
from engine.display import DiffLine
from engine.display_diff import diff
from engine.model import ScriptConfig
from engine.scripts.approval import Checks
from engine.scripts.publisher import Look, Publisher, PublishRefused, Refusal
from engine.scripts.review import Text
from engine.scripts.store import StepState, StoredVersion, StoreReport
from widgets.approve_dialog import ApprovalPlan, ApproveDialog
from widgets.check_list import Check, CheckState
from widgets.profile_look import ProfileLook
from widgets.publish_dialog import PublishDialog
from widgets.publish_plan import NO_VERSION, Change, PublishPlan, Version

if TYPE_CHECKING:  # its clients take long to load
    from engine.cluster.open_profile import OpenCluster
    from engine.cluster.profiles import Profile

CASES, PROBLEMS = "cases", "problems"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One script and the cluster as they were looked at, with the difference."""

    look: Look
    who: str
    profile: Profile
    lines: tuple[DiffLine, ...]
    note: str

    @property
    def live_hash(self) -> str:
        """What is live."""
        return self.look.live.hash if self.look.live else ""

    @property
    def approved(self) -> bool:
        """Whether this text may be published over this live script."""
        text, approval = self.look.text, self.look.review.approval
        if text is None or approval is None or not self.look.review.approves(text):
            return False
        return approval.looked_at.get(self.profile.name) == self.live_hash


class Publishing(QObject):
    """Between the dialogs and the publisher.

    Signals:
        cluster_wanted(str): something of this script was asked for, and no cluster is connected.
        link_chosen(str, str): config_id, and `cases` or `problems` that are to be shown.
        done(str): an act went through, in words.
    """

    cluster_wanted = Signal(str)
    link_chosen = Signal(str, str)
    done = Signal(str)

    def __init__(
        self,
        parent: QWidget,
        service: ClusterService,
        *,
        documents: Documents,
        messages: Messages,
        theming: Theming,
    ) -> None:
        super().__init__(parent)
        self._parent, self._service = parent, service
        self._documents, self._messages, self._theming = documents, messages, theming
        self._saving: tuple[str, bool] | None = None  # config_id, and whether to publish afterwards
        self.connected = False
        self.dialog: ApproveDialog | PublishDialog | None = None
        documents.saved.connect(self._saved)

    # --- what a person asks for

    def publish(self, config_id: str) -> None:
        """Approves, where that is still to be done, and publishes."""
        self._begin(config_id, publish=True)

    def approve(self, config_id: str) -> None:
        """Approves only."""
        self._begin(config_id, publish=False)

    def delete(self, config_id: str) -> None:
        """Deletes a script from the cluster, after a look at what goes."""
        self._act(
            lambda publisher, cluster: _prepared(publisher, cluster, config_id, _NOTHING), self._offer_delete
        )

    def roll_back(self, config_id: str, version: StoredVersion) -> None:
        """Publishes an older version again, after a look at the difference."""
        script = version.script
        if script is not None:
            self._act(
                lambda publisher, cluster: _prepared(publisher, cluster, config_id, script),
                lambda prepared: self._offer_roll_back(prepared, script),
            )

    # --- the way there

    def _begin(self, config_id: str, *, publish: bool) -> None:
        document = self._documents.open.get(config_id)
        if document is not None and document.dirty:

            def save() -> None:
                self._saving = (config_id, publish)
                self._documents.save(document)

            what = "published" if publish else "approved"
            self._messages.warn(
                f"{config_id} has unsaved changes; what is {what} is the saved text.",
                {"Save and go on": save}, about="publish",
            )  # fmt: skip
        elif not self.connected:
            self.cluster_wanted.emit(config_id)
        else:
            self._messages.withdraw("publish")
            self._act(
                lambda publisher, cluster: _prepared(publisher, cluster, config_id, None),
                lambda prepared: self._offer(prepared, publish=publish),
            )

    def _saved(self, document: Any) -> None:
        waiting, self._saving = self._saving, None
        if waiting is not None and document.config_id == waiting[0]:
            self._begin(waiting[0], publish=waiting[1])

    def _act(self, work: Any, done: Any) -> None:
        self._service.act(
            work, done=done, failed=lambda problem: self._messages.error(problem, about="publish")
        )

    def _offer(self, prepared: Prepared, *, publish: bool) -> None:
        if prepared.look.text is None:
            self._messages.error(
                f"{prepared.look.config_id} is not in this workspace: there is nothing to publish."
            )
        elif publish and prepared.approved:
            self._offer_publish(prepared)
        else:
            self._offer_approval(prepared, publish=publish)

    # --- approving

    def _offer_approval(self, prepared: Prepared, *, publish: bool) -> None:
        look, text = prepared.look, prepared.look.text
        assert text is not None  # noqa: S101 - `_offer` has seen to it
        plan = ApprovalPlan(
            config_id=look.config_id,
            profile=look_of(prepared.profile),
            new=Version("", text.hash, "", ""),
            approver=prepared.who,
            authors=look.review.authors,
            live=_live_version(look.live),
            checks=(Check(PROBLEMS, CheckState.RUNNING, "Checking the script and running its cases…"),),
        )
        dialog = ApproveDialog(plan, self._parent)
        dialog.show_diff(prepared.lines, *filter(None, [prepared.note]))

        def checked(checks: Checks) -> None:
            if self.dialog is dialog:
                dialog.set_plan(replace(plan, checks=_check_rows(checks)))

        def refused(problem: Exception) -> None:
            if self.dialog is dialog:  # else it was closed meanwhile
                dialog.refuse(str(problem))

        def approved(_approval: object) -> None:
            if self.dialog is dialog:
                dialog.accept()
            self.done.emit(f"{look.config_id} is approved")
            if publish:
                self._begin(look.config_id, publish=True)

        dialog.approve_requested.connect(
            lambda note: self._service.act(
                lambda publisher, _cluster: publisher.approve(look.config_id, prepared.live_hash, note),
                done=approved,
                failed=refused,
            )
        )
        self._show(dialog, look.config_id)
        self._service.act(
            lambda publisher, _cluster: publisher.check(look.config_id),
            done=checked,
            failed=refused,
        )

    # --- publishing

    def _offer_publish(self, prepared: Prepared) -> None:
        look, text, approval = prepared.look, prepared.look.text, prepared.look.review.approval
        assert text is not None  # noqa: S101
        assert approval is not None  # noqa: S101 - `approved` has seen to it
        counted = "its one case was green" if approval.cases == 1 else f"{approval.cases} cases were green"
        cases = counted if approval.cases else "it has no cases"
        told = f"Approved by {approval.who} at {_minute(approval.when)}; {cases}"
        plan = PublishPlan(
            config_id=look.config_id,
            profile=look_of(prepared.profile),
            new=Version(look.version, text.hash),
            live=_live_version(look.live),
            checks=(
                Check("approved", CheckState.PASSED, told),
                Check("looked", CheckState.PASSED, "The difference to what is live was looked at"),
            ),
        )
        self._offer_change(
            prepared,
            plan,
            lambda publisher, version, note, typed: publisher.publish(
                look.config_id, version=version, note=note, confirmation=typed
            ),
        )

    def _offer_delete(self, prepared: Prepared) -> None:
        look = prepared.look
        plan = PublishPlan(
            look.config_id, look_of(prepared.profile), NO_VERSION, _live_version(look.live),
            (Check("delete", CheckState.PASSED, "The workspace keeps its script and cases"),), Change.DELETE,
        )  # fmt: skip
        self._offer_change(
            prepared,
            plan,
            lambda publisher, _version, note, typed: publisher.delete(
                look.config_id, expected=prepared.live_hash, note=note, confirmation=typed
            ),
        )

    def _offer_roll_back(self, prepared: Prepared, script: ScriptConfig) -> None:
        look = prepared.look
        plan = PublishPlan(
            look.config_id, look_of(prepared.profile), Version(script.version, script.hash, script.updated_at),
            _live_version(look.live),
            (Check("known", CheckState.PASSED, "This version was published before"),), Change.ROLL_BACK,
        )  # fmt: skip
        self._offer_change(
            prepared,
            plan,
            lambda publisher, _version, note, typed: publisher.roll_back(
                look.config_id, script.hash, expected=prepared.live_hash, note=note, confirmation=typed
            ),
        )

    def _offer_change(self, prepared: Prepared, plan: PublishPlan, change: Any) -> None:
        dialog = PublishDialog(plan, self._parent)
        dialog.show_diff(prepared.lines, *filter(None, [prepared.note]))
        told: list[StoreReport] = []

        def sent(report: StoreReport) -> None:
            told.append(report)
            for step in report.steps:
                dialog.show_step(step)
            dialog.finish(report)
            if report.complete:
                self.done.emit(dialog.message.text())

        def refused(problem: Exception) -> None:
            if isinstance(problem, PublishRefused) and problem.reason is Refusal.CHANGED_SINCE:
                dialog.show_conflict(str(problem))
            else:
                dialog.refuse(str(problem))

        async def carry_out(
            publisher: Publisher, cluster: OpenCluster, version: str, note: str
        ) -> StoreReport:
            await cluster.prepare()
            report: StoreReport = await change(publisher, version, note, dialog.confirm.text())
            return report

        def send(version: str, note: str) -> None:
            dialog.begin()
            self._service.act(
                lambda publisher, cluster: carry_out(publisher, cluster, version, note),
                done=sent,
                failed=refused,
            )

        async def mend(publisher: Publisher, cluster: OpenCluster) -> StoreReport:
            return await publisher.noted_repair(await cluster.repair(plan.config_id))

        def repair() -> None:
            dialog.begin()
            self._service.act(mend, done=lambda report: sent(_mended(told[-1], report)), failed=refused)

        def look_again() -> None:
            dialog.reject()
            self._begin(plan.config_id, publish=True)

        dialog.publish_requested.connect(send)
        dialog.repair_requested.connect(repair)
        dialog.look_again_requested.connect(look_again)
        self._show(dialog, plan.config_id)

    def _show(self, dialog: ApproveDialog | PublishDialog, config_id: str) -> None:
        self.dialog = dialog
        dialog.apply_theme(self._theming.theme)
        dialog.link_chosen.connect(lambda link: self.link_chosen.emit(config_id, link))
        dialog.finished.connect(lambda _code: self._closed(dialog))
        dialog.open()

    def _closed(self, dialog: ApproveDialog | PublishDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None
        dialog.deleteLater()


_NOTHING = ScriptConfig("", "", "")


async def _prepared(
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


def _live_version(live: ScriptConfig | None) -> Version:
    return Version(live.version, live.hash, _minute(live.updated_at)) if live else NO_VERSION


def _minute(time: str) -> str:
    """`2026-11-24T10:02:13.5Z` as people read it."""
    return time[:16].replace("T", " ")


def _check_rows(checks: Checks) -> tuple[Check, ...]:
    problems = checks.errors
    if problems:
        told = f"Line {problems[0].line}: {problems[0].message}"
        first = Check(PROBLEMS, CheckState.FAILED, told, "Show")
    else:
        warnings = len(checks.problems)
        words = f"The script has no errors, {warnings} warnings" if warnings else "The script has no errors"
        first = Check(PROBLEMS, CheckState.PASSED, words)
    if checks.failed:
        names = ", ".join(checks.failed[:3])
        words = f"{len(checks.failed)} of {checks.cases} cases fail: {names}"
        return first, Check(CASES, CheckState.FAILED, words, "Show")
    if not checks.cases:
        return first, Check(CASES, CheckState.SKIPPED, "It has no test cases", "Add one")
    words = f"All {checks.cases} cases are green" if checks.cases > 1 else "Its one case is green"
    return first, Check(CASES, CheckState.PASSED, words)


def _mended(report: StoreReport, repair: StoreReport) -> StoreReport:
    """The report of a publication, with what a repair made of its steps."""
    new = {step.name: step for step in repair.steps}
    steps = [new.pop(step.name, step) for step in report.steps]
    done = tuple(step for step in [*steps, *new.values()] if step.state is not StepState.SKIPPED)
    return msgspec.structs.replace(report, steps=done)
