"""The HTTP API over real TCP, with a real Redis and real engine hosts; only Kafka is in memory here."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from yarl import URL

from engine.api.health import HealthHandlers
from engine.api.metrics import ApiMetrics
from engine.api.scripts import ScriptHandlers
from engine.api.server import ApiServer, make_application
from engine.api.webhooks import WebhookHandlers
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.cluster.redis_client import redis_client
from engine.errors import SettingsError
from engine.go_time import unix_ns_of
from engine.model import ScriptConfig, script_hash
from engine.run_log import make_logger
from engine.sandbox.pool import EnginePool
from engine.scripts.api_store import ApiStore
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.settings import ApiSettings, LuaSettings, RedisSettings, Secret
from engine.transform import Transformer
from engine.webhooks.enqueue import Enqueuer
from engine.webhooks.ids import endpoint_hash
from engine.webhooks.record import decode_webhook
from engine.webhooks.stats import StatsStore
from engine.webhooks.status import StatusStore
from tests.engine.redis_server import RedisServer

ENDPOINT = "https://a.test/hook"
ENQUEUE = {"endpoint": ENDPOINT, "payload": {"a": 1}}
LIMIT = 20_000


class Api:
    """A served API and a client of it."""

    def __init__(self, server: RedisServer, token: str = "") -> None:
        self.server, self.settings = (
            server,
            ApiSettings(host="127.0.0.1", port=0, max_request_size=LIMIT, token=Secret(token)),
        )
        self.broker = MemoryBroker()
        self.kafka = MemoryKafka(self.broker)
        self.redis = redis_client(RedisSettings(addr=server.addr), connect_seconds=0.5, operation_seconds=0.5)
        self.loader = ScriptLoader(self.kafka, "howk.scripts")
        self.pool = EnginePool(size=2, spares=1)
        self.log = StringIO()
        status, stats = StatusStore(self.redis, 60), StatsStore(self.redis, 60)
        registry, logger = CollectorRegistry(), make_logger(self.log, as_json=True)
        metrics = ApiMetrics(registry)
        mirror = ScriptMirror(self.redis, 60)
        self.store = ClusterStore(self.kafka, "howk.scripts", self.loader, mirror)
        enqueuer = Enqueuer(
            kafka=self.kafka, topic="howk.pending", redis=self.redis, status=status, stats=stats,
            scripts=self.loader, logger=logger,
        )  # fmt: skip
        handlers = (
            ScriptHandlers(self.store, self.pool, Transformer(self.pool, LuaSettings())),
            WebhookHandlers(enqueuer, status, metrics),
            HealthHandlers({"kafka": self.kafka_ready}, stats, registry),
        )
        self._served = ApiServer(make_application(handlers, self.settings, metrics, logger), self.settings)

    async def kafka_ready(self) -> str:
        return "" if self.kafka.reachable() else "it does not answer"

    async def __aenter__(self) -> Api:
        self.loader.start()
        await self.loader.caught_up()
        await self._served.__aenter__()
        self.url = self._served.address
        self.client = aiohttp.ClientSession(self.url)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.client.close()
        await self._served.__aexit__()
        await self.loader.close()
        await self.kafka.close()
        await self.redis.aclose()
        await self.pool.close()

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON of an answer; `body` is bytes as they are, else a value for JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        async with self.client.request(method, path, data=data, **more) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    def pending(self) -> list[Any]:
        return [record for part in self.broker.topics.get("howk.pending", []) for record in part]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    with RedisServer(tmp_path) as server:
        async with Api(server) as api:
            yield api


# --- scripts


async def test_a_script_is_uploaded_read_and_deleted(api: Api) -> None:
    code = 'headers["X"] = "<é>"'
    status, told = await api.ask(
        "PUT", "/config/wh%3A42/script", {"lua_code": code, "version": "7", "script_config": {"a": 1}}
    )
    assert (status, set(told)) == (200, {"config_id", "hash", "version", "created_at", "updated_at"})
    assert (told["config_id"], told["hash"], told["version"]) == ("wh:42", script_hash(code), "7")
    assert unix_ns_of(told["created_at"]) == unix_ns_of(told["updated_at"])
    assert json.loads(await api.redis.get("script:wh:42"))["lua_code"] == code
    status, got = await api.ask("GET", "/config/wh%3A42/script")
    assert (status, got) == (200, told | {"lua_code": code, "script_config": {"a": 1}})
    _, again = await api.ask("PUT", "/config/wh:42/script", {"lua_code": "x = 1"})
    assert (again["created_at"], again["version"]) == (told["created_at"], "")
    assert unix_ns_of(again["updated_at"]) > unix_ns_of(told["updated_at"])
    assert await api.ask("DELETE", "/config/wh:42/script") == (204, None)
    assert await api.ask("GET", "/config/wh:42/script") == (404, {"error": "Script not found"})
    assert await api.redis.get("script:wh:42") is None


async def test_a_syntax_error_is_told_with_its_line(api: Api) -> None:
    status, told = await api.ask("PUT", "/config/a/script", {"lua_code": "x = 1\ny = ="})
    assert (status, told["error"]) == (400, "Lua syntax error")
    assert told["details"].startswith("line 2: ")
    assert api.broker.topics.get("howk.scripts") is None


@pytest.mark.parametrize(
    "body",
    [{}, {"lua_code": ""}, {"lua_code": 1}, [], None, b"{", b"\xff", {"lua_code": "x", "script_config": []}],
)
async def test_an_upload_that_is_none_is_refused(api: Api, body: Any) -> None:
    status, told = await api.ask("PUT", "/config/a/script", body)
    assert (status, told["error"]) == (400, "Invalid request")
    assert told["details"]


@pytest.mark.parametrize("config_id", ["%20", "a%2Fb", "%00", ".x", "x" * 300])
async def test_a_config_id_that_is_none_is_refused(api: Api, config_id: str) -> None:
    url = URL(f"{api.url}/config/{config_id}/script", encoded=True)
    async with api.client.put(url, data=b'{"lua_code":"x=1"}') as response:
        assert response.status in (400, 404)


async def test_a_test_runs_a_script_and_stores_nothing(api: Api) -> None:
    code = """
    local json = require("json")
    local data = json.decode(payload)
    data.b = 2
    request.body = json.encode(data)
    headers["X"] = headers["In"]
    """
    status, told = await api.ask(
        "POST", "/config/a/script/test", {"lua_code": code, "payload": {"a": 1}, "headers": {"In": "1"}}
    )
    assert (status, told["success"]) == (200, True)
    assert told["transformed_payload"] == {"a": 1, "b": 2}
    assert told["transformed_headers"] == {"In": "1", "X": "1"}
    assert told["execution_time_ms"] > 0
    assert not api.broker.topics
    assert await api.redis.dbsize() == 0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = =", "script_syntax_error (line 1)"),
        ("error('no')", "script_runtime_error (line 1): no"),
        ("while true do end", "script_timeout"),
        ('error(select(2, require("kv").get("k")))', "script_module_kv"),
    ],
)
async def test_a_test_that_fails_says_why(api: Api, code: str, error: str) -> None:
    status, told = await api.ask("POST", "/config/a/script/test", {"lua_code": code, "payload": 1})
    assert (status, told["success"]) == (200, False)
    assert told["error"].startswith(error), told
    assert "transformed_payload" not in told


@pytest.mark.parametrize(
    ("code", "payload"),
    [('request.body = "no json"', "no json"), ('request.body = "\\255"', "�"), ("", [1.50])],
)
async def test_a_body_that_is_no_json_comes_as_text(api: Api, code: str, payload: Any) -> None:
    _, told = await api.ask("POST", "/config/a/script/test", {"lua_code": code or "x=1", "payload": [1.5]})
    assert told["transformed_payload"] == payload


# --- webhooks


async def test_a_webhook_is_written_to_kafka_and_told_of_in_redis(api: Api) -> None:
    await api.ask("PUT", "/config/wh/script", {"lua_code": "x = 1"})
    body = b'{"endpoint":"' + ENDPOINT.encode() + b'","payload": {"a": 1.50 ,"b":"\\/"},"headers":{"X":"1"},'
    body += b'"idempotency_key":"k","signing_secret":"s3cret","max_attempts":3,"require_script":true}'
    status, told = await api.ask("POST", "/webhooks/wh:42:6/enqueue", body)
    assert (status, told["status"]) == (202, "pending")
    (record,) = api.pending()
    webhook = decode_webhook(record.value)
    assert record.key == b"wh:42:6"
    assert dict(record.headers) == {
        "config_id": b"wh:42:6", "endpoint_hash": endpoint_hash(ENDPOINT).encode(), "attempt": b"0",
    }  # fmt: skip
    assert (webhook.id, webhook.config_id, webhook.endpoint) == (told["webhook_id"], "wh:42:6", ENDPOINT)
    assert webhook.payload == b'{"a": 1.50 ,"b":"\\/"}'
    assert (webhook.headers, webhook.idempotency_key, webhook.signing_secret) == ({"X": "1"}, "k", "s3cret")
    assert (webhook.attempt, webhook.max_attempts) == (0, 3)
    assert webhook.script_hash == script_hash("x = 1"), "a transformation is expected"
    assert webhook.created_at == webhook.scheduled_at
    assert "s3cret" not in api.log.getvalue()
    status, known = await api.ask("GET", f"/webhooks/{webhook.id}/status")
    assert (status, known["state"], known["attempts"]) == (200, "pending", 0)
    fields = await api.redis.hgetall(f"status:{webhook.id}")
    assert set(fields) == {b"data", b"ts"}
    assert json.loads(fields[b"data"])["updated_at_ns"] == int(fields[b"ts"])
    assert 0 < await api.redis.ttl(f"status:{webhook.id}") <= 60


async def test_a_webhook_without_a_script_is_sent_as_it_is_unless_one_is_required(api: Api) -> None:
    status, _ = await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE)
    assert (status, decode_webhook(api.pending()[0].value).script_hash) == (202, "")
    status, told = await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE | {"require_script": True})
    assert (status, told["error"]) == (422, "Script not found")
    assert len(api.pending()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": None}, {"endpoint": ""}, {"endpoint": "ftp://a/"}, {"endpoint": "https://"},
        {"endpoint": "a.test"},
        {"endpoint": "https://a.test/ x"}, {"endpoint": "https://a.test:x/"}, {"endpoint": "https://[::1/"},
        {"endpoint": "https://a.test/\n"}, {"headers": []}, {"headers": {"a b": "1"}}, {"headers": {"A": "x\ny"}},
        {"headers": {"A": 1}}, {"max_attempts": -1}, {"max_attempts": "x"}, {"max_attempts": 1.5},
        {"signing_secret": 1},
    ],
)  # fmt: skip
async def test_a_webhook_that_cannot_be_delivered_is_refused(api: Api, change: dict[str, Any]) -> None:
    status, told = await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE | change)
    assert (status, told["error"]) == (400, "Invalid request")
    assert next(iter(change)) in told["details"]
    assert not api.pending()


async def test_a_batch_keeps_its_order_and_is_all_or_nothing_when_checked(api: Api) -> None:
    batch = [{"endpoint": ENDPOINT, "payload": number} for number in range(100)]
    status, told = await api.ask("POST", "/webhooks/a/enqueue/batch", {"webhooks": batch})
    assert (status, told["accepted"], told["failed"], len(told["webhooks"])) == (202, 100, 0, 100)
    sent = [decode_webhook(record.value) for record in api.pending()]
    assert [webhook.payload for webhook in sent] == [b"%d" % number for number in range(100)]
    assert [webhook.id for webhook in sent] == [one["webhook_id"] for one in told["webhooks"]]
    batch[50] = {"endpoint": "x", "payload": 1}
    status, told = await api.ask("POST", "/webhooks/a/enqueue/batch", {"webhooks": batch})
    assert (status, told["details"].startswith("webhooks[50]: endpoint")) == (400, True)
    assert len(api.pending()) == 100


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_has_between_one_and_a_hundred(api: Api, count: int) -> None:
    status, _ = await api.ask("POST", "/webhooks/a/enqueue/batch", {"webhooks": [ENQUEUE] * count})
    assert status == 400


async def test_what_kafka_refuses_of_a_batch_is_told_one_by_one(api: Api) -> None:
    api.broker.max_record_bytes = 5000
    batch = [ENQUEUE, ENQUEUE | {"payload": "x" * 6000}, ENQUEUE]
    status, told = await api.ask("POST", "/webhooks/a/enqueue/batch", {"webhooks": batch})
    assert (status, told["accepted"], told["failed"]) == (202, 2, 1)
    assert [one["status"] for one in told["webhooks"]] == ["pending", "failed", "pending"]
    assert "too large" in told["webhooks"][1]["error"]


async def test_without_kafka_nothing_is_accepted(api: Api) -> None:
    api.broker.set_down(True)
    for path, body in (("enqueue", ENQUEUE), ("enqueue/batch", {"webhooks": [ENQUEUE, ENQUEUE]})):
        status, told = await api.ask("POST", f"/webhooks/a/{path}", body)
        assert (status, told["error"]) == (503, "Not available")
    assert (await api.ask("PUT", "/config/a/script", {"lua_code": "x=1"}))[0] == 503
    status, told = await api.ask("GET", "/ready")
    assert (status, told["components"]["kafka"]) == (503, "it does not answer")
    assert (await api.ask("GET", "/health"))[0] == 200


async def test_without_redis_webhooks_are_accepted_all_the_same(api: Api) -> None:
    api.server.stop()
    status, told = await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE)
    assert status == 202
    assert len(api.pending()) == 1
    assert "status of new webhooks not written" in api.log.getvalue()
    status, told = await api.ask("GET", f"/webhooks/{told['webhook_id']}/status")
    assert (status, told["details"]) == (503, "Redis cannot be reached.")


async def test_an_unknown_webhook_is_not_found(api: Api) -> None:
    assert await api.ask("GET", "/webhooks/wh_none/status") == (404, {"error": "webhook not found"})
    await api.redis.hset("status:wh_odd", mapping={"data": "{", "ts": "1"})
    assert (await api.ask("GET", "/webhooks/wh_odd/status"))[0] == 502


async def test_stats_count_what_was_enqueued(api: Api) -> None:
    for endpoint in (ENDPOINT, ENDPOINT, "https://b.test/"):
        await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE | {"endpoint": endpoint})
    status, told = await api.ask("GET", "/stats")
    wanted = {"enqueued": 3, "delivered": 0, "failed": 0, "exhausted": 0, "unique_endpoints": 2}
    assert (status, told) == (
        200,
        {"last_1h": {"period": "1h"} | wanted, "last_24h": {"period": "24h"} | wanted},
    )


# --- who may ask, and what may be asked


async def test_a_token_is_demanded_where_there_is_one(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with Api(server, token="s3cret") as api:
            for headers in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": "s3cret"}):
                status, told = await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE, headers=headers)
                assert (status, told["error"]) == (401, "Unauthorized")
            good = {"Authorization": "Bearer s3cret"}
            assert (await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE, headers=good))[0] == 202
            for path in ("/health", "/ready"):
                assert (await api.ask("GET", path))[0] == 200
            assert "s3cret" not in api.log.getvalue()


async def test_a_request_that_is_too_large_is_refused(api: Api) -> None:
    status, told = await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE | {"payload": "x" * LIMIT})
    assert (status, "error" in told) == (413, True)
    assert not api.pending()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/webhooks/a/enqueue", 405),
        ("POST", "/config/a/script", 405),
        ("PATCH", "/stats", 405),
    ],
)
async def test_what_is_not_there_is_told_in_json(api: Api, method: str, path: str, status: int) -> None:
    got, told = await api.ask(method, path)
    assert (got, "error" in told) == (status, True)


async def test_random_bodies_are_refused_and_break_nothing(api: Api) -> None:
    chance = random.Random(7)
    good = [
        json.dumps(ENQUEUE).encode(),
        b'{"lua_code":"x=1","payload":1}',
        json.dumps({"webhooks": [ENQUEUE]}).encode(),
    ]
    paths = [
        ("POST", "/webhooks/a/enqueue"), ("POST", "/webhooks/a/enqueue/batch"), ("PUT", "/config/a/script"),
        ("POST", "/config/a/script/test"),
    ]  # fmt: skip
    statuses: set[int] = set()

    async def one() -> None:
        method, path = chance.choice(paths)
        body = mutated(chance, chance.choice(good))
        status, told = await api.ask(method, path, body)
        assert status < 500, (method, path, body, told)
        assert status < 400 or told["error"]
        statuses.add(status)

    for _ in range(50):
        await asyncio.gather(*(one() for _ in range(20)))
    assert 400 in statuses
    assert (await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE))[0] == 202, "and it still works"


def mutated(chance: random.Random, body: bytes) -> bytes:
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return b"[" * chance.choice((10, 5000)) + body
    data = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data))
        if kind == 2:
            data[place] = chance.randrange(256)
        elif kind == 3:
            del data[place : place + chance.randrange(1, 4)]
        else:
            data[place:place] = chance.choice(
                (b'"', b"{", b"}", b"null", b"1e999", b"\x00", b"\xff", b"\\ud800", b",")
            )
        if not data:
            break
    return bytes(data)


async def test_metrics_count_routes_not_paths(api: Api) -> None:
    await api.ask("POST", "/webhooks/a/enqueue", ENQUEUE)
    await api.ask("GET", "/nothing/here")
    async with api.client.get("/metrics") as response:
        text = await response.text()
    assert (
        'howk_api_requests_total{method="POST",route="/webhooks/{config_id}/enqueue",status="202"} 1.0'
        in text
    )
    assert "howk_api_webhooks_enqueued_total 1.0" in text
    assert "nothing/here" not in text


async def test_a_port_that_is_taken_is_told(api: Api) -> None:
    taken = ApiSettings(host="127.0.0.1", port=int(api.url.rpartition(":")[2]))
    with pytest.raises(SettingsError, match=r"api\.port.*HOWK_API_PORT"):
        async with ApiServer(web.Application(), taken):
            pass


# --- the studio's side of it


async def test_scripts_are_published_through_the_api(api: Api) -> None:
    one = ScriptConfig("wh:42", "x = 1", script_hash("x = 1"), "3", {"a": 1})
    async with ApiStore(api.url, Secret()) as store:
        await store.ping()
        assert await store.live("wh:42") is None
        report = await store.put(one)
        assert (report.complete, [step.name for step in report.steps]) == (True, ["api", "read_back_api"])
        live = await store.live("wh:42")
        assert live is not None
        assert (live.lua_code, live.hash, live.version, live.script_config) == (
            "x = 1",
            one.hash,
            "3",
            {"a": 1},
        )
        assert [version.script for version in await store.history("wh:42")] == [live]
        assert (await store.delete("wh:42")).complete
        assert await store.live("wh:42") is None
