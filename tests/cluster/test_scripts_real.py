"""Published scripts on a real Kafka and a real Redis: as other programs read them, in time, and through faults."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.cluster.confluent import ConfluentKafka
from engine.cluster.connection import Phase
from engine.cluster.redis_client import redis_client
from engine.errors import ClusterUnreachable
from engine.model import ScriptConfig, script_hash
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.loader import MAX_RECORD_BYTES, ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import MirrorKeeper
from engine.scripts.record import encode_script, script_headers
from engine.scripts.store import StepState
from engine.settings import KafkaSettings, RedisSettings
from tests.cluster.kafka_broker import ROOT, KafkaBroker
from tests.engine.redis_server import RedisServer

SECONDS = 30.0
"""How long anything may take on a busy machine."""

WEEK = 7 * 24 * 3600.0
MANY = 10_000
CREATED = "2026-02-01T02:58:34.699708649-03:00"
ONE_SECOND = 1.0


def script(config_id: str, version: str, code: str = "") -> ScriptConfig:
    code = code or f'request.headers = {{["X-Version"] = "{version}"}}  -- <é>'
    return ScriptConfig(config_id, code, script_hash(code), version, {"limit": 3}, CREATED, CREATED)


class Studio:
    """One program that publishes, on one topic of a real cluster."""

    def __init__(self, broker: Any, redis: RedisServer, topic: str) -> None:
        self.broker, self.redis_server, self.topic = broker, redis, topic
        self.kafka = ConfluentKafka(KafkaSettings(brokers=(broker.address,)), linger_ms=0)
        self.redis = redis_client(RedisSettings(addr=redis.addr), connect_seconds=0.5, operation_seconds=2)
        self.mirror = ScriptMirror(self.redis, WEEK)
        self.loader = ScriptLoader(self.kafka, topic)
        self.store = ClusterStore(self.kafka, topic, self.loader, self.mirror)

    async def __aenter__(self) -> Studio:
        self.loader.start()
        await self.loader.caught_up()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.loader.close()
        await self.kafka.close()
        await self.redis.aclose()


def new_topic(broker: KafkaBroker, **config: str) -> str:
    topic = f"howk.scripts.{uuid.uuid4().hex[:8]}"
    broker.create_topic(topic, cleanup_policy="compact", retention_ms="-1", **config)
    return topic


@pytest.fixture
async def studio(kafka_broker: KafkaBroker, redis_server: RedisServer) -> AsyncIterator[Studio]:
    topic = new_topic(kafka_broker, max_message_bytes="20000000")
    async with Studio(kafka_broker, redis_server, topic) as studio:
        yield studio


class Follower:
    """The process of `follow_scripts`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = await self.process.stdout.readline()
        assert line, "the process has ended"
        told: dict[str, Any] = json.loads(line)
        return told

    async def until(self, **wanted: object) -> dict[str, Any]:
        """What it says next that has these values."""
        while True:
            told = await self.next()
            if all(name in told and told[name] == value for name, value in wanted.items()):
                return told


@asynccontextmanager
async def follower(studio: Studio) -> AsyncIterator[Follower]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.cluster.follow_scripts", studio.broker.address, studio.topic,
        studio.redis_server.addr, cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Follower(process)
    finally:
        process.kill()
        await process.wait()


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what nobody tells of."""
    async with asyncio.timeout(SECONDS):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def output_of(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, command
    return output


async def kcat(studio: Studio) -> list[tuple[str, str, str]]:
    """Key, headers and value of every record, as kcat prints them."""
    told = await output_of(
        "kcat", "-b", studio.broker.address, "-C", "-t", studio.topic, "-o", "beginning", "-e", "-q",
        "-f", "%k\x1f%h\x1f%s\x1e",
    )  # fmt: skip
    records = [record.split("\x1f") for record in told.decode().split("\x1e")[:-1]]
    return [(key, headers, value) for key, headers, value in records]


# --- as other programs read it


async def test_kcat_and_redis_cli_read_what_the_wire_contract_says(studio: Studio) -> None:
    one = script("wh:42", "7")
    report = await studio.store.put(one)
    assert report.complete, report
    await studio.store.put(script("gone", "1"))
    assert (await studio.store.delete("gone")).complete

    published, _, deleted = await kcat(studio)
    assert published[:2] == ("wh:42", f"script_hash={one.hash},version=7")
    fields = {
        "config_id": "wh:42",
        "lua_code": one.lua_code,
        "hash": script_hash(one.lua_code),
        "version": "7",
        "script_config": {"limit": 3},
        "created_at": CREATED,
        "updated_at": CREATED,
    }
    assert json.loads(published[2]) == fields
    assert deleted == ("gone", "operation=delete", "")

    host, port = studio.redis_server.addr.split(":")
    cli = ("redis-cli", "-h", host, "-p", port)
    assert json.loads(await output_of(*cli, "--raw", "get", "script:wh:42")) == fields
    assert WEEK - 60 < int(await output_of(*cli, "ttl", "script:wh:42")) <= WEEK
    assert (await output_of(*cli, "--raw", "keys", "*")).split() == [b"script:wh:42"]


# --- in time


async def test_another_process_sees_a_version_and_a_deletion_at_once(
    studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    seen, gone = [], []
    async with follower(studio) as other:
        await other.until(mirrored=True)
        for number in range(10):
            started = time.time()
            await studio.store.put(script("wh", str(number)))
            seen.append((await other.until(config_id="wh", version=str(number)))["at"] - started)
            started = time.time()
            await studio.store.delete("wh")
            gone.append((await other.until(config_id="wh", version=None))["at"] - started)
    with capsys.disabled():
        print(f"\nseen by another process after at most: a version {max(seen) * 1000:.0f} ms, "
              f"a deletion {max(gone) * 1000:.0f} ms")  # fmt: skip
    assert max(*seen, *gone) < ONE_SECOND


async def test_ten_thousand_scripts_are_replayed_and_fill_an_empty_redis(
    studio: Studio, capsys: pytest.CaptureFixture[str]
) -> None:
    filler = ConfluentKafka(KafkaSettings(brokers=(studio.broker.address,)))
    scripts = [script(f"wh:{number}", "1", f"-- {random.randbytes(1000).hex()}") for number in range(MANY)]
    for start in range(0, MANY, 1000):
        await asyncio.gather(*(
            filler.produce(studio.topic, one.config_id, encode_script(one), script_headers(one))
            for one in scripts[start : start + 1000]
        ))  # fmt: skip
    await filler.close()

    async with follower(studio) as other:
        replayed = await other.next()
        started = time.monotonic()
        await other.until(mirrored=True)
        filled = time.monotonic() - started
    with capsys.disabled():
        print(f"\n{MANY} scripts of 2 KB replayed in {replayed['seconds']:.2f} s; "
              f"an empty Redis was filled in {filled:.2f} s")  # fmt: skip
    assert replayed["caught_up"] == MANY
    assert replayed["seconds"] < 5
    names = [one.config_id for one in scripts]
    assert await studio.mirror.get_many(names) == {one.config_id: encode_script(one) for one in scripts}


# --- through faults


async def test_a_broker_that_restarts_is_followed_again(studio: Studio) -> None:
    async with follower(studio) as other:
        await other.until(mirrored=True)
        await studio.store.put(script("wh", "1"))
        await other.until(config_id="wh", version="1")
        await asyncio.to_thread(studio.broker.restart)
        report = await studio.store.put(script("wh", "2"))
        assert report.complete, report.steps
        await other.until(config_id="wh", version="2")
        await asyncio.to_thread(studio.broker.kill)
        await asyncio.to_thread(studio.broker.start)
        report = await studio.store.delete("wh")
        assert report.complete, report.steps
        await other.until(config_id="wh", version=None)
    assert await studio.store.live("wh") is None
    assert await studio.redis.get("script:wh") is None


async def test_with_kafka_down_nothing_changes(studio: Studio) -> None:
    await studio.store.put(script("wh", "1"))
    await asyncio.to_thread(studio.broker.stop)
    with pytest.raises(ClusterUnreachable) as refused:
        await studio.store.put(script("wh", "2"))
    assert studio.broker.address in str(refused.value)
    assert await studio.mirror.get("wh") == encode_script(script("wh", "1"))
    await asyncio.to_thread(studio.broker.start)
    assert await studio.store.live("wh") == script("wh", "1")
    assert len(await kcat(studio)) == 1


async def test_with_redis_down_it_is_live_and_a_repair_mends_the_mirror(studio: Studio) -> None:
    studio.redis_server.stop()
    report = await studio.store.put(script("wh", "1"))
    states = {step.name: step.state for step in report.steps}
    assert states["kafka"] is states["read_back_kafka"] is StepState.DONE
    failure = report.failure()
    assert failure is not None
    assert (failure.name, failure.detail) == ("redis", "connection refused")
    studio.redis_server.start()
    assert (await studio.store.repair("wh")).complete
    assert await studio.redis.get("script:wh") == encode_script(script("wh", "1"))


async def test_records_that_are_no_scripts_are_skipped_and_shown(studio: Studio) -> None:
    await studio.store.put(script("wh", "1"))
    await studio.kafka.produce(studio.topic, "wh", b"{")
    await studio.kafka.produce(studio.topic, "wh", b"x" * (MAX_RECORD_BYTES + 1))
    await studio.store.put(script("other", "1"))
    assert await studio.store.live("wh") == script("wh", "1")
    assert await studio.store.live("other") == script("other", "1")
    assert [(one.place, one.config_id) for one in studio.loader.problems] == [
        (f"{studio.topic}[0]@1", "wh"),
        (f"{studio.topic}[0]@2", "wh"),
    ]
    assert "bytes" in studio.loader.problems[1].why


async def test_a_process_that_stood_still_brings_nothing_old_back(studio: Studio) -> None:
    async with follower(studio) as other:
        await other.until(mirrored=True)
        await studio.store.put(script("wh", "1"))
        await other.until(config_id="wh", version="1")
        other.process.send_signal(signal.SIGSTOP)
        await studio.store.put(script("wh", "2"))
        await studio.redis.delete("script:wh")  # as if it had run out
        await studio.store.put(script("wh", "3"))
        other.process.send_signal(signal.SIGCONT)
        await other.until(config_id="wh", version="3")
        await studio.redis.delete("script:wh")
        await studio.store.put(script("last", "1"))
        await other.until(config_id="last", version="1")
        await studio.store.repair("wh")
        assert await studio.redis.get("script:wh") == encode_script(script("wh", "3"))


async def test_two_keepers_on_one_mirror_agree_with_the_topic(studio: Studio) -> None:
    async with follower(studio) as other, MirrorKeeper(studio.loader, studio.mirror) as keeper:
        await other.until(mirrored=True)
        for number in range(20):
            await asyncio.gather(
                *(studio.store.put(script(f"s{name}", str(number))) for name in range(5)),
                studio.store.delete("s0"),
            )
        await studio.store.delete("s0")
        truth = {name: encode_script(one) for name, one in (await studio.store.all()).items()}
        assert truth.keys() == {"s1", "s2", "s3", "s4"}

        async def agrees() -> bool:
            return await studio.mirror.get_many(["s0", *truth]) == truth

        await until(agrees)
        assert keeper.watch.state.phase is Phase.CONNECTED


async def test_a_topic_that_was_compacted(tmp_path: Path, redis_server: RedisServer) -> None:
    broker = KafkaBroker(tmp_path, log_cleaner_backoff_ms="100")
    broker.start()
    try:
        await _compacted(broker, redis_server)
    finally:
        broker.stop()


async def _compacted(broker: KafkaBroker, redis_server: RedisServer) -> None:
    topic = new_topic(
        broker, segment_ms="200", min_cleanable_dirty_ratio="0.01", delete_retention_ms="100",
        min_compaction_lag_ms="0",
    )  # fmt: skip
    async with Studio(broker, redis_server, topic) as studio:
        for number in range(5):
            await studio.store.put(script("kept", str(number)))
        await studio.store.put(script("gone", "1"))
        await studio.store.delete("gone")

        async def compacted() -> bool:
            await studio.store.put(script("clock", "1"))  # the newest segment is never compacted
            return [key for key, _, _ in await kcat(studio) if key != "clock"] == ["kept"]

        await until(compacted)
        versions = [one.script.version for one in await studio.store.history("kept") if one.script]
        assert versions == ["4", "3", "2", "1", "0"], "who followed it remembers them all"
        assert (await studio.store.delete("clock")).complete

        async with Studio(broker, redis_server, topic) as late:
            assert await late.store.all() == {"kept": script("kept", "4")}
            assert [one.script for one in await late.store.history("kept")] == [script("kept", "4")]
            assert (await late.store.put(script("kept", "5"))).complete
