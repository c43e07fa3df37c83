"""Order: what may be committed, and what runs beside what."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.worker.lanes import Lanes
from engine.worker.offsets import Offsets


def test_only_what_has_nothing_open_before_it_is_committed() -> None:
    offsets = Offsets()
    for offset in (5, 6, 9):
        offsets.begin(0, offset)
    offsets.end(0, 6)
    assert (offsets.take(), offsets.open) == ({}, 3)
    offsets.end(0, 5)
    assert (offsets.take(), offsets.open) == ({0: 7}, 1)
    assert offsets.take() == {}, "told once"
    offsets.end(0, 9)
    assert (offsets.take(), offsets.open) == ({0: 10}, 0)


def test_partitions_are_apart_and_can_be_lost() -> None:
    offsets = Offsets()
    for partition in (0, 1):
        offsets.begin(partition, 3)
    offsets.lose({0})
    offsets.end(0, 3)
    offsets.end(1, 3)
    assert (offsets.take(), offsets.open) == ({1: 4}, 0)


def test_a_commit_that_failed_is_tried_again_with_what_came_since() -> None:
    offsets = Offsets()
    for offset in range(4):
        offsets.begin(0, offset)
    offsets.end(0, 0)
    taken = offsets.take()
    offsets.give_back(taken)
    assert offsets.take() == {0: 1}
    offsets.end(0, 1)
    offsets.give_back({0: 1})
    assert offsets.take() == {0: 2}, "never backwards"
    offsets.lose({0})
    offsets.give_back({0: 2})
    assert offsets.take() == {}


@given(st.data())
def test_nothing_undone_is_ever_committed(data: st.DataObject) -> None:
    offsets, open_now, last = Offsets(), set(range(30)), 0
    for offset in range(30):
        offsets.begin(0, offset)
    for offset in data.draw(st.permutations(range(30))):
        offsets.end(0, offset)
        open_now.discard(offset)
        committed = offsets.take().get(0, last)
        assert committed >= last
        assert committed == min(open_now, default=30)
        last = committed


async def run_mixed(per_key: int, works: int = 300) -> tuple[dict[int, list[int]], dict[int, int], int]:
    """Order of ends, most at once of a key, and most at once in all."""
    order: dict[int, list[int]] = defaultdict(list)
    now: dict[int, int] = defaultdict(int)
    most: dict[int, int] = defaultdict(int)
    peak = 0
    chance = random.Random(3)
    lanes = Lanes(per_key, lambda problem: pytest.fail(str(problem)))

    def piece(key: int, number: int):  # type: ignore[no-untyped-def]
        async def work() -> None:
            nonlocal peak
            now[key] += 1
            most[key] = max(most[key], now[key])
            peak = max(peak, sum(now.values()))
            await asyncio.sleep(chance.random() / 500)
            now[key] -= 1
            order[key].append(number)

        return work

    for number in range(works):
        lanes.add(number % 7, piece(number % 7, number))
    await lanes.idle()
    assert lanes.keys == 0
    return order, most, peak


async def test_one_key_is_done_in_order_and_keys_side_by_side() -> None:
    order, most, peak = await run_mixed(1)
    assert all(found == sorted(found) for found in order.values())
    assert (set(most.values()), peak, sum(map(len, order.values()))) == ({1}, 7, 300)


async def test_so_much_of_a_key_at_once_as_is_allowed() -> None:
    _order, most, _peak = await run_mixed(3)
    assert set(most.values()) == {3}


async def test_a_failure_is_told_and_the_lane_goes_on() -> None:
    problems: list[BaseException] = []
    done: list[int] = []
    lanes = Lanes(1, problems.append)

    async def fail() -> None:
        raise ValueError("no")

    async def good() -> None:
        done.append(1)

    lanes.add("a", fail)
    lanes.add("a", good)
    await lanes.idle()
    assert ([str(problem) for problem in problems], done) == (["no"], [1])


async def test_dropping_cancels_and_forgets() -> None:
    lanes, started = Lanes(1, lambda problem: pytest.fail(str(problem))), asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    async def never() -> None:
        pytest.fail("it was forgotten")

    lanes.add("a", hang)
    lanes.add("a", never)
    await started.wait()
    await lanes.drop()
    await lanes.idle()
    assert lanes.keys == 0
