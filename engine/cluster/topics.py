"""HOWK's topics, as they are made where they are missing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

from structlog.typing import FilteringBoundLogger

from engine.cluster.connection import ConnectionState, Phase
from engine.cluster.kafka import Kafka, TopicSpec
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.settings import TopicNames
from engine.tasks import end_task

_COMPACTED = {"cleanup.policy": "compact", "retention.ms": "-1"}
WORK_PARTITIONS = 12
"""Of topics that workers share: as many of them may work at once."""

FIRST_SECONDS = 3.0
RETRY_SECONDS = 1.0


def topics_of(names: TopicNames) -> tuple[TopicSpec, ...]:
    """All of them. Whoever wants other numbers or replicas makes the topics first; those are left as they are."""
    return (
        TopicSpec(names.scripts, 1, dict(_COMPACTED)),
        TopicSpec(names.state, WORK_PARTITIONS, dict(_COMPACTED)),
        TopicSpec(names.pending, WORK_PARTITIONS),
        TopicSpec(names.slow, WORK_PARTITIONS),
        TopicSpec(names.results, WORK_PARTITIONS),
        TopicSpec(names.deadletter, WORK_PARTITIONS),
    )


class TopicMaker:
    """Makes topics while it is entered: at once where the cluster answers, else as soon as it does.

    Args:
        kafka: where; not owned.
        topics: what must be there.
        logger: told when the cluster does not allow it; then it is left to the operator.

    Attributes:
        done: whether there is nothing left to do.
    """

    def __init__(self, kafka: Kafka, topics: Sequence[TopicSpec], logger: FilteringBoundLogger) -> None:
        self._kafka, self._topics, self._logger = kafka, topics, logger
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.done = False

    async def __aenter__(self) -> Self:
        """Waits for the first try, three seconds at most. Raises SettingsError."""
        self._task = asyncio.create_task(self._make())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), FIRST_SECONDS)
        if self._task.done():
            self._task.result()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._task is not None:
            await end_task(self._task)

    async def _make(self) -> None:
        connected = asyncio.Event()

        def look(state: ConnectionState) -> None:
            (connected.set if state.phase is Phase.CONNECTED else connected.clear)()

        self._kafka.watch.listen(look)
        try:
            await self._connect()
            while not self.done:
                await connected.wait()
                await self._try()
        finally:
            self._tried.set()

    async def _connect(self) -> None:
        try:
            await self._kafka.connect()
        except (ClusterUnreachable, ClusterRefused) as problem:
            self._logger.warning("topics not made yet", why=str(problem))
            self._tried.set()

    async def _try(self) -> None:
        try:
            await self._kafka.create_topics(self._topics)
        except ClusterUnreachable:
            await asyncio.sleep(RETRY_SECONDS)
        except ClusterRefused as problem:
            self._logger.warning("topics not made", why=str(problem))
            self.done = True
        else:
            self.done = True
