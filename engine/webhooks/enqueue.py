"""Accepts webhooks: checks what somebody asks to be delivered, and writes it to `howk.pending`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError
from structlog.typing import FilteringBoundLogger

from engine.cluster.kafka import Kafka
from engine.delivery.request import check_header
from engine.errors import BadInput, ClusterUnreachable, InvalidOutput
from engine.go_time import go_time
from engine.model import DEFAULT_MAX_ATTEMPTS, ScriptConfig, Webhook
from engine.webhooks.ids import endpoint_hash, new_webhook_id
from engine.webhooks.record import encode_webhook, record_headers
from engine.webhooks.stats import StatsStore
from engine.webhooks.status import StatusStore, WebhookState, WebhookStatus

SCRIPTS_SECONDS = 3.0


class EnqueueRequest(msgspec.Struct, frozen=True):
    """What a client asks for; `payload` keeps its bytes."""

    endpoint: str
    payload: msgspec.Raw
    headers: dict[str, str] | None = None
    idempotency_key: str | None = None
    signing_secret: str | None = None
    max_attempts: int | None = None
    require_script: bool | None = None


class ScriptMissing(BadInput):
    """`require_script` was set and no script resolves for the config_id."""

    def __init__(self, config_id: str) -> None:
        super().__init__(
            "config_id",
            repr(config_id),
            "no script is published for it.",
            "Publish one, or leave require_script out.",
        )


class ScriptLookup(Protocol):
    """Finds the script of a config_id in memory."""

    def lookup(self, config_id: str) -> ScriptConfig | None:
        """The script that a webhook of this config_id runs through, its namespace's if it has none of its own."""
        ...

    async def caught_up(self) -> None:
        """Waits until all scripts are known. Raises what keeps them from being read."""
        ...


class Enqueuer:
    """Writes webhooks to Kafka, and what is known of them to Redis.

    A webhook is accepted once Kafka has it. Redis only tells about it: when it is away, that is logged, and the
    webhook is delivered all the same.
    """

    def __init__(
        self,
        *,
        kafka: Kafka,
        topic: str,
        redis: Redis,
        status: StatusStore,
        stats: StatsStore,
        scripts: ScriptLookup,
        logger: FilteringBoundLogger,
    ) -> None:
        self._kafka, self._topic, self._redis = kafka, topic, redis
        self._status, self._stats, self._scripts, self._logger = status, stats, scripts, logger

    async def know_scripts(self) -> None:
        """Waits a little for the scripts to be read: a webhook that misses its script would be delivered raw.

        Raises:
            ClusterUnreachable: they are not, or not yet.
            ClusterRefused: their topic may not be read.
        """
        try:
            async with asyncio.timeout(SCRIPTS_SECONDS):
                await self._scripts.caught_up()
        except TimeoutError as problem:
            why = self._kafka.watch.state.reason or "the scripts have not been read to their end yet"
            raise ClusterUnreachable("Kafka", why) from problem

    def webhook(self, config_id: str, request: EnqueueRequest) -> Webhook:
        """The webhook that a request asks for, with a new id; `know_scripts` comes first.

        Raises:
            BadInput: the request cannot be delivered; the field is named.
            ScriptMissing: it requires a script and there is none.
        """
        _check(request)
        script = self._scripts.lookup(config_id)
        if request.require_script and script is None:
            raise ScriptMissing(config_id)
        now = go_time()
        return Webhook(
            id=new_webhook_id(),
            config_id=config_id,
            endpoint=request.endpoint,
            endpoint_hash=endpoint_hash(request.endpoint),
            payload=bytes(request.payload),
            headers=request.headers or {},
            idempotency_key=request.idempotency_key or "",
            signing_secret=request.signing_secret or "",
            max_attempts=request.max_attempts or DEFAULT_MAX_ATTEMPTS,
            created_at=now,
            scheduled_at=now,
            script_hash=script.hash if script else "",
        )

    async def send(self, webhook: Webhook) -> None:
        """Writes one webhook to Kafka and waits until it is safe there.

        Raises:
            ClusterUnreachable: it was not acknowledged; it may be there all the same.
            ClusterRefused: Kafka will not take it.
        """
        await self._kafka.produce(
            self._topic, webhook.config_id, encode_webhook(webhook), record_headers(webhook)
        )

    async def note(self, webhooks: Sequence[Webhook]) -> None:
        """Writes status and counters of webhooks that Kafka has accepted, in one round trip."""
        if not webhooks:
            return
        pipe = self._redis.pipeline(transaction=False)
        now_ns = time.time_ns()
        for webhook in webhooks:
            self._status.write(pipe, WebhookStatus(webhook.id, WebhookState.PENDING, 0, now_ns))
        hashes = {webhook.endpoint_hash for webhook in webhooks}
        self._stats.add(pipe, {"enqueued": len(webhooks)}, hashes, datetime.now(UTC))
        try:
            await pipe.execute()
        except (RedisError, OSError) as problem:
            self._logger.warning("status of new webhooks not written", count=len(webhooks), why=str(problem))


def _check(request: EnqueueRequest) -> None:
    _check_endpoint(request.endpoint)
    if request.max_attempts is not None and request.max_attempts < 0:
        raise BadInput("max_attempts", "", "it must not be negative.", "0 or none is the default of 20.")
    for name, value in (request.headers or {}).items():
        try:
            check_header("headers", name, value)
        except InvalidOutput as problem:
            raise BadInput("headers", "", f"{problem}.") from problem


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or not character.isprintable() for character in endpoint):
        raise BadInput("endpoint", "", "it is no URL.", "Write it as https://host/path.")
