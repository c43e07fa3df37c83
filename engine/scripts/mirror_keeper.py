"""Keeps the Redis mirror of scripts as the topic says: writes changes, renews what would run out, mends what differs.

Several keepers may serve one mirror, beside programs that publish: `settle` is how they do not undo each other's work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from typing import Self

from redis.exceptions import RedisError

from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.redis_client import reason_of
from engine.errors import ClusterUnreachable
from engine.scripts.loader import Change, ScriptLoader
from engine.scripts.mirror import ScriptMirror, batches
from engine.tasks import end_task

RENEWALS_PER_TTL = 3
RENEW_SECONDS_WITHOUT_TTL = 3600.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 30.0


async def settle(mirror: ScriptMirror, loader: ScriptLoader, config_ids: Collection[str]) -> int:
    """Brings entries in line with the topic and renews them; returns how many were not right.

    Any number of programs may do so at once, and any of them may stand still at any moment. An entry is read, then the
    topic is read to its end, then the entry is written if it still is what was read. A version that is published after
    the topic was read is mirrored after that too: either it is there before us, and our write does not happen, or it
    comes after us, and stays.

    Two races remain, and both are mended. A missing entry cannot tell that a script was deleted while we stood still:
    it is written, and deleted when our loader sees the tombstone. And programs that write without looking, as the
    published system does, may put an old version over a new one, until the next round.

    Raises:
        redis.exceptions.RedisError, OSError: Redis cannot do it.
        ClusterUnreachable: nobody can say what the topic holds.
    """
    mended = 0
    for names in batches(config_ids):
        waiting = set(names)
        while waiting:
            found = await mirror.get_many(waiting)
            await loader.see_all()
            wanted = {name: loader.value(name) for name in waiting}
            wrong = {name: value for name, value in wanted.items() if value != found.get(name)}
            right = [name for name, value in wanted.items() if value is not None and name not in wrong]
            waiting = await mirror.replace(wrong, found)
            mended += len(wrong) - len(waiting)
            waiting |= await mirror.renew(right)
    return mended


class MirrorKeeper:
    """Follows a loader and writes what it sees to a mirror.

    Attributes:
        watch: how the mirror stands; it fails while Redis is away, and then keeps trying.
    """

    def __init__(self, loader: ScriptLoader, mirror: ScriptMirror) -> None:
        self._loader, self._mirror = loader, mirror
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
            await end_task(self._task)
        self.watch.set(Phase.CLOSED)

    async def mend(self) -> int:
        """Brings the whole mirror in line with the topic and renews it; returns how many entries were not right.

        Raises:
            redis.exceptions.RedisError, OSError: Redis cannot do it.
            ClusterUnreachable: Kafka cannot say whether all has been seen.
        """
        self._changed.clear()
        await self._loader.see_all()
        return await settle(self._mirror, self._loader, self._loader.all().keys() | self._loader.deleted())

    def _note(self, change: Change) -> None:
        self._changed.add(change.config_id)
        self._news.set()

    async def _keep(self) -> None:
        await self._loader.caught_up()
        clock = asyncio.get_running_loop().time
        retry, renewal_at = FIRST_RETRY_SECONDS, clock()  # the first round brings everything in line
        while True:
            self._news.clear()
            try:
                if clock() >= renewal_at:
                    await self.mend()
                    renewal_at = clock() + self._renew_seconds()
                else:
                    await self._write_changes()
            except (RedisError, OSError, ClusterUnreachable) as problem:
                self.watch.set(Phase.FAILED, _reason(problem))
                await self._keep_alive()
                await asyncio.sleep(min(retry, self._renew_seconds()))
                retry, renewal_at = min(retry * 2, LONGEST_RETRY_SECONDS), clock()
            else:
                self.watch.set(Phase.CONNECTED)
                retry = FIRST_RETRY_SECONDS
                await self._news_until(renewal_at)

    def _renew_seconds(self) -> float:
        ttl = self._mirror.ttl_seconds
        return ttl / RENEWALS_PER_TTL if ttl else RENEW_SECONDS_WITHOUT_TTL

    async def _write_changes(self) -> None:
        names, self._changed = self._changed, set()
        await settle(self._mirror, self._loader, names)

    async def _keep_alive(self) -> None:
        """While Kafka is away nothing is written, and nothing may run out."""
        with contextlib.suppress(RedisError, OSError):
            await self._mirror.renew(self._loader.all().keys())

    async def _news_until(self, when: float) -> None:
        """Waits for a change, though not longer than to that moment of the loop's clock."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(when):  # not wait_for, which may swallow a cancellation
                await self._news.wait()


def _reason(problem: RedisError | OSError | ClusterUnreachable) -> str:
    return str(problem) if isinstance(problem, ClusterUnreachable) else reason_of(problem)
