"""The way of a script to a cluster: who may approve, what may be published, and why nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import BadInput, ClusterUnreachable
from engine.model import ScriptConfig, script_hash
from engine.scripts.journal import Act
from engine.scripts.record import encode_script
from engine.scripts.review import Approval, Review, Standing, Text, digest_of, standing_of
from engine.scripts.review_store import ReviewStore
from engine.scripts.rules import Refusal
from engine.workspace import Workspace
from tests.engine.scripts.desk import CODE, NAME, TOPIC, Desk, Rules, live_mark, published, refused

# --- the whole way


async def test_approve_and_publish(desk: Desk) -> None:
    zoe = desk.of()
    assert (await zoe.look(NAME)).standing is Standing.DRAFT
    approval = await zoe.approve(NAME, "", "looks fine")
    assert (approval.who, approval.note, approval.cases, approval.looked_at) == (
        "zoe",
        "looks fine",
        0,
        {"Local": ""},
    )
    look = await zoe.look(NAME)
    assert (look.standing, look.version) == (Standing.APPROVED, "1")
    report = await zoe.publish(NAME, note="first")
    assert (report.complete, report.version, report.hash) == (True, "1", script_hash(CODE))
    live = await desk.store.live(NAME)
    assert live is not None
    assert (live.lua_code, live.created_at) == (CODE, live.updated_at)
    assert (await zoe.look(NAME)).standing is Standing.LIVE
    (entry,) = zoe.journal.entries()
    assert (entry.act, entry.who, entry.profile, entry.note, entry.hash, entry.previous) == (
        Act.PUBLISHED, "zoe", "Local", "first", live.hash, "",
    )  # fmt: skip


async def test_the_next_version_keeps_when_it_was_made(desk: Desk) -> None:
    zoe = desk.of()
    await zoe.approve(NAME, "")
    await zoe.publish(NAME, version="v1.9")
    first = await desk.store.live(NAME)
    desk.save("x = 2")
    assert (await zoe.look(NAME)).standing is Standing.DRAFT
    await zoe.approve(NAME, await live_mark(desk))
    await zoe.publish(NAME)
    second = await desk.store.live(NAME)
    assert first is not None
    assert second is not None
    assert (second.version, second.created_at) == ("v1.10", first.created_at)
    assert [one.script and one.script.version for one in await zoe.history(NAME)] == ["v1.10", "v1.9"]


async def test_a_script_config_is_published_and_approved_with_it(desk: Desk) -> None:
    zoe = desk.of()
    desk.workspace.save_config(NAME, b'{"a": 1}')
    await zoe.approve(NAME, "")
    desk.workspace.save_config(NAME, b'{ "a":1 }')
    assert (await zoe.look(NAME)).standing is Standing.APPROVED, "the same values, written otherwise"
    await zoe.publish(NAME)
    live = await desk.store.live(NAME)
    assert live is not None
    assert live.script_config == {"a": 1}
    desk.workspace.save_config(NAME, b'{"a": 2}')
    assert (await zoe.look(NAME)).standing is Standing.DRAFT


# --- refusals


async def test_what_nobody_approved_is_refused(desk: Desk) -> None:
    await refused(desk.of().publish(NAME), Refusal.NOT_APPROVED)
    assert desk.records() == 0


@pytest.mark.parametrize("edit", ["script", "config"])
async def test_any_edit_voids_an_approval(desk: Desk, edit: str) -> None:
    zoe = desk.of()
    await zoe.approve(NAME, "")
    if edit == "script":
        desk.save(CODE + " ")
    else:
        desk.workspace.save_config(NAME, b'{"a": 1}')
    why = await refused(zoe.publish(NAME), Refusal.EDITED_AFTER_APPROVAL)
    assert "after zoe approved it" in str(why)
    assert desk.records() == 0
    if edit == "script":
        desk.save(CODE)
        assert (await zoe.publish(NAME)).complete, "it was this text that was approved"


async def test_an_approval_is_of_a_config_id_too(desk: Desk) -> None:
    desk.save(CODE, "max")
    await desk.of().approve(NAME, "")
    desk.workspace.rename(NAME, "other")
    await refused(desk.of().publish("other"), Refusal.EDITED_AFTER_APPROVAL)
    assert [author.who for author in ReviewStore(desk.workspace).read("other").authors] == ["max"]
    desk.workspace.rename("other", NAME)
    assert (await desk.of().publish(NAME)).complete


async def test_a_forged_approval_of_another_text_is_worth_nothing(desk: Desk) -> None:
    forged = Approval("0" * 64, digest_of({}), "boss", "2026-01-01T00:00:00Z", looked_at={"Local": ""})
    ReviewStore(desk.workspace).approve(NAME, forged)
    await refused(desk.of().publish(NAME), Refusal.EDITED_AFTER_APPROVAL)


async def test_a_read_only_profile_changes_nothing(desk: Desk) -> None:
    await desk.of().approve(NAME, "")
    zoe = desk.of(rules=Rules(read_only=True))
    await refused(zoe.publish(NAME), Refusal.READ_ONLY)
    await refused(zoe.delete(NAME, expected=""), Refusal.READ_ONLY)
    await refused(zoe.roll_back(NAME, "0" * 64, expected=""), Refusal.READ_ONLY)
    assert desk.records() == 0


@pytest.mark.parametrize("typed", ["", "Local", NAME, "Local/wh", "local/wh:42", "Local/wh:42 "])
async def test_production_is_confirmed_to_the_letter(desk: Desk, typed: str) -> None:
    zoe = desk.of(rules=Rules(production=True))
    await zoe.approve(NAME, "")
    why = await refused(zoe.publish(NAME, confirmation=typed), Refusal.NOT_CONFIRMED)
    assert "Local/wh:42" in str(why)
    await refused(zoe.delete(NAME, expected="", confirmation=typed), Refusal.NOT_CONFIRMED)
    assert desk.records() == 0
    assert (await zoe.publish(NAME, confirmation="Local/wh:42")).complete


async def test_nobody_approves_what_they_wrote_where_that_is_forbidden(desk: Desk) -> None:
    strict = Rules(approver_not_author=True)
    desk.save(CODE, "zoe")
    await refused(desk.of("zoe", strict).approve(NAME, ""), Refusal.APPROVER_IS_AUTHOR)
    await desk.of("zoe").approve(NAME, "")
    await refused(desk.of("max", strict).publish(NAME), Refusal.APPROVER_IS_AUTHOR)
    await desk.of("max", strict).approve(NAME, "")
    assert (await desk.of("zoe", strict).publish(NAME)).complete, (
        "the author may publish what another approved"
    )


async def test_everyone_who_wrote_since_the_last_version_is_an_author(desk: Desk) -> None:
    strict = Rules(approver_not_author=True)
    desk.save("x = 1", "zoe")
    desk.save("x = 2", "max")
    await refused(desk.of("zoe", strict).approve(NAME, ""), Refusal.APPROVER_IS_AUTHOR)
    await desk.of("kim", strict).approve(NAME, "")
    await desk.of("kim", strict).publish(NAME)
    assert {author.who for author in ReviewStore(desk.workspace).read(NAME).authors} == {"zoe", "max"}
    desk.save("x = 3", "max")
    assert (await desk.of("zoe", strict).approve(NAME, await live_mark(desk))).who == "zoe", (
        "her part is live"
    )


async def test_a_text_of_unknown_origin_is_refused_where_authors_matter(desk: Desk) -> None:
    strict = desk.of(rules=Rules(approver_not_author=True))
    await refused(strict.approve(NAME, ""), Refusal.AUTHOR_UNKNOWN)
    desk.save("x = 1", "max")
    desk.save("x = 2")  # by another editor
    await refused(strict.approve(NAME, ""), Refusal.AUTHOR_UNKNOWN)


async def test_errors_and_red_cases_forbid_an_approval(desk: Desk) -> None:
    zoe = desk.of()
    desk.save("x = =")
    why = await refused(zoe.approve(NAME, ""), Refusal.CHECKS_FAILED)
    assert "line 1" in str(why)
    desk.save('request.body = "a"')
    folder = desk.workspace.path / "tests" / "wh%3A42"
    folder.mkdir(parents=True)
    for name, body in (("good", "a"), ("bad", "b")):
        (folder / f"{name}.json").write_text(json.dumps({"payload": {}, "expected": {"body": body}}))
    why = await refused(zoe.approve(NAME, ""), Refusal.CHECKS_FAILED)
    assert "1 of 2 cases" in str(why)
    assert "bad" in str(why)
    assert ReviewStore(desk.workspace).read(NAME).approval is None
    (folder / "bad.json").unlink()
    assert (await zoe.approve(NAME, "")).cases == 1


# --- two people


async def test_the_second_is_told_what_changed_since(desk: Desk) -> None:
    zoe, max_ = desk.of("zoe"), desk.of("max")
    await zoe.approve(NAME, "")
    await zoe.publish(NAME)
    old = await live_mark(desk)
    desk.save("x = 2")
    await zoe.approve(NAME, old)
    theirs = ScriptConfig(NAME, "x = 9", script_hash("x = 9"), "7", None, updated_at="2026-01-01T00:00:00Z")
    desk.broker.append(TOPIC, NAME.encode(), encode_script(theirs))
    max_.journal.add(Act.PUBLISHED, await report_of(theirs), who="max", profile="Local")
    why = await refused(zoe.publish(NAME), Refusal.CHANGED_SINCE)
    assert why.live == theirs
    for told in (old[:12], theirs.hash[:12], "version 7", "by max", "2026-01-01"):
        assert told in str(why)
    assert (await zoe.look(NAME)).standing is Standing.DRIFTED
    await refused(zoe.approve(NAME, old), Refusal.CHANGED_SINCE)
    await zoe.approve(NAME, theirs.hash)
    assert (await zoe.look(NAME)).standing is Standing.APPROVED
    assert (await zoe.publish(NAME)).version == "8"


async def report_of(script: ScriptConfig):  # type: ignore[no-untyped-def]
    from engine.scripts.store import StoreReport

    return StoreReport(script.config_id, script.hash, script.version, ())


async def test_what_was_not_looked_at_on_a_profile_is_not_published_there(desk: Desk) -> None:
    await desk.of(profile="Staging").approve(NAME, "")
    await refused(desk.of(profile="Live").publish(NAME), Refusal.NOT_LOOKED_AT)
    approval = await desk.of(profile="Live").approve(NAME, "")
    assert approval.looked_at == {"Staging": "", "Live": ""}
    desk.save("x = 2")
    assert (await desk.of(profile="Live").approve(NAME, "")).looked_at == {"Live": ""}, (
        "an old look is void too"
    )


async def test_what_cannot_be_asked_is_not_published(desk: Desk) -> None:
    zoe = desk.of()
    await zoe.approve(NAME, "")
    desk.broker.set_down(True)
    with pytest.raises(ClusterUnreachable):
        await zoe.publish(NAME)
    desk.broker.set_down(False)
    assert desk.records() == 0
    assert zoe.journal.entries() == ()


# --- the way back


async def test_an_older_version_is_published_again(desk: Desk) -> None:
    first, second = await published(desk, "x = 1", "x = 2")
    zoe = desk.of()
    report = await zoe.roll_back(NAME, first, expected=second, note="it was better")
    assert (report.complete, report.hash, report.version) == (True, first, "1")
    assert await live_mark(desk) == first
    entry = zoe.journal.entries()[-1]
    assert (entry.act, entry.previous, entry.note) == (Act.ROLLED_BACK, second, "it was better")
    look = await zoe.look(NAME)
    assert (look.standing, look.text and look.text.source) == (Standing.DRAFT, "x = 2"), (
        "the workspace is untouched"
    )
    await refused(zoe.publish(NAME), Refusal.NOT_APPROVED)
    assert (await zoe.history(NAME))[0].who == "zoe"


async def test_a_way_back_to_nowhere_or_over_somebody_is_refused(desk: Desk) -> None:
    first, second = await published(desk, "x = 1", "x = 2")
    await refused(desk.of().roll_back(NAME, "0" * 64, expected=second), Refusal.UNKNOWN_VERSION)
    await refused(desk.of().roll_back(NAME, first, expected=first), Refusal.CHANGED_SINCE)
    await refused(desk.of().delete(NAME, expected=first), Refusal.CHANGED_SINCE)
    assert await live_mark(desk) == second


async def test_a_deleted_script_stays_in_the_workspace_and_can_come_back(desk: Desk) -> None:
    (first,) = await published(desk, "x = 1")
    zoe = desk.of()
    assert (await zoe.delete(NAME, expected=first)).complete
    assert await live_mark(desk) == ""
    assert desk.workspace.script_path(NAME).exists()
    assert (await zoe.roll_back(NAME, first, expected="")).complete


# --- what is on disk


def text(code: str, config: dict[str, object] | None = None) -> Text:
    return Text(code, config or {})


def script(code: str, config: dict[str, object] | None = None) -> ScriptConfig:
    return ScriptConfig("a", code, script_hash(code), "1", config)


APPROVED = Approval(script_hash("mine"), digest_of({}), "zoe", "", looked_at={"P": script_hash("old")})


@pytest.mark.parametrize(
    ("review", "live", "standing"),
    [
        (Review(), None, Standing.DRAFT),
        (Review(), script("mine"), Standing.LIVE),
        (Review(), script("mine", {"a": 1}), Standing.DRIFTED),
        (Review(), script("old"), Standing.DRIFTED),
        (Review(published={"P": script_hash("old")}), script("old"), Standing.DRAFT),
        (Review(published={"Q": script_hash("old")}), script("old"), Standing.DRIFTED),
        (Review(approval=APPROVED), script("old"), Standing.APPROVED),
        (Review(approval=APPROVED), None, Standing.APPROVED),
        (Review(approval=APPROVED), script("theirs"), Standing.DRIFTED),
        (Review(approval=APPROVED), script("mine"), Standing.LIVE),
    ],
)
def test_how_a_script_stands(review: Review, live: ScriptConfig | None, standing: Standing) -> None:
    assert standing_of(text("mine"), review, "P", live) is standing


def test_a_review_is_a_readable_file(tmp_path: Path) -> None:
    store = ReviewStore(Workspace(tmp_path))
    store.note_saved("wh:42", "zoe", "ab", "")
    path = tmp_path / "reviews" / "wh%3A42.json"
    assert json.loads(path.read_text())["authors"][0]["who"] == "zoe"
    data = json.loads(path.read_text()) | {"later": 1}
    path.write_text(json.dumps(data))
    assert [author.who for author in store.read("wh:42").authors] == ["zoe"]
    path.write_text("{")
    with pytest.raises(BadInput, match=r"wh%3A42\.json"):
        store.read("wh:42")
    with pytest.raises(BadInput):
        store.note_saved("wh:42", "zoe", "cd", "")
    assert path.read_text() == "{", "what cannot be read is not overwritten"
