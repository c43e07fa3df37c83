"""The confluent-kafka client does what the seam promises, here against the mock cluster that librdkafka carries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.cluster import confluent, confluent_metadata
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.connection import Phase
from engine.cluster.kafka import Kafka
from engine.cluster.local_kafka import MockBroker
from engine.errors import ClusterUnreachable
from engine.settings import KafkaSettings
from tests.engine.cluster.gate import Gate
from tests.engine.cluster.kafka_contract import (
    SECONDS,
    KafkaContract,
    all_there,
    new_name,
    new_topic,
    state_of,
    values,
)


class MockSite:
    """Clients that reach a mock cluster through a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def client(self) -> Kafka:
        return ConfluentKafka(KafkaSettings(brokers=(f"127.0.0.1:{self._gate.port}",)), linger_ms=0)

    async def stop(self) -> None:
        await self._gate.shut()

    async def start(self) -> None:
        await self._gate.open()


@pytest.fixture(scope="module")
def broker() -> MockBroker:
    """It lives as long as this process."""
    return MockBroker(())


@pytest.fixture
async def site(broker: MockBroker) -> AsyncIterator[MockSite]:
    gate = Gate()
    await gate.open(broker.port)
    broker.advertise(gate.port)
    yield MockSite(gate)
    await gate.shut()


class TestConfluentKafka(KafkaContract):
    @pytest.fixture
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (confluent, confluent_metadata):
            monkeypatch.setattr(module, "REQUEST_SECONDS", 1.0)
        monkeypatch.setattr(confluent, "DELIVERY_SECONDS", 1.0)


async def test_brokers_that_are_known_to_be_away_are_not_waited_for(
    site: MockSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        (confluent, "REQUEST_SECONDS"), (confluent_metadata, "REQUEST_SECONDS"), (confluent, "DELIVERY_SECONDS"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 600.0)
    kafka = site.client()
    topic = await new_topic(kafka)
    await kafka.produce(topic, "k", b"1")
    await site.stop()
    await state_of(kafka, Phase.FAILED)
    acts = [kafka.produce(topic, "k", b"%d" % number) for number in range(100)]
    acts += [kafka.produce(new_name(), "k", b"v")]
    async with asyncio.timeout(SECONDS):
        outcomes = await asyncio.gather(
            *acts, kafka.ends(topic), kafka.partitions(topic), return_exceptions=True
        )
    assert {type(outcome) for outcome in outcomes} == {ClusterUnreachable}
    await site.start()
    await kafka.produce(topic, "k", b"2")
    assert kafka.watch.state.phase is Phase.CONNECTED
    assert values(await all_there(kafka.read_topic(topic))) == [b"1", b"2"], (
        "what was refused was not written"
    )
    await kafka.close()
