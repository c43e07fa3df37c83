"""The broker that the other tests here rely on is a real one: it keeps what it has acknowledged, and compacts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, Message, Producer

from tests.cluster.kafka_broker import KafkaBroker

SECONDS = 30.0


def produce(broker: KafkaBroker, topic: str, key: str, value: bytes) -> KafkaError | None:
    answers: list[KafkaError | None] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        answers.append(error)

    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "acks": "all",
            "enable.idempotence": True,
            "topic.metadata.propagation.max.ms": 1,  # a topic that is not there is not waited for
        }
    )
    producer.produce(topic, value, key, headers=[("version", b"7")], on_delivery=delivered)
    assert producer.flush(SECONDS) == 0
    [answer] = answers
    return answer


def read_with_kcat(broker: KafkaBroker, topic: str) -> str:
    command = [
        "kcat",
        "-b",
        broker.address,
        "-C",
        "-t",
        topic,
        "-o",
        "beginning",
        "-e",
        "-q",
        "-f",
        "%k %h %s\n",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout


@pytest.mark.parametrize("end", [KafkaBroker.stop, KafkaBroker.kill])
def test_what_was_acknowledged_is_there_after_a_restart(
    kafka_broker: KafkaBroker, end: Callable[[KafkaBroker], None]
) -> None:
    topic = f"kept-{end.__name__}"
    kafka_broker.create_topic(topic, cleanup_policy="compact")
    assert produce(kafka_broker, topic, "shop", b"one") is None
    assert read_with_kcat(kafka_broker, topic) == "shop version=7 one\n"

    end(kafka_broker)
    assert not kafka_broker.running
    kafka_broker.start()

    assert produce(kafka_broker, topic, "shop", b"two") is None
    assert read_with_kcat(kafka_broker, topic) == "shop version=7 one\nshop version=7 two\n"


def test_no_topic_appears_by_itself(kafka_broker: KafkaBroker) -> None:
    error = produce(kafka_broker, "never-created", "k", b"v")
    assert error is not None
    assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
