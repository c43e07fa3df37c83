"""No webhook is accepted before its script can be known: it would be delivered raw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import StringIO

import msgspec
import pytest
from fakeredis import FakeAsyncRedis

from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.errors import ClusterUnreachable
from engine.model import ScriptConfig, script_hash
from engine.run_log import make_logger
from engine.scripts.loader import ScriptLoader
from engine.scripts.record import encode_script
from engine.webhooks import enqueue
from engine.webhooks.enqueue import Enqueuer, EnqueueRequest
from engine.webhooks.stats import StatsStore
from engine.webhooks.status import StatusStore

SCRIPT = ScriptConfig(config_id="orders", lua_code="x = 1", hash=script_hash("x = 1"))
REQUEST = EnqueueRequest("https://example.com/", msgspec.Raw(b"1"))


@pytest.fixture
def broker() -> MemoryBroker:
    """It holds a script, and does not answer yet."""
    broker = MemoryBroker()
    broker.append("howk.scripts", b"orders", encode_script(SCRIPT))
    broker.set_down(True)
    return broker


@pytest.fixture
async def enqueuer(broker: MemoryBroker) -> AsyncIterator[Enqueuer]:
    kafka, redis = MemoryKafka(broker), FakeAsyncRedis()
    async with ScriptLoader(kafka, "howk.scripts") as loader:
        yield Enqueuer(
            kafka=kafka,
            topic="howk.pending",
            redis=redis,
            status=StatusStore(redis, 60),
            stats=StatsStore(redis, 60),
            scripts=loader,
            logger=make_logger(StringIO(), as_json=True),
        )
    await redis.aclose()


async def test_scripts_that_cannot_be_read_are_said_to_be_missing(
    enqueuer: Enqueuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enqueue, "SCRIPTS_SECONDS", 0.05)
    with pytest.raises(ClusterUnreachable, match="it does not answer"):
        await enqueuer.know_scripts()


async def test_scripts_that_are_being_read_are_waited_for(broker: MemoryBroker, enqueuer: Enqueuer) -> None:
    knowing = asyncio.create_task(enqueuer.know_scripts())
    await asyncio.sleep(0)
    broker.set_down(False)
    await knowing
    assert enqueuer.webhook("orders:7", REQUEST).script_hash == SCRIPT.hash
