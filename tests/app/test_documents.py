"""Opening, saving and closing scripts: whatever another program, the disk or the user does, no text is lost."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import engine.atomic_file
from app.document import Document
from app.studio import Studio
from engine.drafts import DraftStore
from tests.app.conftest import StudioMaker
from tests.app.driving import (
    StallWatch,
    answer,
    choose_in_message,
    document,
    front,
    message,
    open_script,
    open_workspace,
    press,
    question,
    run_after,
    shown_body,
    wait_message,
    wait_run,
    write,
)
from widgets.input_panel import CONFIG

ORIGINAL = b"request.body = payload\n"
MINE = "request.body = 'mine'\n"
THEIRS = b"request.body = 'theirs'\n"


def tab_text(studio: Studio) -> str:
    return studio.window.tabs.tabText(studio.window.tabs.currentIndex())


def save(studio: Studio, qtbot: QtBot) -> None:
    with qtbot.waitSignal(studio.documents.saved):
        press(qtbot, studio, "file.save")


def parts_drafted(drafts: Path) -> set[str]:
    return {draft.meta["part"] for draft in DraftStore(drafts).load_all().drafts}


def typed(studio: Studio) -> bytes:
    return document(studio).editor.bytes_()


# --- saving


def test_a_change_is_marked_and_saving_takes_the_mark_away(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    assert tab_text(studio) == "first"
    write(studio, MINE)
    assert tab_text(studio) == "● first"
    save(studio, qtbot)
    assert tab_text(studio) == "first"
    assert (folder / "first.lua").read_text() == MINE
    assert studio.window.news.text() == "Saved first"


def test_line_ends_and_bytes_are_saved_as_they_are(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    text = "-- ü\r\nlocal s = 'a\tb'\r\n\n-- no line end".encode()
    (folder / "first.lua").write_bytes(text)
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    editor = document(studio).editor
    editor.gotoPos(0)
    qtbot.keyClicks(editor, "-")
    save(studio, qtbot)
    assert (folder / "first.lua").read_bytes() == b"-" + text


def test_saving_all_saves_what_changed(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    studio.workspace.create_script("second")
    qtbot.waitUntil(lambda: front(studio) == "second")
    write(studio, "-- second\n")
    press(qtbot, studio, "file.save_all")
    qtbot.waitUntil(lambda: not any(found.dirty for found in studio.documents.open.values()))
    assert (folder / "first.lua").read_text() == MINE
    assert (folder / "second.lua").read_text() == "-- second\n"


def test_the_script_config_is_saved_with_the_script(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    studio.window.input.show_tab(CONFIG)
    studio.window.input.config.add_row()
    cell = QApplication.focusWidget()
    qtbot.keyClicks(cell, "region")
    studio.window.input.config.setFocus()
    save(studio, qtbot)
    assert b"region" in (folder / "first.json").read_bytes()
    assert (folder / "first.lua").read_bytes() == ORIGINAL


def test_saving_only_the_config_leaves_the_script_file_alone(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    before = (folder / "first.lua").stat().st_mtime_ns
    set_config(studio, '{"a": 1}')
    save(studio, qtbot)
    assert (folder / "first.json").read_text() == '{"a": 1}'
    assert (folder / "first.lua").stat().st_mtime_ns == before


def set_config(studio: Studio, text: str) -> None:
    """As if typed into the raw view of Config."""
    studio.window.input.config.set_text(text)
    studio.window.input.config.changed.emit()


def test_undoing_to_the_saved_text_is_no_change_and_leaves_no_draft(
    studio: Studio, qtbot: QtBot, drafts: Path
) -> None:
    write(studio, MINE)
    studio.documents.drafting.write_due()
    qtbot.waitUntil(lambda: "script" in parts_drafted(drafts))
    press(qtbot, studio, "edit.undo")
    assert tab_text(studio) == "first"
    press(qtbot, studio, "file.close")
    qtbot.waitUntil(lambda: "script" not in parts_drafted(drafts))
    open_script(studio, qtbot, "first")
    assert typed(studio) == ORIGINAL


# --- another program


def test_a_save_over_another_program_s_change_is_refused(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    (folder / "first.lua").write_bytes(THEIRS)
    press(qtbot, studio, "file.save")
    assert "Your text is kept" in wait_message(studio, qtbot, "changed by another program")
    assert (folder / "first.lua").read_bytes() == THEIRS
    assert typed(studio) == MINE.encode()


def test_save_anyway_takes_mine(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    (folder / "first.lua").write_bytes(THEIRS)
    press(qtbot, studio, "file.save")
    wait_message(studio, qtbot, "another program")
    with qtbot.waitSignal(studio.documents.saved):
        choose_in_message(studio, "Save anyway")
    assert (folder / "first.lua").read_text() == MINE
    assert message(studio) == ""


def test_take_theirs_can_still_be_undone(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    (folder / "first.lua").write_bytes(THEIRS)
    press(qtbot, studio, "file.save")
    wait_message(studio, qtbot, "another program")
    with qtbot.waitSignal(studio.documents.reloaded):
        choose_in_message(studio, "Take theirs")
    assert typed(studio) == THEIRS
    assert not document(studio).dirty
    studio.window.tabs.setFocus()
    press(qtbot, studio, "edit.undo")
    assert typed(studio) == MINE.encode()


def test_a_deleted_file_is_said_to_be_deleted_and_theirs_is_not_taken(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    write(studio, MINE)
    (folder / "first.lua").unlink()
    press(qtbot, studio, "file.save")
    wait_message(studio, qtbot, "deleted by another program")
    assert typed(studio) == MINE.encode()
    with qtbot.waitSignal(studio.documents.saved):
        choose_in_message(studio, "Save anyway")
    assert (folder / "first.lua").read_text() == MINE


def test_an_unchanged_script_follows_the_disk(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    (folder / "first.lua").write_bytes(THEIRS)
    studio.workspace.rescan()
    qtbot.waitUntil(lambda: typed(studio) == THEIRS)
    wait_run(studio, qtbot)
    assert shown_body(studio) == "theirs"


def test_a_changed_script_is_kept_and_said(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    (folder / "first.lua").write_bytes(THEIRS)
    studio.workspace.rescan()
    wait_message(studio, qtbot, "your text was kept")
    assert typed(studio) == MINE.encode()


def test_a_script_from_elsewhere_appears_in_the_tree(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    (folder / "pulled.lua").write_bytes(b"")
    studio.window.activated.emit()
    qtbot.waitUntil(lambda: "pulled" in studio.window.tree._items)


def test_a_config_that_another_program_made_is_not_overwritten(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    (folder / "first.json").write_text('{"theirs": true}')
    set_config(studio, '{"mine": true}')
    press(qtbot, studio, "file.save")
    wait_message(studio, qtbot, "another program")
    assert (folder / "first.json").read_text() == '{"theirs": true}'


def test_after_a_refused_config_the_script_is_still_known_as_saved(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    write(studio, MINE)
    set_config(studio, '{"mine": true}')
    (folder / "first.json").write_text('{"theirs": true}')
    press(qtbot, studio, "file.save")
    wait_message(studio, qtbot, "another program")
    (folder / "first.json").unlink()
    save(studio, qtbot)
    assert (folder / "first.json").read_text() == '{"mine": true}'
    assert (folder / "first.lua").read_text() == MINE


# --- closing


def test_closing_what_is_saved_asks_nothing(studio: Studio, qtbot: QtBot) -> None:
    press(qtbot, studio, "file.close")
    assert question(studio) is None
    assert front(studio) == ""
    assert studio.window.nothing_open.isVisible()


def test_close_and_save(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    press(qtbot, studio, "file.close")
    answer(studio, qtbot, "Save")
    qtbot.waitUntil(lambda: front(studio) == "")
    assert (folder / "first.lua").read_text() == MINE


def test_close_and_discard(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    studio.documents.drafting.write_due()
    press(qtbot, studio, "file.close")
    answer(studio, qtbot, "Discard")
    assert front(studio) == ""
    open_script(studio, qtbot, "first")
    assert typed(studio) == ORIGINAL
    assert (folder / "first.lua").read_bytes() == ORIGINAL


def test_cancel_closes_nothing(studio: Studio, qtbot: QtBot) -> None:
    write(studio, MINE)
    press(qtbot, studio, "file.close")
    answer(studio, qtbot, "Cancel")
    assert front(studio) == "first"
    assert typed(studio) == MINE.encode()


def test_closing_right_after_saving_is_quiet(studio: Studio, qtbot: QtBot) -> None:
    studio.editors.save()
    studio.editors.close_current()
    qtbot.waitUntil(lambda: front(studio) == "")
    open_script(studio, qtbot, "first")
    assert typed(studio) == ORIGINAL


def test_a_message_about_a_closed_script_is_harmless(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    write(studio, MINE)
    (folder / "first.lua").write_bytes(THEIRS)
    studio.editors.save()
    wait_message(studio, qtbot, "another program")
    studio.documents.close(document(studio), discard=True)
    QApplication.processEvents()
    choose_in_message(studio, "Save anyway")
    open_script(studio, qtbot, "first")
    assert (folder / "first.lua").read_bytes() == THEIRS


def test_revert_asks_and_goes_back(studio: Studio, qtbot: QtBot) -> None:
    write(studio, MINE)
    studio.actions.trigger("file.revert")
    with qtbot.waitSignal(studio.documents.reloaded):
        answer(studio, qtbot, "Revert")
    assert typed(studio) == ORIGINAL
    assert tab_text(studio) == "first"


def test_quitting_asks_nothing_and_keeps_the_text(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    write(studio, MINE)
    make_studio.end(studio)
    assert (folder / "first.lua").read_bytes() == ORIGINAL

    again = make_studio()
    open_workspace(again, qtbot, folder)
    assert typed(again) == MINE.encode()
    assert "restored" in wait_message(again, qtbot, "Unsaved changes of first")
    assert tab_text(again) == "● first"
    again.window.tabs.setFocus()
    press(qtbot, again, "edit.undo")
    assert typed(again) == ORIGINAL


# --- renaming, deleting


def test_renaming_keeps_text_config_cases_and_inputs(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    set_config(studio, '{"a": 1}')
    save(studio, qtbot)
    studio.window.input.payload.editor.replace_all_text(b"[1]")
    studio.workspace._rename("first", "acme:second")
    qtbot.waitUntil(lambda: front(studio) == "acme:second")
    assert sorted(path.name for path in folder.glob("*.*")) == ["acme%3Asecond.json", "acme%3Asecond.lua"]
    assert typed(studio) == ORIGINAL
    assert document(studio).config_text == '{"a": 1}'
    assert studio.window.input.payload.content() == b"[1]"
    qtbot.waitUntil(lambda: "acme:second" in studio.window.tree._items)


def test_renaming_a_changed_script_asks_to_save_first(studio: Studio, qtbot: QtBot) -> None:
    write(studio, MINE)
    studio.workspace.rename_script("first")
    assert "Save first" in message(studio)


def test_renaming_to_a_name_that_is_taken_changes_nothing(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    (folder / "second.lua").write_bytes(THEIRS)
    studio.workspace._rename("first", "second")
    wait_message(studio, qtbot, "already")
    assert (folder / "second.lua").read_bytes() == THEIRS
    assert front(studio) == "first"


def test_deleting_asks_and_can_be_undone_with_what_was_not_saved(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    write(studio, MINE)
    studio.workspace.delete_script("first")
    answer(studio, qtbot, "Delete")
    wait_message(studio, qtbot, "first was deleted")
    assert not (folder / "first.lua").exists()
    assert front(studio) == ""
    choose_in_message(studio, "Undo")
    qtbot.waitUntil(lambda: front(studio) == "first")
    assert (folder / "first.lua").read_bytes() == ORIGINAL
    assert typed(studio) == MINE.encode()


def test_a_new_script_of_a_deleted_one_s_name_starts_anew(studio: Studio, qtbot: QtBot) -> None:
    write(studio, MINE)
    studio.workspace._delete("first")
    qtbot.waitUntil(lambda: front(studio) == "")
    studio.workspace.create_script("first")
    qtbot.waitUntil(lambda: front(studio) == "first")
    assert typed(studio).startswith(b"-- What this script does")


# --- bad files


def test_a_broken_config_opens_with_its_script_and_is_kept(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    broken = '{"a": 1,\n "b": }'
    (folder / "first.json").write_text(broken)
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    assert document(studio).config_text == broken
    assert studio.window.input.tabs.tabText(CONFIG).endswith("!")
    qtbot.waitUntil(studio.window.output.banner.isVisible)
    write(studio, MINE)
    save(studio, qtbot)
    assert (folder / "first.json").read_text() == broken
    run_after(studio, qtbot, lambda: set_config(studio, '{"a": 1}'))
    assert shown_body(studio) == "mine"


def test_a_config_that_is_not_text_is_said_and_never_overwritten(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    (folder / "first.json").write_bytes(b'{"a": "\xff"}')
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    assert "first.json, line 1" in wait_message(studio, qtbot, "not UTF-8")
    set_config(studio, '{"b": 1}')
    press(qtbot, studio, "file.save")
    wait_message(studio, qtbot, "another program")
    assert (folder / "first.json").read_bytes() == b'{"a": "\xff"}'


def test_a_script_that_is_not_utf_8_is_said_with_its_place_and_left_alone(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    text = b"-- fine\nlocal name = 'M\xfcller'\n"
    (folder / "latin.lua").write_bytes(text)
    studio.documents.open_script("latin")
    said = wait_message(studio, qtbot, "UTF-8")
    assert "latin.lua, line 2" in said
    assert front(studio) == "first"
    assert (folder / "latin.lua").read_bytes() == text


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_workspace_that_cannot_be_read_is_said_with_a_way_out(
    studio: Studio, qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / kind
    if kind == "file":
        place.write_text("")
    write(studio, MINE)
    studio.workspace.open(place)
    said = wait_message(studio, qtbot, str(place))
    assert ("there is no such folder" in said) or ("a file, not a folder" in said)
    assert typed(studio) == MINE.encode()  # what was open still is
    choose_in_message(studio, "Open the examples")
    qtbot.waitUntil(lambda: front(studio) == "test_config")
    assert message(studio) == ""


def test_the_complaint_goes_when_another_workspace_opens(
    studio: Studio, qtbot: QtBot, tmp_path: Path, examples: Path
) -> None:
    studio.workspace.open(tmp_path / "missing")
    wait_message(studio, qtbot, "no such folder")
    open_workspace(studio, qtbot, examples)
    assert message(studio) == ""


def test_a_workspace_that_goes_away_is_said_and_the_text_stays(
    studio: Studio, qtbot: QtBot, folder: Path
) -> None:
    write(studio, MINE)
    folder.rename(folder.with_name("moved"))
    press(qtbot, studio, "file.save")
    assert wait_message(studio, qtbot, "first")
    assert typed(studio) == MINE.encode()


# --- a full disk


@pytest.fixture
def full_disk(studio: Studio, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the workspace's disk is full."""
    write_all = engine.atomic_file._write_all

    def write_on_a_full_disk(descriptor: int, data: bytes) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_all(descriptor, data)

    monkeypatch.setattr(engine.atomic_file, "_write_all", write_on_a_full_disk)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_said_and_loses_nothing(
    studio: Studio, qtbot: QtBot, folder: Path, drafts: Path
) -> None:
    write(studio, MINE)
    press(qtbot, studio, "file.save")
    assert "Free some space" in wait_message(studio, qtbot, "No space left")
    assert typed(studio) == MINE.encode()
    assert (folder / "first.lua").read_bytes() == ORIGINAL
    assert sorted(path.name for path in folder.iterdir()) == ["first.lua"]
    qtbot.waitUntil(lambda: "script" in parts_drafted(drafts))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a file system takes root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_really_full_disk_is_said_and_loses_nothing(
    make_studio: StudioMaker, qtbot: QtBot, small_disk: Path, drafts: Path
) -> None:
    (small_disk / "first.lua").write_bytes(ORIGINAL)
    studio = make_studio()
    open_workspace(studio, qtbot, small_disk)
    text = "-- " + "x" * 200_000
    write(studio, text)
    press(qtbot, studio, "file.save")
    assert "first.lua" in wait_message(studio, qtbot, "No space left")
    assert typed(studio) == text.encode()
    assert (small_disk / "first.lua").read_bytes() == ORIGINAL
    assert sorted(path.name for path in small_disk.iterdir()) == ["first.lua"]
    qtbot.waitUntil(lambda: "script" in parts_drafted(drafts))
    write(studio, MINE)
    save(studio, qtbot)
    assert (small_disk / "first.lua").read_text() == MINE
    assert message(studio) == ""


def test_drafts_that_cannot_be_written_are_said(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path
) -> None:
    drafts.write_text("in the way")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    write(studio, MINE)
    assert "Save your files" in wait_message(studio, qtbot, "cannot be kept safe")


# --- a large payload


def test_a_payload_of_50_mb_opens_and_the_window_answers(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "large.json"
    file.write_bytes(b"[" + b'{"key": "value", "number": 12345},\n' * 1_450_000 + b"0]")
    assert file.stat().st_size > 50_000_000
    pane = studio.window.input.payload
    edited: list[Document] = []
    studio.input.edited.connect(edited.append)
    wait_run(studio, qtbot)
    with StallWatch(studio) as watch:
        result = run_after(studio, qtbot, lambda: studio.input.open_payload(file), wait_ms=30_000)
    assert pane.content() == file.read_bytes()
    assert edited == [document(studio)]
    assert result.outcome.ok
    assert "48.4 MB" in studio.window.output.body.note()
    assert watch.longest_ms < 500
    run_after(studio, qtbot, lambda: pane.replace_content(b"[]"))
    assert shown_body(studio).split() == ["[]"]


def test_a_payload_larger_than_can_be_shown_is_refused(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "huge.bin"
    with file.open("wb") as huge:
        huge.truncate(300 * 1024 * 1024)
    before = studio.window.input.payload.content()
    studio.input.open_payload(file)
    assert "300 MB" in wait_message(studio, qtbot, "more than the 200 MB")
    assert studio.window.input.payload.content() == before
