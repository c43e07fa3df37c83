"""Kafka in memory does what the seam promises, and can be made to fail."""

from __future__ import annotations

import pytest

from engine.cluster.kafka import Kafka
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.errors import ClusterRefused
from tests.engine.cluster.kafka_contract import KafkaContract, all_there, values


class MemorySite:
    """Clients of one broker in memory."""

    def __init__(self) -> None:
        self._broker = MemoryBroker()

    def client(self) -> Kafka:
        return MemoryKafka(self._broker)

    async def stop(self) -> None:
        self._broker.set_down(True)

    async def start(self) -> None:
        self._broker.set_down(False)


class TestMemoryKafka(KafkaContract):
    @pytest.fixture
    def site(self) -> MemorySite:
        return MemorySite()


async def test_too_large_a_record_is_refused_and_not_written() -> None:
    kafka = MemoryKafka(MemoryBroker(max_record_bytes=10))
    with pytest.raises(ClusterRefused, match="11 bytes"):
        await kafka.produce("t", "k", b"x" * 11)
    await kafka.produce("t", "k", b"x" * 10)
    assert len(await all_there(kafka.read_topic("t"))) == 1


async def test_other_programs_write_what_nobody_can_read() -> None:
    broker = MemoryBroker()
    broker.append("t", b"\xff", b"{", (("h", b"\xfe"),))
    [record] = await all_there(MemoryKafka(broker).read_topic("t"))
    assert (record.key, record.value, record.header("h")) == (b"\xff", b"{", b"\xfe")
    assert values([record]) == [b"{"]
