"""Who answers the calls of a preview run: nobody, a recording, or a live cluster, which stays as it is."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.cases.recorded import recorded_at
from engine.modules.calls import ModuleCall, ModuleReply, Modules
from engine.modules.off import OffModules, unavailable
from engine.modules.recorded import Recorder
from engine.settings import Settings


class CallMode(enum.StrEnum):
    """Who answers kv, http and crypto in a preview."""

    OFF = "off"
    RECORDED = "recorded"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class PreviewCalls:
    """Everything that decides about the calls of one run.

    Attributes:
        recordings: the file with the recorded answers; it need not exist.
        cluster: whose Redis, hosts and keys a live run uses.
        sends: whether a live run may send POST, PUT and DELETE.
    """

    mode: CallMode = CallMode.RECORDED
    recordings: Path | None = None
    cluster: Settings = field(default_factory=Settings)
    sends: bool = False

    @asynccontextmanager
    async def modules(self) -> AsyncIterator[Modules]:
        """Answers the calls of one run; those of a live one can be kept, see `Recorder`.

        Raises:
            BadInput: the recording cannot be used.
            SettingsError: a setting of the cluster cannot be used; nothing has been connected.
        """
        if self.mode is CallMode.OFF:
            yield OffModules()
        elif self.mode is CallMode.RECORDED:
            yield await asyncio.to_thread(recorded_at, self.recordings)
        else:
            async with self._live() as modules:
                yield Recorder(modules if self.sends else NothingSent(modules))

    @asynccontextmanager
    async def _live(self) -> AsyncIterator[Modules]:
        """Made anew for each run: nothing written by an earlier one is read, no answer comes from a cache."""
        from engine.modules.kv_store import RedisKv, ScratchKv  # noqa: PLC0415 - loading clients takes long
        from engine.modules.live import LiveModules  # noqa: PLC0415

        redis = RedisKv(self.cluster.redis)
        try:
            async with LiveModules.of(self.cluster, ScratchKv(redis)) as live:
                yield live
        finally:
            await redis.close()


class NothingSent:
    """Hands calls on, except those that would change something on another machine: they fail and say so."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """See `Modules`."""
        if call.module == "http" and call.function != "get":
            problem = (
                f"http.{call.function} was not sent: a live preview sends POST, PUT and DELETE "
                "only while Run > Allow POST, PUT, DELETE is on"
            )
            return unavailable(call, problem)
        return await self._modules.call(call, config_id)
