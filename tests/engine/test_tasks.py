"""Tasks end when they are told to."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from engine.tasks import end_task


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    started, lost = asyncio.Event(), 0

    async def careless() -> None:
        nonlocal lost
        started.set()
        while lost < 2:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            lost += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(careless())
    await started.wait()
    await end_task(task)
    assert (lost, task.cancelled()) == (2, True)


async def test_what_ended_a_task_before_is_raised() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    task = asyncio.create_task(broken())
    await asyncio.wait([task])
    with pytest.raises(ValueError, match="broken"):
        await end_task(task)


async def test_a_task_that_has_ended_well_is_no_error() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await end_task(task)
