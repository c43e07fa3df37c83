"""`howk-studio api`: the HTTP API of a cluster, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from engine.api.health import Check, HealthHandlers
from engine.api.metrics import ApiMetrics
from engine.api.scripts import ScriptHandlers
from engine.api.server import ApiServer, make_application
from engine.api.webhooks import WebhookHandlers
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.connection import ConnectionWatch, Phase
from engine.cluster.redis_client import RedisConnection
from engine.cluster.topics import TopicMaker, topics_of
from engine.errors import BadInput, ClusterRefused, ClusterUnreachable, EngineUnavailable, HowkError
from engine.metrics import EngineMetrics
from engine.observe import Observers
from engine.run_log import RunLog, make_logger
from engine.sandbox.pool import EnginePool
from engine.scripts.cluster_store import ClusterStore
from engine.scripts.loader import ScriptLoader
from engine.scripts.mirror import ScriptMirror
from engine.scripts.mirror_keeper import MirrorKeeper
from engine.settings import Settings, load_settings
from engine.transform import Transformer
from engine.webhooks.enqueue import Enqueuer
from engine.webhooks.stats import StatsStore
from engine.webhooks.status import StatusStore

EXIT_BAD_INPUT = 2
EXIT_UNREACHABLE = 3
POOL_SIZE = 2


def api(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings (YAML); HOWK_* variables go over them.")
    ] = None,
    json_log: Annotated[bool, typer.Option("--json-log", help="Log lines as JSON.")] = False,
) -> None:
    """Serve the HTTP API: publish scripts, enqueue webhooks, ask for their status."""
    try:
        settings = load_settings(os.environ, config)
        asyncio.run(_serve(settings, make_logger(sys.stderr, as_json=json_log)))
    except (BadInput, EngineUnavailable) as problem:
        _leave(problem, EXIT_BAD_INPUT)
    except (ClusterUnreachable, ClusterRefused) as problem:
        _leave(problem, EXIT_UNREACHABLE)


def _leave(problem: HowkError, code: int) -> NoReturn:
    typer.echo(f"howk-studio: {problem}", err=True)
    raise typer.Exit(code)


async def _serve(settings: Settings, logger: FilteringBoundLogger) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C ends asyncio.run
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        server = await open_api(settings, logger, stack)
        logger.info("api listening", address=server.address, token_required=bool(settings.api.token))
        typer.echo(server.address)
        await stop.wait()
        logger.info("api stopping")


async def open_api(settings: Settings, logger: FilteringBoundLogger, stack: AsyncExitStack) -> ApiServer:
    """Connects to the cluster and serves; `stack` closes everything, the server first.

    It serves also while parts of the cluster are away: `/ready` says so, and requests that need them get 503.

    Raises:
        SettingsError: a setting cannot be used, or the port is taken.
    """
    registry = CollectorRegistry()
    observer = Observers(EngineMetrics(registry), RunLog(logger))
    topics = settings.kafka.topics
    kafka = ConfluentKafka(settings.kafka)
    stack.push_async_callback(kafka.close)
    redis = await stack.enter_async_context(RedisConnection(settings.redis))
    pool = await stack.enter_async_context(
        EnginePool(size=POOL_SIZE, spares=1, host_ended=observer.host_ended)
    )
    kafka.watch.listen(lambda state: logger.info("kafka", phase=state.phase.value, reason=state.reason))
    maker = await stack.enter_async_context(TopicMaker(kafka, topics_of(topics), logger))
    loader = await stack.enter_async_context(ScriptLoader(kafka, topics.scripts))
    mirror = ScriptMirror(redis.client, float(settings.ttl.script_ttl))
    await stack.enter_async_context(MirrorKeeper(loader, mirror))
    status = StatusStore(redis.client, float(settings.ttl.status_ttl))
    stats = StatsStore(redis.client, float(settings.ttl.stats_ttl))
    enqueuer = Enqueuer(
        kafka=kafka,
        topic=topics.pending,
        redis=redis.client,
        status=status,
        stats=stats,
        scripts=loader,
        logger=logger,
    )
    transformer = Transformer(pool, settings.lua, settings.lua.variables_of(os.environ), observer=observer)
    metrics = ApiMetrics(registry)
    handlers = (
        ScriptHandlers(ClusterStore(kafka, topics.scripts, loader, mirror), pool, transformer),
        WebhookHandlers(enqueuer, status, metrics),
        HealthHandlers(_checks(kafka, redis, maker, loader), stats, registry),
    )
    application = make_application(handlers, settings.api, metrics, logger)
    return await stack.enter_async_context(ApiServer(application, settings.api))


def _checks(
    kafka: ConfluentKafka, redis: RedisConnection, maker: TopicMaker, loader: ScriptLoader
) -> dict[str, Check]:
    async def brokers() -> str:
        return _standing(kafka.watch) or ("" if maker.done else "its topics have not been made yet")

    async def store() -> str:
        return _standing(redis.watch)

    async def scripts() -> str:
        return "" if loader.is_caught_up else "the scripts have not been read to their end yet"

    return {"kafka": brokers, "redis": store, "scripts": scripts}


def _standing(watch: ConnectionWatch) -> str:
    state = watch.state
    return "" if state.phase is Phase.CONNECTED else state.reason or state.phase.value
