"""Who answers the calls of a workspace's previews: keeps the choice, and says it in the window."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QObject, Signal

from app.document import Document
from app.session import Session
from engine.preview_calls import CallMode, PreviewCalls
from engine.settings import RedisSettings, Settings
from engine.workspace import Workspace
from widgets.calls_bar import CallsBar, CallsState

EXPLANATIONS = {
    CallMode.OFF: "Every call fails. Nothing is read, nothing leaves this machine.",
    CallMode.RECORDED: "Answers come from the recording beside the test case. Nothing leaves this machine.",
    CallMode.LIVE: (
        "Real Redis, real hosts, real keys. The script runs only when you ask. What it writes with kv is forgotten "
        "after the run; POST, PUT and DELETE are refused unless you allow them."
    ),
}


class CallsController(QObject):
    """The choice of a workspace.

    Attributes:
        mode: the choice now. Live lasts until another is made or a workspace is opened; it is never restored.
        sends: whether live runs may send POST, PUT and DELETE; never longer than live lasts.
        cluster: whose Redis, hosts and keys live runs use: those of the settings, with the Redis of the cluster that
            the window is connected to.

    Signals:
        changed(): a choice was made.
    """

    changed = Signal()

    def __init__(self, bar: CallsBar, session: Session, cluster: Settings) -> None:
        super().__init__(bar)
        self.mode, self.sends, self.cluster = CallMode.RECORDED, False, cluster
        self._settings, self._profile = cluster, ""
        self._bar, self._session = bar, session
        self._workspace: Workspace | None = None
        self._document: Document | None = None

    def change_workspace(self, workspace: Workspace) -> None:
        """Takes the choice that was kept for a workspace."""
        self._workspace = workspace
        self._take(self._session.call_mode(workspace.path))

    def choose(self, mode: CallMode) -> None:
        """Makes a choice for this workspace."""
        if self._workspace is not None:
            self._session.set_call_mode(self._workspace.path, mode)
        if mode is not self.mode:
            self._take(mode)

    def use_cluster(self, profile: str, redis: RedisSettings | None) -> None:
        """Takes the Redis of a profile for live runs; None for that of the settings.

        A choice of live that was made for another cluster ends: it is not what was asked for.
        """
        cluster = msgspec.structs.replace(self._settings, redis=redis) if redis else self._settings
        if cluster == self.cluster:
            return
        self.cluster, self._profile = cluster, profile
        self._take(CallMode.RECORDED if self.mode is CallMode.LIVE else self.mode)

    def toggle_sending(self) -> None:
        """Allows live runs to send POST, PUT and DELETE, or no longer."""
        self.sends = self.mode is CallMode.LIVE and not self.sends
        self._show()

    def show(self, document: Document | None) -> None:
        """Says where the answers for a script come from."""
        self._document = document
        self._show()

    def of(self, document: Document | None) -> PreviewCalls:
        """Who answers the calls of a document's next run."""
        recordings = document.inputs.recordings if document else None
        return PreviewCalls(self.mode, recordings, self.cluster, self.sends)

    def _take(self, mode: CallMode) -> None:
        self.mode, self.sends = mode, False
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        name = self.mode.value.title() + (", sending" if self.sends else "")
        live = self.mode is CallMode.LIVE
        self._bar.show_state(CallsState(name, self._note(), EXPLANATIONS[self.mode], live))

    def _note(self) -> str:
        if self.mode is CallMode.OFF:
            return "every call fails"
        if self.mode is CallMode.LIVE:
            whose = f"{self._profile}: " if self._profile else ""
            return f"{whose}Redis {self.cluster.redis.addr}"
        recordings = self._document.inputs.recordings if self._document else None
        if recordings is None:
            return "no case is loaded, so no answers"
        return f"answers of the case {recordings.name.removesuffix('.fixtures.json')}"
