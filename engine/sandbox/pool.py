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
from engine.sandbox.blame import RunInterrupted, explain
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
        host_ended: is told why a host ended during a run: a script error type, `killed`, or `unclear` when one
            of several runs may be to blame; that run is told when it is known.
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
        self._decoder: msgspec.msgpack.Decoder[list[Answer]] = msgspec.msgpack.Decoder(list[Answer])

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
            RunInterrupted: the host was ended from outside after the run had sent an http.post, put or delete: whether
                to run it again, and so perhaps to send it twice, is the caller's to decide.
        """
        return (await self.run_batch((request,), modules))[0]

    async def run_batch(self, requests: Sequence[Request], modules: Modules | None = None) -> list[RunReply]:
        """Runs scripts one after the other in one host, for far less than one by one; replies in their order.

        A run that ends its host costs none of the others anything: those after it go to another host. Replies of quick
        runs arrive together, so the host cannot always say which run ended it: then those without a reply run again,
        one by one. None of them had called a module, so nothing happens twice. Raises as `run`; the error holds the
        `replies` until then, whose runs must not be repeated: they may have sent something.
        """
        replies: list[RunReply] = []
        try:
            async with self._slots:
                await self._run_all(requests, replies, modules)
        except EngineUnavailable as problem:
            problem.replies = tuple(replies)
            raise
        return replies

    async def _run_all(
        self, requests: Sequence[Request], replies: list[RunReply], modules: Modules | None
    ) -> None:
        failed = 0
        one_by_one = 0  # how many replies until the run that ended a host must be among them
        while len(replies) < len(requests):
            done = len(replies)
            upto = done + 1 if done < one_by_one else len(requests)
            gone = await self._work(requests[done:upto], replies, modules)
            if gone is None:
                continue
            failed = failed + 1 if len(replies) == done else 1
            reply = None
            if gone.suspects == 1:
                reply = explain(gone, gone.overdue, requests[len(replies)])
            else:
                one_by_one = len(replies) + gone.suspects
            self._host_ended(_reason(reply, gone))
            if reply is None and gone.sent:
                raise RunInterrupted(gone.sent) from gone
            if reply is not None:
                replies.append(reply)
                failed = one_by_one = 0
            elif failed >= MAX_ATTEMPTS:
                raise EngineUnavailable(
                    f"{MAX_ATTEMPTS} engine hosts were ended by something else (memory?); {gone}"
                )

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
        host = self._idle.pop() if self._idle else await self._start()  # the one with warm caches
        clock = _WallClock(host)
        exchange = _Exchange(requests, replies, modules)
        returned = False
        try:
            clock.go(wall_limit(requests[0].cpu_seconds))
            await host.send(frame)
            while exchange.open:
                clock.go(wall_limit(exchange.current.cpu_seconds))
                call = exchange.take(self._decoder.decode(await host.receive()))
                if call is not None:
                    left = clock.stop()
                    reply = await exchange.answer(call)
                    clock.go(left)
                    await host.send(self._encode(reply))
            returned = True
        except ChildGone as gone:
            return _Ended(gone, clock.overdue, exchange.suspects, exchange.sent)
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
    """How a host ended.

    Attributes:
        overdue: the pool itself ended it because a run took too long.
        suspects: how many runs, from the first one without a reply, may have been in progress.
        sent: what the run in progress had asked for that must not happen twice (`http.post`); "" when nothing.
    """

    def __init__(self, gone: ChildGone, overdue: bool, suspects: int, sent: str) -> None:
        super().__init__(gone.returncode, gone.stderr_tail)
        self.overdue, self.suspects, self.sent = overdue, suspects, sent


class _Exchange:
    """What passes between the pool and one host over one frame of requests; appends the replies."""

    def __init__(self, requests: Sequence[Request], replies: list[RunReply], modules: Modules | None) -> None:
        self._requests, self._replies, self._modules = requests, replies, modules
        self._before = len(replies)
        self._called = False  # by the current run
        self.sent = ""  # by the current run, see `_Ended`
        self._seconds = CALLS_SECONDS

    @property
    def open(self) -> bool:
        """Whether a reply is still to come."""
        return self._answered < len(self._requests)

    @property
    def current(self) -> Request:
        """The first request without a reply."""
        return self._requests[self._answered]

    @property
    def suspects(self) -> int:
        """See `_Ended`; a run that called a module is alone, since its reply is never held back."""
        return 1 if self._called else len(self._requests) - self._answered

    @property
    def _answered(self) -> int:
        return len(self._replies) - self._before

    def take(self, answers: list[Answer]) -> ModuleCall | None:
        """Takes what a frame brought; returns the call that waits for its reply."""
        for answer in answers:
            if isinstance(answer, ModuleCall):
                self._called = True
                if answer.module == "http" and answer.function != "get":  # kv.set and kv.del may happen twice
                    self.sent = f"http.{answer.function}"
                return answer
            self._replies.append(answer)
            self._called, self.sent, self._seconds = False, "", CALLS_SECONDS
        return None

    async def answer(self, call: ModuleCall) -> ModuleReply:
        """What the modules answer, within the time left to the calls of this run."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        reply = await _answer_call(call, self.current, self._modules, self._seconds)
        self._seconds -= loop.time() - started
        return reply


def _reason(reply: RunReply | None, gone: _Ended) -> str:
    if reply is not None and reply.error_type is not None:
        return reply.error_type.value
    return "killed" if gone.suspects == 1 else "unclear"


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
