"""The journal: it survives torn lines and other writers, knows who published what, and keeps the way back open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.model import script_hash
from engine.scripts.journal import Act, Journal
from engine.scripts.review import mark_of
from engine.scripts.rules import Refusal
from engine.scripts.store import StoreReport
from engine.workspace import Workspace
from tests.engine.scripts.desk import CODE, NAME, TOPIC, Desk, live_mark, published, refused

REPORT = StoreReport(NAME, "ab", "1", ())
WRITER = """
import sys
from pathlib import Path
from engine.scripts.journal import Act, Journal
from engine.scripts.store import StoreReport
from engine.workspace import Workspace
for number in range(100):
    Journal(Workspace(Path(sys.argv[1]))).add(
        Act.PUBLISHED, StoreReport("a", "ab", str(number), ()), who=sys.argv[2], profile="P", note="x" * 2000
    )
"""


def test_nothing_is_lost_when_programs_write_at_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], cwd=Path(__file__).parents[3])
        for name in ("zoe", "max", "kim")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    entries = Journal(Workspace(tmp_path)).entries()
    for name in ("zoe", "max", "kim"):
        assert [entry.version for entry in entries if entry.who == name] == [str(n) for n in range(100)]


def test_a_torn_line_is_passed_over_and_spoils_no_other(tmp_path: Path) -> None:
    journal = Journal(Workspace(tmp_path))
    journal.add(Act.PUBLISHED, REPORT, who="zoe", profile="P")
    with (tmp_path / "reviews" / "journal.jsonl").open("ab") as stream:
        stream.write(b'{"when":"2026')
    journal.add(Act.PUBLISHED, REPORT, who="max", profile="P")
    assert [entry.who for entry in journal.entries()] == ["zoe", "max"]


def test_who_repairs_has_not_published(tmp_path: Path) -> None:
    journal = Journal(Workspace(tmp_path))
    journal.add(Act.PUBLISHED, REPORT, who="zoe", profile="P", live="ab")
    journal.add(Act.REPAIRED, REPORT, who="max", profile="P")
    assert journal.published_by("P") == {(NAME, "ab"): "zoe"}


async def test_a_version_published_twice_has_two_notes(desk: Desk) -> None:
    first, second = await published(desk, "x = 1", "x = 2")
    await desk.of("max").roll_back(NAME, first, expected=second, note="it was better")
    told = [(one.script and one.script.hash, one.who, one.note) for one in await desk.of().history(NAME)]
    assert told == [(first, "max", "it was better"), (second, "zoe", ""), (first, "zoe", "")]


async def test_a_version_that_the_topic_has_forgotten_comes_from_the_journal(desk: Desk) -> None:
    first, second = await published(desk, "x = 1", "x = 2")
    async with desk.with_topic(desk.broker.topics[TOPIC][0][-1:]) as zoe:
        assert [one.place.startswith("journal") for one in await zoe.history(NAME)] == [False, True]
        assert (await zoe.roll_back(NAME, first, expected=second)).complete


async def test_what_somebody_else_published_can_come_back_too(desk: Desk) -> None:
    theirs = desk.publish_elsewhere("x = 9", {"a": 1})
    await desk.of().approve(NAME, mark_of(theirs))
    await desk.of().publish(NAME)
    async with desk.with_topic(desk.broker.topics[TOPIC][0][-1:]) as zoe:
        assert [one.place for one in await zoe.history(NAME)][1] == "journal, replaced"
        assert (await zoe.roll_back(NAME, mark_of(theirs), expected=script_hash(CODE))).complete
        live = await desk.store.live(NAME)
        assert live is not None
        assert live.script_config == {"a": 1}


async def test_what_somebody_else_published_can_come_back_when_deleted(desk: Desk) -> None:
    theirs = desk.publish_elsewhere("x = 9")
    await desk.of().delete(NAME, expected=theirs.hash)
    async with desk.with_topic([]) as zoe:
        assert (await zoe.roll_back(NAME, theirs.hash, expected="")).complete
        assert await live_mark(desk) == theirs.hash


async def test_a_kept_version_that_was_changed_is_none(desk: Desk) -> None:
    first, second = await published(desk, "x = 1", "x = 2")
    kept = desk.workspace.path / "reviews" / "versions" / "wh%3A42" / f"{first}.json"
    kept.write_text(kept.read_text().replace("x = 1", "x = 6"))
    async with desk.with_topic(desk.broker.topics[TOPIC][0][-1:]) as zoe:
        assert [one.script and one.script.hash for one in await zoe.history(NAME)] == [second]
        await refused(zoe.roll_back(NAME, first, expected=second), Refusal.UNKNOWN_VERSION)
