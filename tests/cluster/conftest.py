"""A real Kafka broker for the session, running at the start of each test, and a real, empty redis-server for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.redis_server import RedisServer


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One broker for all tests: each uses topics and groups of its own name."""
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(autouse=True)
def _broker_runs_again(kafka_broker: KafkaBroker) -> Iterator[None]:
    """A test may stop the broker and need not care for the next one."""
    yield
    if not kafka_broker.running:
        kafka_broker.start()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server for one test."""
    with RedisServer(tmp_path) as server:
        yield server
