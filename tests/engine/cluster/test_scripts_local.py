"""The suite of published scripts on the local cluster: all of it that needs no restart, kcat, compaction or place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cluster.local import LocalCluster
from tests.cluster import test_scripts_real as real
from tests.engine.redis_server import RedisServer

test_another_process_sees_a_version_and_a_deletion_at_once = (
    real.test_another_process_sees_a_version_and_a_deletion_at_once
)
test_ten_thousand_scripts_are_replayed_and_fill_an_empty_redis = (
    real.test_ten_thousand_scripts_are_replayed_and_fill_an_empty_redis
)
test_with_redis_down_it_is_live_and_a_repair_mends_the_mirror = (
    real.test_with_redis_down_it_is_live_and_a_repair_mends_the_mirror
)
test_a_process_that_stood_still_brings_nothing_old_back = (
    real.test_a_process_that_stood_still_brings_nothing_old_back
)
test_two_keepers_on_one_mirror_agree_with_the_topic = real.test_two_keepers_on_one_mirror_agree_with_the_topic


@dataclass(frozen=True)
class LocalBroker:
    """What the suite asks of a broker."""

    address: str


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[real.Studio]:
    async with LocalCluster() as local:
        with RedisServer(tmp_path) as redis:  # that of the local cluster cannot be stopped alone
            async with real.Studio(LocalBroker(local.kafka), redis, "howk.scripts") as studio:
                yield studio
