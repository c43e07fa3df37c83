"""The seam to Kafka: what the product needs of a broker, whoever implements it.

Implementers: `engine.cluster.confluent.ConfluentKafka` (a real cluster) and
`engine.cluster.memory_kafka.MemoryKafka` (one process, for tests and dry runs). All methods run on one asyncio loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from engine.cluster.connection import ConnectionWatch

Headers = tuple[tuple[str, bytes], ...]


class Record(msgspec.Struct, gc=False, frozen=True):
    """One record of a topic; `value` is None or empty for a tombstone. `timestamp_ms` is Unix time."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0

    def header(self, name: str) -> bytes | None:
        """The value of the last header of that name; None when there is none."""
        return next((value for key, value in reversed(self.headers) if key == name), None)

    @property
    def place(self) -> str:
        """Where it is, for logs and errors: `topic[partition]@offset`."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


class Position(msgspec.Struct, frozen=True):
    """Where an acknowledged record was written."""

    partition: int
    offset: int


class TopicSpec(msgspec.Struct, frozen=True):
    """How a topic is created when it is not there."""

    name: str
    partitions: int = 1
    config: dict[str, str] = {}


class TopicReader(Protocol):
    """Reads every partition of a topic from its start, then follows it. It joins no group and commits nothing."""

    @property
    def caught_up(self) -> bool:
        """Whether everything has been returned that was in the topic when reading began."""
        ...

    @property
    def positions(self) -> Mapping[int, int]:
        """Partition -> the offset behind all that has been returned, also where no record is left there."""
        ...

    async def read(self) -> Sequence[Record]:
        """The next records, in order within a partition; none when only `caught_up` or `positions` changed.

        Waits without end for new ones, also while the broker is away: the connection's watch says so. New partitions
        are read too. A record that is too large to fetch is skipped by nobody but the caller.

        Raises:
            ClusterRefused: the topic may not be read. The next call tries again, and waits for that.
        """
        ...

    async def close(self) -> None:
        """Ends reading; a `read` in progress raises `asyncio.CancelledError` or returns nothing."""
        ...


class Kafka(Protocol):
    """A connection to a Kafka cluster."""

    @property
    def watch(self) -> ConnectionWatch:
        """How the connection stands."""
        ...

    async def connect(self) -> None:
        """Reaches the cluster once.

        Raises:
            ClusterUnreachable: no broker answers in time, or it refuses us; the reason is told.
        """
        ...

    async def create_topics(self, topics: Sequence[TopicSpec]) -> None:
        """Creates what is not there; existing topics are left as they are.

        Raises:
            ClusterUnreachable: see `connect`.
            ClusterRefused: the cluster does not allow it.
        """
        ...

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; 0 when it is not there. Raises ClusterUnreachable."""
        ...

    async def ends(self, topic: str) -> Mapping[int, int]:
        """The offset behind the last record of each partition. Raises ClusterUnreachable."""
        ...

    async def produce(
        self, topic: str, key: str, value: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Position:
        """Writes one record and waits until all in-sync replicas have it; `value` None is a tombstone.

        Raises:
            ClusterUnreachable: it was not acknowledged in time. It may still have been written: read before repeating.
            ClusterRefused: the cluster has it not and will not take it (too large, not authorised, no such topic).
        """
        ...

    def read_topic(self, topic: str) -> TopicReader:
        """A reader of the whole topic. Nothing is asked of the cluster before its first `read`."""
        ...

    async def close(self) -> None:
        """Sends what is waiting, then ends all threads and connections."""
        ...
