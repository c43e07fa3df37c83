"""A cluster of a Kafka in memory and a real Redis, or a workspace and a cluster in memory, for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.redis_server import RedisServer
from tests.engine.scripts.cluster import Cluster
from tests.engine.scripts.desk import Desk


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    with RedisServer(tmp_path) as server:
        async with Cluster(server) as cluster:
            yield cluster


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    desk.loader.start()
    await desk.loader.caught_up()
    yield desk
    await desk.loader.close()
    await desk.pool.close()
