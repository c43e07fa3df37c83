"""The API's answers about itself: alive, ready, how many webhooks went through, and Prometheus metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from engine.api.problems import answer
from engine.webhooks.stats import StatsStore

CHECK_SECONDS = 2.0

Check = Callable[[], Awaitable[str]]
"""Says why a part is not ready; an empty text when it is."""


class HealthHandlers:
    """Answers `/health`, `/ready`, `/stats` and `/metrics`.

    Args:
        checks: name of a part (`kafka`, `redis`, `scripts`) -> its check.
    """

    def __init__(self, checks: dict[str, Check], stats: StatsStore, registry: CollectorRegistry) -> None:
        self._checks, self._stats, self._registry = checks, stats, registry

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/health", self.health),
            web.get("/ready", self.ready),
            web.get("/stats", self.stats),
            web.get("/metrics", self.metrics),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """The process is alive. A cluster that is away is no reason to restart it: that is `/ready`."""
        return answer({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Whether webhooks can be accepted now, and which part says no."""
        whys = await asyncio.gather(*(_within_time(check) for check in self._checks.values()))
        parts = dict(zip(self._checks, whys, strict=True))
        missing = {name: why for name, why in parts.items() if why}
        components = {name: why or "ok" for name, why in parts.items()}
        state = "not ready" if missing else "ready"
        told: dict[str, object] = {"status": state, "components": components}
        if missing:
            told["error"] = "; ".join(f"{name}: {why}" for name, why in missing.items())
        return answer(told, 503 if missing else 200)

    async def stats(self, _request: web.Request) -> web.Response:
        """Counts of the last hour and the last day."""
        now = datetime.now(UTC)
        hour, day = await asyncio.gather(self._stats.read(1, now), self._stats.read(24, now))
        return answer({"last_1h": hour, "last_24h": day})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


async def _within_time(check: Check) -> str:
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
