"""A process of its own that follows a topic of scripts and keeps a Redis mirror, and prints what it sees.

`python -m tests.cluster.follow_scripts KAFKA TOPIC REDIS`; one JSON document per line: `{"caught_up": scripts,
"seconds"}` after the replay, `{"mirrored"}` once the mirror is kept, then `{"config_id", "version", "at"}` for each
change, with a null version for a deletion and `at` in Unix seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from engine.cluster.confluent import ConfluentKafka
from engine.cluster.connection import ConnectionState, Phase
from engine.cluster.redis_client import redis_client
from engine.scripts.loader import Change, ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import MirrorKeeper
from engine.settings import KafkaSettings, RedisSettings


def tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


def tell_change(change: Change) -> None:
    version = change.new.version if change.new else None
    tell(config_id=change.config_id, version=version, at=time.time())


def tell_mirrored(state: ConnectionState) -> None:
    if state.phase is Phase.CONNECTED:
        tell(mirrored=True)


async def main(kafka_addr: str, topic: str, redis_addr: str) -> None:
    kafka = ConfluentKafka(KafkaSettings(brokers=(kafka_addr,)))
    redis = redis_client(RedisSettings(addr=redis_addr))
    started = time.monotonic()
    async with ScriptLoader(kafka, topic) as loader:
        await loader.caught_up()
        tell(caught_up=len(loader.all()), seconds=time.monotonic() - started)
        loader.listen(tell_change)
        async with MirrorKeeper(loader, ScriptMirror(redis, 3600)) as keeper:
            keeper.watch.listen(tell_mirrored)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
