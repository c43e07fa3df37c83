"""A pool of engine hosts: hands each run to a free one, explains one that died, and keeps a warm spare.

All methods run on the asyncio loop that created the pool. A run that is cancelled ends its host, since nothing else
stops a script from outside; the spare takes over at once.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import deque
from typing import Self

import msgspec

from engine.child_process import MAX_FRAME_BYTES, ChildGone, FramedChild
from engine.errors import EngineUnavailable
from engine.model import ScriptErrorType
from engine.sandbox.host import ADDRESS_SPACE_VARIABLE, CPU_GRACE_SECONDS
from engine.sandbox.protocol import Request, RunReply

WALL_FACTOR = 4.0
WALL_EXTRA_SECONDS = 1.0
"""A run ends after WALL_FACTOR x its CPU budget and this many seconds, however little CPU the machine gave it."""

START_SECONDS = 20.0
MAX_ATTEMPTS = 3  # of one run whose host was ended by something that is not the script

_SCRIPT_TO_BLAME = {
    "SIGPROF": (
        ScriptErrorType.TIMEOUT,
        "the script used its CPU time limit inside one library call: a pattern that backtracks, or too much data",
    ),
    "SIGSEGV": (
        ScriptErrorType.RUNTIME,
        "the script overflowed the C stack inside a library function, most likely a pattern with too many repetitions",
    ),
    "SIGBUS": (ScriptErrorType.RUNTIME, "the script overflowed the C stack inside a library function"),
    "SIGABRT": (ScriptErrorType.MEMORY_LIMIT, "the script needed more memory than its host has"),
}
_STACK_OVERFLOW_WINDOWS = 0xC00000FD


class EnginePool:
    """Engine hosts, started as needed.

    Args:
        size: how many runs may be in progress at once.
        spares: idle hosts kept warm beyond those at work.
        address_space_bytes: the most a host may map; the script's own limit is part of each request.
    """

    def __init__(self, *, size: int = 1, spares: int = 1, address_space_bytes: int = 2 << 30) -> None:
        self._slots = asyncio.Semaphore(size)
        self._spares = spares
        self._env = {ADDRESS_SPACE_VARIABLE: str(address_space_bytes)}
        self._idle: deque[FramedChild] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._encode = msgspec.msgpack.Encoder().encode
        self._decoder = msgspec.msgpack.Decoder(RunReply)

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

    async def run(self, request: Request) -> RunReply:
        """Runs one script; whatever the script does, the answer is a reply.

        Raises:
            EngineUnavailable: no host can be started, or hosts keep being ended from outside.
        """
        frame = self._encode(request)
        if len(frame) > MAX_FRAME_BYTES:
            return RunReply(
                ScriptErrorType.MEMORY_LIMIT, f"script and payload are larger than {MAX_FRAME_BYTES >> 20} MB"
            )
        async with self._slots:
            for _ in range(MAX_ATTEMPTS):
                answer = await self._run_once(frame, request)
                if isinstance(answer, RunReply):
                    return answer
        raise EngineUnavailable(
            f"{MAX_ATTEMPTS} engine hosts were ended by something else (memory?); {answer}"
        )

    async def close(self) -> None:
        """Ends every host; runs in progress are cancelled by whoever awaits them."""
        self._closed = True
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        await asyncio.gather(*(host.close() for host in self._idle))
        self._idle.clear()

    async def _run_once(self, frame: bytes, request: Request) -> RunReply | ChildGone:
        """One try; ChildGone when the host was ended by something that is not the script."""
        host = self._idle.popleft() if self._idle else await self._start()
        overdue = asyncio.Event()

        def end() -> None:
            overdue.set()
            host.kill()

        timer = asyncio.get_running_loop().call_later(wall_limit(request.cpu_seconds), end)
        returned = False
        try:
            await host.send(frame)
            answer = await host.receive()
            returned = True
        except ChildGone as gone:
            return self._explain(gone, overdue.is_set(), request) or gone
        finally:
            timer.cancel()
            await self._put_back(host, returned)
        return self._decoder.decode(answer)

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

    @staticmethod
    def _explain(gone: ChildGone, overdue: bool, request: Request) -> RunReply | None:
        if overdue:
            budget = f"{request.cpu_seconds * 1000:g} ms"
            return RunReply(
                ScriptErrorType.TIMEOUT, f"the run did not end in time (its CPU time limit is {budget})"
            )
        blame = _SCRIPT_TO_BLAME.get(_signal_name(gone.returncode))
        return RunReply(*blame, cpu_seconds=_cpu_at_end(blame[0], request)) if blame else None


def wall_limit(cpu_seconds: float) -> float:
    """Seconds of wall time that a run may take. Without CPU timers (Windows) it stands in for the CPU limit."""
    if sys.platform == "win32":
        return cpu_seconds + CPU_GRACE_SECONDS
    return cpu_seconds * WALL_FACTOR + WALL_EXTRA_SECONDS


def _signal_name(returncode: int | None) -> str:
    if returncode is None:
        return ""
    if returncode & 0xFFFFFFFF == _STACK_OVERFLOW_WINDOWS:
        return "SIGSEGV"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return ""


def _cpu_at_end(kind: ScriptErrorType, request: Request) -> float:
    return request.cpu_seconds + CPU_GRACE_SECONDS if kind is ScriptErrorType.TIMEOUT else 0.0
