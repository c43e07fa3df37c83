"""The dialogs in which a script is approved, published, rolled back or deleted: what they show, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.cluster_service import ClusterService
from app.documents import Documents
from app.messages import Messages
from app.script_plans import (
    NOTHING,
    Prepared,
    look_of,
    mended,
    prepare,
)
from app.theming import Theming
from engine.model import ScriptConfig
from engine.scripts.approval import Checks
from engine.scripts.publisher import Publisher
from engine.scripts.review import Standing, mark_of
from engine.scripts.rules import PublishRefused, Refusal
from engine.scripts.store import StoredVersion, StoreReport
from widgets.approve_dialog import ApprovalPlan, ApproveDialog
from widgets.check_list import Check, CheckState
from widgets.cluster_rows import time_in_words
from widgets.publish_dialog import PublishDialog
from widgets.publish_plan import NO_VERSION, Change, PublishPlan, Version

if TYPE_CHECKING:  # its clients take long to load
    from engine.cluster.open_profile import OpenCluster

CASES, PROBLEMS = "cases", "problems"


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
        self._looks = 0
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
        self._prepare(config_id, self._offer_delete, NOTHING)

    def roll_back(self, config_id: str, version: StoredVersion) -> None:
        """Publishes an older version again, after a look at the difference."""
        script = version.script
        if script is not None:
            self._prepare(config_id, lambda prepared: self._offer_roll_back(prepared, script), script)

    # --- the way there

    def _begin(self, config_id: str, *, publish: bool) -> None:
        document = self._documents.open.get(config_id)
        if document is not None and document.dirty:

            def save() -> None:
                self._saving = (config_id, publish)
                self._documents.save(document)

            what = "published" if publish else "approved"
            self._messages.ask(
                f"{config_id} has unsaved changes; what is {what} is the saved text.",
                {"Save and go on": save}, about="publish",
            )  # fmt: skip
        elif not self.connected:
            self.cluster_wanted.emit(config_id)
        else:
            self._messages.withdraw("publish")
            self._prepare(config_id, lambda prepared: self._offer(prepared, publish=publish))

    def _saved(self, document: Any) -> None:
        waiting, self._saving = self._saving, None
        if waiting is not None and document.config_id == waiting[0]:
            self._begin(waiting[0], publish=waiting[1])

    def _prepare(
        self, config_id: str, done: Callable[[Prepared], None], new: ScriptConfig | None = None
    ) -> None:
        """Looks at a script; what was asked for last is what is shown."""
        self._looks += 1
        number = self._looks

        def prepared(found: Prepared) -> None:
            if number == self._looks:
                done(found)

        self._service.act(
            lambda publisher, cluster: prepare(publisher, cluster, config_id, new),
            done=prepared,
            failed=lambda problem: self._messages.error(problem, about="publish"),
        )

    def _offer(self, prepared: Prepared, *, publish: bool) -> None:
        if prepared.look.text is None:
            self._messages.error(
                f"{prepared.look.config_id} is not in this workspace: there is nothing to publish."
            )
        elif publish and prepared.look.standing is Standing.LIVE:
            self._messages.note(
                f"{prepared.look.config_id} is live on {prepared.profile.name} already, as it is here.",
                about="publish",
            )
        elif publish and prepared.approved:
            self._offer_publish(prepared)
        else:
            self._offer_approval(prepared, publish=publish)

    # --- approving

    def _offer_approval(self, prepared: Prepared, *, publish: bool, told: str = "") -> None:
        """`told` says why the difference is to be looked at once more."""
        look, text = prepared.look, prepared.look.text
        assert text is not None  # noqa: S101 - `_offer` has seen to it
        plan = ApprovalPlan(
            config_id=look.config_id,
            profile=look_of(prepared.profile),
            new=Version("", text.hash, "", ""),
            approver=prepared.who,
            authors=look.review.authors_of(text, prepared.profile.name),
            live=prepared.live_version,
            checks=(Check(PROBLEMS, CheckState.RUNNING, "Checking the script and running its cases…"),),
        )
        dialog = ApproveDialog(plan, self._parent)
        dialog.show_diff(prepared.lines, *filter(None, [prepared.note]))
        if told:
            dialog.refuse(told)

        def checked(checks: Checks) -> None:
            if self.dialog is dialog:
                dialog.set_plan(replace(plan, checks=_check_rows(checks)))

        def refused(problem: Exception) -> None:
            if self.dialog is dialog:  # else it was closed meanwhile
                dialog.refuse(str(problem))

        def again(now: Prepared, why: str) -> None:
            if self.dialog is dialog:
                dialog.reject()
                self._offer_approval(now, publish=publish, told=why)

        def not_approved(problem: Exception) -> None:
            refused(problem)
            if _outdated(problem):
                self._prepare(look.config_id, lambda now: again(now, str(problem)))

        def approved(_approval: object) -> None:
            self.done.emit(f"{look.config_id} is approved")
            if self.dialog is dialog:
                dialog.accept()
                if publish:
                    self._begin(look.config_id, publish=True)

        dialog.approve_requested.connect(
            lambda note: self._service.act(
                lambda publisher, _cluster: publisher.approve(
                    look.config_id, look.live_mark, note, seen=text
                ),
                done=approved,
                failed=not_approved,
                seen=prepared.profile,
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
        told = f"Approved by {approval.who} at {time_in_words(approval.when)}; {cases}"
        plan = PublishPlan(
            config_id=look.config_id,
            profile=look_of(prepared.profile),
            new=Version(look.version, text.hash),
            live=prepared.live_version,
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
            again=partial(self.publish, look.config_id),
        )

    def _offer_delete(self, prepared: Prepared) -> None:
        look = prepared.look
        plan = PublishPlan(
            look.config_id, look_of(prepared.profile), NO_VERSION, prepared.live_version,
            (Check("delete", CheckState.PASSED, "The workspace keeps its script and cases"),), Change.DELETE,
        )  # fmt: skip
        self._offer_change(
            prepared,
            plan,
            lambda publisher, _version, note, typed: publisher.delete(
                look.config_id, expected=look.live_mark, note=note, confirmation=typed
            ),
            again=partial(self.delete, look.config_id),
        )

    def _offer_roll_back(self, prepared: Prepared, script: ScriptConfig) -> None:
        look = prepared.look

        def again() -> None:
            self._prepare(look.config_id, lambda now: self._offer_roll_back(now, script), script)

        plan = PublishPlan(
            look.config_id, look_of(prepared.profile), Version(script.version, script.hash, script.updated_at),
            prepared.live_version,
            (Check("known", CheckState.PASSED, "This version was published before"),), Change.ROLL_BACK,
        )  # fmt: skip
        self._offer_change(
            prepared,
            plan,
            lambda publisher, _version, note, typed: publisher.roll_back(
                look.config_id, mark_of(script), expected=look.live_mark, note=note, confirmation=typed
            ),
            again,
        )

    def _offer_change(
        self,
        prepared: Prepared,
        plan: PublishPlan,
        change: Callable[[Publisher, str, str, str], Coroutine[Any, Any, StoreReport]],
        again: Callable[[], None],
    ) -> None:
        """`change` gets version, note and confirmation; `again` begins anew when something else is live by now."""
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
            if _outdated(problem):
                dialog.show_conflict(str(problem))
            else:
                dialog.refuse(str(problem))

        async def carry_out(
            publisher: Publisher, cluster: OpenCluster, version: str, note: str, typed: str
        ) -> StoreReport:
            await cluster.prepare()
            return await change(publisher, version, note, typed)

        def send(version: str, note: str) -> None:
            typed = dialog.confirm.text()
            dialog.begin()
            self._service.act(
                lambda publisher, cluster: carry_out(publisher, cluster, version, note, typed),
                done=sent,
                failed=refused,
                seen=prepared.profile,
            )

        async def mend(publisher: Publisher, cluster: OpenCluster) -> StoreReport:
            return await publisher.noted_repair(await cluster.repair(plan.config_id))

        def repair() -> None:
            dialog.begin()
            self._service.act(mend, done=lambda report: sent(mended(told[-1], report)), failed=refused)

        def look_again() -> None:
            dialog.reject()
            again()

        dialog.publish_requested.connect(send)
        dialog.repair_requested.connect(repair)
        dialog.look_again_requested.connect(look_again)
        self._show(dialog, plan.config_id)

    def _show(self, dialog: ApproveDialog | PublishDialog, config_id: str) -> None:
        self.dialog = dialog
        dialog.apply_theme(self._theming.theme)

        def follow(link: str) -> None:
            dialog.reject()  # it would stand before what is to be seen
            self.link_chosen.emit(config_id, link)

        dialog.link_chosen.connect(follow)
        dialog.finished.connect(lambda _code: self._closed(dialog))
        dialog.open()

    def _closed(self, dialog: ApproveDialog | PublishDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None
        dialog.deleteLater()


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


def _outdated(problem: Exception) -> bool:
    """Whether something changed since the person looked."""
    return isinstance(problem, PublishRefused) and problem.reason in {
        Refusal.CHANGED_SINCE,
        Refusal.NOT_LOOKED_AT,
    }
