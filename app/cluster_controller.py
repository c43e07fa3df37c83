"""Between the cluster that is connected and what the window shows of it: view, badge, strip, marks, menu."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QDialog, QMenu, QVBoxLayout

from app.background import Background
from app.cluster_service import ClusterService, Overview, Part
from app.messages import Messages
from app.profiles_controller import ProfilesController
from app.publishing import Publishing
from app.script_plans import as_shown, look_of
from app.theming import Theming
from engine.cluster.connection import ConnectionState, Phase
from engine.display import DiffLine
from engine.display_diff import diff
from engine.scripts.publisher import Publisher
from engine.scripts.review import Standing
from engine.scripts.store import StoredVersion, StoreReport
from widgets.cluster_view import ClusterView
from widgets.connection_badge import ConnectionBadge
from widgets.dialog_parts import fit_to_screen
from widgets.diff_view import DiffView
from widgets.history_view import HistoryView
from widgets.profile_look import ProfileLook, ProfileStrip

if TYPE_CHECKING:  # its clients take long to load
    from engine.cluster.open_profile import OpenCluster
    from engine.cluster.profiles import Profile

LOCAL = "Local"
LOCAL_LOOK = ProfileLook(LOCAL, "#2e7d32")


class ClusterController(QObject):
    """One cluster at a time.

    Attributes:
        look: how the chosen profile is recognised; None when none is chosen.
        profile: the one that is connected; None before it is.
        overview: what is known of it.
        standings: how the scripts of the workspace stand towards it; empty when it is not known.

    Signals:
        changed(): what is chosen, or what is known of it.
        open_wanted(str): a script of the workspace.
        add_wanted(str, object): config_id and bytes of a script that the workspace is to have.
    """

    changed = Signal()
    open_wanted = Signal(str)
    add_wanted = Signal(str, object)

    def __init__(
        self,
        view: ClusterView,
        badge: ConnectionBadge,
        strip: ProfileStrip,
        *,
        background: Background,
        service: ClusterService,
        publishing: Publishing,
        profiles: ProfilesController,
        messages: Messages,
        theming: Theming,
    ) -> None:
        super().__init__(view)
        self._view, self._badge, self._strip = view, badge, strip
        self._background, self._service, self._publishing = background, service, publishing
        self._profiles, self._messages, self._theming = profiles, messages, theming
        self.look: ProfileLook | None = None
        self.profile: Profile | None = None
        self.overview = Overview()
        self._parts: tuple[Part, ...] = ()
        self._known = False  # the scripts have been read since it was chosen
        self._after: Callable[[], None] | None = None
        self._again: Callable[[], None] = self.choose_local
        self._history: HistoryView | None = None
        strip.set_look(None)
        badge.set_state(None, ())
        self._connect()

    def _connect(self) -> None:
        service, view = self._service, self._view
        service.opening.connect(self._opening)
        service.states_changed.connect(self._states_changed)
        service.ready.connect(self._ready)
        service.overview_changed.connect(self._overview_changed)
        service.failed.connect(self._failed)
        service.refused.connect(self._refused)
        self._badge.menu_requested.connect(lambda: self.menu().popup(self._badge.mapToGlobal(QPoint(0, 0))))
        view.choose_requested.connect(lambda: self.menu().popup(view.mapToGlobal(view.rect().center())))
        view.cancel_requested.connect(self.disconnect_cluster)
        view.retry_requested.connect(self._retry)
        view.open_requested.connect(self._open_script)
        view.compare_requested.connect(self._compare)
        view.history_requested.connect(self.show_history)
        view.publish_requested.connect(self._publishing.publish)
        view.delete_requested.connect(self._publishing.delete)
        view.repair_requested.connect(self._repair)
        self._publishing.cluster_wanted.connect(self._offer_clusters)

    @property
    def standings(self) -> dict[str, Standing]:
        """How the workspace's scripts stand."""
        return self.overview.standings if self._known else {}

    @property
    def connected(self) -> bool:
        """Whether something can be asked of a cluster now."""
        return self._known

    # --- choosing

    def menu(self) -> QMenu:
        """The clusters to choose from, and what else can be done about them."""
        menu = QMenu(self._view.window())
        for profile in self._profiles.profiles:
            self._entry(menu, look_of(profile), partial(self.choose, profile))
        self._entry(menu, LOCAL_LOOK, self.choose_local, "Local (runs on this machine while the studio does)")
        menu.addSeparator()
        menu.addAction("Profiles…", self._profiles.manage)
        disconnect = menu.addAction("Disconnect", self.disconnect_cluster)
        disconnect.setEnabled(self.look is not None)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _entry(self, menu: QMenu, look: ProfileLook, choose: Callable[[], None], text: str = "") -> None:
        entry = menu.addAction(text or look.in_words(), choose)
        entry.setCheckable(True)
        entry.setChecked(self.look is not None and self.look.name == look.name)

    def choose_local(self) -> None:
        """Starts a cluster on this machine and connects to it."""
        self._again = self.choose_local
        self._choose(LOCAL_LOOK, "Starting a Kafka and a Redis on this machine…")
        self._service.open(None)

    def choose(self, profile: Profile) -> None:
        """Connects to a profile."""
        self._again = partial(self.choose, profile)
        look = look_of(profile)
        self._choose(look, f"Connecting to {profile.name}…")

        def with_secrets(complete: Profile) -> None:
            if self.look is look:  # else another was chosen meanwhile
                self._service.open(complete)

        self._profiles.with_secrets(profile, with_secrets)

    def disconnect_cluster(self) -> None:
        """Lets go of the cluster."""
        self._choose(None, "")
        self._view.show_nothing()

    def _retry(self) -> None:
        """Tries again at once; what could not be opened at all is opened anew."""
        if self.look is None:
            self._again()
        else:
            self._service.refresh()

    def _choose(self, look: ProfileLook | None, words: str) -> None:
        self._service.close()
        self._after = None
        self.look, self.overview, self._parts, self._known = look, Overview(), (), False
        self.profile, self._publishing.connected = None, False
        self._view.set_profile(look)
        self._strip.set_look(look)
        self._messages.withdraw("cluster")
        if words:
            self._view.show_connecting(words)
        self._refresh_badge()
        self.changed.emit()

    def _offer_clusters(self, config_id: str) -> None:
        """Something was asked for that needs a cluster: choose one, and it goes on."""
        ways: dict[str, Callable[[], None]] = {LOCAL: self.choose_local}
        for profile in sorted(self._profiles.profiles[:4], key=lambda one: one.rules.production):
            ways[profile.name] = partial(self.choose, profile)
        choices: dict[str, Callable[[], None]] = {
            name: partial(self._then_publish, config_id, way) for name, way in ways.items()
        }
        if self.look is not None:
            self._messages.warn(
                f"{self.look.name} is not connected yet; see the status bar.", about="cluster"
            )
            return
        self._messages.ask(
            f"Where is {config_id} to go? Local is a cluster on this machine, for trying things.",
            {**choices, "Profiles…": self._profiles.manage}, about="cluster",
        )  # fmt: skip

    def _then_publish(self, config_id: str, choose: Callable[[], None]) -> None:
        choose()
        self._after = lambda: self._publishing.publish(config_id)

    # --- what the service tells

    def _opening(self, profile: Profile) -> None:
        self._view.show_connecting(f"Reading the scripts of {profile.name}…")

    def _states_changed(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
        self._refresh_badge()

    def _ready(self, profile: Profile) -> None:
        self.profile = profile
        self._publishing.connected = self._known = True
        self._messages.withdraw("cluster")
        after, self._after = self._after, None
        if after is not None:
            after()
        self.changed.emit()

    def _overview_changed(self, overview: Overview) -> None:
        self.overview = overview
        self._view.show_stale("")
        self._view.set_rows(overview.rows, overview.problems)
        self.changed.emit()

    def _failed(self, why: str) -> None:
        why = why.removesuffix(".")
        if self._known:
            self._view.show_stale(f"{why}. What is shown may be out of date.")
        else:
            self._view.show_failure(f"{why}. It is tried again.")

    def _refused(self, why: str) -> None:
        self._messages.error(why, about="cluster")
        self._choose(None, "")
        self._view.show_failure(why)

    def _refresh_badge(self) -> None:
        parts = self._parts or ((("Cluster", ConnectionState(Phase.CONNECTING)),) if self.look else ())
        self._badge.set_state(self.look, parts)

    # --- what a person asks of a row

    def _open_script(self, config_id: str) -> None:
        row = next((row for row in self.overview.rows if row.config_id == config_id), None)
        live = self.overview.live.get(config_id)
        if row is not None and row.workspace_hash:
            self.open_wanted.emit(config_id)
        elif live is not None:
            self._messages.note(
                f"{config_id} is not in this workspace.",
                {"Add it": lambda: self.add_wanted.emit(config_id, live.lua_code.encode())}, about="cluster",
            )  # fmt: skip

    def _compare(self, config_id: str) -> None:
        """Shows how the workspace's script differs from the live one."""

        async def compared(publisher: Publisher, _cluster: OpenCluster) -> tuple[tuple[DiffLine, ...], str]:
            look = await publisher.look(config_id)
            live = as_shown(look.live.lua_code, look.live.script_config or {}) if look.live else b""
            mine = as_shown(look.text.source, look.text.config) if look.text else b""
            return diff(live, mine)

        def show(found: tuple[tuple[DiffLine, ...], str]) -> None:
            view = DiffView(keys=False, same="The workspace has exactly what is live.")
            view.show_diff(found[0], found[1] or "\u2212 live now, + workspace")
            view.apply_theme(self._theming.theme)
            dialog = self._dialog(f"{config_id}: live and workspace", view)
            dialog.open()

        self._service.act(compared, done=show, failed=self._show_error)

    def _repair(self, config_ids: tuple[str, ...]) -> None:
        """Writes to the mirror what the topic says."""

        async def mend(publisher: Publisher, cluster: OpenCluster) -> list[StoreReport]:
            return [await publisher.noted_repair(await cluster.repair(name)) for name in config_ids]

        def done(reports: list[StoreReport]) -> None:
            bad = [report for report in reports if not report.complete]
            if bad:
                failure = bad[0].failure()
                why = failure.detail if failure else ""
                self._messages.error(
                    f"{len(bad)} of {len(reports)} entries of the mirror were not repaired: {why}"
                )
            else:
                count = f"{len(reports)} entries" if len(reports) > 1 else reports[0].config_id
                self._messages.note(f"The mirror is repaired: {count}.", about="cluster")

        if config_ids:
            self._service.act(mend, done=done, failed=self._show_error)

    # --- history

    def show_history(self, config_id: str) -> None:
        """Shows the versions of a script, and offers the way back to one."""
        view = self._history = HistoryView()
        view.apply_theme(self._theming.theme)
        dialog = self._dialog(f"History of {config_id}", view)
        dialog.finished.connect(lambda _code: self._history_closed(view))

        def shown(found: tuple[tuple[StoredVersion, ...], str]) -> None:
            if self._history is view:  # else it was closed meanwhile
                view.set_history(config_id, *found)
                view.table.setCurrentIndex(view.table.model().index(0, 0))
                view.table.setFocus()

        def not_shown(problem: Exception) -> None:
            if self._history is view:
                view.show_failure(config_id, str(problem))

        def load() -> None:
            view.show_loading(config_id)

            async def versions(
                publisher: Publisher, _cluster: OpenCluster
            ) -> tuple[tuple[StoredVersion, ...], str]:
                look = await publisher.look(config_id)
                return await publisher.history(config_id), look.live.hash if look.live else ""

            self._service.act(versions, done=shown, failed=not_shown)

        def back(version: StoredVersion) -> None:
            dialog.accept()
            self._publishing.roll_back(config_id, version)

        def copy(version: StoredVersion) -> None:
            dialog.accept()
            self._copy(config_id, version)

        view.retry_requested.connect(load)
        view.compare_requested.connect(
            lambda older, newer: self._compare_versions(view, config_id, older, newer)
        )
        view.roll_back_requested.connect(back)
        view.copy_requested.connect(copy)
        dialog.open()
        load()

    def _compare_versions(
        self, view: HistoryView, config_id: str, older: StoredVersion | None, newer: StoredVersion | None
    ) -> None:
        live = self.overview.live.get(config_id)
        sides = [version.script if version else live for version in (older, newer)]
        texts = [as_shown(side.lua_code, side.script_config or {}) if side else b"" for side in sides]
        names = [f"version {side.version}" if side else "nothing" for side in sides]
        words = f"\u2212 {names[0]}, + {names[1]}"

        def show(found: tuple[tuple[DiffLine, ...], str]) -> None:
            if self._history is view:
                view.show_diff(found[0], found[1] or words)

        self._background.call(diff, texts[0], texts[1], done=show, failed=self._show_error)

    def _history_closed(self, view: HistoryView) -> None:
        if self._history is view:
            self._history = None

    def _copy(self, config_id: str, version: StoredVersion) -> None:
        if version.script is not None:
            name = f"{config_id}-{version.script.version or version.script.hash[:6]}"
            self.add_wanted.emit(name, version.script.lua_code.encode())

    # --- the rest

    def _dialog(self, title: str, content: HistoryView | DiffView) -> QDialog:
        dialog = QDialog(self._view.window())
        dialog.setWindowTitle(title)
        column = QVBoxLayout(dialog)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(content)
        fit_to_screen(dialog, characters=120, lines=36)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _show_error(self, problem: Exception) -> None:
        self._messages.error(problem, about="cluster")
