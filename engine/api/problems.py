"""What goes wrong with a request, as JSON with the right status; and who may ask at all."""

from __future__ import annotations

import hmac
import time

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from redis.exceptions import RedisError
from structlog.typing import FilteringBoundLogger

from engine.api.metrics import ApiMetrics
from engine.errors import BadInput, ClusterRefused, HowkError
from engine.settings import Secret
from engine.webhooks.enqueue import ScriptMissing

OPEN_PATHS = frozenset({"/health", "/ready", "/metrics"})
"""What a probe or a scraper may ask without the token: nothing there is a secret."""


def answer(value: object, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def refusal(status: int, error: str, details: str = "") -> web.Response:
    """An error as HOWK's API words it: `error` in short, `details` on what to do."""
    return answer({"error": error} | ({"details": details} if details else {}), status)


def explain_errors(logger: FilteringBoundLogger) -> Middleware:
    """A middleware that turns errors into answers; one that nobody foresaw becomes aiohttp's 500 and a log line."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as problem:
            return refusal(problem.status, problem.reason)
        except (HowkError, RedisError, OSError) as problem:
            response = _explained(problem)
            if response.status >= 500:
                logger.warning("request failed", path=request.path, why=str(problem))
            return response

    return middleware


def _explained(problem: Exception) -> web.Response:
    match problem:
        case ScriptMissing():
            return refusal(422, "Script not found", str(problem))
        case BadInput():
            return refusal(400, "Invalid request", str(problem))
        case ClusterRefused():
            return refusal(502, "Refused by the cluster", str(problem))
        case RedisError() | OSError():
            return refusal(503, "Not available", "Redis cannot be reached.")
        case _:
            return refusal(503, "Not available", str(problem))


def count_requests(metrics: ApiMetrics) -> Middleware:
    """A middleware that counts answers by route and status."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        metrics.answered(request.method, route, response.status, time.perf_counter() - started)
        return response

    return middleware


def demand_token(token: Secret) -> Middleware:
    """A middleware that lets in who knows the token: `Authorization: Bearer ...`."""
    expected = f"Bearer {token.reveal()}".encode()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if request.path not in OPEN_PATHS and not hmac.compare_digest(given, expected):
            response = refusal(401, "Unauthorized", "Send the API's token as `Authorization: Bearer ...`.")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return await handler(request)

    return middleware
