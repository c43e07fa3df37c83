"""A port of the loopback that leads to another one, and can be shut: a server that goes away and comes back."""

from __future__ import annotations

import asyncio
import contextlib

LOOPBACK = "127.0.0.1"


class Gate:
    """Shut, it refuses connections, and those that were open are cut."""

    def __init__(self) -> None:
        self.port = 0
        self._onward = 0
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self, onward: int = 0) -> None:
        """Leads to the port `onward`, or where it led before; its own port stays the same."""
        self._onward = onward or self._onward
        self._server = await asyncio.start_server(self._enter, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        passing = tuple(self._passing)
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await asyncio.open_connection(LOOPBACK, self._onward)
            try:
                await asyncio.gather(_pump(reader, onward_writer), _pump(onward_reader, writer))
            finally:
                onward_writer.transport.abort()
        except OSError:
            pass  # the other side has gone
        finally:
            writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(256 * 1024):
            writer.write(data)
            await writer.drain()
    writer.close()
