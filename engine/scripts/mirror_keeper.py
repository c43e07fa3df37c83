"""Keeps the Redis mirror of scripts as the topic says: writes changes, renews what would run out, mends what differs.

Several keepers may serve one mirror. Each writes only while it has seen all that the topic holds, so one that lags
cannot bring an old version back; what remains is the moment between that look and the write.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from redis.exceptions import RedisError

from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.kafka import Kafka
from engine.cluster.redis_client import reason_of
from engine.errors import ClusterUnreachable
from engine.scripts.loader import Change, ScriptLoader
from engine.scripts.mirror import ScriptMirror

RENEWALS_PER_TTL = 3
RENEW_SECONDS_WITHOUT_TTL = 3600.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0


class MirrorKeeper:
    """Follows a loader and writes what it sees to a mirror.

    Attributes:
        watch: how the mirror stands; it fails while Redis is away, and then keeps trying.
    """

    def __init__(self, loader: ScriptLoader, mirror: ScriptMirror, kafka: Kafka, topic: str) -> None:
        self._loader, self._mirror, self._kafka, self._topic = loader, mirror, kafka, topic
        self._changed: set[str] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.watch = ConnectionWatch()
        loader.listen(self._note)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends keeping; nothing is half-written."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.watch.set(Phase.CLOSED)

    async def mend(self) -> int:
        """Brings the whole mirror in line with the topic and renews it; returns how many entries were not right.

        Raises:
            redis.exceptions.RedisError, OSError: Redis cannot do it.
            ClusterUnreachable: Kafka cannot say whether all has been seen.
        """
        await self._all_seen()
        scripts = self._loader.all()
        stored = await self._mirror.get_many([*scripts, *self._loader.deleted()])
        values = {config_id: self._loader.value(config_id) for config_id in scripts}
        gone: dict[str, bytes | None] = dict.fromkeys(self._loader.deleted() & stored.keys())
        wrong = sum(stored.get(config_id) != value for config_id, value in values.items()) + len(gone)
        await self._mirror.apply(values | gone)
        return wrong

    def _note(self, change: Change) -> None:
        self._changed.add(change.config_id)
        self._news.set()

    async def _keep(self) -> None:
        await self._loader.caught_up()
        retry = FIRST_RETRY_SECONDS
        whole = True  # the first round mends everything
        while True:
            try:
                self._news.clear()
                await (self._renew() if whole else self._write_changes())
            except (RedisError, OSError, ClusterUnreachable) as problem:
                self.watch.set(Phase.FAILED, _reason(problem))
                await asyncio.sleep(retry)
                retry, whole = min(retry * 2, LONGEST_RETRY_SECONDS), True
                continue
            self.watch.set(Phase.CONNECTED)
            retry = FIRST_RETRY_SECONDS
            whole = not await self._wait_for_news()

    async def _renew(self) -> None:
        self._changed.clear()
        await self.mend()

    async def _write_changes(self) -> None:
        await self._all_seen()
        names, self._changed = self._changed, set()
        try:
            await self._mirror.apply({name: self._loader.value(name) for name in names})
        except BaseException:
            self._changed |= names
            raise

    async def _wait_for_news(self) -> bool:
        """Waits for a change; False when it is time to renew everything."""
        ttl = self._mirror.ttl_seconds
        seconds = ttl / RENEWALS_PER_TTL if ttl else RENEW_SECONDS_WITHOUT_TTL
        try:
            async with asyncio.timeout(seconds):  # not wait_for, which may swallow a cancellation
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _all_seen(self) -> None:
        """Waits until the loader has seen everything that the topic holds now."""
        await self._loader.seen(await self._kafka.ends(self._topic))


def _reason(problem: RedisError | OSError | ClusterUnreachable) -> str:
    return str(problem) if isinstance(problem, ClusterUnreachable) else reason_of(problem)
