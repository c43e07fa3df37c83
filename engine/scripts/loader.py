"""Published scripts in memory: replays `howk.scripts` from its start, follows it, and answers lookups from what it saw.

The topic is the truth. A record that cannot be used is skipped and remembered as a problem; the version before it stays
live. The Redis mirror, where there is one, is kept by `engine.scripts.mirror_keeper`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Self

import msgspec

from engine.cluster.kafka import Kafka, Record
from engine.errors import ClusterUnreachable
from engine.model import ScriptConfig, namespace_of
from engine.scripts.record import BadScriptRecord, decode_script
from engine.scripts.store import StoredProblem, StoredVersion
from engine.scripts.versions_seen import SeenVersions
from engine.tasks import end_task

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""A larger record is no script; the sandbox would not hold it."""

SEE_SECONDS = 10.0
"""How long the records up to the end of the topic may take to arrive."""

_KEPT_PROBLEMS = 200


class Change(msgspec.Struct, frozen=True):
    """One script that was added (`old` is None), updated, or deleted (`new` is None)."""

    config_id: str
    old: ScriptConfig | None
    new: ScriptConfig | None


class _Live(msgspec.Struct, gc=False, frozen=True):
    script: ScriptConfig
    value: bytes


Listener = Callable[[Change], None]


class ScriptLoader:
    """Follows one topic of scripts. All methods run on one asyncio loop; lookups never wait.

    Args:
        kafka: where the topic is; not owned.
        topic: its name.

    Attributes:
        problems: the records that were skipped lately, the newest last.
        problem_count: how many there were in all.
    """

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka, self._topic = kafka, topic
        self._live: dict[str, _Live] = {}
        self._versions = SeenVersions()
        self._reader = kafka.read_topic(topic)
        self._progress = asyncio.Condition()
        self._listeners: list[Listener] = []
        self._caught_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.problems: deque[StoredProblem] = deque(maxlen=_KEPT_PROBLEMS)
        self.problem_count = 0

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    def start(self) -> None:
        """Begins to replay."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Ends following; what is known stays known."""
        if self._task is not None:
            await end_task(self._task)

    async def caught_up(self) -> None:
        """Waits until all has been seen that was in the topic when the replay began. Raises what ended the replay."""
        await self._unless_ended(self._caught_up.wait())

    @property
    def is_caught_up(self) -> bool:
        """Whether `caught_up` would return at once."""
        return self._caught_up.is_set()

    def listen(self, listener: Listener) -> None:
        """Tells `listener` of each change from now on, those of the replay included. It must not raise."""
        self._listeners.append(listener)

    # Lookups.

    def lookup(self, config_id: str) -> ScriptConfig | None:
        """The script that a webhook of this config_id runs through: its own, else its namespace's."""
        return self.exact(config_id) or self.exact(namespace_of(config_id))

    def exact(self, config_id: str) -> ScriptConfig | None:
        """The script of exactly this config_id."""
        live = self._live.get(config_id)
        return live.script if live else None

    def value(self, config_id: str) -> bytes | None:
        """The bytes of its record, for the mirror."""
        live = self._live.get(config_id)
        return live.value if live else None

    def by_hash(self, config_id: str, wanted: str) -> ScriptConfig | None:
        """The version with this hash that the lookup of a config_id finds, or found before it was replaced."""
        for name in (config_id, namespace_of(config_id)):
            if (seen := self._versions.with_hash(name, wanted)) is not None:
                return seen
        return None

    def all(self) -> dict[str, ScriptConfig]:
        """Every live script by its config_id."""
        return {config_id: live.script for config_id, live in self._live.items()}

    def deleted(self) -> set[str]:
        """The config_ids that were seen deleted and are not live."""
        return self._versions.config_ids() - self._live.keys()

    def history(self, config_id: str) -> tuple[StoredVersion, ...]:
        """The versions that were seen in the topic, the newest first."""
        return self._versions.of(config_id)

    async def seen(self, ends: Mapping[int, int]) -> None:
        """Waits until all before these offsets (partition -> offset) has been seen.

        Raises:
            ClusterUnreachable: it did not arrive in time.
        """
        try:
            async with asyncio.timeout(SEE_SECONDS):
                await self._unless_ended(self._reached(ends))
        except TimeoutError as problem:
            why = f"its records did not arrive within {SEE_SECONDS:g} s"
            raise ClusterUnreachable(f"topic {self._topic}", why) from problem

    async def see_all(self) -> None:
        """Waits until all has been seen that the topic holds at this moment.

        Raises:
            ClusterUnreachable: Kafka cannot say what it holds, or it did not arrive in time.
        """
        await self.seen(await self._kafka.ends(self._topic))

    async def _reached(self, ends: Mapping[int, int]) -> None:
        def reached() -> bool:
            return all(self._reader.positions.get(partition, 0) >= end for partition, end in ends.items())

        async with self._progress:
            await self._progress.wait_for(reached)

    async def _unless_ended(self, waiting_for: Coroutine[object, object, object]) -> None:
        """Waits for something that following brings about. Raises what ended it, when it ends before."""
        waiting = asyncio.create_task(waiting_for)
        try:
            ended = [self._task] if self._task is not None else []
            await asyncio.wait([waiting, *ended], return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                for task in ended:
                    self._tell_end(task)
        finally:
            waiting.cancel()

    def _tell_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            raise ClusterUnreachable(f"topic {self._topic}", "it is not followed any more")
        task.result()

    # Following.

    async def _follow(self) -> None:
        try:
            while True:
                records = await self._reader.read()
                for record in records:
                    self._take(record)
                if self._reader.caught_up:
                    self._caught_up.set()
                async with self._progress:
                    self._progress.notify_all()
                await asyncio.sleep(0)  # a long replay lets others have their turn
        finally:
            await self._reader.close()

    def _take(self, record: Record) -> None:
        try:
            config_id = record.key.decode()
        except UnicodeDecodeError:
            self._skip(record, "", "its key is not UTF-8")
            return
        if not config_id:
            self._skip(record, "", "it has no key")
        elif not record.value:
            self._forget(record, config_id)
        elif len(record.value) > MAX_RECORD_BYTES:
            self._skip(
                record, config_id, f"it has {len(record.value)} bytes; {MAX_RECORD_BYTES} are the most"
            )
        else:
            try:
                script = decode_script(record.value, config_id)
            except BadScriptRecord as problem:
                self._skip(record, config_id, problem.why)
            else:
                self._remember(record, _Live(script, record.value))

    def _remember(self, record: Record, live: _Live) -> None:
        config_id = live.script.config_id
        old = self.exact(config_id)
        self._live[config_id] = live
        self._note(record, config_id, live.script)
        self._tell(config_id, old, live.script)

    def _forget(self, record: Record, config_id: str) -> None:
        old = self._live.pop(config_id, None)
        self._note(record, config_id, None)
        if old is not None:
            self._tell(config_id, old.script, None)

    def _note(self, record: Record, config_id: str, script: ScriptConfig | None) -> None:
        self._versions.add(config_id, StoredVersion(script, record.place, record.timestamp_ms))

    def _tell(self, config_id: str, old: ScriptConfig | None, new: ScriptConfig | None) -> None:
        for listener in tuple(self._listeners):
            listener(Change(config_id, old, new))

    def _skip(self, record: Record, config_id: str, why: str) -> None:
        self.problems.append(StoredProblem(record.place, config_id, why))
        self.problem_count += 1
