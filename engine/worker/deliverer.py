"""Sends requests over HTTP: connections are kept, redirects are not followed, and little of the answer is read."""

from __future__ import annotations

import os
import ssl
import time
from typing import Self

import aiohttp
import msgspec
from yarl import URL

from engine.model import OutgoingRequest
from engine.settings import DeliverySettings
from engine.worker.records import KEPT_ANSWER_BYTES

_READ_ANYWAY_BYTES = 64 * 1024
"""Of an answer that goes on, so much is read and thrown away to keep its connection; a longer one costs it."""


class Answer(msgspec.Struct, frozen=True):
    """What came of one attempt.

    Attributes:
        status: of the receiver's answer; None when there was none, and `error` says why.
        error: in words for people; for a status that is no success its reason.
        body: the beginning of the answer.
        duration_ns: from the first try to connect.
    """

    status: int | None
    error: str
    body: bytes
    duration_ns: int


class Deliverer:
    """An HTTP client for webhooks. All methods run on one asyncio loop."""

    def __init__(self, settings: DeliverySettings, *, tls: ssl.SSLContext | None = None) -> None:
        self._timeout = float(settings.timeout)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=settings.max_conns_per_host, ssl=tls or True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            auto_decompress=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections; requests under way fail."""
        await self._session.close()

    async def send(self, request: OutgoingRequest) -> Answer:
        """Sends one request; whatever happens is an answer."""
        started = time.perf_counter_ns()
        try:
            status, reason, body = await self._exchange(request)
        except TimeoutError:
            return self._none(f"no answer within {self._timeout:g} s", started)
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            return self._none(_in_words(problem), started)
        error = "" if 200 <= status < 300 else f"{status} {reason}".strip()
        return Answer(status, error, body, time.perf_counter_ns() - started)

    async def _exchange(self, request: OutgoingRequest) -> tuple[int, str, bytes]:
        async with self._session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
        ) as response:
            body = await self._beginning(response)
            return response.status, response.reason or "", body

    @staticmethod
    async def _beginning(response: aiohttp.ClientResponse) -> bytes:
        """The part that is kept. The status counts even when the rest of the answer never comes."""
        found, size = bytearray(), 0
        try:
            async for chunk in response.content.iter_any():
                found += chunk[: KEPT_ANSWER_BYTES - len(found)]
                size += len(chunk)
                if size > _READ_ANYWAY_BYTES:
                    response.close()
                    break
        except (aiohttp.ClientError, TimeoutError):
            response.close()
        return bytes(found)

    @staticmethod
    def _none(why: str, started: int) -> Answer:
        return Answer(None, why, b"", time.perf_counter_ns() - started)


def _in_words(problem: Exception) -> str:
    """Why nothing was answered; never a header or a body."""
    if isinstance(problem, aiohttp.ClientConnectorDNSError):
        return f"the host {problem.host} is not known"
    if isinstance(problem, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {problem.host} is not trusted: {problem.certificate_error}"
    if isinstance(problem, aiohttp.ClientConnectorError):
        number = problem.os_error.errno  # its own words are those of the call, not of the system
        why = os.strerror(number) if number else str(problem.os_error)
        return f"cannot connect to {problem.host}: {why.lower()}"
    if isinstance(problem, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer"
    if isinstance(problem, aiohttp.InvalidURL | ValueError):
        return "the endpoint is no URL that can be asked"
    return str(problem) or type(problem).__name__
