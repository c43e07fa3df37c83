"""A cluster of a Kafka in memory and a real Redis, for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.redis_server import RedisServer
from tests.engine.scripts.cluster import Cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    with RedisServer(tmp_path) as server:
        async with Cluster(server) as cluster:
            yield cluster
