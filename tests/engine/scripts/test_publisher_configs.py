"""A script_config is as much of a script as its code: conflicts, standings and the way back know it."""

from __future__ import annotations

import pytest

from engine.model import script_hash
from engine.scripts.review import Standing, mark_of
from engine.scripts.rules import Refusal
from tests.engine.scripts.desk import NAME, Desk, live_mark, published, refused


async def with_config(desk: Desk, config: bytes) -> str:
    desk.workspace.save_config(NAME, config)
    await desk.of().approve(NAME, await live_mark(desk))
    await desk.of().publish(NAME)
    return await live_mark(desk)


async def test_somebody_elses_config_is_not_overwritten(desk: Desk) -> None:
    (first,) = await published(desk, "x = 1")
    desk.save("x = 2")
    await desk.of().approve(NAME, first)
    theirs = desk.publish_elsewhere("x = 1", {"a": 1})
    told = await refused(desk.of().publish(NAME), Refusal.CHANGED_SINCE)
    assert told.live == theirs
    assert f"it was {first[:12]}, now it is {mark_of(theirs)[:12]}+" in str(told)
    await refused(desk.of().approve(NAME, first), Refusal.CHANGED_SINCE)
    await refused(desk.of().delete(NAME, expected=first), Refusal.CHANGED_SINCE)
    await refused(desk.of().roll_back(NAME, first, expected=first), Refusal.CHANGED_SINCE)
    assert await live_mark(desk) == mark_of(theirs)
    await desk.of().approve(NAME, mark_of(theirs))
    assert (await desk.of().publish(NAME)).complete


async def test_a_cluster_whose_config_somebody_changed_has_drifted(desk: Desk) -> None:
    await published(desk, "x = 1")
    desk.publish_elsewhere("x = 1", {"a": 1})
    assert (await desk.of().look(NAME)).standing is Standing.DRIFTED


async def test_our_own_config_edit_is_a_draft(desk: Desk) -> None:
    await with_config(desk, b'{"a": 1}')
    desk.workspace.save_config(NAME, b'{"a": 2}')
    assert (await desk.of().look(NAME)).standing is Standing.DRAFT


async def test_the_same_code_comes_back_with_the_config_of_then(desk: Desk) -> None:
    old = await with_config(desk, b'{"a": 1}')
    new = await with_config(desk, b'{"a": 2}')
    assert old != new
    await desk.of().roll_back(NAME, old, expected=new)
    live = await desk.store.live(NAME)
    assert live is not None
    assert live.script_config == {"a": 1}
    assert desk.of().reviews.read(NAME).approval is None, "what was taken back needs a new approval"


@pytest.mark.parametrize("config", [None, {}])
def test_no_config_is_as_good_as_an_empty_one(config: dict[str, object] | None) -> None:
    from engine.model import ScriptConfig

    assert mark_of(ScriptConfig(NAME, "x", script_hash("x"), "1", config)) == script_hash("x")
