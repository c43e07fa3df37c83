"""The engine host: a child process that runs scripts one after the other and holds nothing worth taking.

It has the pipe to its parent and a Lua state; no clients, keys, credentials or environment of the parent. The kernel
ends it when a run uses more CPU time than its budget and grace, wherever the script is stuck.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable

import msgspec

from engine.child_process import MAX_FRAME_BYTES, claim_pipes, read_frame, write_frame
from engine.model import ScriptErrorType
from engine.modules.calls import ModuleCall, ModuleReply
from engine.sandbox.protocol import CompileRequest, Request, RunReply
from engine.sandbox.runtime import ScriptRuntime

CPU_GRACE_SECONDS = 0.2
"""CPU time past its budget after which a host is ended: the count hook stops a script well within it."""

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


def _bounded(frame: bytes, encode: Callable[[RunReply], bytes]) -> bytes:
    if len(frame) <= MAX_FRAME_BYTES:
        return frame
    return encode(
        RunReply(ScriptErrorType.MEMORY_LIMIT, f"the output is larger than {MAX_FRAME_BYTES >> 20} MB")
    )


def serve(frames_in: int, frames_out: int) -> None:
    """Answers requests until the parent closes the pipe."""
    decoder, encode = msgspec.msgpack.Decoder(list[Request]), msgspec.msgpack.Encoder().encode
    replies = msgspec.msgpack.Decoder(ModuleReply)

    def call_module(call: ModuleCall) -> ModuleReply:
        write_frame(frames_out, encode(call))
        frame = read_frame(frames_in)
        if frame is None:
            os._exit(0)  # the parent is gone, and nobody wants to know how the run ends
        return replies.decode(frame)

    runtime = ScriptRuntime(call_module)
    write_frame(frames_out, b"")  # ready
    while (frame := read_frame(frames_in)) is not None:
        for request in decoder.decode(frame):
            write_frame(frames_out, _bounded(encode(_limited(runtime, request)), encode))
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
