"""Child process: a broker that speaks Kafka's protocol on the loopback, without a JVM; it keeps nothing.

It is the mock cluster of librdkafka, which comes with confluent-kafka, through the functions of its rdkafka_mock.h:
unlike the setting `test.mock.num.brokers` they choose partitions, the advertised port and the delay of a group's
first join (0.1 s here, 3 s else). Measured against it was Tansu, which has CreateTopics, but took 23 s to join a group
and reported a wrong end of a partition.

What it does not do, so that nobody looks for it:
- administration: a client that creates topics or asks for settings waits until its own timeout. The HOWK topics are
  there from the start; any other appears with 4 partitions when a client first names it;
- compaction: readers see every version;
- keeping much: a partition holds the newest 5 MB, as sent, and drops what is older. One that is larger than 2.5 MB
  can go with them though it was acknowledged, since the mock then takes the partition for empty;
- TLS, SASL, and a limit on the size of a record;
- a quick return to a group by the classic protocol: the next consumer waits until the session of the one that left
  times out. With `group.protocol=consumer` it joins at once.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from confluent_kafka import cimpl

from engine.cluster.local_child import LOOPBACK, Serving, Start, run_child
from engine.errors import ClusterUnreachable

PART = "the local Kafka"
PARTITIONS = 16  # times 5 MB is what a topic holds
_PRODUCER = 0
_BROKER_ID = 1
_ERROR_BYTES = 512
_CHUNK_BYTES = 256 * 1024


class MockBroker:
    """One broker in threads of this process, for as long as it lives; `port` is where it listens.

    Raises:
        ClusterUnreachable: this build of confluent-kafka has no mock cluster, or it does not start.
    """

    def __init__(self, topics: tuple[str, ...]) -> None:
        # Symbols of librdkafka are found through the extension module that is linked to it.
        library = ctypes.CDLL(cimpl.__file__)
        try:
            self._declare(library)
        except AttributeError as missing:
            raise ClusterUnreachable(PART, f"this confluent-kafka has no mock cluster ({missing})") from None
        self._library = library
        self._cluster = self._start()
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        for topic in topics:
            code = library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), PARTITIONS, 1)
            if code:
                raise ClusterUnreachable(PART, f"topic {topic} could not be created (code {code})")
        bootstraps: bytes = library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        self.port = int(bootstraps.rpartition(b":")[2])

    @staticmethod
    def _declare(library: ctypes.CDLL) -> None:
        pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32
        for name, result, arguments in (
            ("rd_kafka_conf_new", pointer, ()),
            ("rd_kafka_conf_set", number, (pointer, text, text, text, ctypes.c_size_t)),
            ("rd_kafka_new", pointer, (ctypes.c_int, pointer, text, ctypes.c_size_t)),
            ("rd_kafka_mock_cluster_new", pointer, (pointer, ctypes.c_int)),
            ("rd_kafka_mock_cluster_bootstraps", text, (pointer,)),
            ("rd_kafka_mock_topic_create", number, (pointer, text, ctypes.c_int, ctypes.c_int)),
            ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, (pointer, number)),
            ("rd_kafka_mock_broker_set_host_port", None, (pointer, number, text, ctypes.c_int)),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments

    def _start(self) -> int:
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        settings = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(settings, b"log_level", b"3", error, _ERROR_BYTES)
        client = self._library.rd_kafka_new(_PRODUCER, settings, error, _ERROR_BYTES)
        cluster: int | None = client and self._library.rd_kafka_mock_cluster_new(client, 1)
        if not cluster:
            raise ClusterUnreachable(PART, error.value.decode(errors="replace") or "it did not start")
        return cluster

    def advertise(self, port: int) -> None:
        """Tells clients another port than the broker's own."""
        self._library.rd_kafka_mock_broker_set_host_port(self._cluster, _BROKER_ID, LOOPBACK.encode(), port)


@asynccontextmanager
async def serve_kafka(start: Start) -> AsyncIterator[Serving]:
    """A broker; since it takes its own free port, a wanted one is served by passing on what arrives there.

    Raises:
        ClusterUnreachable: see `MockBroker`, or the port is taken.
    """
    broker = MockBroker(start.topics)
    if not start.port:
        yield Serving(broker.port)
        return
    try:
        server = await asyncio.start_server(_Forwarder(broker.port).pass_on, LOOPBACK, start.port)
    except OSError as problem:
        raise ClusterUnreachable(PART, f"port {start.port}: {problem.strerror}") from problem
    broker.advertise(start.port)
    try:
        yield Serving(start.port)
    finally:
        server.close()  # and no waiting for its connections: they end with this process


class _Forwarder:
    """Connections to one port go on to another."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(LOOPBACK, self._port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side has gone: the other is told by closing
    finally:
        writer.close()


if __name__ == "__main__":
    run_child(serve_kafka)
