"""The engine host: a child process that runs scripts one after the other and holds nothing worth taking.

It has the pipe to its parent and a Lua state; no clients, keys, credentials or environment of the parent. The kernel
ends it when a run uses more CPU time than its budget and grace, wherever the script is stuck.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

import msgspec

from engine.child_process import MAX_FRAME_BYTES, claim_pipes, read_frame, write_frame
from engine.model import ScriptErrorType
from engine.modules.calls import ModuleCall, ModuleReply
from engine.sandbox.protocol import Answer, CompileRequest, Request, RunReply
from engine.sandbox.runtime import ScriptRuntime

CPU_GRACE_SECONDS = 0.2
"""CPU time past its budget after which a host is ended: the count hook stops a script well within it."""

HELD_SECONDS = 0.002
HELD_BYTES = 64 * 1024
"""How long, and up to how many bytes of bodies, replies of a batch wait for those after them."""

ADDRESS_SPACE_VARIABLE = "HOWK_HOST_ADDRESS_SPACE"
"""Environment variable with the most bytes a host may map; set by the pool."""


def confine() -> None:
    """Takes away what a host never needs: core dumps (they would hold payloads), new files, more memory."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    limit = int(os.environ.get(ADDRESS_SPACE_VARIABLE, "0"))
    if limit:
        # macOS refuses to limit the address space; the Lua allocator's own limit holds there all the same.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_cpu(seconds: float) -> None:
    """Ends this process by SIGPROF after that much more CPU time; 0 takes the limit away."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _answer(runtime: ScriptRuntime, request: Request) -> RunReply:
    if isinstance(request, CompileRequest):
        return runtime.compile(request.script_hash, request.source) or RunReply(None)
    return runtime.run(request)


class Replies:
    """Replies on their way to the parent. Those of quick runs travel together: each frame costs both sides a wake-up.

    A run that called a module is never held back: it may have changed something, and must not be run again because
    a later one ended this host.
    """

    def __init__(self, frames_out: int) -> None:
        self._frames_out = frames_out
        self._encode = msgspec.msgpack.Encoder().encode
        self._held: list[Answer] = []
        self._bytes = 0
        self._send_by = 0.0

    def add(self, reply: RunReply, *, send: bool) -> None:
        """Takes one reply; sends all that are held when told to, or when they have become many or old."""
        size = len(reply.body or b"")
        if self._held and self._bytes + size > HELD_BYTES:
            self.send()
        now = time.monotonic()
        if not self._held:
            self._send_by = now + HELD_SECONDS
        self._held.append(reply)
        self._bytes += size
        if send or self._bytes > HELD_BYTES or now >= self._send_by:
            self.send()

    def call(self, call: ModuleCall) -> None:
        """Sends a module call, behind the replies that are held."""
        self._held.append(call)
        self.send()

    def send(self) -> None:
        """Writes what is held as one frame."""
        frame = self._encode(self._held)
        if len(frame) <= MAX_FRAME_BYTES:
            write_frame(self._frames_out, frame)
        else:
            for answer in self._held:
                write_frame(self._frames_out, self._bounded(answer))
        self._held.clear()
        self._bytes = 0

    def _bounded(self, answer: Answer) -> bytes:
        frame = self._encode([answer])
        if len(frame) <= MAX_FRAME_BYTES:
            return frame
        size = f"{MAX_FRAME_BYTES >> 20} MB"
        return self._encode([RunReply(ScriptErrorType.MEMORY_LIMIT, f"the output is larger than {size}")])


def serve(frames_in: int, frames_out: int) -> None:
    """Answers requests until the parent closes the pipe."""
    decoder = msgspec.msgpack.Decoder(list[Request])
    module_replies = msgspec.msgpack.Decoder(ModuleReply)
    replies = Replies(frames_out)
    called = False

    def call_module(call: ModuleCall) -> ModuleReply:
        nonlocal called
        called = True
        replies.call(call)
        frame = read_frame(frames_in)
        if frame is None:
            os._exit(0)  # the parent is gone, and nobody wants to know how the run ends
        return module_replies.decode(frame)

    runtime = ScriptRuntime(call_module)
    write_frame(frames_out, b"")  # ready
    while (frame := read_frame(frames_in)) is not None:
        requests = decoder.decode(frame)
        last = len(requests) - 1
        for place, request in enumerate(requests):
            called = False
            reply = _limited(runtime, request)
            replies.add(reply, send=called or place == last)
            runtime.tidy()


def _limited(runtime: ScriptRuntime, request: Request) -> RunReply:
    _limit_cpu(request.cpu_seconds + CPU_GRACE_SECONDS)
    try:
        return _answer(runtime, request)
    except MemoryError:
        return RunReply(ScriptErrorType.MEMORY_LIMIT, "the script needed more memory than its host has")
    finally:
        _limit_cpu(0)


def main() -> None:
    """Entry point of the child process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    confine()
    with contextlib.suppress(BrokenPipeError):
        serve(*claim_pipes())


if __name__ == "__main__":
    main()
