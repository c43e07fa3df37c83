"""The API as a process on a real Kafka and a real Redis: its examples, and an enqueued webhook as kcat reads it."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from engine.model import script_hash
from engine.settings import TopicNames
from engine.webhooks.ids import endpoint_hash
from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.api.process import run_examples, served
from tests.engine.redis_server import RedisServer

ENDPOINT = "https://example.com/hook"
SECONDS = 60.0
"""How long a broker may take to be there again."""

PATIENCE = 8.0
"""How long a client waits for an answer, on a busy machine; the API gives up on a cluster after some 3 s."""

BODY = b'{"endpoint":"https://example.com/hook","payload": {"a": 1.50},"headers":{"X":"1"},"idempotency_key":"k"}'
ALWAYS = {
    "id", "config_id", "endpoint", "endpoint_hash", "payload", "attempt", "max_attempts", "created_at", "scheduled_at",
}  # fmt: skip
"""The fields that are never left out."""

GO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def post(url: str, data: bytes, method: str = "POST") -> dict[str, str]:
    request = urllib.request.Request(url, data=data, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        told: dict[str, str] = json.load(answer)
    return told


def refused(url: str, data: bytes | None = None) -> tuple[int, str]:
    """Status and body of an answer that is a refusal."""
    with (
        pytest.raises(urllib.error.HTTPError) as told,
        urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=PATIENCE),
    ):
        pass
    with told.value as answer:
        return answer.code, answer.read().decode()


def is_ready(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/ready", timeout=PATIENCE).close()
    except urllib.error.HTTPError as no:
        no.close()
        return False
    return True


def until_ready(url: str, *, wanted: bool = True) -> None:
    deadline = time.monotonic() + SECONDS
    while is_ready(url) is not wanted:
        assert time.monotonic() < deadline, f"ready should be {wanted}"
        time.sleep(0.05)


def kcat(broker: KafkaBroker, topic: str) -> list[list[str]]:
    """Key, headers and value of every record of a topic."""
    told = subprocess.run(
        ["kcat", "-b", broker.address, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%k\x1f%h\x1f%s\x1e"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    return [record.split("\x1f") for record in told.split("\x1e")[:-1]]


@pytest.mark.parametrize("token", ["", "hunter2"])
def test_the_examples_do_what_they_promise_on_a_real_cluster(
    kafka_broker: KafkaBroker, redis_server: RedisServer, token: str
) -> None:
    with served(kafka_broker.address, redis_server.addr, HOWK_API_TOKEN=token) as (url, _process):
        assert run_examples(url, token) == []


def test_an_enqueued_webhook_is_what_the_wire_contract_says(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    body = BODY[:-1] + b',"signing_secret":"s","max_attempts":3}'
    with served(kafka_broker.address, redis_server.addr) as (url, _process):
        post(f"{url}/config/wire/script", b'{"lua_code": "x = 1"}', "PUT")
        webhook_id = post(f"{url}/webhooks/wire:42/enqueue", body)["webhook_id"]
    (found,) = [record for record in kcat(kafka_broker, "howk.pending") if webhook_id in record[2]]
    key, headers, value = found
    assert key == "wire:42"
    assert set(headers.split(",")) == {
        "config_id=wire:42", f"endpoint_hash={endpoint_hash(ENDPOINT)}", "attempt=0",
    }  # fmt: skip
    webhook = json.loads(value)
    assert re.fullmatch(r"wh_[0-9A-HJKMNP-TV-Z]{26}", webhook_id), "wh_ and a ULID"
    assert '"payload":{"a": 1.50},' in value, "the bytes as they came"
    created = webhook.pop("created_at")
    assert GO_TIME.fullmatch(created)
    assert created == webhook.pop("scheduled_at")
    assert webhook == {
        "id": webhook_id,
        "config_id": "wire:42",
        "endpoint": ENDPOINT,
        "endpoint_hash": hashlib.sha256(ENDPOINT.encode()).hexdigest()[:32],
        "payload": {"a": 1.5},
        "headers": {"X": "1"},
        "idempotency_key": "k",
        "signing_secret": "s",
        "attempt": 0,
        "max_attempts": 3,
        "script_hash": hashlib.sha256(b"x = 1").hexdigest(),
    }


def test_what_a_webhook_has_not_is_left_out(kafka_broker: KafkaBroker, redis_server: RedisServer) -> None:
    with served(kafka_broker.address, redis_server.addr) as (url, _process):
        body = b'{"endpoint":"https://example.com/hook","payload":null}'
        webhook_id = post(f"{url}/webhooks/bare/enqueue", body)["webhook_id"]
    (found,) = [record for record in kcat(kafka_broker, "howk.pending") if webhook_id in record[2]]
    webhook = json.loads(found[2])
    assert set(webhook) == ALWAYS
    assert (webhook["payload"], webhook["attempt"], webhook["max_attempts"]) == (None, 0, 20)


def test_it_starts_without_a_cluster_and_goes_on_when_there_is_one(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    prefix = f"later-{time.time_ns()}"
    names = {f"HOWK_KAFKA_TOPICS_{name.upper()}": f"{prefix}.{name}" for name in TopicNames.__struct_fields__}
    kafka_broker.stop()
    redis_server.stop()
    with served(kafka_broker.address, redis_server.addr, **names) as (url, _process):
        assert not is_ready(url)
        status, why = refused(f"{url}/webhooks/a/enqueue", BODY)
        assert (status, "Connection refused" in why) == (503, True)
        kafka_broker.start()
        redis_server.start()
        until_ready(url)
        post(f"{url}/config/a/script", b'{"lua_code": "x = 1"}', "PUT")
        webhook_id = post(f"{url}/webhooks/a/enqueue", BODY)["webhook_id"]
    [(_key, _headers, value)] = kcat(kafka_broker, f"{prefix}.pending")
    assert json.loads(value)["id"] == webhook_id
    assert json.loads(value)["script_hash"] == script_hash("x = 1")


def test_a_broker_that_goes_is_told_of_and_what_was_refused_is_not_written(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    with served(kafka_broker.address, redis_server.addr) as (url, _process):
        until_ready(url)
        key = f"gone-{time.time_ns()}"
        first = post(f"{url}/webhooks/{key}/enqueue", BODY)["webhook_id"]
        kafka_broker.stop()
        until_ready(url, wanted=False)
        assert refused(f"{url}/webhooks/{key}/enqueue", BODY)[0] == 503
        batch = b'{"webhooks":[' + b",".join([BODY] * 100) + b"]}"
        assert refused(f"{url}/webhooks/{key}/enqueue/batch", batch)[0] == 503
        assert refused(f"{url}/config/{key}/script")[0] == 503
        kafka_broker.start()
        until_ready(url)
        second = post(f"{url}/webhooks/{key}/enqueue", BODY)["webhook_id"]
    found = [json.loads(value)["id"] for name, _, value in kcat(kafka_broker, "howk.pending") if name == key]
    assert found == [first, second]


def test_without_redis_it_accepts_and_is_not_ready(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    with served(kafka_broker.address, redis_server.addr) as (url, _process):
        until_ready(url)
        redis_server.stop()
        until_ready(url, wanted=False)
        webhook_id = post(f"{url}/webhooks/a/enqueue", BODY)["webhook_id"]
        assert refused(f"{url}/webhooks/{webhook_id}/status")[0] == 503
        redis_server.start()
        until_ready(url)
        assert refused(f"{url}/webhooks/{webhook_id}/status")[0] == 404


def test_what_was_accepted_before_the_end_is_written(
    kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    key = f"end-{time.time_ns()}"
    accepted: list[str] = []
    enough = threading.Event()

    def enqueue(url: str) -> None:
        while True:
            try:
                accepted.append(post(f"{url}/webhooks/{key}/enqueue", BODY)["webhook_id"])
            except OSError:
                return
            if len(accepted) >= 50:
                enough.set()

    with served(kafka_broker.address, redis_server.addr) as (url, process):
        clients = [threading.Thread(target=enqueue, args=(url,)) for _ in range(4)]
        for client in clients:
            client.start()
        assert enough.wait(SECONDS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
        for client in clients:
            client.join(SECONDS)
    found = {json.loads(value)["id"] for name, _, value in kcat(kafka_broker, "howk.pending") if name == key}
    assert set(accepted) <= found
