"""What the two child processes of a local cluster have in common: they start, say where they listen, and end together
with their parent.

The parent sends one `Start` and gets one `Started`; when its end of the pipe closes, whatever the reason, the child
ends.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import msgspec

from engine.child_process import claim_pipes, read_frame, write_frame
from engine.errors import ClusterUnreachable

LOOPBACK = "127.0.0.1"


class Start(msgspec.Struct, frozen=True):
    """What a child is to start: on a port of the loopback (0: any that is free), a broker with these topics."""

    port: int = 0
    topics: tuple[str, ...] = ()


class Started(msgspec.Struct, frozen=True):
    """The port that answers now; or why there is none."""

    port: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Serving:
    """A part that answers on `port`; `end` waits until it ends by itself and says how, None when it cannot."""

    port: int
    end: Callable[[], Awaitable[str]] | None = None


Part = Callable[[Start], AbstractAsyncContextManager[Serving]]


def run_child(part: Part) -> None:
    """Serves `part` until the parent closes the pipe; leaves with exit code 1 when the part ends before that."""
    frames_in, frames_out = claim_pipes()
    frame = read_frame(frames_in)
    if frame is None:
        return
    problem = asyncio.run(_serve(part, msgspec.json.decode(frame, type=Start), frames_in, frames_out))
    if problem:
        sys.exit(problem)


async def _serve(part: Part, start: Start, frames_in: int, frames_out: int) -> str:
    try:
        async with part(start) as serving:
            write_frame(frames_out, msgspec.json.encode(Started(serving.port)))
            parent = asyncio.create_task(_closed(frames_in))
            if serving.end is None:
                await parent
                return ""
            end = asyncio.ensure_future(serving.end())
            await asyncio.wait((parent, end), return_when=asyncio.FIRST_COMPLETED)
            return "" if parent.done() else await end
    except ClusterUnreachable as problem:
        write_frame(frames_out, msgspec.json.encode(Started(problem=problem.why)))
        return ""


async def _closed(fd: int) -> None:
    """Waits for the end of a pipe in a thread that nothing waits for, since a read cannot be cancelled."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def watch() -> None:
        while read_frame(fd) is not None:
            pass
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=watch, daemon=True).start()
    await closed.wait()
