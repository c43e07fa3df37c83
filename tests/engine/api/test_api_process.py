"""The API as a process on a local cluster: its document's examples, its start without a cluster, and its end."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.engine.api.process import examples, run_examples, served
from tests.engine.test_cli_scripts import local_cluster

ROUTES = {
    "PUT /config/orders/script", "GET /config/orders/script", "DELETE /config/orders/script",
    "POST /config/orders/script/test", "POST /webhooks/orders/enqueue", "POST /webhooks/orders/enqueue/batch",
    "GET /webhooks/$WEBHOOK_ID/status", "GET /stats", "GET /health", "GET /ready", "GET /metrics",
}  # fmt: skip

PATIENCE = 8.0
"""How long a client waits for an answer, on a busy machine; the API gives up on a cluster after some 3 s."""


def ask(url: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=PATIENCE) as answer:
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


@pytest.mark.parametrize("token", ["", "hunter2"])
def test_the_examples_do_what_they_promise(token: str) -> None:
    with (
        local_cluster() as (kafka, redis),
        served(kafka, redis.removeprefix("redis://").removesuffix("/0"), HOWK_API_TOKEN=token) as (url, _),
    ):
        assert run_examples(url, token) == []
        if token:
            assert ask(f"{url}/stats")[0] == 401


def test_it_serves_while_the_cluster_is_away_and_says_what_is_missing() -> None:
    with served("127.0.0.1:1", "127.0.0.1:2") as (url, process):
        assert ask(f"{url}/health") == (200, {"status": "ok"})
        status, told = ask(f"{url}/ready")
        assert status == 503
        assert "refused" in told["components"]["kafka"]
        assert "refused" in told["components"]["redis"]
        one = {"endpoint": "https://a.test/", "payload": 1}
        for path, body in (("enqueue", one), ("enqueue/batch", {"webhooks": [one] * 100})):
            status, told = ask(f"{url}/webhooks/a/{path}", body)
            assert (status, told["error"]) == (503, "Not available")
            assert "Connection refused" in told["details"]
        assert ask(f"{url}/config/a/script")[0] == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
