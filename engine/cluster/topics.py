"""HOWK's topics as they are made where they are missing."""

from __future__ import annotations

from engine.cluster.kafka import TopicSpec
from engine.settings import TopicNames

_COMPACTED = {"cleanup.policy": "compact", "retention.ms": "-1"}
WORK_PARTITIONS = 12
"""Of topics that workers share: as many of them may work at once."""


def topics_of(names: TopicNames) -> tuple[TopicSpec, ...]:
    """All of them. Whoever wants other numbers or replicas makes the topics first; those are left as they are."""
    return (
        TopicSpec(names.scripts, 1, dict(_COMPACTED)),
        TopicSpec(names.state, WORK_PARTITIONS, dict(_COMPACTED)),
        TopicSpec(names.pending, WORK_PARTITIONS),
        TopicSpec(names.slow, WORK_PARTITIONS),
        TopicSpec(names.results, WORK_PARTITIONS),
        TopicSpec(names.deadletter, WORK_PARTITIONS),
    )
