"""The API's webhook endpoints: enqueue one or up to a hundred, ask for a status."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web

from engine.api.metrics import ApiMetrics
from engine.api.problems import answer, refusal
from engine.api.requests import body_of, config_id_of
from engine.errors import BadInput, ClusterRefused, ClusterUnreachable
from engine.model import Webhook
from engine.webhooks.enqueue import Enqueuer, EnqueueRequest
from engine.webhooks.status import StatusStore

MOST_IN_A_BATCH = 100


class BatchRequest(msgspec.Struct, frozen=True):
    """Several webhooks of one config_id."""

    webhooks: Annotated[list[EnqueueRequest], msgspec.Meta(min_length=1, max_length=MOST_IN_A_BATCH)]


class Accepted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one webhook of a request, in the order of the request; `error` only when it was not accepted."""

    webhook_id: str
    status: str
    error: str = ""


class BatchAnswer(msgspec.Struct, frozen=True):
    """What became of all."""

    webhooks: list[Accepted]
    accepted: int
    failed: int


class WebhookHandlers:
    """Answers `/webhooks/...`."""

    def __init__(self, enqueuer: Enqueuer, status: StatusStore, metrics: ApiMetrics) -> None:
        self._enqueuer, self._status, self._metrics = enqueuer, status, metrics

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.post("/webhooks/{config_id}/enqueue", self.enqueue),
            web.post("/webhooks/{config_id}/enqueue/batch", self.enqueue_batch),
            web.get("/webhooks/{webhook_id}/status", self.status),
        ]

    async def enqueue(self, request: web.Request) -> web.Response:
        """Accepts one webhook: 202 once Kafka has it."""
        config_id, wanted = config_id_of(request), await body_of(request, EnqueueRequest)
        await self._enqueuer.know_scripts()
        webhook = self._enqueuer.webhook(config_id, wanted)
        await self._enqueuer.send(webhook)
        await self._noted([webhook])
        return answer(Accepted(webhook.id, "pending"), 202)

    async def enqueue_batch(self, request: web.Request) -> web.Response:
        """Accepts up to a hundred in their order; all are checked before the first is sent, failures told singly."""
        config_id, wanted = config_id_of(request), await body_of(request, BatchRequest)
        await self._enqueuer.know_scripts()
        webhooks = [self._checked(config_id, place, one) for place, one in enumerate(wanted.webhooks)]
        # All at once: the producer keeps their order, and one acknowledgement is as slow as a hundred.
        results = await asyncio.gather(
            *(self._enqueuer.send(webhook) for webhook in webhooks), return_exceptions=True
        )
        failures = [result for result in results if result is not None]
        if unforeseen := [
            one for one in failures if not isinstance(one, ClusterUnreachable | ClusterRefused)
        ]:
            raise unforeseen[0]
        if len(failures) == len(webhooks):
            raise failures[0]
        pairs = list(zip(webhooks, results, strict=True))
        await self._noted([webhook for webhook, result in pairs if result is None])
        told = [
            Accepted(webhook.id, "pending") if result is None else Accepted("", "failed", str(result))
            for webhook, result in pairs
        ]
        return answer(BatchAnswer(told, len(webhooks) - len(failures), len(failures)), 202)

    async def status(self, request: web.Request) -> web.Response:
        """What is known of a webhook."""
        webhook_id = request.match_info["webhook_id"]
        try:
            found = await self._status.read(webhook_id)
        except msgspec.MsgspecError:
            return refusal(502, "Status not readable", "Redis holds something else under this id.")
        return answer(found) if found is not None else refusal(404, "webhook not found")

    def _checked(self, config_id: str, place: int, wanted: EnqueueRequest) -> Webhook:
        try:
            return self._enqueuer.webhook(config_id, wanted)
        except BadInput as problem:
            problem.args = (f"webhooks[{place}]: {problem}",)
            raise

    async def _noted(self, webhooks: list[Webhook]) -> None:
        await self._enqueuer.note(webhooks)
        self._metrics.enqueued(len(webhooks))
