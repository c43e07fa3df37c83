"""Child processes that speak in frames over stdin and stdout: starting, sending, receiving, and ending them.

A frame is a 4-byte big-endian length and that many bytes. `FramedChild` is the parent's side (asyncio; all
methods run on the loop that started it); `claim_pipes`, `read_frame` and `write_frame` are the child's side,
and block.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Self, cast

from engine.errors import EngineUnavailable, HowkError

MAX_FRAME_BYTES = 256 * 1024 * 1024
STDERR_TAIL_BYTES = 8 * 1024
CLOSE_GRACE_SECONDS = 1.0
_HEADER_BYTES = 4
_SLICE_BYTES = 256 * 1024  # what is handed to the pipe between two looks at its fill level
_READ_BYTES = 1024 * 1024

# Isolated (-I) and without `site` (-S), so that no PYTHON* variable, .pth file or user's site-packages
# reaches a child: it sees exactly the parent's import path. runpy names the module `__main__`, as -m would.
_BOOTSTRAP = (
    "import sys; module, *sys.path[:] = sys.argv[1:]; del sys.argv[1:]; "
    "import runpy; runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


class ChildGone(HowkError):
    """The child has ended.

    `returncode` is negative for a signal and None when unknown; `stderr_tail` is what it said last.
    """

    def __init__(self, returncode: int | None, stderr_tail: str) -> None:
        self.returncode, self.stderr_tail = returncode, stderr_tail
        last_line = stderr_tail.strip().rpartition("\n")[2]
        super().__init__(f"the child process ended with code {returncode}" + (last_line and f": {last_line}"))


class FramedChild:
    """A running child process; make one with `start`, and end it with `close`.

    One task may wait in `receive` at a time; `send` may be called from several.
    """

    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _FrameProtocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self._stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
        self._sending = asyncio.Lock()

    @classmethod
    async def start(cls, module: str, *, extra_env: Mapping[str, str] | None = None) -> Self:
        """Start `module` as `python -m module` would, with this process's import path and a bare environment.

        Raises:
            EngineUnavailable: the system refuses another process.
        """
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                _FrameProtocol,
                *_command(module),
                env=_environment(extra_env or {}),
                start_new_session=os.name == "posix",  # Ctrl+C is for the parent alone
            )
        except OSError as error:
            raise EngineUnavailable(f"{module}: {error.strerror or error}") from error
        return cls(transport, protocol)

    @property
    def pid(self) -> int:
        """The process id, also after the end."""
        return self._protocol.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._protocol.returncode

    async def send(self, data: bytes) -> None:
        """Write one frame, waiting while the pipe is full; a send that is cancelled half-way kills the child.

        Raises:
            ChildGone: the process has ended.
            ValueError: the frame is larger than MAX_FRAME_BYTES.
        """
        header = _header(len(data))
        async with self._sending:
            self._protocol.check_alive()
            if len(data) <= _SLICE_BYTES:
                self._stdin.write(header + data)
                return await self._drain()
            self._stdin.write(header)
            view = memoryview(data)
            for start in range(0, len(data), _SLICE_BYTES):
                self._stdin.write(view[start : start + _SLICE_BYTES])
                await self._drain()
        return None

    async def _drain(self) -> None:
        try:
            await self._protocol.writable()
        except asyncio.CancelledError:
            self.kill()  # the child would wait for the rest of a frame for ever
            raise

    async def receive(self) -> bytes:
        """The next frame; cancelling it loses nothing.

        Raises:
            ChildGone: the process has ended and every frame it wrote has been received.
        """
        return await self._protocol.next_frame()

    def kill(self) -> None:
        """End the process at once; `receive` will raise ChildGone. Nothing happens when it has ended."""
        if self._protocol.returncode is None and not self._protocol.gone.is_set():
            self._transport.kill()

    async def close(self) -> None:
        """Close stdin, wait a second for the child to end by itself, then kill it. May be called twice."""
        self._stdin.close()
        try:
            await asyncio.wait_for(self._protocol.gone.wait(), CLOSE_GRACE_SECONDS)
        except TimeoutError:
            self.kill()
            await self._protocol.gone.wait()
        except asyncio.CancelledError:
            self.kill()
            raise


class _FrameProtocol(asyncio.SubprocessProtocol):
    """Cuts what arrives on stdout into frames, and keeps the end of stderr."""

    def __init__(self) -> None:
        self.pid = -1
        self.returncode: int | None = None
        self.gone = asyncio.Event()
        self._frames: deque[bytes] = deque()
        self._chunks: list[bytes] = []
        self._have = 0
        self._need: int | None = None
        self._stderr = b""
        self._reader: asyncio.Future[None] | None = None
        self._unblocked: asyncio.Future[None] | None = None
        self._transport: asyncio.SubprocessTransport | None = None

    # What the parent's side calls.

    async def next_frame(self) -> bytes:
        while not self._frames:
            self.check_alive()
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._frames.popleft()

    async def writable(self) -> None:
        if self._unblocked is not None:
            await asyncio.shield(self._unblocked)
            self.check_alive()

    def check_alive(self) -> None:
        if self.gone.is_set():
            raise ChildGone(self.returncode, self._stderr.decode("utf-8", "replace"))

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid() or -1

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._take(data)
        else:
            self._stderr = (self._stderr + data)[-STDERR_TAIL_BYTES:]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        # A child without stdout can answer nothing more. It is nearly always ending by itself, and then its
        # own exit code is worth more than ours.
        if fd == 1 and not self.gone.is_set():
            asyncio.get_running_loop().call_later(CLOSE_GRACE_SECONDS, self._kill_if_running)

    def process_exited(self) -> None:
        if self._transport is not None:
            self.returncode = self._transport.get_returncode()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        if self._transport is not None:
            self._transport.close()  # nothing is left to close, but it would warn when collected
        _wake(self._reader)
        self.resume_writing()

    def pause_writing(self) -> None:
        if self._unblocked is None:
            self._unblocked = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._unblocked)
        self._unblocked = None

    def _take(self, data: bytes) -> None:
        while data:
            if self._need is None:
                data = self._take_header(data)
                continue
            missing = self._need - self._have
            piece, data = (data, b"") if len(data) <= missing else (data[:missing], data[missing:])
            self._chunks.append(piece)
            self._have += len(piece)
            if self._have == self._need:
                self._finish_frame()

    def _take_header(self, data: bytes) -> bytes:
        self._chunks.append(data)
        joined = b"".join(self._chunks)
        self._chunks.clear()
        if len(joined) < _HEADER_BYTES:
            self._chunks.append(joined)
            return b""
        self._need, self._have = int.from_bytes(joined[:_HEADER_BYTES]), 0
        if self._need > MAX_FRAME_BYTES:
            self._stderr += f"\na frame of {self._need} bytes is over the limit".encode()
            self._kill_if_running()
            return b""
        if self._need == 0:
            self._finish_frame()
        return joined[_HEADER_BYTES:]

    def _finish_frame(self) -> None:
        self._frames.append(self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks))
        self._chunks.clear()
        self._need = None
        _wake(self._reader)

    def _kill_if_running(self) -> None:
        if self.returncode is None and self._transport is not None and not self.gone.is_set():
            self._transport.kill()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _header(size: int) -> bytes:
    if size > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {size} bytes is over the limit of {MAX_FRAME_BYTES}")
    return size.to_bytes(_HEADER_BYTES)


def _command(module: str) -> list[str]:
    root = str(Path(__file__).resolve().parent.parent)
    path = [root, *(str(Path(entry or ".").resolve()) for entry in sys.path)]
    return [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, module, *dict.fromkeys(path)]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Only what a process needs to start: what the parent holds in its environment may be a secret."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **extra}


def claim_pipes() -> tuple[int, int]:
    """Child: take stdin and stdout for frames, as descriptors of (read, write).

    Afterwards descriptor 0 is empty and 1 is stderr, so that a stray print cannot break a frame.
    """
    frames_in, frames_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return frames_in, frames_out


def read_frame(fd: int) -> bytes | None:
    """Child: wait for the next frame; None when the parent has closed the pipe."""
    header = _read_exactly(fd, _HEADER_BYTES)
    return None if header is None else _read_exactly(fd, int.from_bytes(header))


def _read_exactly(fd: int, size: int) -> bytes | None:
    chunks: list[bytes] = []
    missing = size
    while missing:
        chunk = os.read(fd, min(missing, _READ_BYTES))
        if not chunk:
            return None
        chunks.append(chunk)
        missing -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def write_frame(fd: int, data: bytes) -> None:
    """Child: write one frame.

    Raises:
        BrokenPipeError: the parent is gone.
        ValueError: the frame is larger than MAX_FRAME_BYTES.
    """
    header = _header(len(data))
    if len(data) <= _SLICE_BYTES:
        return _write_all(fd, header + data)
    _write_all(fd, header)
    return _write_all(fd, data)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
