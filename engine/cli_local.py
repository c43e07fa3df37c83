"""The command `local`: a Kafka and a Redis on the loopback until it is stopped."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import msgspec
import typer

from engine.cluster.local import LocalCluster
from engine.errors import BadInput, ClusterUnreachable

EXIT_BAD_INPUT = 2
EXIT_UNREACHABLE = 3

Port = Annotated[
    int, typer.Option(metavar="N", min=0, max=65535, help="Where it listens; else any free port.")
]


def local(
    *,
    kafka_port: Port = 0,
    redis_port: Port = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Run a Kafka and a Redis on this machine until stopped.

    They listen on 127.0.0.1 only, have the topics of HOWK, and keep nothing:
    what was published there is gone when they stop. The Kafka is a stand-in: it
    never compacts, holds the newest 5 MB of each partition (80 MB of a topic),
    and lets nobody create topics or change settings.
    """
    try:
        problem = asyncio.run(_serve(kafka_port, redis_port, json=json))
    except (BadInput, ClusterUnreachable) as error:
        typer.echo(f"howk-studio: {error}", err=True)
        raise typer.Exit(EXIT_BAD_INPUT if isinstance(error, BadInput) else EXIT_UNREACHABLE) from None
    if problem:
        typer.echo(f"howk-studio: {problem}", err=True)
        raise typer.Exit(EXIT_UNREACHABLE)


async def _serve(kafka_port: int, redis_port: int, *, json: bool) -> str:
    """Why it ended; empty when it was asked to."""
    stopped = _stop_signal()
    async with LocalCluster(kafka_port=kafka_port, redis_port=redis_port) as cluster:
        if json:
            document = {"kafka": cluster.kafka, "redis": cluster.redis}
            typer.echo(msgspec.json.encode(document).decode())
        else:
            typer.echo(f"Kafka  {cluster.kafka}\nRedis  {cluster.redis}")
            typer.echo("Ctrl+C stops both, and what they hold is gone then.", err=True)
        failed = asyncio.create_task(cluster.failed())
        await asyncio.wait((failed, asyncio.create_task(stopped.wait())), return_when=asyncio.FIRST_COMPLETED)
        return failed.result() if failed.done() else ""


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # A loop's own add_signal_handler is not there on Windows.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    return stopped
