"""Published scripts in Kafka and a real Redis: both written, both read back, and what is told when one fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from engine.cluster.connection import Phase
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.cluster.redis_client import redis_client
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.model import ScriptConfig, script_hash
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.compare import Difference, LocalScript, compare
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import MirrorKeeper
from engine.scripts.record import encode_script
from engine.scripts.store import StepState
from engine.scripts.versions import next_version
from engine.settings import RedisSettings
from tests.engine.redis_server import RedisServer

TOPIC = "howk.scripts"
WEEK = 7 * 24 * 3600.0
STEPS = ["kafka", "redis", "read_back_kafka", "read_back_redis"]


def script(config_id: str, code: str = "x = 1", version: str = "1") -> ScriptConfig:
    return ScriptConfig(
        config_id, code, script_hash(code), version, {"a": 1}, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    )


class Cluster:
    """Kafka in memory, a real Redis, and the store over both."""

    def __init__(self, server: RedisServer, ttl: float = WEEK) -> None:
        self.server, self.broker = server, MemoryBroker()
        self.kafka = MemoryKafka(self.broker)
        self.redis = redis_client(RedisSettings(addr=server.addr), connect_seconds=0.5, operation_seconds=0.5)
        self.mirror = ScriptMirror(self.redis, ttl)
        self.loader = ScriptLoader(self.kafka, TOPIC)
        self.store = ClusterStore(self.kafka, TOPIC, self.loader, self.mirror)

    async def __aenter__(self) -> Cluster:
        self.loader.start()
        await self.loader.caught_up()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.loader.close()
        await self.kafka.close()
        await self.redis.aclose()

    def keeper(self) -> MirrorKeeper:
        return MirrorKeeper(self.loader, self.mirror, self.kafka, TOPIC)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    with RedisServer(tmp_path) as server:
        async with Cluster(server) as cluster:
            yield cluster


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Waits until Redis, which tells nobody of its changes, holds what it should."""
    async with asyncio.timeout(5):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_script_is_written_to_both_and_read_back(cluster: Cluster) -> None:
    one = script("wh:42")
    report = await cluster.store.put(one)
    assert [step.name for step in report.steps] == STEPS
    assert (report.complete, report.failure(), report.hash) == (True, None, one.hash)
    (record,) = cluster.broker.topics[TOPIC][0]
    assert record.key == b"wh:42"
    assert dict(record.headers) == {"script_hash": one.hash.encode(), "version": b"1"}
    assert record.value == encode_script(one) == await cluster.redis.get("script:wh:42")
    assert WEEK - 10 < await cluster.redis.ttl("script:wh:42") <= WEEK
    assert await cluster.store.live("wh:42") == one
    assert await cluster.store.live("wh") is None


async def test_a_deleted_script_is_gone_from_both(cluster: Cluster) -> None:
    await cluster.store.put(script("a"))
    report = await cluster.store.delete("a")
    assert report.complete
    record = cluster.broker.topics[TOPIC][0][-1]
    assert (record.key, record.value, record.header("operation")) == (b"a", None, b"delete")
    assert await cluster.redis.get("script:a") is None
    assert await cluster.store.live("a") is None
    assert [version.script for version in await cluster.store.history("a")] == [None, script("a")]


async def test_with_kafka_down_nothing_changes(cluster: Cluster) -> None:
    cluster.broker.set_down(True)
    with pytest.raises(ClusterUnreachable):
        await cluster.store.put(script("a"))
    assert await cluster.redis.get("script:a") is None
    with pytest.raises(ClusterUnreachable):
        await cluster.store.live("a")


async def test_a_script_that_kafka_refuses_changes_nothing(cluster: Cluster) -> None:
    with pytest.raises(ClusterRefused):
        await cluster.store.put(script("a", "x" * 2_000_000))
    assert await cluster.redis.get("script:a") is None


async def test_with_redis_down_the_report_says_what_happened_and_a_repair_mends_it(cluster: Cluster) -> None:
    cluster.server.stop()
    report = await cluster.store.put(script("a"))
    states = {step.name: step.state for step in report.steps}
    assert states["kafka"] is states["read_back_kafka"] is StepState.DONE
    failure = report.failure()
    assert failure is not None
    assert (failure.name, failure.detail) == ("redis", "connection refused")
    assert await cluster.store.live("a") == script("a"), "it is live all the same"
    assert not (await cluster.store.repair("a")).complete
    cluster.server.start()
    assert (await cluster.store.repair("a")).complete
    assert await cluster.redis.get("script:a") == encode_script(script("a"))


async def test_a_version_that_somebody_replaced_at_once_is_told(cluster: Cluster) -> None:
    other = MemoryKafka(cluster.broker)
    mine, theirs = script("a"), script("a", "x = 2")
    read_back = cluster.loader.seen

    async def seen_late(ends: dict[int, int]) -> None:
        await other.produce(TOPIC, "a", encode_script(theirs))
        await read_back({0: 2})

    cluster.loader.seen = seen_late  # type: ignore[method-assign,assignment]
    failure = (await cluster.store.put(mine)).failure()
    assert failure is not None
    assert (failure.name, failure.detail) == (
        "read_back_kafka",
        "somebody published after you: it is live no more",
    )


async def test_a_cluster_without_redis_is_complete(cluster: Cluster) -> None:
    store = ClusterStore(cluster.kafka, TOPIC, cluster.loader, None)
    report = await store.put(script("a"))
    assert report.complete
    assert [step.state for step in report.steps if "redis" in step.name] == [StepState.SKIPPED] * 2


# --- the keeper of the mirror


async def test_an_empty_redis_has_everything_after_a_replay(cluster: Cluster) -> None:
    for number in range(50):
        cluster.broker.append(TOPIC, b"s%d" % number, encode_script(script(f"s{number}")))
    cluster.broker.append(TOPIC, b"s7", None)
    await cluster.redis.set("script:s7", "left from before")
    await cluster.redis.set("script:another", "of a program that we do not know")
    async with cluster.keeper():
        wanted = {f"s{number}" for number in range(50)} - {"s7"}
        await until(lambda: holds(cluster, wanted | {"another"}))
        assert await cluster.redis.get("script:s8") == encode_script(script("s8"))


async def holds(cluster: Cluster, wanted: set[str]) -> bool:
    return await cluster.mirror.config_ids() == wanted


async def test_changes_reach_the_mirror_also_when_it_was_away(cluster: Cluster) -> None:
    keeper = cluster.keeper()
    async with keeper:
        cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
        await until(lambda: holds(cluster, {"a"}))
        cluster.server.stop()
        cluster.broker.append(TOPIC, b"b", encode_script(script("b")))
        failed = asyncio.Event()
        keeper.watch.listen(lambda state: failed.set() if state.phase is Phase.FAILED else None)
        await asyncio.wait_for(failed.wait(), 5)
        assert "refused" in keeper.watch.state.reason
        cluster.server.start()
        await until(lambda: holds(cluster, {"a", "b"}))
        cluster.broker.append(TOPIC, b"a", None)
        await until(lambda: holds(cluster, {"b"}))
        assert keeper.watch.state.phase is Phase.CONNECTED


async def test_a_mirror_that_runs_out_is_renewed(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with Cluster(server, ttl=0.9) as cluster, cluster.keeper():
            cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
            await until(lambda: holds(cluster, {"a"}))
            await cluster.redis.flushall()  # as if it had run out
            await until(lambda: holds(cluster, {"a"}))
            await asyncio.sleep(1.2)  # longer than its time to live
            assert await holds(cluster, {"a"})


async def test_a_keeper_that_lags_does_not_bring_an_old_version_back(cluster: Cluster) -> None:
    old, new = script("a", "x = 1"), script("a", "x = 2")
    keeper = cluster.keeper()
    cluster.broker.append(TOPIC, b"a", encode_script(old))
    await asyncio.sleep(0.01)
    await cluster.loader.close()  # it stands still, having seen the old one
    cluster.broker.append(TOPIC, b"a", encode_script(new))
    await cluster.redis.set("script:a", encode_script(new))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keeper.mend(), 0.2)
    assert await cluster.redis.get("script:a") == encode_script(new)


# --- side by side


def test_the_three_side_by_side() -> None:
    live = {name: script(name) for name in ("same", "no_mirror", "other_mirror", "changed", "theirs")}
    values = {name: encode_script(one) for name, one in live.items()}
    mirror = {name: value for name, value in values.items() if name != "no_mirror"}
    mirror |= {"other_mirror": encode_script(script("other_mirror", "x = 9")), "ghost": b"{"}
    local = {name: LocalScript(one.hash, {"a": 1}) for name, one in live.items() if name != "theirs"}
    local |= {"changed": LocalScript("ff" * 32, {"a": 1}), "mine": LocalScript("ee" * 32)}
    rows = {
        row.config_id: row
        for row in compare(live, values, mirror, local, {("same", live["same"].hash): "zoe"})
    }
    assert {name: row.differences for name, row in rows.items()} == {
        "same": (),
        "no_mirror": (Difference.REDIS_MISSING,),
        "other_mirror": (Difference.REDIS_DIFFERS,),
        "changed": (Difference.WORKSPACE_DIFFERS,),
        "theirs": (Difference.ONLY_ON_CLUSTER,),
        "mine": (Difference.NOT_PUBLISHED,),
        "ghost": (Difference.REDIS_ONLY,),
    }
    assert (rows["same"].who, rows["changed"].who) == ("zoe", "")
    assert rows["ghost"].redis_hash == "-"
    assert rows["other_mirror"].redis_hash == script_hash("x = 9")


def test_another_config_is_a_difference_too() -> None:
    one = script("a")
    (row,) = compare({"a": one}, {"a": b"1"}, {"a": b"1"}, {"a": LocalScript(one.hash, {"a": 2})}, {})
    assert row.differences == (Difference.WORKSPACE_DIFFERS,)


def test_nothing_is_said_of_a_mirror_that_cannot_be_asked() -> None:
    (row,) = compare({"wh:1": script("wh:1")}, {"wh:1": b"1"}, None, {}, {})
    assert (row.redis_known, row.differences, row.namespace) == (False, (Difference.ONLY_ON_CLUSTER,), "wh")


@pytest.mark.parametrize(
    ("live", "following"),
    [("", "1"), ("1", "2"), ("9", "10"), ("v2", "v3"), ("1.4.2", "1.4.3"), ("1.9", "1.10"), ("007", "008"),
     ("stable", "stable-2"), ("stable-2", "stable-3"), ("2026-01-01", "2026-01-02"), ("1.0.0-rc", "1.0.0-rc-2")],
)  # fmt: skip
def test_the_version_after_a_version(live: str, following: str) -> None:
    assert next_version(live) == following


def test_an_entry_is_plain_json() -> None:
    assert json.loads(encode_script(script("a")))["script_config"] == {"a": 1}
