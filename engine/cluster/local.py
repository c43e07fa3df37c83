"""A local cluster: a Kafka and a Redis on the loopback, for trying things without installing anything.

Each is a child process, so that neither can take the other or the window along; both end with this process, however
it ends. Nothing is kept: the broker cannot, and a Redis that remembered what its Kafka has forgotten would be a mirror
of nothing. Scripts live in the workspace; publish them again. See `engine.cluster.local_kafka` for what this Kafka
cannot do.
"""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Self

import msgspec

from engine.child_process import ChildGone, FramedChild
from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.local_child import LOOPBACK, Start, Started
from engine.errors import BadInput, ClusterUnreachable, EngineUnavailable
from engine.settings import TopicNames

START_SECONDS = 20.0


class LocalCluster:
    """A cluster that runs while its `async with` block does.

    Args:
        kafka_port, redis_port: where to listen on 127.0.0.1; 0 takes any free port.
        topics: the topics that are there from the start.

    Entering it raises BadInput for a port that is taken, and ClusterUnreachable when a part does not start.
    """

    def __init__(self, *, kafka_port: int = 0, redis_port: int = 0, topics: TopicNames | None = None) -> None:
        names: tuple[str, ...] = msgspec.structs.astuple(topics or TopicNames())
        self._wanted = {
            "Kafka": ("engine.cluster.local_kafka", Start(kafka_port, names)),
            "Redis": ("engine.cluster.local_redis", Start(redis_port)),
        }
        self._children: list[FramedChild] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._ports: dict[str, int] = {}
        self._failed = asyncio.Event()
        self.watch = ConnectionWatch()

    @property
    def kafka(self) -> str:
        """HOST:PORT of the broker."""
        return f"{LOOPBACK}:{self._ports['Kafka']}"

    @property
    def redis(self) -> str:
        """The URL of the Redis."""
        return f"redis://{LOOPBACK}:{self._ports['Redis']}/0"

    async def failed(self) -> str:
        """Waits until a part ends by itself, and says which and how; the other one goes on."""
        await self._failed.wait()
        return self.watch.state.reason

    async def __aenter__(self) -> Self:
        self.watch.set(Phase.CONNECTING)
        try:
            for part, (_, start) in self._wanted.items():
                _check_free(part, start.port)
            await self._start_all()
        except (BadInput, ClusterUnreachable) as problem:
            await self._stop()
            self.watch.set(Phase.FAILED, str(problem))
            raise
        except asyncio.CancelledError:
            await self._stop()
            raise
        self.watch.set(Phase.CONNECTED)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()
        self.watch.set(Phase.CLOSED)

    async def _start_all(self) -> None:
        starting = [asyncio.create_task(self._start(part)) for part in self._wanted]
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*starting)
        except TimeoutError:
            why = f"it did not start within {START_SECONDS:g} s"
            raise ClusterUnreachable("the local cluster", why) from None
        finally:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)

    async def _start(self, part: str) -> None:
        module, start = self._wanted[part]
        where = f"the local {part}"
        try:
            child = await FramedChild.start(module)
            self._children.append(child)
            await child.send(msgspec.json.encode(start))
            started = msgspec.json.decode(await child.receive(), type=Started)
        except (ChildGone, EngineUnavailable) as problem:
            raise ClusterUnreachable(where, str(problem)) from problem
        if started.problem:
            raise ClusterUnreachable(where, started.problem)
        self._ports[part] = started.port
        self._watchers.append(asyncio.create_task(self._watch_end(part, child)))

    async def _watch_end(self, part: str, child: FramedChild) -> None:
        try:
            await child.receive()
        except ChildGone as problem:
            self.watch.set(Phase.FAILED, f"the local {part} is gone: {problem}")
            self._failed.set()

    async def _stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(child.close() for child in self._children))


def _check_free(part: str, port: int) -> None:
    """A port that is taken is told apart from a part that cannot start; 0 is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as problem:
            raise BadInput(
                f"{part} port", str(port), f"it cannot be listened on: {problem.strerror}.", "Choose another."
            ) from problem
