"""What a cluster says of its topics: asked for in short steps, and once for all who want to know the same."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined]

from engine.cluster.confluent_config import as_our_error
from engine.cluster.confluent_health import ConnectionHealth
from engine.cluster.connection import Phase

REQUEST_SECONDS = 10.0
GONE_SECONDS = 3.0
"""How long one waits for brokers that are known to be away; one that restarts may be back by then."""

STEP_SECONDS = 0.5
_UNKNOWN_SECONDS = (
    5.0  # a topic that was made a moment ago is not known everywhere yet; 1 s was too little once
)
_LOOK_AGAIN_SECONDS = 0.1


class ConfluentMetadata:
    """Asks through the client of one connection.

    Args:
        part: how errors name the cluster.
        health: how the connection stands.
        client: gives the client, and makes it first; raises ClusterUnreachable when it is closed.
        closing: set when the connection ends.
    """

    def __init__(
        self, part: str, health: ConnectionHealth, client: Callable[[], Producer], closing: threading.Event
    ) -> None:
        self._part, self._health, self._client, self._closing = part, health, client, closing
        self._looks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, topic: str | None = None) -> ClusterMetadata:
        """All topics; or one, which brokers that create topics by themselves then do.

        Raises:
            ClusterUnreachable: no broker answers in time.
        """
        waiting = functools.partial(self._wait, self._client(), topic)
        try:
            metadata = await asyncio.to_thread(waiting)
        except KafkaException as problem:
            raise as_our_error(self._part, problem.args[0], self._health.last_words) from problem
        self._health.up()
        return metadata

    async def reach(self) -> None:
        """Where no broker answered lately, waits a little for one. Raises ClusterUnreachable."""
        if self._gone:
            await self.ask()

    async def know(self, topic: str) -> None:
        """Looks at a topic once, for all who write to it, and again where no broker answered lately.

        librdkafka's own first look costs a record a second, a topic that does not exist would be looked for until the
        record's time is over, and so would brokers that are away.

        Raises:
            ClusterUnreachable: no broker answers in time.
            ClusterRefused: there is no such topic.
        """
        look = self._looks.get(topic)
        if look is None or (look.done() and self._gone):
            look = self._looks[topic] = asyncio.create_task(self._look(topic))
            look.add_done_callback(lambda done: self._keep_or_forget(topic, done))
        await asyncio.shield(look)

    @property
    def _gone(self) -> bool:
        return self._health.watch.state.phase is Phase.FAILED

    def _wait(self, client: Producer, topic: str | None) -> ClusterMetadata:
        """In short steps, so that neither closing nor bad news need wait for it."""
        started = time.monotonic()
        while True:
            try:
                metadata: ClusterMetadata = client.list_topics(topic, timeout=STEP_SECONDS)
            except KafkaException:
                most = min(GONE_SECONDS, REQUEST_SECONDS) if self._gone else REQUEST_SECONDS
                if self._closing.is_set() or time.monotonic() - started > most:
                    raise
            else:
                return metadata

    async def _look(self, topic: str) -> None:
        deadline = time.monotonic() + _UNKNOWN_SECONDS
        while (error := (await self.ask(topic)).topics[topic].error) is not None:
            if error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                return  # producing says what is to be said of it
            if time.monotonic() > deadline:
                raise as_our_error(self._part, error)
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _keep_or_forget(self, topic: str, look: asyncio.Task[None]) -> None:
        failed = look.cancelled() or look.exception() is not None
        if failed and self._looks.get(topic) is look:
            del self._looks[topic]
