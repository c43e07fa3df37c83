"""HOWK's topics are made at once, or as soon as the cluster is there."""

from __future__ import annotations

import asyncio
from io import StringIO

import pytest

from engine.cluster.confluent import ConfluentKafka
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.cluster.topics import TopicMaker, topics_of
from engine.errors import SettingsError
from engine.run_log import make_logger
from engine.settings import KafkaSettings, SecurityProtocol, TopicNames

TOPICS = topics_of(TopicNames())
NAMES = {topic.name for topic in TOPICS}
SECONDS = 20.0


async def test_they_are_made_before_anything_else_begins() -> None:
    kafka = MemoryKafka()
    async with TopicMaker(kafka, TOPICS, make_logger(StringIO(), as_json=True)) as maker:
        assert maker.done
        assert set(kafka.broker.topics) == NAMES
        assert await kafka.partitions("howk.scripts") == 1


async def test_they_are_made_when_the_cluster_is_there() -> None:
    broker, log = MemoryBroker(), StringIO()
    broker.set_down(True)
    async with TopicMaker(MemoryKafka(broker), TOPICS, make_logger(log, as_json=True)) as maker:
        assert not maker.done
        assert "topics not made yet" in log.getvalue()
        broker.set_down(False)
        async with asyncio.timeout(SECONDS):
            while not maker.done:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
    assert set(broker.topics) == NAMES


async def test_a_cluster_that_never_comes_is_left() -> None:
    kafka = ConfluentKafka(KafkaSettings(brokers=("127.0.0.1:1",)))
    async with TopicMaker(kafka, TOPICS, make_logger(StringIO(), as_json=True)) as maker:
        pass
    assert not maker.done
    await kafka.close()


async def test_settings_that_cannot_be_used_are_told_at_once() -> None:
    settings = KafkaSettings(security_protocol=SecurityProtocol.SSL, tls_ca_file="/missing")
    with pytest.raises(SettingsError, match="tls_ca_file"):
        async with TopicMaker(ConfluentKafka(settings), TOPICS, make_logger(StringIO(), as_json=True)):
            pass
