"""Published scripts in Kafka and Redis: the topic is written first and is the truth, the mirror follows."""

from __future__ import annotations

from collections.abc import Mapping

from redis.exceptions import RedisError

from engine.cluster.kafka import Kafka, Position
from engine.cluster.redis_client import reason_of
from engine.errors import ClusterRefused, ClusterUnreachable
from engine.model import ScriptConfig
from engine.scripts.compare import LocalScript, ScriptRow, compare
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import settle
from engine.scripts.record import TOMBSTONE_HEADERS, encode_script, script_headers
from engine.scripts.store import Step, StepState, StoredVersion, StoreReport


class ClusterStore:
    """See `engine.scripts.store.ScriptStore`.

    Args:
        kafka: where the topic is.
        topic: the compacted topic of scripts.
        loader: follows that topic; what it has seen up to the topic's end is what is live.
        mirror: None when the cluster has no Redis that we may reach.
    """

    def __init__(self, kafka: Kafka, topic: str, loader: ScriptLoader, mirror: ScriptMirror | None) -> None:
        self._kafka, self._topic, self._loader, self._mirror = kafka, topic, loader, mirror

    async def live(self, config_id: str) -> ScriptConfig | None:
        """See `ScriptStore`: up to the moment of asking, not what was seen some time ago."""
        await self._loader.see_all()
        return self._loader.exact(config_id)

    async def put(self, script: ScriptConfig) -> StoreReport:
        """See `ScriptStore`. What fails after Kafka has it is told in the report, and nothing is undone."""
        position = await self._kafka.produce(
            self._topic, script.config_id, encode_script(script), script_headers(script)
        )
        steps = await self._after_kafka(script.config_id, script.hash, position)
        return StoreReport(script.config_id, script.hash, script.version, steps)

    async def delete(self, config_id: str) -> StoreReport:
        """See `ScriptStore`."""
        position = await self._kafka.produce(self._topic, config_id, None, TOMBSTONE_HEADERS)
        return StoreReport(config_id, "", "", await self._after_kafka(config_id, "", position))

    async def repair(self, config_id: str) -> StoreReport:
        """Writes to the mirror what the topic says. Raises ClusterUnreachable when Kafka cannot be asked."""
        await self._loader.see_all()
        steps = (await self._write_mirror(config_id), await self._read_back_mirror(config_id))
        script = self._loader.exact(config_id)
        return StoreReport(config_id, script.hash if script else "", script.version if script else "", steps)

    async def history(self, config_id: str) -> tuple[StoredVersion, ...]:
        """See `ScriptStore`."""
        await self._loader.see_all()
        return self._loader.history(config_id)

    async def all(self) -> dict[str, ScriptConfig]:
        """Every live script by its config_id; raises as `live`."""
        await self._loader.see_all()
        return self._loader.all()

    async def rows(
        self, workspace: Mapping[str, LocalScript], published_by: Mapping[tuple[str, str], str]
    ) -> tuple[ScriptRow, ...]:
        """Kafka, Redis and a workspace side by side: see `compare`. Raises ClusterUnreachable for Kafka only."""
        await self._loader.see_all()
        mirrored = await self._mirrored()
        return compare(self._loader.all(), mirrored, workspace, published_by)

    async def _mirrored(self) -> dict[str, bytes] | None:
        if self._mirror is None:
            return None
        try:
            return await self._mirror.get_many(await self._mirror.config_ids())
        except (RedisError, OSError):
            return None

    async def _after_kafka(self, config_id: str, wanted: str, position: Position) -> tuple[Step, ...]:
        return (
            _done("kafka", self._place(position)),
            await self._write_mirror(config_id),
            await self._read_back(config_id, wanted, position),
            await self._read_back_mirror(config_id),
        )

    async def _write_mirror(self, config_id: str) -> Step:
        if self._mirror is None:
            return Step("redis", StepState.SKIPPED, "this profile has no Redis")
        try:
            await settle(self._mirror, self._loader, [config_id])
        except (RedisError, OSError) as problem:
            return Step("redis", StepState.FAILED, reason_of(problem))
        except (ClusterUnreachable, ClusterRefused) as problem:
            return Step("redis", StepState.FAILED, f"not written: {problem}")
        return _done("redis", f"script:{config_id}")

    async def _read_back(self, config_id: str, wanted: str, position: Position) -> Step:
        """Whether the topic gives back what was written; somebody may have written after us."""
        try:
            if position.offset >= 0:
                await self._loader.seen({position.partition: position.offset + 1})
            else:
                await self._loader.see_all()
        except (ClusterUnreachable, ClusterRefused) as problem:
            return Step("read_back_kafka", StepState.FAILED, str(problem))
        script = self._loader.exact(config_id)
        found = script.hash if script else ""
        if found == wanted:
            return _done("read_back_kafka", found)
        seen = {version.script.hash if version.script else "" for version in self._loader.history(config_id)}
        if wanted in seen:
            return Step(
                "read_back_kafka", StepState.FAILED, "somebody published after you: it is live no more"
            )
        return Step("read_back_kafka", StepState.FAILED, f"the topic holds {found[:12] or 'nothing'}")

    async def _read_back_mirror(self, config_id: str) -> Step:
        if self._mirror is None:
            return Step("read_back_redis", StepState.SKIPPED)
        try:
            found = await self._mirror.get(config_id)
        except (RedisError, OSError) as problem:
            return Step("read_back_redis", StepState.FAILED, reason_of(problem))
        if found == self._loader.value(config_id):
            return _done("read_back_redis")
        return Step("read_back_redis", StepState.FAILED, "the mirror holds something else")

    def _place(self, position: Position) -> str:
        return f"{self._topic}[{position.partition}]@{position.offset}"


def _done(name: str, detail: str = "") -> Step:
    return Step(name, StepState.DONE, detail)
