"""A pool of engine hosts: hands each run to a free one, explains one that died, and keeps a warm spare.

All methods run on the asyncio loop that created the pool. A run that is cancelled ends its host, since nothing else
stops a script from outside; the spare takes over at once.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

import msgspec

from engine.child_process import MAX_FRAME_BYTES, ChildGone, FramedChild
from engine.errors import EngineUnavailable
from engine.model import ScriptErrorType
from engine.modules.calls import Failure, ModuleCall, ModuleReply, Modules
from engine.sandbox.blame import explain
from engine.sandbox.bridge import no_modules
from engine.sandbox.host import ADDRESS_SPACE_VARIABLE, CPU_GRACE_SECONDS
from engine.sandbox.protocol import Answer, Request, RunReply, RunRequest

WALL_FACTOR = 4.0
WALL_EXTRA_SECONDS = 1.0
"""A run ends after WALL_FACTOR x its CPU budget and this many seconds, however little CPU the machine gave it."""

CALLS_SECONDS = 30.0
"""What all module calls of one run may take together, whatever limits the modules themselves have."""

START_SECONDS = 20.0
MAX_ATTEMPTS = 3  # of one run whose host was ended by something that is not the script


class EnginePool:
    """Engine hosts, started as needed.

    Args:
        size: how many runs may be in progress at once.
        spares: idle hosts kept warm beyond those at work.
        address_space_bytes: the most a host may map; the script's own limit is part of each request.
        host_ended: is told why a host ended during a run: a script error type, or `killed`.
    """

    def __init__(
        self,
        *,
        size: int = 1,
        spares: int = 1,
        address_space_bytes: int = 2 << 30,
        host_ended: Callable[[str], None] | None = None,
    ) -> None:
        self._host_ended = host_ended or (lambda _reason: None)
        self._slots = asyncio.Semaphore(size)
        self._spares = spares
        self._env = {ADDRESS_SPACE_VARIABLE: str(address_space_bytes)}
        self._idle: deque[FramedChild] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def warm_up(self) -> None:
        """Starts a host ahead of the first run.

        Raises:
            EngineUnavailable: no host can be started.
        """
        if not self._idle:
            self._idle.append(await self._start())

    async def run(self, request: Request, modules: Modules | None = None) -> RunReply:
        """Runs one script; whatever the script does, the answer is a reply.

        Args:
            request: the run, or the script to compile.
            modules: answers what the script asks of kv, http and crypto; None answers that they are not there.

        Raises:
            EngineUnavailable: no host can be started, or hosts keep being ended from outside.
        """
        return (await self.run_batch((request,), modules))[0]

    async def run_batch(self, requests: Sequence[Request], modules: Modules | None = None) -> list[RunReply]:
        """Runs scripts one after the other in one host, for far less than one by one; replies in their order.

        A run that ends its host costs none of the others anything: those after it go to another host. Raises as `run`.
        """
        replies: list[RunReply] = []
        failed = 0
        async with self._slots:
            while len(replies) < len(requests):
                done = len(replies)
                gone = await self._work(requests[done:], replies, modules)
                if gone is None:
                    continue
                failed = failed + 1 if len(replies) == done else 1
                reply = explain(gone, gone.overdue, requests[len(replies)])
                self._host_ended(reply.error_type.value if reply and reply.error_type else "killed")
                if reply is not None:
                    replies.append(reply)
                elif failed >= MAX_ATTEMPTS:
                    raise EngineUnavailable(
                        f"{MAX_ATTEMPTS} engine hosts were ended by something else (memory?); {gone}"
                    )
        return replies

    async def close(self) -> None:
        """Ends every host; runs in progress are cancelled by whoever awaits them."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(host.close() for host in self._idle))
        self._idle.clear()

    async def _work(
        self, requests: Sequence[Request], replies: list[RunReply], modules: Modules | None
    ) -> _Ended | None:
        """Lets one host run what fits into a frame, appending replies; says how it ended when it did."""
        frame, requests = self._frame_of(requests)
        if not requests:
            size = f"{MAX_FRAME_BYTES >> 20} MB"
            replies.append(
                RunReply(ScriptErrorType.MEMORY_LIMIT, f"script and payload are larger than {size}")
            )
            return None
        host = self._idle.popleft() if self._idle else await self._start()
        clock = _WallClock(host)
        returned = False
        try:
            clock.go(wall_limit(requests[0].cpu_seconds))
            await host.send(frame)
            for request in requests:
                clock.go(wall_limit(request.cpu_seconds))
                replies.append(await self._one_reply(host, clock, request, modules))
            returned = True
        except ChildGone as gone:
            return _Ended(gone, clock.overdue)
        finally:
            clock.stop()
            await self._put_back(host, returned)
        return None

    def _frame_of(self, requests: Sequence[Request]) -> tuple[bytes, Sequence[Request]]:
        """The frame of as many requests as fit into one, and those; none when the first alone is too large."""
        while requests:
            frame = self._encode(requests)
            if len(frame) <= MAX_FRAME_BYTES:
                return frame, requests
            requests = requests[: len(requests) // 2]
        return b"", requests

    async def _one_reply(
        self, host: FramedChild, clock: _WallClock, request: Request, modules: Modules | None
    ) -> RunReply:
        loop = asyncio.get_running_loop()
        seconds = CALLS_SECONDS
        while isinstance(answer := self._decoder.decode(await host.receive()), ModuleCall):
            left, started = clock.stop(), loop.time()
            reply = await _answer_call(answer, request, modules, seconds)
            seconds -= loop.time() - started
            clock.go(left)
            await host.send(self._encode(reply))
        return answer

    async def _put_back(self, host: FramedChild, returned: bool) -> None:
        if returned and not self._closed:
            self._idle.append(host)
        else:
            await self._end(host)
        missing = self._spares - len(self._idle) - len(self._starting)
        if missing > 0 and not self._closed:
            task = asyncio.get_running_loop().create_task(self._add_spare())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _add_spare(self) -> None:
        try:
            host = await self._start()
        except EngineUnavailable:
            return  # the next run tries again and reports it
        if self._closed:
            await host.close()
        else:
            self._idle.append(host)

    async def _start(self) -> FramedChild:
        host = await FramedChild.start("engine.sandbox.host", extra_env=self._env)
        try:
            await asyncio.wait_for(host.receive(), START_SECONDS)
        except ChildGone as gone:
            raise EngineUnavailable(gone.stderr_tail.strip() or f"exit code {gone.returncode}") from gone
        except TimeoutError as problem:
            await self._end(host)
            raise EngineUnavailable(f"no answer within {START_SECONDS:g} s") from problem
        except asyncio.CancelledError:
            await self._end(host)
            raise
        return host

    @staticmethod
    async def _end(host: FramedChild) -> None:
        host.kill()
        await host.close()


class _Ended(ChildGone):
    """How a host ended, and whether it was the pool that ended it because a run took too long."""

    def __init__(self, gone: ChildGone, overdue: bool) -> None:
        super().__init__(gone.returncode, gone.stderr_tail)
        self.overdue = overdue


class _WallClock:
    """Ends a host whose run takes too long; it stands still while the parent itself is at work for the run."""

    def __init__(self, host: FramedChild) -> None:
        self.overdue = False
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def go(self, seconds: float) -> None:
        """Counts from now."""
        self.stop()
        self._timer = self._loop.call_later(max(seconds, 0.0), self._end)

    def stop(self) -> float:
        """Stands still; returns the seconds that were left."""
        if self._timer is None:
            return 0.0
        self._timer.cancel()
        left = self._timer.when() - self._loop.time()
        self._timer = None
        return left

    def _end(self) -> None:
        self.overdue = True
        self._host.kill()


async def _answer_call(
    call: ModuleCall, request: Request, modules: Modules | None, seconds: float
) -> ModuleReply:
    """What the modules answer within the time left to the run's calls."""
    if modules is None or not isinstance(request, RunRequest):
        return no_modules(call)
    try:
        return await asyncio.wait_for(modules.call(call, request.config_id), max(seconds, 0.0))
    except TimeoutError:
        why = f"the module calls of this run took longer than {CALLS_SECONDS:g} s"
        return ModuleReply(problem=why, failure=Failure.UNREACHABLE)


def wall_limit(cpu_seconds: float) -> float:
    """Seconds of wall time that a run may take. Without CPU timers (Windows) it stands in for the CPU limit."""
    if sys.platform == "win32":
        return cpu_seconds + CPU_GRACE_SECONDS
    return cpu_seconds * WALL_FACTOR + WALL_EXTRA_SECONDS
