"""Whether a delivery that failed is tried again, and when."""

from __future__ import annotations

import random
from collections.abc import Collection

from engine.settings import RetrySettings

ALWAYS_RETRIED = frozenset({408, 429})
_MOST_DOUBLINGS = 10


def is_success(status: int) -> bool:
    """Whether the receiver took the webhook."""
    return 200 <= status < 300


def may_be_retried(status: int | None, also: Collection[int] = ()) -> bool:
    """Whether trying again can help.

    Args:
        status: of the receiver's answer; None when there was none.
        also: statuses that the webhook or its script wants retried too.
    """
    return status is None or status >= 500 or status in ALWAYS_RETRIED or status in also


def is_last(attempt: int, max_attempts: int) -> bool:
    """Whether no attempt follows this one; attempts count from 0."""
    return attempt + 1 >= max_attempts


def delay_seconds(attempt: int, settings: RetrySettings, chance: random.Random) -> float:
    """How long to wait after an attempt that failed.

    Args:
        attempt: the one that failed, from 0.
        settings: base, limit and jitter.
        chance: where the jitter comes from.
    """
    plain = min(settings.base_delay * 2.0 ** min(attempt, _MOST_DOUBLINGS), float(settings.max_delay))
    return plain * chance.uniform(1 - settings.jitter, 1 + settings.jitter)
