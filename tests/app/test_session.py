"""What is remembered from one start to the next, also through the settings file as Qt writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings
from pytestqt.qtbot import QtBot

from app.session import RECENT_LENGTH, Session
from engine.preview_calls import CallMode
from tests.app.conftest import StudioMaker
from tests.app.driving import open_script, open_workspace


def written_and_read(path: Path, session: Session) -> Session:
    session.save()
    return Session(QSettings(str(path), QSettings.Format.IniFormat))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "session.ini"


@pytest.fixture
def session(file: Path) -> Session:
    return Session(QSettings(str(file), QSettings.Format.IniFormat))


def test_a_first_start_has_the_defaults() -> None:
    session = Session()
    assert (session.theme, session.scale, session.live_preview) == ("system", 100, True)
    assert session.workspaces == []
    assert session.state("geometry") is None


def test_switches_and_sizes_come_back_from_the_file(file: Path, session: Session) -> None:
    session.theme, session.scale, session.live_preview = "dark", 125, False
    session.set_state("work", QByteArray(b"\x00\xff"))
    again = written_and_read(file, session)
    assert (again.theme, again.scale, again.live_preview) == ("dark", 125, False)
    assert again.state("work") == QByteArray(b"\x00\xff")


@pytest.mark.parametrize("names", [[], ["one"], ["b", "a"], ["acme:orders", "ü, with comma"]])
def test_the_open_scripts_come_back_in_order_whatever_their_names(
    file: Path, session: Session, names: list[str]
) -> None:
    folder = Path("/work space/ünder")
    session.set_open_scripts(folder, names, names[0] if names else "")
    again = written_and_read(file, session)
    assert again.open_scripts(folder) == names
    assert again.current_script(folder) == (names[0] if names else "")
    assert again.open_scripts(Path("/elsewhere")) == []


def test_who_answers_calls_is_kept_for_each_workspace_but_never_live(file: Path, session: Session) -> None:
    first, second = Path("/a"), Path("/b")
    assert session.call_mode(first) is CallMode.RECORDED
    session.set_call_mode(first, CallMode.OFF)
    again = written_and_read(file, session)
    assert (again.call_mode(first), again.call_mode(second)) == (CallMode.OFF, CallMode.RECORDED)
    session.set_call_mode(first, CallMode.LIVE)
    assert written_and_read(file, session).call_mode(first) is CallMode.RECORDED


def test_the_last_workspace_comes_first_and_only_once(session: Session) -> None:
    for name in ("/a", "/b", "/a"):
        session.add_workspace(Path(name))
    assert session.workspaces == [Path("/a"), Path("/b")]


def test_only_the_latest_workspaces_are_kept(session: Session) -> None:
    for number in range(RECENT_LENGTH + 3):
        session.add_workspace(Path(f"/{number}"))
    assert len(session.workspaces) == RECENT_LENGTH
    assert session.workspaces[0] == Path(f"/{RECENT_LENGTH + 2}")


def test_a_damaged_settings_file_is_as_good_as_none(file: Path) -> None:
    file.write_text("[%General]\nscale=huge\ntheme=@Invalid()\nworkspaces=7\nlive_preview=maybe\n\x00\xff")
    session = Session(QSettings(str(file), QSettings.Format.IniFormat))
    assert session.scale == 100
    assert session.workspaces in ([], [Path("7")])


def test_a_window_opens_as_it_was_closed(
    make_studio: StudioMaker, qtbot: QtBot, examples: Path, session: Session
) -> None:
    first = make_studio(session)
    open_workspace(first, qtbot, examples)
    names = ["user_filter", "billing:eu", "order_enrich"]
    for name in names:
        open_script(first, qtbot, name)
    open_script(first, qtbot, "billing:eu")
    first.window.output.show_tab(2)
    first.window.input.show_tab(1)
    first.window.splitters["work"].setSizes([500, 700])
    sizes = first.window.splitters["work"].sizes()
    first.theming.choose("dark")
    make_studio.end(first)

    again = make_studio(session)
    open_workspace(again, qtbot, examples)
    assert again.editors.open_in_order() == ["test_config", *names]
    assert again.editors.current is not None
    assert again.editors.current.config_id == "billing:eu"
    assert again.window.output.tabs.currentIndex() == 2
    assert again.window.input.tabs.currentIndex() == 1
    assert again.window.splitters["work"].sizes() == sizes
    assert again.theming.theme.dark


def test_restored_scripts_run_only_the_one_in_front(
    make_studio: StudioMaker, qtbot: QtBot, examples: Path
) -> None:
    session = Session()
    session.set_open_scripts(examples, ["user_filter", "order_enrich", "test_config"], "order_enrich")
    studio = make_studio(session)
    shown: list[str] = []
    studio.editors.switched.connect(lambda document: shown.append(document.config_id))
    open_workspace(studio, qtbot, examples)
    assert shown[-1] == "order_enrich"
    assert len(shown) <= 2


def test_a_script_that_is_gone_is_not_missed(make_studio: StudioMaker, qtbot: QtBot, examples: Path) -> None:
    session = Session()
    session.set_open_scripts(examples, ["gone", "order_enrich"], "gone")
    studio = make_studio(session)
    open_workspace(studio, qtbot, examples)
    assert studio.editors.open_in_order() == ["order_enrich"]
    assert studio.window.message_bar.text() == ""


def test_a_script_opened_after_a_restored_one_failed_comes_to_the_front(
    make_studio: StudioMaker, qtbot: QtBot, examples: Path
) -> None:
    (examples / "broken.lua").write_bytes(b"\xff")
    session = Session()
    session.set_open_scripts(examples, ["order_enrich", "broken"], "order_enrich")
    studio = make_studio(session)
    open_workspace(studio, qtbot, examples)
    (examples / "broken.lua").write_bytes(b"-- mended\n")
    for name in ("broken", "user_filter"):
        open_script(studio, qtbot, name)


def test_settings_that_cannot_be_used_are_said_and_the_window_opens(
    make_studio: StudioMaker, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("HOWK_LUA_TIMEOUT", "soon")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    assert "timeout" in studio.window.message_bar.text()
    assert "The preview uses the defaults." in studio.window.message_bar.text()
