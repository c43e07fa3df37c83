"""What every Kafka behind the seam does: one suite for memory, for librdkafka's mock cluster and for a real broker.

A subclass gives the fixture `site`.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import pytest

from engine.cluster.connection import ConnectionState, Phase
from engine.cluster.kafka import Kafka, Position, Record, TopicReader, TopicSpec
from engine.errors import ClusterUnreachable

SECONDS = 30.0
"""How long anything may take on a busy machine."""


class KafkaSite(Protocol):
    """A broker that tests can stop, and clients for it."""

    def client(self) -> Kafka:
        """One more client, not connected; the test closes it."""
        ...

    async def stop(self) -> None:
        """From now on nothing answers."""
        ...

    async def start(self) -> None:
        """It answers again, with what it held."""
        ...


def new_name() -> str:
    return f"topic-{uuid.uuid4().hex[:8]}"


async def new_topic(kafka: Kafka, partitions: int = 1, **config: str) -> str:
    """A new topic; the mock gives each of them four partitions."""
    name = new_name()
    settings = {key.replace("_", "."): value for key, value in config.items()}
    await kafka.create_topics([TopicSpec(name, partitions, settings)])
    return name


async def records_of(reader: TopicReader, count: int) -> list[Record]:
    """The next records, at least so many."""
    records: list[Record] = []
    async with asyncio.timeout(SECONDS):
        while len(records) < count:
            records += await reader.read()
    return records


async def all_there(reader: TopicReader) -> list[Record]:
    """What it returns until it has caught up."""
    records: list[Record] = []
    async with asyncio.timeout(SECONDS):
        while not reader.caught_up:
            records += await reader.read()
    return records


async def state_of(kafka: Kafka, phase: Phase) -> ConnectionState:
    """The state, once it is of this phase."""
    return await state_when(kafka, lambda state: state.phase is phase)


async def state_when(kafka: Kafka, wanted: Callable[[ConnectionState], bool]) -> ConnectionState:
    """The state, once it is what is wanted."""
    arrived: asyncio.Future[ConnectionState] = asyncio.get_running_loop().create_future()

    def look(state: ConnectionState) -> None:
        if wanted(state) and not arrived.done():
            arrived.set_result(state)

    kafka.watch.listen(look)
    async with asyncio.timeout(SECONDS):
        return await arrived


def values(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records]


class KafkaContract:
    """The suite."""

    @pytest.fixture
    async def kafka(self, site: KafkaSite) -> AsyncIterator[Kafka]:
        kafka = site.client()
        yield kafka
        await kafka.close()

    @pytest.fixture
    def impatient(self) -> None:
        """Lets clients give up soon."""

    # Records.

    async def test_a_record_arrives_as_it_was_written(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka)
        before = time.time()
        position = await kafka.produce(topic, "schlüssel", b"\x00\xff", {"version": "7", "who": "é"})
        reader = kafka.read_topic(topic)
        [record] = await all_there(reader)
        assert (record.topic, record.key, record.value) == (topic, "schlüssel".encode(), b"\x00\xff")
        assert record.headers == (("version", b"7"), ("who", "é".encode()))
        assert Position(record.partition, record.offset) == position
        assert before - 1 <= record.timestamp_ms / 1000 <= time.time() + 1
        assert record.place == f"{topic}[{position.partition}]@0"

    async def test_no_value_and_an_empty_one_are_told_apart(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka)
        for value in (b"v", None, b""):
            await kafka.produce(topic, "k", value)
        assert values(await all_there(kafka.read_topic(topic))) == [b"v", None, b""]

    async def test_a_key_stays_in_one_partition_and_in_order(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka, 4)
        await asyncio.gather(*(kafka.produce(topic, f"key-{n % 20}", b"%d" % n) for n in range(200)))
        records = await all_there(kafka.read_topic(topic))
        assert len(records) == 200
        assert len({record.partition for record in records}) == 4
        for key in {record.key for record in records}:
            own = [record for record in records if record.key == key]
            assert len({record.partition for record in own}) == 1
            assert [int(record.value or b"") for record in own] == sorted(int(r.value or b"") for r in own)

    async def test_two_clients_put_a_key_in_the_same_partition(self, site: KafkaSite, kafka: Kafka) -> None:
        topic = await new_topic(kafka, 4)
        other = site.client()
        try:
            for key in "abcdefgh":
                first = await kafka.produce(topic, key, b"1")
                assert (await other.produce(topic, key, b"2")).partition == first.partition
        finally:
            await other.close()

    async def test_a_large_record_arrives(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka)
        value = bytes(range(256)) * 3600
        await kafka.produce(topic, "k", value)
        assert values(await all_there(kafka.read_topic(topic))) == [value]

    async def test_thousands_of_records_arrive_in_order(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka)
        expected = [b"%d" % number for number in range(5000)]
        await asyncio.gather(*(kafka.produce(topic, "k", value) for value in expected))
        assert values(await all_there(kafka.read_topic(topic))) == expected

    # Reading.

    async def test_a_reader_starts_at_the_start_and_goes_on(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka, 2)
        for number in range(3):
            await kafka.produce(topic, f"k{number}", b"%d" % number)
        reader = kafka.read_topic(topic)
        assert not reader.caught_up
        assert sorted(values(await all_there(reader))) == [b"0", b"1", b"2"]  # type: ignore[type-var]
        await kafka.produce(topic, "k", b"3")
        assert values(await records_of(reader, 1)) == [b"3"]
        assert reader.caught_up

    async def test_positions_reach_the_ends(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka, 4)
        for number in range(6):
            await kafka.produce(topic, f"k{number % 2}", b"v")
        reader = kafka.read_topic(topic)
        await all_there(reader)
        ends = await kafka.ends(topic)
        assert sum(ends.values()) == 6
        assert len(ends) == await kafka.partitions(topic) == 4
        async with asyncio.timeout(SECONDS):
            while dict(reader.positions) != dict(ends):
                await reader.read()

    async def test_an_empty_topic_is_caught_up_at_once(self, kafka: Kafka) -> None:
        assert await all_there(kafka.read_topic(await new_topic(kafka))) == []

    async def test_a_topic_that_does_not_exist_is_waited_for(self, kafka: Kafka) -> None:
        topic = new_name()
        reader = kafka.read_topic(topic)
        assert await all_there(reader) == []
        await kafka.create_topics([TopicSpec(topic)])
        await kafka.produce(topic, "k", b"v")
        assert values(await records_of(reader, 1)) == [b"v"]

    async def test_two_readers_both_see_everything(self, site: KafkaSite, kafka: Kafka) -> None:
        topic = await new_topic(kafka)
        await kafka.produce(topic, "k", b"1")
        other = site.client()
        try:
            readers = [kafka.read_topic(topic), other.read_topic(topic)]
            for reader in readers:
                assert values(await all_there(reader)) == [b"1"]
            await kafka.produce(topic, "k", b"2")
            for reader in readers:
                assert values(await records_of(reader, 1)) == [b"2"]
        finally:
            await other.close()

    # Topics.

    async def test_topics_that_exist_are_left_as_they_are(self, kafka: Kafka) -> None:
        topic = await new_topic(kafka, 4)
        await kafka.produce(topic, "k", b"v")
        await kafka.create_topics([TopicSpec(topic, 1)])
        assert await kafka.partitions(topic) == 4
        assert sum((await kafka.ends(topic)).values()) == 1

    async def test_a_topic_that_does_not_exist_has_no_partitions(self, kafka: Kafka) -> None:
        missing = new_name()
        assert await kafka.partitions(missing) == 0
        assert await kafka.ends(missing) == {}
        assert await kafka.partitions(missing) == 0, "asking made none"

    # The connection.

    async def test_a_connection_tells_of_its_life(self, site: KafkaSite) -> None:
        kafka = site.client()
        phases: list[Phase] = []
        kafka.watch.listen(lambda state: phases.append(state.phase))
        await kafka.connect()
        assert kafka.watch.state == ConnectionState(Phase.CONNECTED)
        await kafka.close()
        assert phases[0] is Phase.IDLE
        assert phases[-2:] == [Phase.CONNECTED, Phase.CLOSED]

    @pytest.mark.parametrize("what", ["reader", "kafka"])
    async def test_closing_ends_a_read(self, site: KafkaSite, kafka: Kafka, what: str) -> None:
        reader = kafka.read_topic(await new_topic(kafka))
        await all_there(reader)
        ended = asyncio.Event()

        async def read_on() -> None:
            while not ended.is_set():
                assert await reader.read() == ()

        reading = asyncio.create_task(read_on())
        await asyncio.sleep(0)  # it waits in its read
        ended.set()
        await (reader.close() if what == "reader" else kafka.close())
        async with asyncio.timeout(SECONDS):
            await reading

    async def test_closing_twice_is_closing(self, site: KafkaSite) -> None:
        kafka = site.client()
        await kafka.connect()
        await kafka.close()
        await kafka.close()
        with pytest.raises(ClusterUnreachable, match="closed"):
            await kafka.produce("t", "k", b"v")

    async def test_a_broker_that_goes_and_comes_back(self, site: KafkaSite, kafka: Kafka) -> None:
        await kafka.connect()
        topic = await new_topic(kafka)
        reader = kafka.read_topic(topic)
        await kafka.produce(topic, "k", b"before")
        assert values(await records_of(reader, 1)) == [b"before"]

        await site.stop()
        failed = await state_of(kafka, Phase.FAILED)
        assert failed.reason
        with pytest.raises(ClusterUnreachable) as unreachable:
            await kafka.connect()
        assert unreachable.value.why

        reading = asyncio.create_task(records_of(reader, 1))
        await site.start()
        await state_of(kafka, Phase.CONNECTED)  # by itself
        await kafka.produce(topic, "k", b"after")
        assert values(await reading) == [b"after"]

    @pytest.mark.usefixtures("impatient")
    async def test_what_is_not_acknowledged_is_said(self, site: KafkaSite, kafka: Kafka) -> None:
        topic = await new_topic(kafka)
        await kafka.produce(topic, "k", b"1")
        await site.stop()
        for name in (topic, new_name()):  # one it knows, and one it has to ask for
            with pytest.raises(ClusterUnreachable):
                await kafka.produce(name, "k", b"lost")
        with pytest.raises(ClusterUnreachable):
            await kafka.ends(topic)
        with pytest.raises(ClusterUnreachable):
            await kafka.partitions(topic)
        with pytest.raises(ClusterUnreachable):
            await kafka.create_topics([TopicSpec(new_name())])
