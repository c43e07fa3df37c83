"""The cluster that the window is connected to: opened, followed and acted on in the background, told by signals."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal, SignalInstance

from app.background import Background, Done, Failed, post
from engine.cluster.connection import ConnectionState
from engine.errors import BadInput, ClusterRefused, ClusterUnreachable
from engine.model import ScriptConfig
from engine.sandbox.pool import EnginePool
from engine.scripts.approval import read_text
from engine.scripts.compare import LocalScript, ScriptRow
from engine.scripts.identity import who_am_i
from engine.scripts.journal import Journal
from engine.scripts.local_scripts import local_scripts
from engine.scripts.publisher import Publisher
from engine.scripts.review import Standing, standing_of
from engine.scripts.review_store import ReviewStore
from engine.scripts.store import StoredProblem
from engine.settings import Settings
from engine.transform import Transformer
from engine.workspace import Workspace

if TYPE_CHECKING:  # their clients take long to load
    from engine.cluster.open_profile import OpenCluster
    from engine.cluster.profiles import Profile

RETRY_SECONDS = 3.0
REFRESH_SECONDS = 5.0
COALESCE_SECONDS = 0.15
"""Changes that come together are told together."""

T = TypeVar("T")
Part = tuple[str, ConnectionState]
Tell = Callable[[SignalInstance, object], None]


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of a cluster now.

    Attributes:
        rows: every script, side by side.
        problems: records of the topic that were skipped lately.
        live: config_id -> what runs.
        standings: how each script of the workspace stands.
    """

    rows: tuple[ScriptRow, ...] = ()
    problems: tuple[StoredProblem, ...] = ()
    live: dict[str, ScriptConfig] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)


class ClusterService(QObject):
    """One connection at a time. `open`, `close`, `act` are for the main thread, which the signals arrive on.

    Signals:
        opening(object): a Profile that is being connected to; for the local cluster, once it runs.
        states_changed(object): a tuple of (part, ConnectionState).
        ready(object): the Profile whose scripts have been read.
        overview_changed(object): an Overview.
        failed(str): the cluster could not be reached; it is tried again until closed.
        refused(str): it cannot be opened at all.
    """

    opening = Signal(object)
    states_changed = Signal(object)
    ready = Signal(object)
    overview_changed = Signal(object)
    failed = Signal(str)
    refused = Signal(str)
    _told = Signal(object)

    def __init__(self, background: Background, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background, self._settings = background, settings
        self._serving: concurrent.futures.Future[None] | None = None
        self._workspace: Workspace | None = None
        self._pool: EnginePool | None = None
        self._number = (
            0  # of the connection that is wanted: what an earlier one still tells is of no interest
        )
        self._open: tuple[int, OpenCluster] | None = None
        self._news = asyncio.Event()
        self._told.connect(self._pass_on)

    # For the main thread.

    def open(self, profile: Profile | None) -> None:
        """Connects to a profile with its secrets; None starts the cluster of this machine."""
        self.close()
        number = self._number
        self._serving = self._background.start(
            self._serve(profile, number),
            failed=lambda problem: self._pass_on((number, self.refused, str(problem))),
        )

    def close(self) -> None:
        """Lets go of the cluster; a local one ends. Nothing is told of it any more."""
        self._number += 1
        if self._serving is not None:
            self._serving.cancel()
            self._serving = None

    def set_workspace(self, workspace: Workspace) -> None:
        """Whose scripts are compared with those of the cluster."""
        self._workspace = workspace
        self.refresh()

    def refresh(self) -> None:
        """Looks again soon, and tries again at once where it could not be reached."""
        self._background.loop.call_soon_threadsafe(self._wake)

    def act(
        self,
        work: Callable[[Publisher, OpenCluster], Coroutine[Any, Any, T]],
        done: Done[T],
        failed: Failed,
        seen: Profile | None = None,
    ) -> None:
        """Does something on the cluster through the publisher, which knows the rules.

        `seen` is the profile of an open cluster that a person decided about; on another one nothing is done.
        """
        self._background.start(self._act(work, self._number, seen), done=done, failed=failed)

    def _pass_on(self, told: tuple[int, SignalInstance, object]) -> None:
        number, signal, value = told
        if number == self._number:
            signal.emit(value)

    # On the background loop.

    async def end(self) -> None:
        """Ends the engine hosts, when the program does."""
        if self._pool is not None:
            await self._pool.close()

    async def _act(
        self,
        work: Callable[[Publisher, OpenCluster], Coroutine[Any, Any, T]],
        number: int,
        seen: Profile | None,
    ) -> T:
        opened, workspace = self._open, self._workspace
        if opened is None or opened[0] != number or workspace is None:
            raise ClusterUnreachable("The cluster", "it is not connected")
        cluster = opened[1]
        if seen is not None and cluster.profile is not seen:
            why = "the window was connected anew since you looked; begin again"
            raise ClusterRefused(cluster.profile.name, why)
        if self._pool is None:
            self._pool = EnginePool(size=2, spares=0)
        publisher = Publisher(
            workspace,
            cluster.store,
            profile=cluster.profile.name,
            rules=cluster.profile.rules,
            pool=self._pool,
            transformer=Transformer(
                self._pool, self._settings.lua, self._settings.lua.variables_of(os.environ)
            ),
            who=who_am_i(os.environ),
        )
        try:
            return await work(publisher, cluster)
        finally:
            self._wake()

    def _wake(self) -> None:
        self._news.set()

    async def _serve(self, profile: Profile | None, number: int) -> None:
        from engine.cluster.open_profile import open_profile  # noqa: PLC0415

        def tell(signal: SignalInstance, value: object) -> None:
            post(self._told, (number, signal, value))

        states: dict[str, ConnectionState] = {}

        def note(part: str, state: ConnectionState) -> None:
            states[part] = state
            tell(self.states_changed, tuple(states.items()))

        async with AsyncExitStack() as stack:
            if profile is None:
                profile = await self._start_local(stack)
            tell(self.opening, profile)
            cluster = await stack.enter_async_context(open_profile(profile))
            for part, watch in cluster.watches.items():
                watch.listen(partial(note, part))
            await self._until_ready(cluster, tell)
            self._open = number, cluster
            stack.callback(self._forget, number)
            tell(self.ready, profile)
            cluster.listen(self._wake)
            await self._follow(cluster, tell)

    def _forget(self, number: int) -> None:
        if self._open is not None and self._open[0] == number:
            self._open = None

    @staticmethod
    async def _start_local(stack: AsyncExitStack) -> Profile:
        from engine.cluster.local import LocalCluster  # noqa: PLC0415
        from engine.cluster.profiles import local_profile  # noqa: PLC0415

        local = await stack.enter_async_context(LocalCluster())
        return local_profile(local.kafka, local.redis)

    async def _until_ready(self, cluster: OpenCluster, tell: Tell) -> None:
        while True:
            self._news.clear()
            try:
                await cluster.ready()
            except (ClusterUnreachable, ClusterRefused) as problem:
                tell(self.failed, str(problem))
                await self._news_within(RETRY_SECONDS)
            else:
                return

    async def _follow(self, cluster: OpenCluster, tell: Tell) -> None:
        """Tells what is known when it changed: it is looked at after each piece of news, and now and then for what
        tells nobody (Redis, files)."""
        told: Overview | None = None
        while True:
            self._news.clear()
            try:
                overview = await self._overview(cluster)
            except (ClusterUnreachable, ClusterRefused) as problem:
                told = None
                tell(self.failed, str(problem))
            else:
                if overview != told:
                    told = overview
                    tell(self.overview_changed, overview)
            if await self._news_within(REFRESH_SECONDS):
                await asyncio.sleep(COALESCE_SECONDS)

    async def _news_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _overview(self, cluster: OpenCluster) -> Overview:
        workspace, profile = self._workspace, cluster.profile.name
        scripts = await asyncio.to_thread(local_scripts, workspace) if workspace else {}
        published_by = await asyncio.to_thread(Journal(workspace).published_by, profile) if workspace else {}
        found = await cluster.snapshot(scripts, published_by)
        standings = (
            await asyncio.to_thread(_standings, workspace, scripts, profile, found.live) if workspace else {}
        )
        return Overview(found.rows, found.problems, found.live, standings)


def _standings(
    workspace: Workspace, scripts: dict[str, LocalScript], profile: str, live: dict[str, ScriptConfig]
) -> dict[str, Standing]:
    """How each script of the workspace stands; one whose files cannot be used is a draft."""
    reviews = ReviewStore(workspace)
    found: dict[str, Standing] = {}
    for config_id in scripts:
        try:
            text, review = read_text(workspace, config_id), reviews.read(config_id)
        except BadInput:
            found[config_id] = Standing.DRAFT
        else:
            found[config_id] = standing_of(text, review, profile, live.get(config_id))
    return found
