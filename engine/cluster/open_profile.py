"""A profile opened: its connections, the scripts that run there, and the store they are published through.

Opening asks nothing of the cluster that changes it; topics are made before the first publication.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from engine.cluster.confluent import ConfluentKafka
from engine.cluster.confluent_config import kafka_at
from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.kafka import TopicSpec
from engine.cluster.profiles import Profile
from engine.cluster.redis_client import RedisConnection
from engine.cluster.topics import topics_of
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.model import ScriptConfig
from engine.scripts.api_store import ApiStore
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.compare import LocalScript, ScriptRow, compare
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.rules import demand_writable
from engine.scripts.store import StoredProblem, StoreReport

READY_SECONDS = 15.0
PUBLISH_LINGER_MS = 0


class PartTest(msgspec.Struct, frozen=True):
    """What one part of a cluster answered to a test: `part` is Kafka, Redis or API."""

    part: str
    ok: bool
    words: str


class Snapshot(msgspec.Struct, frozen=True):
    """What a cluster runs now: `live` by config_id, beside a workspace in `rows`; `problems` were skipped lately."""

    rows: tuple[ScriptRow, ...]
    live: dict[str, ScriptConfig]
    problems: tuple[StoredProblem, ...] = ()


class Cluster:
    """An open profile with Kafka and Redis.

    Attributes:
        profile: whose it is.
        kafka, redis, loader, mirror, store: the parts.
        watches: part -> how its connection stands.
    """

    def __init__(self, profile: Profile, kafka: ConfluentKafka, redis: RedisConnection) -> None:
        self.profile = profile
        self.kafka, self.redis = kafka, redis
        topic = profile.kafka.topics.scripts
        self.loader = ScriptLoader(kafka, topic)
        self.mirror = ScriptMirror(redis.client, profile.script_ttl)
        self.store = ClusterStore(kafka, topic, self.loader, self.mirror)
        self.watches: dict[str, ConnectionWatch] = {"Kafka": kafka.watch, "Redis": redis.watch}

    @property
    def _scripts_topic(self) -> TopicSpec:
        return topics_of(self.profile.kafka.topics)[0]

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        """Waits until the scripts have been read to their end.

        Raises:
            ClusterUnreachable: Kafka does not answer, or not in time.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.kafka.connect()
                await self.loader.caught_up()
        except TimeoutError as problem:
            why = f"the scripts were not read to their end within {seconds:g} s"
            raise ClusterUnreachable(kafka_at(self.profile.kafka), why) from problem

    async def prepare(self) -> None:
        """Makes the topic of scripts where it is missing, before something is published.

        Raises:
            PublishRefused: the profile is read-only.
            ClusterUnreachable, ClusterRefused: it could not be made.
        """
        demand_writable(self.profile.name, self.profile.rules)
        await self.kafka.create_topics((self._scripts_topic,))

    async def snapshot(
        self, workspace: Mapping[str, LocalScript], published_by: Mapping[tuple[str, str], str]
    ) -> Snapshot:
        """Every script, side by side with a workspace's. Raises ClusterUnreachable when Kafka cannot say."""
        rows = await self.store.rows(workspace, published_by)
        return Snapshot(rows, self.loader.all(), tuple(self.loader.problems))

    def listen(self, changed: Callable[[], None]) -> None:
        """Tells `changed` whenever a script is published or deleted."""
        self.loader.listen(lambda _change: changed())

    async def repair(self, config_id: str) -> StoreReport:
        """Writes to the mirror what the topic says.

        Raises:
            PublishRefused: the profile is read-only.
            ClusterUnreachable: Kafka cannot say.
        """
        demand_writable(self.profile.name, self.profile.rules)
        return await self.store.repair(config_id)

    async def test(self) -> tuple[PartTest, ...]:
        """Asks each part whether it is there, and changes nothing."""
        return tuple(await asyncio.gather(self._test_kafka(), self._test_redis()))

    async def _test_kafka(self) -> PartTest:
        started = time.perf_counter()
        topic = self.profile.kafka.topics.scripts
        try:
            await self.kafka.connect()
            count = await self.kafka.partitions(topic)
        except (ClusterUnreachable, ClusterRefused) as problem:
            return PartTest("Kafka", ok=False, words=str(problem))
        held = (
            f"topic {topic} has {count} partition{'s' * (count > 1)}"
            if count
            else f"there is no topic {topic} yet"
        )
        return PartTest("Kafka", ok=True, words=f"It answers in {_ms(started)}; {held}.")

    async def _test_redis(self) -> PartTest:
        started = time.perf_counter()
        try:
            await self.redis.ping()
        except ClusterUnreachable as problem:
            return PartTest("Redis", ok=False, words=str(problem))
        return PartTest("Redis", ok=True, words=f"It answers in {_ms(started)}.")


class ApiCluster:
    """An open profile behind an HTTP API: one script at a time, no list of all."""

    def __init__(self, profile: Profile, store: ApiStore) -> None:
        self.profile, self.store = profile, store
        self.watches: dict[str, ConnectionWatch] = {"API": ConnectionWatch()}

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        """Asks the API whether it is there. Raises ClusterUnreachable or ClusterRefused."""
        watch = self.watches["API"]
        watch.set(Phase.CONNECTING)
        try:
            async with asyncio.timeout(seconds):
                await self.store.ping()
        except (ClusterUnreachable, ClusterRefused) as problem:
            watch.set(Phase.FAILED, problem.why)
            raise
        except TimeoutError as problem:
            watch.set(Phase.FAILED, "no answer")
            raise ClusterUnreachable(
                f"API at {self.profile.api_url}", f"no answer in {seconds:g} s"
            ) from problem
        watch.set(Phase.CONNECTED)

    async def prepare(self) -> None:
        """The API has its topics."""

    async def snapshot(
        self, workspace: Mapping[str, LocalScript], published_by: Mapping[tuple[str, str], str]
    ) -> Snapshot:
        """The scripts of a workspace that are live; the API knows no list of all. Raises ClusterUnreachable."""
        found = {name: await self.store.live(name) for name in workspace}
        live = {name: script for name, script in found.items() if script is not None}
        return Snapshot(compare(live, None, workspace, published_by), live)

    def listen(self, changed: Callable[[], None]) -> None:
        """The API tells of no change: look again now and then."""

    async def repair(self, config_id: str) -> StoreReport:
        """Its mirror is the API's own affair. Raises ClusterRefused."""
        raise ClusterRefused(f"API at {self.profile.api_url}", f"the mirror of {config_id} is its own affair")

    async def test(self) -> tuple[PartTest, ...]:
        """Asks the API whether it is there."""
        started = time.perf_counter()
        try:
            await self.ready()
        except (ClusterUnreachable, ClusterRefused) as problem:
            return (PartTest("API", ok=False, words=str(problem)),)
        return (PartTest("API", ok=True, words=f"It answers in {_ms(started)}."),)


OpenCluster = Cluster | ApiCluster


@asynccontextmanager
async def open_profile(profile: Profile) -> AsyncIterator[OpenCluster]:
    """Opens a profile that holds its secrets (`profiles.with_secrets`). Nothing need answer yet; `watches` tell.

    Raises:
        SettingsError: a setting cannot be used.
    """
    async with AsyncExitStack() as stack:
        if profile.through_api:
            yield ApiCluster(
                profile, await stack.enter_async_context(ApiStore(profile.api_url, profile.api_token))
            )
            return
        kafka = ConfluentKafka(profile.kafka, linger_ms=PUBLISH_LINGER_MS)
        stack.push_async_callback(kafka.close)
        redis = await stack.enter_async_context(RedisConnection(profile.redis))
        cluster = Cluster(profile, kafka, redis)
        await stack.enter_async_context(cluster.loader)
        yield cluster


def _ms(started: float) -> str:
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"
