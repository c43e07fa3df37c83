"""A real Kafka cluster behind the seam of `engine.cluster.kafka`, through confluent-kafka (librdkafka).

librdkafka works in threads of its own. One more thread of ours serves its callbacks, and hands what they say to the
asyncio loop; calls of librdkafka that wait run in threads as well, so the loop never does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from engine.cluster.confluent_config import (
    ANSWER_MS,
    as_our_error,
    as_settings_error,
    client_config,
    kafka_at,
)
from engine.cluster.confluent_health import ConnectionHealth
from engine.cluster.confluent_metadata import REQUEST_SECONDS, STEP_SECONDS, ConfluentMetadata
from engine.cluster.confluent_reader import ConfluentReader
from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.kafka import Position, TopicSpec
from engine.errors import ClusterUnreachable
from engine.settings import KafkaSettings

DELIVERY_SECONDS = 15.0
_SERVE_SECONDS = 0.1
_FLUSH_SECONDS = 1.0
_STATE_EVERY_MS = 1000
_NO_LEADER_YET = frozenset(
    {
        KafkaError._NOENT,  # "Failed to query partition leaders: No leaders found"
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
    }
)
"""Trying again will help."""

T = TypeVar("T")


class ConfluentKafka:
    """See `engine.cluster.kafka.Kafka`. Belongs to the asyncio loop it is first used on.

    Nothing is connected before the first call.

    Args:
        settings: where the brokers are, and how to speak to them.
        linger_ms: how long a record waits for others to travel with; None for what the settings say.
    """

    def __init__(self, settings: KafkaSettings, *, linger_ms: int | None = None) -> None:
        self._settings = settings
        self._linger_ms = settings.producer_linger_ms if linger_ms is None else linger_ms
        self._part = kafka_at(settings)
        self._health = ConnectionHealth()
        self._producer: Producer | None = None
        self._admin: AdminClient | None = None
        self._closing = threading.Event()
        self._server: threading.Thread | None = None
        self._readers: set[ConfluentReader] = set()
        self._metadata = ConfluentMetadata(self._part, self._health, self._client, self._closing)

    @property
    def watch(self) -> ConnectionWatch:
        """See `Kafka`."""
        return self._health.watch

    async def connect(self) -> None:
        """See `Kafka`. Gives up early once no broker is left to try."""
        client, watch = self._client(), self._health.watch
        if watch.state.phase is not Phase.CONNECTED:
            watch.set(Phase.CONNECTING)
        deadline = asyncio.get_running_loop().time() + REQUEST_SECONDS
        while True:
            try:
                await self._in_thread(lambda: client.list_topics(timeout=STEP_SECONDS))
            except ClusterUnreachable as problem:
                failed = watch.state.phase is Phase.FAILED
                if failed or asyncio.get_running_loop().time() > deadline:
                    watch.set(Phase.FAILED, problem.why)
                    raise
            else:
                self._health.up()
                return

    async def create_topics(self, topics: Sequence[TopicSpec]) -> None:
        """See `Kafka`. Brokers without a controller (the local one) create a topic when it is asked for by its name."""
        metadata = await self._metadata.ask()
        missing = [topic for topic in topics if topic.name not in metadata.topics]
        if metadata.controller_id not in metadata.brokers:
            for topic in missing:
                await self._metadata.ask(topic.name)
            return
        if not missing:
            return
        admin = self._admin_client()
        wanted = [NewTopic(topic.name, topic.partitions, -1, config=topic.config) for topic in missing]
        pending = await self._in_thread(lambda: admin.create_topics(wanted, request_timeout=REQUEST_SECONDS))
        for future in pending.values():
            try:
                await asyncio.wrap_future(future)
            except KafkaException as problem:
                if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise self._ours(problem) from problem

    async def partitions(self, topic: str) -> int:
        """See `Kafka`."""
        metadata = await self._metadata.ask()  # of all: asking for one by its name may create it
        return len(metadata.topics[topic].partitions) if topic in metadata.topics else 0

    async def ends(self, topic: str) -> Mapping[int, int]:
        """See `Kafka`. Partitions without a leader, as there are while a broker starts, are waited for."""
        await self._metadata.reach()
        deadline = asyncio.get_running_loop().time() + REQUEST_SECONDS
        while True:
            try:
                return await self._ends(topic)
            except KafkaException as problem:
                waits = problem.args[0].code() in _NO_LEADER_YET
                if not waits or asyncio.get_running_loop().time() > deadline:
                    raise self._ours(problem) from problem
            await asyncio.sleep(_SERVE_SECONDS)

    async def _ends(self, topic: str) -> Mapping[int, int]:
        admin = self._admin_client()
        # Asked through the same client, which otherwise goes on with the leaders it knew before a broker restarted.
        metadata = await self._in_thread(lambda: admin.list_topics(timeout=REQUEST_SECONDS))
        if topic not in metadata.topics:
            return {}
        partitions = metadata.topics[topic].partitions
        wanted = {TopicPartition(topic, number): OffsetSpec.latest() for number in partitions}  # type: ignore[no-untyped-call]
        pending = await self._in_thread(lambda: admin.list_offsets(wanted, request_timeout=REQUEST_SECONDS))
        return {
            partition.partition: (await asyncio.wrap_future(future)).offset
            for partition, future in pending.items()
        }

    async def produce(
        self, topic: str, key: str, value: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Position:
        """See `Kafka`."""
        client = self._client()
        await self._metadata.know(topic)
        acknowledged: asyncio.Future[Position] = asyncio.get_running_loop().create_future()

        def report(error: KafkaError | None, message: Message) -> None:
            self._health.post(lambda: self._settle(acknowledged, error, message))

        pairs: list[tuple[str, str | bytes | None]] = [
            (name, text.encode()) for name, text in (headers or {}).items()
        ]
        while True:
            try:
                client.produce(topic, value, key.encode(), on_delivery=report, headers=pairs)
                break
            except BufferError:
                await asyncio.sleep(_SERVE_SECONDS)
            except KafkaException as problem:
                raise self._ours(problem) from problem
        return await acknowledged

    def read_topic(self, topic: str) -> ConfluentReader:
        """See `Kafka`."""
        reader = ConfluentReader(self._settings, topic, self._client)
        self._readers.add(reader)
        return reader

    async def close(self) -> None:
        """See `Kafka`."""
        await asyncio.gather(*(reader.close() for reader in self._readers))
        self._readers.clear()
        client, server = self._producer, self._server
        self._producer = self._admin = self._server = None
        if client is not None and server is not None:
            await asyncio.to_thread(client.flush, _FLUSH_SECONDS)
            client.purge()
            await asyncio.to_thread(client.flush, _FLUSH_SECONDS)  # lets what was purged be told
            self._closing.set()
            await asyncio.to_thread(server.join)
        self._health.watch.set(Phase.CLOSED)

    # The client and its thread.

    def _client(self) -> Producer:
        if self._producer is not None:
            return self._producer
        if self._closing.is_set() or self._health.watch.state.phase is Phase.CLOSED:
            raise ClusterUnreachable(self._part, "the connection is closed")
        self._health.live_on(asyncio.get_running_loop())
        config = client_config(self._settings, self._health) | {
            "acks": "all",
            "enable.idempotence": True,
            # A partition that has no leader yet refuses a batch, takes the one behind it as this producer's first, and
            # then the repeated one for a duplicate: librdkafka reports it as written, and it is lost. Seen on topics
            # that were just made. With one batch on its way there is none behind it.
            "max.in.flight.requests.per.connection": 1,
            "compression.type": str(self._settings.producer_compression),
            "linger.ms": self._linger_ms,
            "request.timeout.ms": ANSWER_MS,
            "delivery.timeout.ms": round(DELIVERY_SECONDS * 1000),
            "statistics.interval.ms": _STATE_EVERY_MS,
            "stats_cb": self._health.on_statistics,
        }
        try:
            self._producer = Producer(config)
        except KafkaException as problem:
            raise as_settings_error(problem.args[0]) from problem
        self._server = threading.Thread(
            target=self._serve, args=(self._producer,), name="howk-kafka", daemon=True
        )
        self._server.start()
        return self._producer

    def _admin_client(self) -> AdminClient:
        if self._admin is None:
            self._client()
            self._admin = AdminClient(client_config(self._settings, self._health))
        return self._admin

    def _serve(self, client: Producer) -> None:
        while not self._closing.is_set():
            client.poll(_SERVE_SECONDS)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(function)
        except KafkaException as problem:
            raise self._ours(problem) from problem

    def _ours(self, problem: KafkaException) -> Exception:
        return as_our_error(self._part, problem.args[0], self._health.last_words)

    def _settle(
        self, acknowledged: asyncio.Future[Position], error: KafkaError | None, message: Message
    ) -> None:
        if acknowledged.done():
            return
        partition, offset = message.partition(), message.offset()
        if error is not None:
            acknowledged.set_exception(as_our_error(self._part, error, self._health.last_words))
        elif partition is None or offset is None or offset < 0:  # a duplicate, says the broker: of what?
            why = "it did not say where it wrote the record"
            acknowledged.set_exception(ClusterUnreachable(self._part, why))
        else:
            acknowledged.set_result(Position(partition, offset))
