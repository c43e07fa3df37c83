"""What is typed survives: a crash two seconds later, a quit, a full disk, a draft that is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.document_files import draft_key
from app.drafting import DRAFT_PAYLOAD_BYTES
from app.session import data_folder
from app.studio import Studio
from engine.drafts import Draft, DraftStore
from tests.app.conftest import StudioMaker
from tests.app.driving import document, front, open_script, open_workspace, press, wait_message, write
from tests.app.typist import PAYLOAD, SCRIPT

KEPT_WITHIN_S = 2.0
ROOT = Path(__file__).parents[2]
ORIGINAL = b"request.body = payload\n"


def all_drafts(place: Path) -> tuple[Draft, ...]:
    return DraftStore(place).load_all().drafts


def drafted(place: Path, part: str) -> bytes | None:
    return next((draft.data for draft in all_drafts(place) if draft.meta["part"] == part), None)


# --- a crash


@pytest.fixture
def crashed(folder: Path) -> None:
    """A studio in which somebody typed, killed two seconds after the last key."""
    command = [sys.executable, "-m", "tests.app.typist", str(folder)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "typed\n"
        time.sleep(KEPT_WITHIN_S)  # the promise is about this time
        process.kill()


@pytest.mark.usefixtures("crashed")
def test_two_seconds_after_the_last_key_a_crash_loses_nothing(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    studio = make_studio(drafts=data_folder() / "drafts")
    open_workspace(studio, qtbot, folder)
    assert document(studio).editor.bytes_() == SCRIPT.encode() + ORIGINAL
    assert studio.window.input.payload.content() == PAYLOAD.encode()
    wait_message(studio, qtbot, "Unsaved changes of first were restored.")
    assert (folder / "first.lua").read_bytes() == ORIGINAL
    studio.window.tabs.setFocus()
    press(qtbot, studio, "edit.undo")
    assert document(studio).editor.bytes_() == ORIGINAL


def test_a_draft_is_on_disk_within_two_seconds_while_somebody_types_on(
    studio: Studio, qtbot: QtBot, drafts: Path
) -> None:
    editor = document(studio).editor
    began = time.monotonic()
    while drafted(drafts, "script") is None:
        qtbot.keyClicks(editor, "x")
        qtbot.wait(20)
        assert time.monotonic() - began < KEPT_WITHIN_S
    assert (drafted(drafts, "script") or b"").startswith(b"xxx")


# --- what is kept, and what not


def test_the_text_its_settings_and_its_input_are_kept(studio: Studio, qtbot: QtBot, drafts: Path) -> None:
    write(studio, "-- mine")
    document(studio).config_text = '{"broken'
    studio.window.input.payload.set_content(bytes(range(256)))
    studio.window.input.payload.changed.emit()
    studio.documents.drafting.write_due()
    qtbot.waitUntil(lambda: drafted(drafts, "input") == bytes(range(256)))
    assert drafted(drafts, "script") == b"-- mine"
    kept = next(draft for draft in all_drafts(drafts) if draft.meta["part"] == "script")
    assert kept.meta["config"] == '{"broken'


def test_saving_takes_the_draft_away(studio: Studio, qtbot: QtBot, drafts: Path) -> None:
    write(studio, "-- mine")
    studio.documents.drafting.write_due()
    qtbot.waitUntil(lambda: drafted(drafts, "script") is not None)
    press(qtbot, studio, "file.save")
    qtbot.waitUntil(lambda: drafted(drafts, "script") is None)


def test_two_workspaces_with_a_script_of_one_name_keep_their_own(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "first.lua").write_bytes(b"-- of the other\n")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    write(studio, "-- mine")
    open_workspace(studio, qtbot, other)
    qtbot.waitUntil(lambda: front(studio) == "first")
    assert document(studio).editor.bytes_() == b"-- of the other\n"
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: front(studio) == "first")
    assert document(studio).editor.bytes_() == b"-- mine"


def test_a_payload_too_large_for_a_draft_leaves_the_script_s_draft_alone(
    studio: Studio, qtbot: QtBot, drafts: Path
) -> None:
    write(studio, "-- mine")
    studio.window.input.payload.replace_content(b"x" * (DRAFT_PAYLOAD_BYTES + 1))
    studio.documents.drafting.write_due()
    qtbot.waitUntil(lambda: drafted(drafts, "script") == b"-- mine")
    assert len(drafted(drafts, "input") or b"") <= DRAFT_PAYLOAD_BYTES


def test_a_damaged_draft_opens_the_saved_file_and_is_set_aside(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path
) -> None:
    DraftStore(drafts).save(draft_key(folder, "first", "script"), b"-- mine", {"part": "script"})
    file = next(drafts.glob("*.draft"))
    file.write_bytes(file.read_bytes()[:-3])
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    assert document(studio).editor.bytes_() == ORIGINAL
    assert len(list(drafts.glob("*.damaged"))) == 1


def test_a_draft_whose_input_is_of_another_making_is_said(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path
) -> None:
    meta = {"part": "input", "headers": "no json"}
    DraftStore(drafts).save(draft_key(folder, "first", "input"), b"[1]", meta)
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    wait_message(studio, qtbot, "unsaved input of first")


def test_pasted_text_is_kept_too(studio: Studio, qtbot: QtBot, drafts: Path) -> None:
    QGuiApplication.clipboard().setText("pasted")
    document(studio).editor.setFocus()
    press(qtbot, studio, "edit.paste")
    qtbot.waitUntil(lambda: (drafted(drafts, "script") or b"").startswith(b"pasted"), timeout=2000)


def test_switching_and_closing_keep_the_last_key(studio: Studio, qtbot: QtBot, drafts: Path) -> None:
    qtbot.keyClicks(studio.window.input.payload.editor, "9")
    studio.editors.close_current()
    open_script(studio, qtbot, "first")
    assert b"9" in studio.window.input.payload.content()
