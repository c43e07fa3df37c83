"""Reads a whole topic of a real cluster from its start and on: one thread that fetches, one asyncio loop that takes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from engine.cluster.confluent_config import (
    MAX_MESSAGE_BYTES,
    Nobody,
    as_our_error,
    client_config,
    kafka_at,
)
from engine.cluster.kafka import Headers, Record
from engine.settings import KafkaSettings

BATCH = 500
WAITING_BATCHES = 8
_POLL_SECONDS = 0.1
_METADATA_SECONDS = 1.0  # close() waits as long
_LOOK_AGAIN_SECONDS = 1.0  # for a topic that is not there
_NEW_PARTITIONS_SECONDS = 30.0
_FETCH_BYTES = 16 * 1024 * 1024


class ConfluentReader:
    """See `engine.cluster.kafka.TopicReader`.

    Args:
        settings: of the cluster.
        topic: its name.
        connect: makes sure that somebody watches the connection.
    """

    def __init__(self, settings: KafkaSettings, topic: str, connect: Callable[[], object]) -> None:
        self._settings, self._topic, self._connect = settings, topic, connect
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._room = threading.Semaphore(WAITING_BATCHES)
        self._batches: deque[_Batch] = deque()
        self._arrived = asyncio.Event()
        self._positions: dict[int, int] = {}
        self._caught_up = False

    @property
    def caught_up(self) -> bool:
        """See `TopicReader`."""
        return self._caught_up

    @property
    def positions(self) -> Mapping[int, int]:
        """See `TopicReader`."""
        return self._positions

    async def read(self) -> Sequence[Record]:
        """See `TopicReader`."""
        self._start()
        while not self._closing.is_set():
            if self._batches:
                batch = self._batches.popleft()
                self._room.release()
                self._positions.update(batch.positions)
                self._caught_up = batch.caught_up
                if batch.refusal is not None:
                    raise as_our_error(kafka_at(self._settings), batch.refusal)
                return batch.records
            self._arrived.clear()
            await self._arrived.wait()
        return ()

    async def close(self) -> None:
        """See `TopicReader`."""
        self._closing.set()
        self._arrived.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _start(self) -> None:
        if self._thread is None and not self._closing.is_set():
            self._loop = asyncio.get_running_loop()
            self._connect()
            self._thread = threading.Thread(target=self._run, name=f"howk-read-{self._topic}", daemon=True)
            self._thread.start()

    # The thread.

    def _run(self) -> None:
        config = client_config(self._settings, Nobody()) | {
            "group.id": f"howk-studio-reader-{uuid.uuid4()}",  # demanded by the client; no group is joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "allow.auto.create.topics": False,
            "fetch.message.max.bytes": _FETCH_BYTES,
            "fetch.max.bytes": MAX_MESSAGE_BYTES,
            "receive.message.max.bytes": MAX_MESSAGE_BYTES + 1024 * 1024,
            "fetch.wait.max.ms": 200,
        }
        consumer = Consumer(config)
        try:
            _Following(self._topic, consumer, self._closing, self._deliver).run()
        finally:
            consumer.close()

    def _deliver(self, batch: _Batch) -> None:
        while not self._room.acquire(timeout=_POLL_SECONDS):
            if self._closing.is_set():
                return
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._take, batch)

    def _take(self, batch: _Batch) -> None:
        self._batches.append(batch)
        self._arrived.set()


class _Batch:
    """What one look at the topic brought: records, where that leaves each partition, and whether all was seen."""

    __slots__ = ("caught_up", "positions", "records", "refusal")

    def __init__(
        self,
        records: list[Record],
        positions: dict[int, int],
        caught_up: bool,
        refusal: KafkaError | None = None,
    ) -> None:
        self.records, self.positions, self.caught_up = records, positions, caught_up
        self.refusal = refusal


class _Following:
    """The work of the reader's thread."""

    def __init__(
        self, topic: str, consumer: Consumer, closing: threading.Event, deliver: Callable[[_Batch], None]
    ) -> None:
        self._topic, self._consumer, self._closing, self._deliver = topic, consumer, closing, deliver
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] | None = None
        self._caught_up = False
        self._look_at = 0.0

    def run(self) -> None:
        """Until closing is set; whatever the brokers do, it goes on."""
        while not self._closing.is_set():
            if time.monotonic() >= self._look_at:
                self._look()
            if self._positions:
                self._fetch()
            else:
                self._closing.wait(_POLL_SECONDS)

    def _look(self) -> None:
        """Finds partitions that are not read yet."""
        self._look_at = time.monotonic() + _LOOK_AGAIN_SECONDS
        try:
            metadata = self._consumer.list_topics(self._topic, timeout=_METADATA_SECONDS)
            topic = metadata.topics[self._topic]
            missing = topic.error is not None and topic.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            if topic.error is not None and not missing:
                self._refuse(topic.error)
                return
            new = [number for number in topic.partitions if number not in self._positions]
            ends = {number: self._end(number) for number in new} if self._ends is None else {}
        except KafkaException:
            return  # the connection's watch says why; the next look is soon
        if self._ends is None:
            self._ends = ends
        if new:
            self._consumer.incremental_assign(
                [TopicPartition(self._topic, number, OFFSET_BEGINNING) for number in new]
            )
            self._positions |= dict.fromkeys(new, 0)
            self._look_at = time.monotonic() + _NEW_PARTITIONS_SECONDS
        self._say([])

    def _end(self, number: int) -> int:
        _low, high = self._consumer.get_watermark_offsets(
            TopicPartition(self._topic, number), timeout=_METADATA_SECONDS
        )
        return high

    def _fetch(self) -> None:
        first = self._consumer.poll(_POLL_SECONDS)
        if first is None:
            return
        records = [
            record
            for message in (first, *self._consumer.consume(BATCH, 0))
            if (record := self._seen(message))
        ]
        self._say(records)

    def _seen(self, message: Message) -> Record | None:
        """The record of a message; None for what is not one."""
        error, number, offset = message.error(), message.partition(), message.offset()
        if error is not None:
            self._notice(error, number, offset)
            return None
        if number is None or offset is None:
            return None
        self._positions[number] = offset + 1
        _kind, timestamp = message.timestamp()
        return Record(self._topic, number, offset, _bytes(message.key()) or b"", _bytes(message.value()),
                      _headers(message), timestamp)  # fmt: skip

    def _notice(self, error: KafkaError, number: int | None, offset: int | None) -> None:
        if error.code() == KafkaError._PARTITION_EOF and number is not None and offset is not None:
            self._positions[number] = max(self._positions.get(number, 0), offset)
        elif (
            error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
        ):  # deleted: read it from its start when it is back
            self._consumer.unassign()
            self._positions.clear()
            self._look_at = 0.0
        else:
            self._refuse(error)

    def _refuse(self, error: KafkaError) -> None:
        """Says that the topic may not be read; other errors pass, and the connection's watch tells of them."""
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            self._deliver(_Batch([], dict(self._positions), self._caught_up, error))

    def _say(self, records: list[Record]) -> None:
        if not self._caught_up and self._ends is not None:
            self._caught_up = all(self._positions.get(number, 0) >= end for number, end in self._ends.items())
        self._deliver(_Batch(records, dict(self._positions), self._caught_up))


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _headers(message: Message) -> Headers:
    pairs = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return tuple((name, value or b"") for name, value in pairs)
