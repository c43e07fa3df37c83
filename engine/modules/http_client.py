"""Carries a script's request over the network: redirects followed, every limit kept, every failure a sentence."""

from __future__ import annotations

import asyncio
import io
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from engine.modules.arguments import CallFailed
from engine.modules.calls import Failure, HttpAnswer
from engine.modules.http_addresses import Address, Resolver, reachable_addresses
from engine.modules.http_hosts import HostList
from engine.modules.http_request import REDIRECTS, HttpRequest

MAX_REDIRECTS = 5
MAX_CONNECTIONS = 100
KEEP_ALIVE_SECONDS = 15.0
_LARGE_BODY_BYTES = 1024 * 1024  # from here on aiohttp wants a file, to write it piece by piece

_CONNECT_ERRORS = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class HttpClient:
    """Sends requests to the addresses that `reachable_addresses` passed, and to those only.

    The connection is made to the address itself, with the host's name in the Host header and in TLS: between check
    and connect nothing is resolved again, and a kept connection is reused for the address that was checked. No proxy,
    no cookies. A GET, PUT or DELETE whose connection breaks before the answer is sent once more (RFC 9112, 9.3.1: the
    server may just have closed a kept connection). gzip is asked for
    and undone, unless the script asks for an encoding itself.

    Args:
        timeout: seconds for a whole call: resolving, redirects, body.
        max_body_bytes: the most of an answer's body, as received and as decompressed.
        user_agent: sent unless the script sets one.
        resolver: closed with the client.
        tls: the certificates to trust; the system's when None.
    """

    def __init__(
        self,
        *,
        timeout: float,
        max_body_bytes: int,
        user_agent: str,
        resolver: Resolver,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout, self._max_body_bytes, self._user_agent = timeout, max_body_bytes, user_agent
        self._resolver, self._tls = resolver, tls
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
        await self._resolver.close()

    async def fetch(self, request: HttpRequest, hosts: HostList) -> HttpAnswer:
        """The final answer to a request, whatever its status.

        Raises:
            CallFailed: refused, or UNREACHABLE when the network or the server is to blame.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(request, hosts)
        except TimeoutError as late:
            problem = f"{request.target.host} did not answer in full within {self._timeout:g} s"
            raise CallFailed(problem, Failure.UNREACHABLE) from late

    async def _follow(self, request: HttpRequest, hosts: HostList) -> HttpAnswer:
        for _ in range(MAX_REDIRECTS + 1):
            async with self._exchange(request, hosts) as response:
                location = response.headers.get("Location")
                if response.status not in REDIRECTS or location is None:
                    return await self._answer(response)
            request = request.redirected(response.status, location)
        raise CallFailed(
            f"{request.target.host} was the end of {MAX_REDIRECTS} redirects, and redirects again"
        )

    @asynccontextmanager
    async def _exchange(self, request: HttpRequest, hosts: HostList) -> AsyncIterator[aiohttp.ClientResponse]:
        addresses = await reachable_addresses(request.target.host, hosts, self._resolver)
        try:
            response = await self._first_that_connects(request, addresses)
            try:
                yield response
            finally:
                response.release()  # closes the connection if the body was not read to its end
        except (aiohttp.ClientError, OSError) as problem:
            raise CallFailed(f"{request.target.host}: {_sentence(problem)}", Failure.UNREACHABLE) from problem

    async def _first_that_connects(
        self, request: HttpRequest, addresses: tuple[Address, ...]
    ) -> aiohttp.ClientResponse:
        for address in addresses[:-1]:
            try:
                return await self._send(request, address, self._timeout / len(addresses))
            except _CONNECT_ERRORS:
                continue  # nothing has been sent
        return await self._send(request, addresses[-1], self._timeout)

    async def _send(
        self, request: HttpRequest, address: Address, connect_seconds: float
    ) -> aiohttp.ClientResponse:
        target = request.target
        host = f"[{address}]" if address.version == 6 else str(address)
        headers = {"Host": target.authority, "User-Agent": self._user_agent, "Accept-Encoding": "gzip"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        own = {name.lower() for name, _ in request.headers}
        sent = [pair for pair in headers.items() if pair[0].lower() not in own]
        return await self._open_session().request(
            request.method,
            URL(f"{target.scheme}://{host}:{target.port}{target.resource}", encoded=True),
            headers=[*sent, *request.headers],
            data=_payload(request.body),
            allow_redirects=False,
            server_hostname=target.host if target.scheme == "https" else None,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        )

    async def _answer(self, response: aiohttp.ClientResponse) -> HttpAnswer:
        headers = _joined_headers(response)
        asked_by_us = response.request_info.headers.get("Accept-Encoding") == "gzip"
        gzipped = asked_by_us and headers.get(b"content-encoding", b"").lower() in (b"gzip", b"x-gzip")
        body = await self._body(response, gzipped)
        if gzipped:  # they would describe what the script does not get to see
            headers.pop(b"content-encoding", None)
            headers.pop(b"content-length", None)
        return HttpAnswer(response.status, body, headers)

    async def _body(self, response: aiohttp.ClientResponse, gzipped: bool) -> bytes:
        too_large = CallFailed(f"the answer's body is larger than {self._max_body_bytes} bytes")
        if (response.content_length or 0) > self._max_body_bytes:
            raise too_large
        body, received = bytearray(), 0
        gzip = _Gunzip(self._max_body_bytes + 1) if gzipped else None
        async for chunk in response.content.iter_any():
            received += len(chunk)
            body += gzip.feed(chunk) if gzip else chunk
            if max(received, len(body)) > self._max_body_bytes:
                raise too_large
        if gzip and received and not gzip.complete:
            raise aiohttp.ClientPayloadError("the gzip stream is cut short")
        return bytes(body)

    def _open_session(self) -> aiohttp.ClientSession:
        """Made at the first request, since a session belongs to the running loop."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._tls or True
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


class _Gunzip:
    """Decompresses at most `limit` bytes, however small the input that unfolds to more."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._member = zlib.decompressobj(wbits=31)

    @property
    def complete(self) -> bool:
        return self._member.eof

    def feed(self, chunk: bytes) -> bytes:
        pieces = []
        while chunk and self._left > 0:
            if self._member.eof:  # a stream may hold several members
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(chunk, self._left)
            except zlib.error as problem:
                raise aiohttp.ClientPayloadError("the gzip stream is damaged") from problem
            self._left -= len(piece)
            pieces.append(piece)
            chunk = self._member.unused_data
        return b"".join(pieces)


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    return io.BytesIO(body) if body is not None and len(body) > _LARGE_BODY_BYTES else body


def _joined_headers(response: aiohttp.ClientResponse) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in response.raw_headers:
        lower = name.lower()
        joined[lower] = joined[lower] + b", " + value if lower in joined else value
    return joined


def _sentence(problem: Exception) -> str:
    """What went wrong, without addresses and paths: those are in the exception, which is for the log."""
    if isinstance(problem, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)):
        return "its TLS certificate is not valid for it, or not trusted"
    if isinstance(problem, _CONNECT_ERRORS):
        return "the connection was refused or cannot be made"
    if isinstance(problem, aiohttp.ClientPayloadError):
        return "the answer broke off, or is damaged"
    if isinstance(problem, (aiohttp.ClientConnectionError, OSError)):
        return "the connection broke off"
    return "the answer is not HTTP"
