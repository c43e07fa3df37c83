"""Ending asyncio tasks for sure."""

from __future__ import annotations

import asyncio

_AGAIN_SECONDS = 0.1


async def end_task(task: asyncio.Task[None]) -> None:
    """Cancels a task until it has ended, and raises what ended it before.

    Once is not enough before Python 3.12: a cancellation is lost where it meets the end of what `asyncio.wait_for`
    waits for, and redis-py sends every command within one.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_AGAIN_SECONDS)
    if not task.cancelled():
        task.result()
