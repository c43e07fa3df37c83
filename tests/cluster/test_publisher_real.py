"""Two people and one config_id, on a real Kafka and a real Redis: who comes second is told what changed since."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from engine.cluster.profiles import ProfileRules
from engine.model import script_hash
from engine.sandbox.pool import EnginePool
from engine.scripts.publisher import Publisher
from engine.scripts.review import Standing
from engine.scripts.rules import PublishRefused, Refusal
from engine.settings import LuaSettings
from engine.transform import Transformer
from engine.workspace import Workspace
from tests.cluster.kafka_broker import KafkaBroker
from tests.cluster.test_scripts_real import Studio, new_topic
from tests.engine.redis_server import RedisServer

NAME = "shared"


async def test_two_people_who_publish_one_script(
    tmp_path: Path, kafka_broker: KafkaBroker, redis_server: RedisServer
) -> None:
    topic = new_topic(kafka_broker)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(EnginePool(size=1, spares=0))
        people: dict[str, Publisher] = {}
        for who in ("zoe", "max"):
            folder = tmp_path / who
            folder.mkdir()
            (folder / f"{NAME}.lua").write_text(f"headers.By = '{who}'\n")
            studio = await stack.enter_async_context(Studio(kafka_broker, redis_server, topic))
            people[who] = Publisher(
                Workspace(folder), studio.store, profile="Real", rules=ProfileRules(), pool=pool,
                transformer=Transformer(pool, LuaSettings()), who=who,
            )  # fmt: skip
        zoe, max_ = people["zoe"], people["max"]
        await zoe.approve(NAME, "")
        await max_.approve(NAME, "")
        first = await zoe.publish(NAME)
        assert first.complete, first.steps
        with pytest.raises(PublishRefused) as refused:
            await max_.publish(NAME)
        assert refused.value.reason is Refusal.CHANGED_SINCE
        for told in ("it was nothing", script_hash("headers.By = 'zoe'\n")[:12], "version 1"):
            assert told in str(refused.value)
        assert (await max_.look(NAME)).standing is Standing.DRIFTED
        assert [version.script and version.script.version for version in await max_.history(NAME)] == ["1"]
        await max_.approve(NAME, first.hash)
        second = await max_.publish(NAME)
        assert (second.complete, second.version) == (True, "2")
        with pytest.raises(PublishRefused) as late:
            await zoe.roll_back(NAME, first.hash, expected=first.hash)
        assert late.value.reason is Refusal.CHANGED_SINCE
        assert (await zoe.roll_back(NAME, first.hash, expected=second.hash)).complete
