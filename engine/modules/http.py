"""http: requests of scripts to the hosts that the operator allows, cached and shared where they are equal."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

from engine.model import namespace_of
from engine.modules.arguments import (
    CallFailed,
    answered,
    optional_bytes,
    optional_headers,
    optional_seconds,
    required_bytes,
)
from engine.modules.calls import HttpAnswer, ModuleReply
from engine.modules.http_addresses import Resolver, SystemResolver
from engine.modules.http_cache import AnswerCache, CacheKey, Flights
from engine.modules.http_client import HttpClient
from engine.modules.http_hosts import Allowlists
from engine.modules.http_request import HttpRequest, Target, checked_headers, parse_url
from engine.settings import LuaSettings


class HttpModule:
    """Carries out `http.get`, `post`, `put` and `delete`. Arguments, in order; None where the script gave none:

    - get: url, headers, cache_ttl (seconds; None for the setting `http_cache_ttl`, 0 for no cache at all)
    - post, put: url, body, headers
    - delete: url, body, headers

    A URL and a body are bytes, headers a dict of bytes. A body is `application/json` unless the headers say otherwise.
    Cached are answers of 2xx to GET, by namespace, URL and headers. Equal GETs of a namespace at the same time are one
    request, whatever their cache_ttl.

    Args:
        settings: allowlists, limits and the cache.
        user_agent: sent unless a script sets one.
        resolver: finds addresses; closed with the module.
        tls: the certificates to trust; the system's when None.
        clock: counts seconds, for the cache.
    """

    def __init__(
        self,
        settings: LuaSettings,
        *,
        user_agent: str = "HOWK/1.0",
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowlists = Allowlists(settings)
        self._default_ttl = settings.http_cache_ttl if settings.http_cache_enabled else 0.0
        self._caches = settings.http_cache_enabled
        self._max_body_bytes = settings.http_max_body_bytes
        self._cache, self._flights = AnswerCache(clock=clock), Flights()
        self._client = HttpClient(
            timeout=settings.http_timeout,
            max_body_bytes=settings.http_max_body_bytes,
            user_agent=user_agent,
            resolver=resolver or SystemResolver(),
            tls=tls,
        )

    async def close(self) -> None:
        """Ends what is under way and closes all connections."""
        await self._flights.close()
        await self._client.close()

    async def get(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies an HttpAnswer, perhaps one from the cache."""
        try:
            request = HttpRequest("GET", _target(arguments), checked_headers(optional_headers(arguments, 1)))
            ttl = self._ttl(arguments)
            namespace = namespace_of(config_id)
            hosts = self._allowlists.of_namespace(namespace)
            hosts.check(
                request.target.host
            )  # before the cache: it must not answer for a host that is refused
        except CallFailed as failed:
            return ModuleReply(None, failed.problem, failed.failure)
        key = CacheKey(namespace, request.target.url, request.headers)
        if ttl > 0 and (kept := self._cache.get(key, ttl)) is not None:
            return ModuleReply(kept)

        async def fetch() -> ModuleReply:
            reply = await answered(self._client.fetch(request, hosts))
            self._keep(key, reply, ttl)  # before the flight ends: who asks next finds one or the other
            return reply

        reply = await self._flights.join(key, fetch)
        if ttl > 0 and self._cache.get(key, ttl) is None:  # who began the flight wanted it not kept
            self._keep(key, reply, ttl)
        return reply

    def _keep(self, key: CacheKey, reply: ModuleReply, ttl: float) -> None:
        if ttl > 0 and isinstance(reply.value, HttpAnswer) and 200 <= reply.value.status_code < 300:
            self._cache.put(key, reply.value, ttl)

    async def post(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies an HttpAnswer."""
        return await answered(self._send("POST", arguments, config_id))

    async def put(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies an HttpAnswer."""
        return await answered(self._send("PUT", arguments, config_id))

    async def delete(self, arguments: tuple[Any, ...], config_id: str) -> ModuleReply:
        """Replies an HttpAnswer."""
        return await answered(self._send("DELETE", arguments, config_id))

    async def _send(self, method: str, arguments: tuple[Any, ...], config_id: str) -> HttpAnswer:
        target = _target(arguments)
        body = optional_bytes(arguments, 1, "the body")
        if body is None and method != "DELETE":
            raise CallFailed("the body is missing")
        if body is not None and len(body) > self._max_body_bytes:
            raise CallFailed(f"the body has {len(body)} bytes; {self._max_body_bytes} are the most")
        request = HttpRequest(method, target, checked_headers(optional_headers(arguments, 2)), body)
        return await self._client.fetch(request, self._allowlists.of_namespace(namespace_of(config_id)))

    def _ttl(self, arguments: tuple[Any, ...]) -> float:
        ttl = optional_seconds(arguments, 2, "cache_ttl")
        if ttl is not None and ttl < 0:
            raise CallFailed("cache_ttl must not be negative")
        return self._default_ttl if ttl is None or not self._caches else ttl


def _target(arguments: tuple[Any, ...]) -> Target:
    try:
        return parse_url(required_bytes(arguments, 0, "the URL").decode("utf-8"))
    except UnicodeDecodeError as problem:
        raise CallFailed("the URL is no UTF-8") from problem
