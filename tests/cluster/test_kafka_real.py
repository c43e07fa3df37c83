"""The confluent-kafka client against a real broker: what the seam promises, and what only a real one can do to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewPartitions,
)

from engine.cluster import confluent, confluent_metadata, confluent_reader
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.connection import Phase
from engine.cluster.kafka import Kafka, TopicSpec
from engine.cluster.topics import topics_of
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.settings import KafkaSettings, TopicNames
from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.cluster.kafka_contract import (
    KafkaContract,
    all_there,
    new_name,
    new_topic,
    records_of,
    state_of,
    values,
)

SECONDS = 30.0


class RealSite:
    """Clients of a real broker."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.broker = broker

    def client(self) -> Kafka:
        return ConfluentKafka(KafkaSettings(brokers=(self.broker.address,)), linger_ms=0)

    @asynccontextmanager
    async def another(self) -> AsyncIterator[Kafka]:
        """A client for a while."""
        kafka = self.client()
        try:
            yield kafka
        finally:
            await kafka.close()

    async def stop(self) -> None:
        await asyncio.to_thread(self.broker.stop)

    async def start(self) -> None:
        await asyncio.to_thread(self.broker.start)


@pytest.fixture
def site(kafka_broker: KafkaBroker) -> RealSite:
    return RealSite(kafka_broker)


class TestRealKafka(KafkaContract):
    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (confluent, confluent_metadata):
            monkeypatch.setattr(module, "REQUEST_SECONDS", 3.0)
        monkeypatch.setattr(confluent, "DELIVERY_SECONDS", 3.0)


@pytest.fixture
async def kafka(site: RealSite) -> AsyncIterator[Kafka]:
    kafka = site.client()
    yield kafka
    await kafka.close()


# --- refused


async def test_too_large_a_record_is_refused_and_not_written(kafka: Kafka) -> None:
    topic = await new_topic(kafka, max_message_bytes="1000")
    with pytest.raises(ClusterRefused, match=r"(?i)too large"):
        await kafka.produce(topic, "k", random.randbytes(2000))
    await kafka.produce(topic, "k", b"small")
    assert values(await all_there(kafka.read_topic(topic))) == [b"small"]


async def test_a_topic_that_does_not_exist_is_not_written(kafka: Kafka) -> None:
    topic = new_name()
    async with asyncio.timeout(SECONDS):
        with pytest.raises(ClusterRefused, match=r"(?i)unknown topic"):
            await kafka.produce(topic, "k", b"v")
    assert await kafka.partitions(topic) == 0
    await kafka.create_topics([TopicSpec(topic)])
    assert (await kafka.produce(topic, "k", b"v")).offset == 0


async def test_settings_that_a_topic_cannot_have(kafka: Kafka) -> None:
    with pytest.raises(ClusterRefused):
        await new_topic(kafka, cleanup_policy="never")
    with pytest.raises(ClusterRefused, match=r"(?i)topic"):
        await kafka.create_topics([TopicSpec("no such/name")])


async def test_the_topics_of_howk_are_made_as_the_wire_contract_says(kafka: Kafka, site: RealSite) -> None:
    prefix = new_name()
    names = TopicNames(
        *(f"{prefix}.{name}" for name in ("pending", "results", "deadletter", "scripts", "slow", "state"))
    )
    await kafka.create_topics(topics_of(names))
    assert await kafka.partitions(names.scripts) == 1
    for name in (names.scripts, names.state):
        assert config_of(site.broker, name) == ("compact", "-1")
    assert config_of(site.broker, names.pending)[0] == "delete"


def config_of(broker: KafkaBroker, topic: str) -> tuple[str, str]:
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": broker.address})
    config = admin.describe_configs([resource])[resource].result(SECONDS)
    return config["cleanup.policy"].value, config["retention.ms"].value


async def test_what_is_acknowledged_on_a_topic_of_just_now_is_there(kafka: Kafka) -> None:
    for _ in range(30):  # one in ten lost a record, with several batches on their way
        topic = await new_topic(kafka, 4)
        places = await asyncio.gather(*(kafka.produce(topic, f"{n}", b"%d" % n) for n in range(100)))
        there = {(one.partition, one.offset): one.value for one in await all_there(kafka.read_topic(topic))}
        assert there == {(at.partition, at.offset): b"%d" % n for n, at in enumerate(places)}


# --- reading what only a real broker holds


async def test_a_record_far_above_a_fetch_is_read_and_stops_nothing(kafka: Kafka) -> None:
    topic = await new_topic(kafka, max_message_bytes="50000000")
    huge = random.randbytes(40_000_000)  # and does not shrink
    for value in (b"before", huge, b"after"):
        await kafka.produce(topic, "k", value)
    assert values(await all_there(kafka.read_topic(topic))) == [b"before", huge, b"after"]


async def test_the_marks_of_transactions_are_no_records(kafka: Kafka, site: RealSite) -> None:
    topic = await new_topic(kafka)
    await asyncio.to_thread(write_transactions, site.broker, topic)
    reader = kafka.read_topic(topic)
    assert values(await all_there(reader)) == [b"kept"]
    assert dict(reader.positions) == dict(await kafka.ends(topic)) == {0: 4}


def write_transactions(broker: KafkaBroker, topic: str) -> None:
    """One that counts and one that was given up; each ends in a mark of its own."""
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": topic})
    producer.init_transactions(SECONDS)
    for value, end in ((b"kept", producer.commit_transaction), (b"dropped", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value, "k")
        producer.flush(SECONDS)
        end(SECONDS)


async def test_new_partitions_are_read(kafka: Kafka, site: RealSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confluent_reader, "_NEW_PARTITIONS_SECONDS", 0.5)
    topic = await new_topic(kafka)
    await kafka.produce(topic, "k", b"old")
    reader = kafka.read_topic(topic)
    assert values(await all_there(reader)) == [b"old"]
    admin = AdminClient({"bootstrap.servers": site.broker.address})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(SECONDS)
    expected = {b"%d" % number for number in range(20)}
    async with site.another() as other:  # it sees them at once
        for value in expected:
            await other.produce(topic, value.decode(), value)
    assert set(values(await records_of(reader, 20))) == expected
    assert len(reader.positions) == 3


async def test_a_topic_that_is_made_anew_is_read_from_its_start(kafka: Kafka, site: RealSite) -> None:
    topic = await new_topic(kafka)
    for number in range(3):
        await kafka.produce(topic, "k", b"%d" % number)
    reader = kafka.read_topic(topic)
    assert len(await all_there(reader)) == 3
    admin = AdminClient({"bootstrap.servers": site.broker.address})
    admin.delete_topics([topic])[topic].result(SECONDS)
    async with site.another() as other:
        async with asyncio.timeout(SECONDS):
            while await other.partitions(topic):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        await other.create_topics([TopicSpec(topic)])
        await other.produce(topic, "k", b"anew")
        assert values(await records_of(reader, 1)) == [b"anew"]


async def test_a_broker_that_hangs_is_told_of(kafka: Kafka, site: RealSite) -> None:
    topic = await new_topic(kafka)
    await kafka.produce(topic, "k", b"v")
    site.broker.hang()
    try:
        with pytest.raises(ClusterUnreachable):
            await kafka.produce(topic, "k", b"w")
        await state_of(kafka, Phase.FAILED)
    finally:
        site.broker.wake()
    await state_of(kafka, Phase.CONNECTED)
    await kafka.produce(topic, "k", b"x")
