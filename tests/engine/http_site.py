"""A local HTTP server that behaves as a test needs, and a resolver that says what a test needs."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import ssl
import zlib
from collections import Counter
from types import TracebackType

from aiohttp import web

from engine.modules.http_addresses import Address


class FakeResolver:
    """Answers from a table; a name with several answers gives them in turn, the last one for good."""

    def __init__(self, **names: str | list[str]) -> None:
        self._names = {name.replace("__", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    async def addresses(self, host: str) -> tuple[Address, ...]:
        self.asked.append(host)
        answers = self._names.get(host)
        if answers is None:
            raise OSError("no such name")
        answer = answers if isinstance(answers, str) else (answers.pop(0) if len(answers) > 1 else answers[0])
        return tuple(ipaddress.ip_address(text) for text in answer.split())

    async def close(self) -> None:
        pass


class Site:
    """Listens on 127.0.0.1; `hits` counts requests by path, `requests` keeps method, path, headers and body."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.hits: Counter[str] = Counter()
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.released = asyncio.Event()
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self.port = 0

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> bytes:
        return f"{scheme}://{host}:{self.port}{path}".encode()

    async def __aenter__(self) -> Site:
        app = web.Application(client_max_size=16 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self.released.set()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.hits[path] += 1
        self.requests.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        behaviour = getattr(self, "_" + path.strip("/").partition("/")[0], None)
        if behaviour is None:
            return web.Response(
                body=f"{request.method} {request.raw_path}".encode(), headers={"X-Hit": str(self.hits[path])}
            )
        try:
            answer: web.StreamResponse = await behaviour(request)
        except ConnectionError:  # the client has had enough
            return web.Response()
        return answer

    async def _status(self, request: web.Request) -> web.Response:
        return web.Response(status=int(request.path.rpartition("/")[2]), text=str(self.hits[request.path]))

    async def _redirect(self, request: web.Request) -> web.Response:
        """/redirect/302?LOCATION"""
        status = int(request.path.rpartition("/")[2])
        return web.Response(status=status, headers={"Location": request.raw_path.partition("?")[2]})

    async def _loop(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/loop"})

    async def _chain(self, request: web.Request) -> web.Response:
        """/chain/N: N redirects, then an answer."""
        left = int(request.path.rpartition("/")[2])
        if left == 0:
            return web.Response(text="end")
        return web.Response(status=302, headers={"Location": f"/chain/{left - 1}"})

    async def _slow(self, request: web.Request) -> web.Response:
        await self.released.wait()
        return web.Response(text="late")

    async def _short(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response(text="soon")

    async def _trickle(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not self.released.is_set():
            await response.write(b".")
            await asyncio.sleep(0.02)
        return response

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not self.released.is_set():
            await response.write(b"x" * 65536)
        return response

    async def _size(self, request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.path.rpartition("/")[2]))

    async def _lie(self, request: web.Request) -> web.StreamResponse:
        """Declares a size and sends none of it."""
        response = web.StreamResponse(headers={"Content-Length": str(1 << 40)})
        await response.prepare(request)
        await self.released.wait()
        return response

    async def _gzip(self, request: web.Request) -> web.Response:
        return web.Response(
            body=gzip.compress(b"hello ") + gzip.compress(b"there"), headers={"Content-Encoding": "gzip"}
        )

    async def _bomb(self, request: web.Request) -> web.Response:
        squeezed = zlib.compressobj(9, wbits=31)
        body = b"".join(squeezed.compress(b"\0" * (1 << 20)) for _ in range(200)) + squeezed.flush()
        return web.Response(body=body, headers={"Content-Encoding": "gzip"})

    async def _members(self, request: web.Request) -> web.StreamResponse:
        """A gzip stream without end that unfolds to nothing."""
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        empty = gzip.compress(b"") * 1000
        while not self.released.is_set():
            await response.write(empty)
        return response

    async def _damaged(self, request: web.Request) -> web.Response:
        return web.Response(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})

    async def _cut(self, request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"hello" * 100)[:-9], headers={"Content-Encoding": "gzip"})

    async def _drop(self, request: web.Request) -> web.StreamResponse:
        """/drop ends the connection before the answer, /drop/body within it."""
        assert request.transport is not None
        response = web.StreamResponse(headers={"Content-Length": "100"})
        if request.path == "/drop/body":
            await response.prepare(request)
            await response.write(b"half")
        request.transport.abort()
        return response

    async def _headers(self, request: web.Request) -> web.Response:
        response = web.Response(text="ok")
        response.headers.add("X-Two", "1")
        response.headers.add("x-two", "2")
        response.headers.add("Set-Cookie", "a=1")
        return response
