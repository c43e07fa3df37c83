"""A workspace, a cluster in memory, and the people who publish from the one to the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from engine.cluster.kafka import Record
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.model import ScriptConfig, script_hash
from engine.sandbox.pool import EnginePool
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.loader import ScriptLoader
from engine.scripts.publisher import Publisher
from engine.scripts.record import encode_script
from engine.scripts.review import mark_of
from engine.scripts.review_store import ReviewStore, saved_config_digest
from engine.scripts.rules import PublishRefused, Refusal
from engine.settings import LuaSettings
from engine.transform import Transformer
from engine.workspace import Workspace

TOPIC = "howk.scripts"
CODE = 'headers["X"] = "1"\n'
NAME = "wh:42"


@dataclass(frozen=True)
class Rules:
    read_only: bool = False
    production: bool = False
    approver_not_author: bool = False


class Desk:
    """A workspace, a cluster, and those who work with them."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace(folder)
        self.broker = MemoryBroker()
        self.kafka = MemoryKafka(self.broker)
        self.loader = ScriptLoader(self.kafka, TOPIC)
        self.store = ClusterStore(self.kafka, TOPIC, self.loader, None)
        self.pool = EnginePool(size=1, spares=0)
        self.save(CODE)

    def save(self, code: str, who: str = "") -> None:
        self.workspace.save_script(NAME, code.encode())
        if who:
            ReviewStore(self.workspace).note_saved(
                NAME, who, script_hash(code), saved_config_digest(self.workspace.read_config(NAME))
            )

    def of(self, who: str = "zoe", rules: Rules = Rules(), profile: str = "Local") -> Publisher:
        return Publisher(
            self.workspace, self.store, profile=profile, rules=rules, pool=self.pool,
            transformer=Transformer(self.pool, LuaSettings()), who=who,
        )  # fmt: skip

    def publish_elsewhere(self, code: str, config: dict[str, object] | None = None) -> ScriptConfig:
        """What somebody publishes from another workspace."""
        theirs = ScriptConfig(NAME, code, script_hash(code), "7", config, updated_at="2026-01-01T00:00:00Z")
        self.broker.append(TOPIC, NAME.encode(), encode_script(theirs))
        return theirs

    @asynccontextmanager
    async def with_topic(self, records: list[Record]) -> AsyncIterator[Publisher]:
        """A publisher on the topic as a compaction left it."""
        kept = [msgspec.structs.replace(record, offset=number) for number, record in enumerate(records)]
        self.broker.topics[TOPIC] = [kept]
        async with ScriptLoader(self.kafka, TOPIC) as loader:
            await loader.caught_up()
            self.store = ClusterStore(self.kafka, TOPIC, loader, None)
            yield self.of()

    def records(self) -> int:
        return sum(len(part) for part in self.broker.topics.get(TOPIC, []))


async def refused(work: object, reason: Refusal) -> PublishRefused:
    with pytest.raises(PublishRefused) as caught:
        await work  # type: ignore[misc]
    assert caught.value.reason is reason, caught.value
    return caught.value


async def live_mark(desk: Desk) -> str:
    return mark_of(await desk.store.live(NAME))


async def published(desk: Desk, *codes: str) -> list[str]:
    zoe, hashes = desk.of(), [await live_mark(desk)]
    for code in codes:
        desk.save(code)
        await zoe.approve(NAME, hashes[-1])
        await zoe.publish(NAME)
        hashes.append(script_hash(code))
    return hashes[1:]
