"""The loader: replay, following, lookups, history, and records that nobody can use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from engine.cluster.kafka import TopicSpec
from engine.cluster.memory_kafka import MemoryBroker, MemoryKafka
from engine.errors import ClusterUnreachable
from engine.model import ScriptConfig, script_hash
from engine.scripts import loader as loader_module
from engine.scripts.loader import MAX_RECORD_BYTES, Change, ScriptLoader
from engine.scripts.record import encode_script, script_headers
from engine.scripts.store import StoredVersion
from engine.scripts.versions_seen import SeenVersions

TOPIC = "howk.scripts"


def script(config_id: str, code: str = "x = 1", version: str = "1") -> ScriptConfig:
    return ScriptConfig(
        config_id, code, script_hash(code), version, None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    )


async def publish(kafka: MemoryKafka, *scripts: ScriptConfig) -> None:
    for one in scripts:
        await kafka.produce(TOPIC, one.config_id, encode_script(one), script_headers(one))
    await asyncio.sleep(0.01)


@pytest.fixture
def kafka() -> MemoryKafka:
    return MemoryKafka(MemoryBroker(max_record_bytes=MAX_RECORD_BYTES * 2))


@pytest.fixture
async def loader(kafka: MemoryKafka) -> AsyncIterator[ScriptLoader]:
    async with ScriptLoader(kafka, TOPIC) as loader:
        await loader.caught_up()
        yield loader


async def test_a_replay_ends_with_the_latest_of_each_key(kafka: MemoryKafka) -> None:
    await publish(kafka, script("a"), script("b"), script("a", "x = 2", "2"), script("c"))
    await kafka.produce(TOPIC, "c", None)
    async with ScriptLoader(kafka, TOPIC) as loader:
        await loader.caught_up()
        assert {name: one.version for name, one in loader.all().items()} == {"a": "2", "b": "1"}
        assert loader.deleted() == {"c"}
        assert [one.script and one.script.version for one in loader.history("a")] == ["2", "1"]
        assert loader.history("c")[0].script is None


async def test_what_is_published_later_is_seen(kafka: MemoryKafka, loader: ScriptLoader) -> None:
    changes: list[Change] = []
    loader.listen(changes.append)
    await publish(kafka, script("a"), script("a", "x = 2"))
    await kafka.produce(TOPIC, "a", b"")
    await asyncio.sleep(0.01)
    first, second = script("a"), script("a", "x = 2")
    assert changes == [Change("a", None, first), Change("a", first, second), Change("a", second, None)]
    assert loader.exact("a") is None


async def test_a_namespace_answers_for_those_without_their_own(
    kafka: MemoryKafka, loader: ScriptLoader
) -> None:
    await publish(kafka, script("wh", "x = 1"), script("wh:42", "x = 2"))
    found = {name: loader.lookup(name) for name in ("wh", "wh:42", "wh:7", "wh:42:6", "other")}
    assert {name: one.lua_code if one else None for name, one in found.items()} == {
        "wh": "x = 1",
        "wh:42": "x = 2",
        "wh:7": "x = 1",
        "wh:42:6": "x = 1",
        "other": None,
    }
    assert loader.exact("wh:7") is None


async def test_a_replaced_version_is_found_by_its_hash(kafka: MemoryKafka, loader: ScriptLoader) -> None:
    old, new = script("wh", "x = 1"), script("wh", "x = 2")
    await publish(kafka, old, new)
    assert loader.by_hash("wh:42", old.hash) == old
    assert loader.by_hash("wh:42", new.hash) == new
    assert loader.by_hash("other", old.hash) is None, "another script's text is none of its business"


GOOD = json.loads(encode_script(script("a", "x = 9")))


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (b"a", b"{", "truncated"),
        (b"a", b"[]", "object"),
        (b"a", b"\xff", "malformed"),
        (b"a", b'{"config_id":"a"}', "lua_code"),
        (b"b", json.dumps(GOOD).encode(), "not that of its key"),
        (b"a", json.dumps(GOOD | {"hash": "0" * 64}).encode(), "hash"),
        (b"a", json.dumps(GOOD | {"lua_code": 1}).encode(), "lua_code"),
        (b"a", b'{"config_id":"a","lua_code":"\\ud800"}', "truncated"),
        (b"a", b'{"config_id":"a","lua_code":"x","script_config":' + b"[" * 50_000, ""),
        (b"a", b"x" * (MAX_RECORD_BYTES + 1), "bytes"),
        (b"\xff", b"{}", "UTF-8"),
        (b"", b"{}", "no key"),
    ],
)
async def test_a_record_that_is_no_script_is_skipped_and_shown(
    kafka: MemoryKafka, loader: ScriptLoader, key: bytes, value: bytes, why: str
) -> None:
    await publish(kafka, script("a"))
    kafka.broker.append(TOPIC, key, value)
    await publish(kafka, script("z"))
    assert loader.exact("a") == script("a"), "the version before it stays live"
    assert loader.exact("z") is not None, "and those behind it are seen"
    assert loader.problem_count == 1
    problem = loader.problems[0]
    assert (problem.place, why in problem.why) == (f"{TOPIC}[0]@1", True), problem


async def test_a_broker_that_comes_back_is_followed_again(kafka: MemoryKafka, loader: ScriptLoader) -> None:
    kafka.broker.set_down(True)
    kafka.broker.append(TOPIC, b"a", encode_script(script("a")))
    await asyncio.sleep(0.01)
    assert loader.exact("a") is None
    kafka.broker.set_down(False)
    await asyncio.sleep(0.01)
    assert loader.exact("a") is not None


async def test_a_topic_of_several_partitions(kafka: MemoryKafka) -> None:
    await kafka.create_topics([TopicSpec(TOPIC, 4)])
    names = [f"s{number}" for number in range(40)]
    await publish(kafka, *(script(name) for name in names))
    async with ScriptLoader(kafka, TOPIC) as loader:
        await loader.caught_up()
        await publish(kafka, *(script(name, "x = 2", "2") for name in names))
        await loader.see_all()
        assert {name: one.version for name, one in loader.all().items()} == dict.fromkeys(names, "2")


async def test_who_waits_is_told_when_it_is_not_followed_any_more(kafka: MemoryKafka) -> None:
    loader = ScriptLoader(kafka, TOPIC)
    loader.start()
    await loader.caught_up()
    waiting = asyncio.create_task(loader.seen({0: 1}))
    await asyncio.sleep(0)
    await loader.close()
    with pytest.raises(ClusterUnreachable, match="not followed any more"):
        await waiting


async def test_records_that_do_not_arrive_are_not_waited_for_without_end(
    loader: ScriptLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader_module, "SEE_SECONDS", 0.05)
    with pytest.raises(ClusterUnreachable, match=r"did not arrive within 0.05 s"):
        await loader.seen({0: 1})


def versions_of(seen: SeenVersions, config_id: str) -> list[str]:
    return [version.script.version if version.script else "" for version in seen.of(config_id)]


def add(seen: SeenVersions, config_id: str, version: str, size: int) -> None:
    seen.add(config_id, StoredVersion(script(config_id, "x" * size, version), "", 0))


def test_so_many_versions_of_one_script_are_kept() -> None:
    seen = SeenVersions(of_one=3)
    for number in range(9):
        add(seen, "a", str(number), 10)
    assert versions_of(seen, "a") == ["8", "7", "6"]


def test_so_much_code_is_kept_and_the_newest_of_each_always() -> None:
    seen = SeenVersions(replaced_characters=100)
    for number in range(4):
        add(seen, "a", str(number), 40)
        add(seen, "b", str(number), 40)
    assert (versions_of(seen, "a"), versions_of(seen, "b")) == (["3", "2"], ["3", "2"])
    add(seen, "c", "1", 1000)
    assert versions_of(seen, "c") == ["1"]
    add(seen, "c", "2", 1000)
    assert [versions_of(seen, name) for name in "abc"] == [["3"], ["3"], ["2"]]
