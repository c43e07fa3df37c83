"""A process of its own that publishes many scripts: `python -m tests.app.fill_topic KAFKA COUNT`."""

from __future__ import annotations

import asyncio
import sys

from engine.cluster.confluent import ConfluentKafka
from engine.model import ScriptConfig, script_hash
from engine.scripts.record import encode_script, script_headers
from engine.settings import KafkaSettings

AT_ONCE = 1000


def script(number: int) -> ScriptConfig:
    """One of them: a hundred in each namespace."""
    code = f"-- {number}\n" + "request.body = payload\n" * 20
    moment = "2026-01-02T03:04:05Z"
    return ScriptConfig(f"many{number // 100}:{number}", code, script_hash(code), "1", None, moment, moment)


async def main(kafka: str, count: int) -> None:
    client = ConfluentKafka(KafkaSettings(brokers=(kafka,)))
    scripts = [script(number) for number in range(count)]
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(
            client.produce("howk.scripts", one.config_id, encode_script(one), script_headers(one))
            for one in scripts[start : start + AT_ONCE]
        ))  # fmt: skip
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
