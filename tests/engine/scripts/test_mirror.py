"""The Redis mirror, and its keeper: it follows the topic, never runs out, and never goes back to what was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.cluster.connection import Phase
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.errors import ClusterUnreachable
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import MirrorKeeper, settle
from engine.scripts.record import encode_script
from tests.engine.redis_server import RedisServer
from tests.engine.scripts.cluster import TOPIC, WEEK, Cluster, script, until


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


async def test_a_mirror_that_was_emptied_is_filled_again(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with Cluster(server, ttl=0.9) as cluster, cluster.keeper():
            cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
            await until(lambda: holds(cluster, {"a"}))
            await cluster.redis.flushall()  # as if it had run out
            await until(lambda: holds(cluster, {"a"}))


@pytest.mark.parametrize("what", ["quiet", "changes", "no kafka"])
async def test_no_entry_runs_out_while_somebody_keeps_it(tmp_path: Path, what: str) -> None:
    with RedisServer(tmp_path) as server:
        async with Cluster(server, ttl=0.9) as cluster, cluster.keeper():
            cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
            await until(lambda: holds(cluster, {"a"}))
            cluster.broker.set_down(what == "no kafka")
            for number in range(40):  # twice its time to live
                if what == "changes":
                    cluster.broker.append(TOPIC, b"b", encode_script(script("b", f"x = {number}")))
                await asyncio.sleep(0.05)
                assert await cluster.redis.get("script:a") == encode_script(script("a"))


async def test_fields_that_this_version_does_not_know_reach_the_mirror(cluster: Cluster) -> None:
    value = encode_script(script("a"))[:-1] + b', "later": {"x": 1}}'
    async with cluster.keeper():
        cluster.broker.append(TOPIC, b"a", value)
        await until(lambda: holds(cluster, {"a"}))
        assert await cluster.redis.get("script:a") == value


async def test_a_mirror_without_expiry(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        async with Cluster(server, ttl=0) as cluster:
            for name in ("a", "b"):
                cluster.broker.append(TOPIC, name.encode(), encode_script(script(name)))
            await cluster.redis.set("script:b", encode_script(script("b")), ex=100)
            assert await cluster.keeper().mend() == 1
            assert [await cluster.redis.ttl(f"script:{name}") for name in "ab"] == [-1, -1]


async def test_what_other_programs_left_under_our_keys(cluster: Cluster) -> None:
    await cluster.redis.hset("script:a", "not", "a string")
    await cluster.redis.set(b"script:\xff", "no config_id")
    cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
    assert await cluster.mirror.get("a") is None
    assert await cluster.keeper().mend() == 1
    assert await cluster.redis.get("script:a") == encode_script(script("a"))
    assert await cluster.mirror.config_ids() == {"a"}


async def test_thousands_are_mended_and_only_those_that_are_wrong(cluster: Cluster) -> None:
    for number in range(1200):
        cluster.broker.append(TOPIC, b"s%d" % number, encode_script(script(f"s{number}")))
    keeper = cluster.keeper()
    assert await keeper.mend() == 1200
    await cluster.redis.delete("script:s3")
    await cluster.redis.set("script:s1100", "{")
    await cluster.redis.persist("script:s7")
    assert await keeper.mend() == 2
    assert await cluster.mirror.get_many(["s3", "s1100"]) == {
        "s3": encode_script(script("s3")),
        "s1100": encode_script(script("s1100")),
    }
    assert WEEK - 10 < await cluster.redis.ttl("script:s7") <= WEEK


# --- several at once


class Deaf(MemoryKafka):
    """Its readers hear nothing while it is `deaf`."""

    deaf = False

    def reachable(self) -> bool:
        return super().reachable() and not self.deaf


class Standing(ScriptLoader):
    """Of a program that stands still, once, right after it has read the topic to its end, until it is let go."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.kafka = Deaf(broker)
        super().__init__(self.kafka, TOPIC)
        self.stands, self.go = asyncio.Event(), asyncio.Event()

    async def see_all(self) -> None:
        await super().see_all()
        if not self.stands.is_set():
            self.kafka.deaf = True
            self.stands.set()
            await self.go.wait()
            self.kafka.deaf = False
            self.kafka.broker.wake_readers()


async def test_who_stood_still_does_not_bring_an_old_version_back(cluster: Cluster) -> None:
    await cluster.store.put(script("a", "x = 0"))
    cluster.broker.append(TOPIC, b"a", encode_script(script("a", "x = 1")))
    async with Standing(cluster.broker) as loader:
        mending = asyncio.create_task(settle(cluster.mirror, loader, ["a"]))
        await loader.stands.wait()
        await cluster.store.put(script("a", "x = 2"))
        loader.go.set()
        assert await mending == 0, "somebody else did it"
    assert await cluster.redis.get("script:a") == encode_script(script("a", "x = 2"))


async def test_who_stood_still_does_not_bring_a_deleted_script_back(cluster: Cluster) -> None:
    await cluster.store.put(script("a", "x = 0"))
    cluster.broker.append(TOPIC, b"a", encode_script(script("a", "x = 1")))
    async with Standing(cluster.broker) as loader:
        mending = asyncio.create_task(settle(cluster.mirror, loader, ["a"]))
        await loader.stands.wait()
        await cluster.store.delete("a")
        loader.go.set()
        await mending
    assert await cluster.redis.get("script:a") is None


async def test_a_missing_entry_written_too_late_is_deleted_next(cluster: Cluster) -> None:
    cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
    async with Standing(cluster.broker) as loader:
        mending = asyncio.create_task(settle(cluster.mirror, loader, ["a"]))
        await loader.stands.wait()
        await cluster.store.delete("a")
        loader.go.set()
        await mending
        assert await cluster.redis.get("script:a") == encode_script(script("a")), "the race that remains"
        assert await settle(cluster.mirror, loader, ["a"]) == 1
        assert await cluster.redis.get("script:a") is None


async def test_who_does_not_follow_the_topic_any_more_writes_nothing(cluster: Cluster) -> None:
    cluster.broker.append(TOPIC, b"a", encode_script(script("a")))
    keeper = cluster.keeper()
    await cluster.loader.close()
    cluster.broker.append(TOPIC, b"a", encode_script(script("a", "x = 2")))
    with pytest.raises(ClusterUnreachable, match="not followed any more"):
        await keeper.mend()
    assert await cluster.redis.get("script:a") is None


async def test_two_keepers_and_a_publisher_agree_in_the_end(cluster: Cluster) -> None:
    async with ScriptLoader(MemoryKafka(cluster.broker), TOPIC) as second:
        await second.caught_up()
        mirror = ScriptMirror(cluster.redis, WEEK)
        async with cluster.keeper(), MirrorKeeper(second, mirror):
            for number in range(30):
                cluster.broker.append(TOPIC, b"a", encode_script(script("a", f"x = {number}")))
                await cluster.store.put(script("b", f"x = {number}"))
                await (cluster.store.put(script("c")) if number % 2 else cluster.store.delete("c"))
            await cluster.store.delete("c")
            await until(lambda: holds(cluster, {"a", "b"}))
            assert await cluster.mirror.get_many(["a", "b"]) == {
                name: encode_script(script(name, "x = 29")) for name in "ab"
            }
