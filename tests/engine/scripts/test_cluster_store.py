"""Published scripts in Kafka and a real Redis: both written, both read back, and what is told when one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from engine.cluster.kafka import Position
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.scripts import loader
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.compare import Difference, LocalScript
from engine.scripts.record import encode_script
from engine.scripts.store import StepState
from tests.engine.scripts.cluster import TOPIC, WEEK, Cluster, script

STEPS = ["kafka", "redis", "read_back_kafka", "read_back_redis"]


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


class Interrupted(MemoryKafka):
    """Something happens right after a record was acknowledged."""

    def __init__(self, broker: MemoryBroker, then: Callable[[], object]) -> None:
        super().__init__(broker)
        self._then = then

    async def produce(
        self, topic: str, key: str, value: bytes | None, headers: Mapping[str, str] | None = None
    ) -> Position:
        position = await super().produce(topic, key, value, headers)
        self._then()
        return position


async def test_a_version_that_somebody_replaced_at_once_is_told_and_not_mirrored(cluster: Cluster) -> None:
    theirs = encode_script(script("a", "x = 2"))
    kafka = Interrupted(cluster.broker, lambda: cluster.broker.append(TOPIC, b"a", theirs))
    store = ClusterStore(kafka, TOPIC, cluster.loader, cluster.mirror)
    report = await store.put(script("a"))
    assert [step.state.value for step in report.steps] == ["done", "done", "failed", "done"]
    failure = report.failure()
    assert failure is not None
    assert (failure.name, failure.detail) == (
        "read_back_kafka",
        "somebody published after you: it is live no more",
    )
    assert await cluster.redis.get("script:a") == theirs


async def test_with_kafka_gone_once_it_has_the_script_the_report_says_so(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "SEE_SECONDS", 0.1)
    kafka = Interrupted(cluster.broker, lambda: cluster.broker.set_down(True))
    report = await ClusterStore(kafka, TOPIC, cluster.loader, cluster.mirror).put(script("a"))
    states = {step.name: step.state.value for step in report.steps}
    assert (states["kafka"], states["redis"], states["read_back_kafka"]) == ("done", "failed", "failed")
    failure = report.failure()
    assert failure is not None
    assert failure.detail == "not written: Kafka in memory cannot be reached: it does not answer"
    assert await cluster.redis.get("script:a") is None
    cluster.broker.set_down(False)
    assert (await cluster.store.repair("a")).complete
    assert await cluster.redis.get("script:a") == encode_script(script("a"))


async def test_a_repair_deletes_what_is_not_live(cluster: Cluster) -> None:
    await cluster.redis.set("script:ghost", encode_script(script("ghost")))
    assert (await cluster.store.repair("ghost")).complete
    assert await cluster.redis.get("script:ghost") is None


async def test_all_three_are_compared_as_they_are_now(cluster: Cluster) -> None:
    await cluster.store.put(script("a"))
    cluster.broker.append(TOPIC, b"b", encode_script(script("b")))
    local = {"a": LocalScript(script("a").hash, {"a": 1})}
    rows = await cluster.store.rows(local, {("a", script("a").hash): "zoe"})
    assert [(row.config_id, row.who, row.differences) for row in rows] == [
        ("a", "zoe", ()),
        ("b", "", (Difference.REDIS_MISSING, Difference.ONLY_ON_CLUSTER)),
    ]
    assert await cluster.store.all() == {"a": script("a"), "b": script("b")}
    cluster.server.stop()
    rows = await cluster.store.rows(local, {})
    assert [(row.redis_known, row.differences) for row in rows] == [
        (False, ()),
        (False, (Difference.ONLY_ON_CLUSTER,)),
    ]
    cluster.broker.set_down(True)
    with pytest.raises(ClusterUnreachable):
        await cluster.store.rows(local, {})


async def test_a_cluster_without_redis_is_complete(cluster: Cluster) -> None:
    store = ClusterStore(cluster.kafka, TOPIC, cluster.loader, None)
    report = await store.put(script("a"))
    assert report.complete
    assert [step.state for step in report.steps if "redis" in step.name] == [StepState.SKIPPED] * 2
