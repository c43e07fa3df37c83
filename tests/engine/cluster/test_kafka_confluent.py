"""The confluent-kafka client does what the seam promises, here against the mock cluster that librdkafka carries."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from engine.cluster import confluent
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.kafka import Kafka
from engine.cluster.local_kafka import MockBroker
from engine.settings import KafkaSettings
from tests.engine.cluster.gate import Gate
from tests.engine.cluster.kafka_contract import KafkaContract


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
        monkeypatch.setattr(confluent, "REQUEST_SECONDS", 1.0)
        monkeypatch.setattr(confluent, "DELIVERY_SECONDS", 1.0)
