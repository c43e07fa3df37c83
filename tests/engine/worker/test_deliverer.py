"""Delivery over real connections: what arrives is what the preview showed, and every way of not being answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from engine.delivery.request import build_request, untransformed
from engine.model import OutgoingRequest, Webhook
from engine.settings import DeliverySettings, Seconds
from engine.worker.deliverer import Answer, Deliverer
from engine.worker.records import KEPT_ANSWER_BYTES

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]


class Receiver:
    """A server that notes the bytes of each request, and answers by hand."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.hold = asyncio.Event()
        self.hold.set()

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook?x=%2F"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.hold.set()
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                await self.hold.wait()
                writer.write(self.answer)
                await writer.drain()
                if b"\r\n\r\n" not in self.answer or b"close" in self.answer.lower():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def send(
    url: str, body: bytes = b"{}", limit: float = 5, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    async with Deliverer(DeliverySettings(timeout=Seconds(limit))) as deliverer:
        return await deliverer.send(OutgoingRequest("POST", url, headers, body))


async def test_what_arrives_is_the_request_as_it_was_built(receiver: Receiver) -> None:
    body = bytes(range(256))
    webhook = Webhook("wh_1", "c", receiver.url, body, {"X-Zo": "zoë", "Host": "evil"}, signing_secret="s")
    request = build_request(webhook, untransformed(webhook), user_agent="HOWK/1.0", now_unix=1_700_000_000)
    async with Deliverer(DeliverySettings()) as deliverer:
        answer = await deliverer.send(request)
    assert (answer.status, answer.error, answer.body) == (200, "", b"ok")
    assert answer.duration_ns > 0
    head, _, sent = receiver.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert (lines[0], sent) == (b"POST /hook?x=%2F HTTP/1.1", body)
    own = [tuple(line.split(b": ", 1)) for line in lines[1:]]
    wanted = [(name.encode(), value.encode()) for name, value in request.headers]
    assert [pair for pair in own if pair in wanted] == wanted
    assert {name.lower() for name, _ in own} - {name.lower() for name, _ in wanted} == {
        b"host",
        b"content-length",
    }


async def test_connections_are_kept(receiver: Receiver) -> None:
    async with Deliverer(DeliverySettings()) as deliverer:
        for _ in range(5):
            assert (await deliverer.send(OutgoingRequest("POST", receiver.url, (), b"1"))).status == 200
    assert (len(receiver.requests), receiver.connections) == (5, 1)


async def test_no_more_connections_than_allowed(receiver: Receiver) -> None:
    receiver.hold.clear()
    async with Deliverer(DeliverySettings(max_conns_per_host=3)) as deliverer:
        tasks = [
            asyncio.create_task(deliverer.send(OutgoingRequest("POST", receiver.url, (), b"1")))
            for _ in range(10)
        ]
        while len(receiver.requests) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(receiver.requests) == 3
        receiver.hold.set()
        assert [answer.status for answer in await asyncio.gather(*tasks)] == [200] * 10
    assert receiver.connections == 3


async def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    receiver.answer = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    answer = await send(receiver.url)
    assert (answer.status, answer.error, len(receiver.requests)) == (302, "302 Found", 1)


@pytest.mark.parametrize("status", [204, 400, 404, 429, 500, 503])
async def test_every_status_is_an_answer(receiver: Receiver, status: int) -> None:
    receiver.answer = f"HTTP/1.1 {status} Some Reason\r\nContent-Length: 0\r\n\r\n".encode()
    answer = await send(receiver.url)
    assert (answer.status, answer.error) == (status, "" if status == 204 else f"{status} Some Reason")


async def test_little_of_a_long_answer_is_kept(receiver: Receiver) -> None:
    receiver.answer = b"HTTP/1.1 500 X\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000
    answer = await send(receiver.url)
    assert (answer.status, answer.body) == (500, b"a" * KEPT_ANSWER_BYTES)


async def test_a_status_counts_though_the_answer_breaks_off(receiver: Receiver) -> None:
    receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf"
    answer = await send(receiver.url)
    assert (answer.status, answer.body) == (200, b"half")


async def test_an_answer_is_kept_as_it_came(receiver: Receiver) -> None:
    receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b!"
    assert (await send(receiver.url)).body == b"\x1f\x8b!"


async def test_silence_ends_at_the_timeout(receiver: Receiver) -> None:
    receiver.hold.clear()
    answer = await send(receiver.url, limit=0.1)
    assert (answer.status, answer.error) == (None, "no answer within 0.1 s")


async def test_what_cannot_be_reached_is_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answer = await send(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.error) == (None, "cannot connect to 127.0.0.1: connection refused")
    assert (await send("http://nowhere.invalid/")).error == "the host nowhere.invalid is not known"
    assert (await send("ftp://a.test/")).status is None
    assert (await send("http://[::1")).error == "the endpoint is no URL that can be asked"


async def test_garbage_and_hanging_up_are_told(receiver: Receiver) -> None:
    receiver.answer = b"nonsense\r\n"
    garbage = await send(receiver.url)
    assert garbage.status is None
    receiver.answer = b""
    gone = await send(receiver.url)
    assert (gone.status, gone.error) == (None, "the connection was closed before an answer")


async def test_a_secret_is_in_no_error(receiver: Receiver) -> None:
    receiver.answer = b""
    answer = await send(receiver.url, b"s3cret", headers=(("Authorization", "s3cret"),))
    assert "s3cret" not in answer.error
