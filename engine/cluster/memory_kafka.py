"""Kafka in memory: the seam of `engine.cluster.kafka` within one process, for dry runs and for tests.

Nothing is written anywhere. A `MemoryBroker` holds the topics; any number of `MemoryKafka` connect to it. Records keep
their order within a partition, a key stays in one partition, nothing is compacted.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Mapping, Sequence

from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.kafka import Position, Record, TopicSpec
from engine.errors import ClusterRefused, ClusterUnreachable

PART = "Kafka in memory"


class MemoryBroker:
    """The topics, and what is wrong with the broker.

    Attributes:
        down: nothing is answered and nothing is read while it is true; set it with `set_down`.
        max_record_bytes: larger records are refused.
    """

    def __init__(self, *, max_record_bytes: int = 1024 * 1024) -> None:
        self.down = False
        self.max_record_bytes = max_record_bytes
        self.topics: dict[str, list[list[Record]]] = {}
        self._changed = asyncio.Event()
        self._clients: list[MemoryKafka] = []

    def set_down(self, down: bool) -> None:
        """Stops or starts answering; connected clients notice at once."""
        self.down = down
        for client in self._clients:
            client.notice()
        self._wake()

    def append(
        self, topic: str, key: bytes, value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()
    ) -> Record:
        """Writes a record as any other program might, also one that nobody can read."""
        partitions = self.topics.setdefault(topic, [[]])
        number = zlib.crc32(key) % len(partitions)
        record = Record(
            topic=topic,
            partition=number,
            offset=len(partitions[number]),
            key=key,
            value=value,
            headers=headers,
            timestamp_ms=int(time.time() * 1000),
        )
        partitions[number].append(record)
        self._wake()
        return record

    def join(self, client: MemoryKafka) -> None:
        """Tells `client` of what happens to the broker."""
        self._clients.append(client)

    def leave(self, client: MemoryKafka) -> None:
        """Forgets a client."""
        if client in self._clients:
            self._clients.remove(client)

    def wake_readers(self) -> None:
        """Lets readers look again."""
        self._wake()

    async def change(self) -> None:
        """Waits until something was written, or the broker went or came back."""
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class MemoryKafka:
    """A connection to a `MemoryBroker`; see `engine.cluster.kafka.Kafka`.

    Attributes:
        broker: what it is connected to.
        closed: whether it has been closed.
    """

    def __init__(self, broker: MemoryBroker | None = None) -> None:
        self.broker = broker or MemoryBroker()
        self.closed = False
        self._watch = ConnectionWatch()
        self.broker.join(self)

    @property
    def watch(self) -> ConnectionWatch:
        """See `Kafka`."""
        return self._watch

    def notice(self) -> None:
        """Brings the watch up to date."""
        if self.closed:
            self._watch.set(Phase.CLOSED)
        elif self.broker.down:
            self._watch.set(Phase.FAILED, "it does not answer")
        else:
            self._watch.set(Phase.CONNECTED)

    async def connect(self) -> None:
        """See `Kafka`."""
        self._reach()

    async def create_topics(self, topics: Sequence[TopicSpec]) -> None:
        """See `Kafka`."""
        self._reach()
        for topic in topics:
            self.broker.topics.setdefault(topic.name, [[] for _ in range(topic.partitions)])

    async def partitions(self, topic: str) -> int:
        """See `Kafka`."""
        self._reach()
        return len(self.broker.topics.get(topic, ()))

    async def ends(self, topic: str) -> Mapping[int, int]:
        """See `Kafka`."""
        self._reach()
        return {number: len(records) for number, records in enumerate(self.broker.topics.get(topic, ()))}

    async def produce(
        self, topic: str, key: str, value: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Position:
        """See `Kafka`."""
        self._reach()
        if len(value or b"") > self.broker.max_record_bytes:
            raise ClusterRefused(PART, f"the record has {len(value or b'')} bytes, which is too large")
        pairs = tuple((name, text.encode()) for name, text in (headers or {}).items())
        record = self.broker.append(topic, key.encode(), value, pairs)
        return Position(record.partition, record.offset)

    def read_topic(self, topic: str) -> MemoryReader:
        """See `Kafka`."""
        return MemoryReader(self, topic)

    async def close(self) -> None:
        """See `Kafka`."""
        self.closed = True
        self.broker.leave(self)
        self.notice()
        self.broker.wake_readers()

    def reachable(self) -> bool:
        """Whether the broker answers this client."""
        self.notice()
        return not self.closed and not self.broker.down

    def _reach(self) -> None:
        if not self.reachable():
            raise ClusterUnreachable(PART, self._watch.state.reason or "the connection is closed")


class MemoryReader:
    """See `engine.cluster.kafka.TopicReader`."""

    def __init__(self, kafka: MemoryKafka, topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self._next: dict[int, int] = {}
        self._ends: dict[int, int] | None = None
        self._caught_up = self._closed = False

    @property
    def caught_up(self) -> bool:
        """See `TopicReader`."""
        return self._caught_up

    @property
    def positions(self) -> Mapping[int, int]:
        """See `TopicReader`."""
        return self._next

    async def read(self) -> Sequence[Record]:
        """See `TopicReader`."""
        while not (self._closed or self._kafka.closed):
            if self._kafka.reachable():
                records = self._take()
                if self._has_caught_up() or records:
                    return records
            await self._kafka.broker.change()
        return ()

    async def close(self) -> None:
        """See `TopicReader`."""
        self._closed = True
        self._kafka.broker.wake_readers()

    def _take(self) -> list[Record]:
        partitions = self._kafka.broker.topics.get(self._topic, [])
        if self._ends is None:
            self._ends = {number: len(records) for number, records in enumerate(partitions)}
        taken: list[Record] = []
        for number, records in enumerate(partitions):
            taken += records[self._next.get(number, 0) :]
            self._next[number] = len(records)
        return taken

    def _has_caught_up(self) -> bool:
        """Whether it has caught up just now."""
        if self._caught_up or self._ends is None:
            return False
        self._caught_up = all(self._next.get(number, 0) >= end for number, end in self._ends.items())
        return self._caught_up
