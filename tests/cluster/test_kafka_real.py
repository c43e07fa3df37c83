"""The confluent-kafka client against a real broker: what the seam promises, and what only a real one can do to it."""

from __future__ import annotations

import asyncio

import pytest

from engine.cluster import confluent
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.kafka import Kafka
from engine.settings import KafkaSettings
from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.cluster.kafka_contract import KafkaContract


class RealSite:
    """Clients of a real broker."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.broker = broker

    def client(self) -> Kafka:
        return ConfluentKafka(KafkaSettings(brokers=(self.broker.address,)), linger_ms=0)

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
        monkeypatch.setattr(confluent, "REQUEST_SECONDS", 3.0)
        monkeypatch.setattr(confluent, "DELIVERY_SECONDS", 3.0)
