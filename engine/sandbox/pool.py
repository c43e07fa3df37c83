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
from engine.modules.calls import Failure, ModuleCall, ModuleReply, Modules
from engine.sandbox.bridge import no_modules
from engine.sandbox.host import ADDRESS_SPACE_VARIABLE, CPU_GRACE_SECONDS
from engine.sandbox.protocol import Answer, Request, RunReply, RunRequest

WALL_FACTOR = 4.0
WALL_EXTRA_SECONDS = 1.0
"""A run ends after WALL_FACTOR x its CPU budget and this many seconds, however little CPU the machine gave it."""

CALL_SECONDS = 30.0
"""What one module call may take at most, whatever limits the module itself has."""

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
        frame = self._encode(request)
        if len(frame) > MAX_FRAME_BYTES:
            return RunReply(
                ScriptErrorType.MEMORY_LIMIT, f"script and payload are larger than {MAX_FRAME_BYTES >> 20} MB"
            )
        async with self._slots:
            for _ in range(MAX_ATTEMPTS):
                answer = await self._run_once(frame, request, modules)
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

    async def _run_once(
        self, frame: bytes, request: Request, modules: Modules | None
    ) -> RunReply | ChildGone:
        """One try; ChildGone when the host was ended by something that is not the script."""
        host = self._idle.popleft() if self._idle else await self._start()
        clock = _WallClock(host, wall_limit(request.cpu_seconds))
        returned = False
        try:
            clock.go()
            await host.send(frame)
            while isinstance(answer := self._decoder.decode(await host.receive()), ModuleCall):
                clock.stop()
                reply = await _answer_call(answer, request, modules)
                clock.go()
                await host.send(self._encode(reply))
            returned = True
        except ChildGone as gone:
            return self._explain(gone, clock.overdue, request) or gone
        finally:
            clock.stop()
            await self._put_back(host, returned)
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

    @staticmethod
    def _explain(gone: ChildGone, overdue: bool, request: Request) -> RunReply | None:
        if overdue:
            budget = f"{request.cpu_seconds * 1000:g} ms"
            return RunReply(
                ScriptErrorType.TIMEOUT, f"the run did not end in time (its CPU time limit is {budget})"
            )
        blame = _SCRIPT_TO_BLAME.get(_signal_name(gone.returncode))
        return RunReply(*blame, cpu_seconds=_cpu_at_end(blame[0], request)) if blame else None


class _WallClock:
    """Ends a host that takes too long; it stands still while the parent itself is at work for the run."""

    def __init__(self, host: FramedChild, seconds: float) -> None:
        self.overdue = False
        self._host, self._left = host, seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._started = 0.0

    def go(self) -> None:
        """Counts on."""
        self._started = self._loop.time()
        self._timer = self._loop.call_later(max(self._left, 0.0), self._end)

    def stop(self) -> None:
        """Stands still."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._left -= self._loop.time() - self._started

    def _end(self) -> None:
        self.overdue = True
        self._host.kill()


async def _answer_call(call: ModuleCall, request: Request, modules: Modules | None) -> ModuleReply:
    """What the modules answer; a fault of theirs is the call's failure, never the pool's."""
    if modules is None or not isinstance(request, RunRequest):
        return no_modules(call)
    try:
        return await asyncio.wait_for(modules.call(call, request.config_id), CALL_SECONDS)
    except TimeoutError:
        return ModuleReply(problem=f"no answer within {CALL_SECONDS:g} s", failure=Failure.UNREACHABLE)


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
