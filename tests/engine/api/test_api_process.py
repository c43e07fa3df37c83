"""The API as a process on a local cluster: its document's examples, its start without a cluster, and its end."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from typing import Any

from tests.engine.api.process import examples, run_examples, served
from tests.engine.test_cli_scripts import local_cluster

ROUTES = {
    "PUT /config/orders/script", "GET /config/orders/script", "DELETE /config/orders/script",
    "POST /config/orders/script/test", "POST /webhooks/orders/enqueue", "POST /webhooks/orders/enqueue/batch",
    "GET /webhooks/$WEBHOOK_ID/status", "GET /stats", "GET /health", "GET /ready", "GET /metrics",
}  # fmt: skip


def ask(url: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_every_endpoint_has_an_example() -> None:
    shown = set()
    for command, _ in examples():
        words = command.split()
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        path = next(word for word in words if word.startswith("http")).removeprefix("http://localhost:8080")
        shown.add(f"{method} {path}")
    assert shown == ROUTES


def test_the_examples_do_what_they_promise() -> None:
    with (
        local_cluster() as (kafka, redis),
        served(kafka, redis.removeprefix("redis://").removesuffix("/0")) as (url, _),
    ):
        assert run_examples(url) == []


def test_it_serves_while_the_cluster_is_away_and_says_what_is_missing() -> None:
    with served("127.0.0.1:1", "127.0.0.1:2") as (url, process):
        assert ask(f"{url}/health") == (200, {"status": "ok"})
        status, told = ask(f"{url}/ready")
        assert status == 503
        assert "refused" in told["components"]["kafka"]
        assert "refused" in told["components"]["redis"]
        started = time.monotonic()
        status, told = ask(f"{url}/webhooks/a/enqueue", {"endpoint": "https://a.test/", "payload": 1})
        assert (status, told["error"]) == (503, "Not available")
        print(f"refused after {time.monotonic() - started:.1f} s")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
