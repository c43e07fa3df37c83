"""Framed child processes: frames arrive whole, an end is noticed, no secret of the parent reaches a child."""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.child_process import MAX_FRAME_BYTES, ChildGone, FramedChild

CHILD = """
import os, sys, time
from engine.child_process import claim_pipes, read_frame, write_frame
frames_in, frames_out = claim_pipes()
print("a stray print", flush=True)
while (frame := read_frame(frames_in)) is not None:
    if frame == b"crash":
        os.kill(os.getpid(), 9)
    elif frame == b"hang":
        time.sleep(60)
    elif frame == b"talk":
        sys.stderr.write("x" * 50_000 + "last words")
        sys.exit(3)
    elif frame == b"two":
        write_frame(frames_out, b"1")
        write_frame(frames_out, b"")
    elif frame == b"huge":
        os.write(frames_out, b"\\xff\\xff\\xff\\xff")
    elif frame == b"environment":
        write_frame(frames_out, "\\n".join(sorted(os.environ)).encode())
    else:
        write_frame(frames_out, frame)
"""


@pytest.fixture
async def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FramedChild]:
    (tmp_path / "framed_echo.py").write_text(textwrap.dedent(CHILD))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HOWK_SECRET", "hidden")
    started = await FramedChild.start("framed_echo", extra_env={"HOWK_EXTRA": "1"})
    yield started
    await started.close()


async def ask(child: FramedChild, frame: bytes) -> bytes:
    await child.send(frame)
    return await child.receive()


@pytest.mark.parametrize("size", [0, 1, 4, 65_535, 65_536, 300_000, 5_000_001])
async def test_a_frame_of_any_size_comes_back_whole(child: FramedChild, size: int) -> None:
    frame = os.urandom(size)
    assert await ask(child, frame) == frame


async def test_two_frames_written_together_are_told_apart(child: FramedChild) -> None:
    await child.send(b"two")
    assert [await child.receive(), await child.receive()] == [b"1", b""]


async def test_the_environment_holds_only_what_was_given(child: FramedChild) -> None:
    names = set((await ask(child, b"environment")).decode().split())
    assert names - {"PATH", "SYSTEMROOT", "LC_CTYPE"} == {"LANG", "LC_ALL", "HOWK_EXTRA"}


async def test_a_crash_is_reported_with_its_signal(child: FramedChild) -> None:
    with pytest.raises(ChildGone) as gone:
        await ask(child, b"crash")
    assert gone.value.returncode == -signal.SIGKILL
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(ChildGone):
        await child.send(b"anyone?")


async def test_last_words_are_kept_and_bounded(child: FramedChild) -> None:
    with pytest.raises(ChildGone, match="last words") as gone:
        await ask(child, b"talk")
    assert gone.value.returncode == 3
    assert len(gone.value.stderr_tail) <= 8192


async def test_killing_wakes_whoever_waits(child: FramedChild) -> None:
    await child.send(b"hang")
    waiting = asyncio.create_task(child.receive())
    await asyncio.sleep(0)
    child.kill()
    with pytest.raises(ChildGone):
        await waiting


async def test_a_cancelled_receive_loses_nothing(child: FramedChild) -> None:
    waiting = asyncio.create_task(child.receive())
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await ask(child, b"still here") == b"still here"


async def test_a_send_cancelled_half_way_ends_the_child(child: FramedChild) -> None:
    await child.send(b"hang")
    sending = asyncio.create_task(child.send(bytes(5_000_000)))
    await asyncio.sleep(0.05)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    with pytest.raises(ChildGone):
        await child.receive()


async def test_a_frame_over_the_limit_ends_the_child(child: FramedChild) -> None:
    with pytest.raises(ChildGone, match="over the limit"):
        await ask(child, b"huge")


async def test_a_send_over_the_limit_is_refused(child: FramedChild, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.child_process.MAX_FRAME_BYTES", 10)
    with pytest.raises(ValueError, match="over the limit"):
        await child.send(bytes(11))
    assert MAX_FRAME_BYTES == 256 * 1024 * 1024


async def test_closing_ends_it_by_itself(child: FramedChild) -> None:
    await child.close()
    await child.close()
    assert child.returncode == 0


async def test_closing_a_busy_child_kills_it_after_a_second(child: FramedChild) -> None:
    await child.send(b"hang")
    await asyncio.wait_for(child.close(), 3)
    assert child.returncode == -signal.SIGKILL


async def test_a_module_that_does_not_exist_says_so() -> None:
    child = await FramedChild.start("no_such_module_here")
    with pytest.raises(ChildGone, match="no_such_module_here"):
        await child.receive()
    await child.close()
