"""Who is an author of a text, where a cluster wants another approver: until what they wrote is live there."""

from __future__ import annotations

from engine.scripts.rules import Refusal
from tests.engine.scripts.desk import NAME, Desk, Rules, live_mark, refused

STRICT = Rules(approver_not_author=True)


async def test_what_is_live_elsewhere_is_not_yet_approved_here(desk: Desk) -> None:
    desk.save("x = 1", "zoe")
    await desk.of("zoe", profile="Local").approve(NAME, "")
    await desk.of("zoe", profile="Local").publish(NAME)
    desk.save("x = 2", "max")
    live = await live_mark(desk)
    await refused(desk.of("zoe", STRICT, "Live").approve(NAME, live), Refusal.APPROVER_IS_AUTHOR)
    assert (await desk.of("zoe", STRICT, "Local").approve(NAME, live)).who == "zoe", "her part is live there"


async def test_who_wrote_what_was_taken_back_is_its_author_again(desk: Desk) -> None:
    desk.save("x = 1", "max")
    await desk.of("zoe", STRICT).approve(NAME, "")
    await desk.of("zoe", STRICT).publish(NAME)
    first = await live_mark(desk)
    desk.save("x = 2", "zoe")
    await desk.of("kim", STRICT).approve(NAME, first)
    await desk.of("kim", STRICT).publish(NAME)
    second = await live_mark(desk)
    await desk.of("kim", STRICT).roll_back(NAME, first, expected=second)
    desk.save("x = 3", "max")
    await refused(desk.of("zoe", STRICT).approve(NAME, first), Refusal.APPROVER_IS_AUTHOR)


async def test_who_edits_the_config_is_an_author(desk: Desk) -> None:
    desk.save("x = 1", "max")
    desk.workspace.save_config(NAME, b'{"url": "https://elsewhere"}')  # by another program
    await refused(desk.of("zoe", STRICT).approve(NAME, ""), Refusal.AUTHOR_UNKNOWN)
    desk.save("x = 1", "zoe")
    await refused(desk.of("zoe", STRICT).approve(NAME, ""), Refusal.APPROVER_IS_AUTHOR)
    assert (await desk.of("kim", STRICT).approve(NAME, "")).who == "kim"


async def test_who_saves_while_something_is_published_is_an_author_of_the_next_text(desk: Desk) -> None:
    desk.save("x = 1", "max")
    kim = desk.of("kim", STRICT)
    await kim.approve(NAME, "")
    authors = kim.reviews.read(NAME).authors
    desk.save("x = 2", "zoe")
    desk.save("x = 3", "max")
    kim.reviews.note_published(NAME, "Local", "mark", authors)
    await refused(desk.of("zoe", STRICT).approve(NAME, ""), Refusal.APPROVER_IS_AUTHOR)
    await refused(desk.of("max", STRICT).approve(NAME, ""), Refusal.APPROVER_IS_AUTHOR)
