"""The API as a process on a real Kafka and a real Redis: its examples, and an enqueued webhook as kcat reads it."""

from __future__ import annotations

import json
import subprocess
import urllib.request

from engine.model import script_hash
from engine.webhooks.ids import endpoint_hash
from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.api.process import run_examples, served
from tests.engine.redis_server import RedisServer

ENDPOINT = "https://example.com/hook"
BODY = b'{"endpoint":"https://example.com/hook","payload": {"a": 1.50},"headers":{"X":"1"},"idempotency_key":"k"}'


def post(url: str, data: bytes, method: str = "POST") -> dict[str, str]:
    request = urllib.request.Request(url, data=data, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        told: dict[str, str] = json.load(answer)
    return told


def kcat(broker: KafkaBroker, topic: str) -> list[list[str]]:
    """Key, headers and value of every record of a topic."""
    told = subprocess.run(
        ["kcat", "-b", broker.address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%k\x1f%h\x1f%s\x1e"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    return [record.split("\x1f") for record in told.split("\x1e")[:-1]]


def test_the_examples_do_what_they_promise_on_a_real_cluster(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    with served(kafka_broker.address, redis_server.addr) as (url, _process):
        assert run_examples(url) == []


def test_an_enqueued_webhook_is_what_the_wire_contract_says(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    with served(kafka_broker.address, redis_server.addr) as (url, _process):
        post(f"{url}/config/wire/script", b'{"lua_code": "x = 1"}', "PUT")
        webhook_id = post(f"{url}/webhooks/wire:42/enqueue", BODY)["webhook_id"]
    (found,) = [record for record in kcat(kafka_broker, "howk.pending") if webhook_id in record[2]]
    key, headers, value = found
    assert key == "wire:42"
    assert set(headers.split(",")) == {
        "config_id=wire:42", f"endpoint_hash={endpoint_hash(ENDPOINT)}", "attempt=0",
    }  # fmt: skip
    webhook = json.loads(value)
    assert '"payload":{"a": 1.50},' in value, "the bytes as they came"
    assert webhook.pop("created_at") == webhook.pop("scheduled_at")
    assert webhook == {
        "id": webhook_id,
        "config_id": "wire:42",
        "endpoint": ENDPOINT,
        "endpoint_hash": endpoint_hash(ENDPOINT),
        "payload": {"a": 1.5},
        "headers": {"X": "1"},
        "idempotency_key": "k",
        "attempt": 0,
        "max_attempts": 20,
        "script_hash": script_hash("x = 1"),
    }
