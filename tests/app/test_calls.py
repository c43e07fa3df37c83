"""Who answers a preview's calls: off, recorded, live, and one click from live to recorded; real Redis, real site."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot
from redis import Redis

from app.session import Session
from app.studio import Studio
from engine.preview_calls import CallMode
from engine.settings import LuaSettings
from tests.app.conftest import StudioMaker
from tests.app.driving import (
    WAIT_MS,
    answer,
    choose_in_message,
    document,
    message,
    open_workspace,
    press,
    run_after,
    shown_body,
    wait_message,
    wait_run,
)
from tests.engine.http_site import Site
from tests.engine.redis_server import RedisServer

KEY = LuaSettings().kv_key_format.replace("{config_id}", "s").replace("{key}", "greeting")
SECRET = "Bearer s3cr3t-0f-the-live-run"


class LiveSite:
    """The local site on a thread of its own."""

    def __init__(self) -> None:
        self.site = Site()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Site:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.site.__aenter__(), self._loop).result(10)
        return self.site

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self.site.__aexit__(None, None, None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    with Redis(host="127.0.0.1", port=server.port, decode_responses=True) as client:
        client.flushdb()
        client.set(KEY, "hello")
        yield client


@pytest.fixture
def site() -> Iterator[Site]:
    with LiveSite() as made:
        yield made


@pytest.fixture
def cluster(redis: Redis, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """A Redis that holds a token, and the settings of this process naming it."""
    monkeypatch.setenv("HOWK_REDIS_ADDR", server.addr)
    monkeypatch.setenv("HOWK_LUA_ALLOWED_HOSTS", "127.0.0.1")
    return redis


def script(site: Site) -> str:
    """Reads a token, uses it and a secret to ask the site, and keeps something."""
    url = site.url("/who?team=7").decode()
    return f"""
local kv, http = require("kv"), require("http")
local token, why = kv.get("greeting")
if why then request.body = why return end
kv.set("seen", "yes")
local answer, problem = http.get("{url}", {{Authorization = "{SECRET}"}})
request.body = token .. "|" .. (kv.get("seen") or "nothing") .. "|" .. (problem or answer.body)
"""


@pytest.fixture
def live_folder(tmp_path: Path, site: Site) -> Path:
    """A workspace whose script `s` calls kv and http, and has the case `usual`."""
    folder = tmp_path / "calls"
    (folder / "tests" / "s").mkdir(parents=True)
    (folder / "s.lua").write_text(script(site), "utf-8")
    (folder / "tests" / "s" / "usual.json").write_text('{"payload": "{}"}', "utf-8")
    return folder


@pytest.fixture
def calling(make_studio: StudioMaker, qtbot: QtBot, cluster: Redis, live_folder: Path) -> Studio:
    """A studio on that workspace, as it opens."""
    made = make_studio()
    open_workspace(made, qtbot, live_folder)
    wait_run(made, qtbot)
    qtbot.waitUntil(lambda: made.tests.names == ("usual",), timeout=WAIT_MS)
    return made


def recording(folder: Path) -> Path:
    return folder / "tests" / "s" / "usual.fixtures.json"


def selector(studio: Studio) -> str:
    return studio.window.output.calls.selector.accessibleName()


def label(studio: Studio) -> str:
    """The remark over the result; empty when there is none."""
    shown = studio.window.output._label
    return shown.text() if shown.isVisible() else ""


def click(qtbot: QtBot, button: Any) -> None:
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def go_live(studio: Studio) -> None:
    studio.actions.trigger("run.calls_live")
    assert selector(studio) == "Calls: Live"


# --- the choice


def test_a_workspace_starts_recorded_and_says_what_is_missing(calling: Studio, site: Site) -> None:
    assert selector(calling) == "Calls: Recorded"
    assert calling.window.output.calls.note() == "answers of the case usual"
    assert shown_body(calling).startswith('kv.get(key="greeting") was not recorded: run with Calls: Live')
    assert not calling.window.output.calls.record_button.isVisible()
    assert site.requests == []


def test_the_selector_s_menu_is_the_choice(calling: Studio, qtbot: QtBot) -> None:
    bar = calling.window.output.calls
    menu = bar.selector.menu()
    (live,) = [found for found in menu.actions() if found.text() == "Calls: Li&ve"]
    menu.popup(bar.mapToGlobal(bar.rect().bottomLeft()))
    qtbot.waitUntil(menu.isVisible)
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(live).center())
    assert calling.calls.mode is CallMode.LIVE
    assert live.isChecked()
    assert "Real Redis" in live.toolTip()
    assert "Real Redis" in bar.selector.accessibleDescription()
    assert bar.property("banner") == "warning"
    assert bar.record_button.isVisible()
    assert calling.actions.by_id["run.record"].isEnabled()
    assert calling.window.engine_state.text() == "Calls are live: runs when asked"


def test_off_fails_with_a_clear_error_and_comes_back(
    make_studio: StudioMaker, qtbot: QtBot, live_folder: Path, cluster: Redis, tmp_path: Path
) -> None:
    session = Session(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    first = make_studio(session)
    open_workspace(first, qtbot, live_folder)
    wait_run(first, qtbot)
    run_after(first, qtbot, lambda: first.actions.trigger("run.calls_off"))
    assert shown_body(first) == (
        "calls are off in this preview: choose Calls: Recorded or Calls: Live to run kv.get"
    )
    assert first.actions.by_id["run.calls_off"].isChecked()
    make_studio.end(first)
    again = make_studio(session)
    open_workspace(again, qtbot, live_folder)
    assert selector(again) == "Calls: Off"


def test_live_is_never_restored(
    make_studio: StudioMaker, qtbot: QtBot, live_folder: Path, folder: Path, site: Site
) -> None:
    session = Session()
    studio = make_studio(session)
    open_workspace(studio, qtbot, live_folder)
    go_live(studio)
    open_workspace(studio, qtbot, folder)
    assert selector(studio) == "Calls: Recorded"
    open_workspace(studio, qtbot, live_folder)
    assert selector(studio) == "Calls: Recorded"
    go_live(studio)
    make_studio.end(studio)
    again = make_studio(session)
    open_workspace(again, qtbot, live_folder)
    wait_run(again, qtbot)
    assert selector(again) == "Calls: Recorded"
    assert site.requests == []


# --- live


def test_live_reads_the_real_redis_and_leaves_it_as_it_is(
    calling: Studio, qtbot: QtBot, cluster: Redis, site: Site
) -> None:
    go_live(calling)
    assert site.requests == []
    assert "runs only when you ask" in label(calling)
    run_after(calling, qtbot, lambda: click(qtbot, calling.window.output.calls.run_button))
    assert shown_body(calling) == "hello|yes|GET /who?team=7"
    assert label(calling) == ""
    assert cluster.keys() == [KEY]
    assert cluster.get(KEY) == "hello"


def test_typing_in_live_mode_calls_nothing_until_asked(calling: Studio, qtbot: QtBot, site: Site) -> None:
    go_live(calling)
    run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    assert len(site.requests) == 1
    editor = document(calling).editor
    editor.gotoPos(editor.length())
    qtbot.keyClicks(editor, "-- more")
    calling.window.input.headers.set_headers({"X-A": "1"})
    document(calling).editor.flush_edited()
    qtbot.waitUntil(lambda: "something changed since this run" in label(calling), timeout=WAIT_MS)
    assert "Calls are live" in label(calling)
    assert not calling.preview.busy  # nothing is due
    with qtbot.waitSignal(calling.documents.inputs_loaded, timeout=WAIT_MS):
        calling.tests.load_requested.emit("usual")
    assert not calling.preview.busy
    assert len(site.requests) == 1
    run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    assert len(site.requests) == 2


def test_another_script_does_not_run_by_itself_while_calls_are_live(
    calling: Studio, qtbot: QtBot, live_folder: Path, site: Site
) -> None:
    go_live(calling)
    (live_folder / "t.lua").write_text(script(site), "utf-8")
    calling.documents.open_script("t")
    qtbot.waitUntil(lambda: document(calling).config_id == "t", timeout=WAIT_MS)
    assert not calling.preview.busy
    assert "runs only when you ask" in calling.window.output._empty.text()
    assert site.requests == []


def test_nothing_is_sent_in_live_mode_unless_allowed(calling: Studio, qtbot: QtBot, site: Site) -> None:
    url = site.url("/order").decode()
    go_live(calling)
    document(calling).editor.replace_all_text(
        f'local a, why = require("http").post("{url}", "x") request.body = why or a.body'.encode()
    )
    run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    assert shown_body(calling).startswith("http.post was not sent")
    assert site.requests == []
    calling.actions.trigger("run.sending")
    run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    assert shown_body(calling) == "POST /order"
    assert selector(calling) == "Calls: Live, sending"
    calling.actions.trigger("run.calls_recorded")
    wait_run(calling, qtbot)
    go_live(calling)
    assert not calling.calls.sends
    assert not calling.actions.by_id["run.sending"].isChecked()


def test_a_slow_live_run_shows_and_can_be_stopped(calling: Studio, qtbot: QtBot, site: Site) -> None:
    url = site.url("/slow").decode()
    go_live(calling)
    output = calling.window.output
    document(calling).editor.replace_all_text(f'require("http").get("{url}")'.encode())
    for stop in (
        lambda: click(qtbot, output.stop_button),
        lambda: press(qtbot, calling, "run.stop"),
        lambda: qtbot.keyClick(output.tabs, Qt.Key.Key_Escape),
    ):
        press(qtbot, calling, "run.now")
        qtbot.waitUntil(lambda: output.stop_button.isVisible() and site.hits["/slow"] > 0, timeout=WAIT_MS)
        output.tabs.setFocus()
        stop()
        assert not calling.preview.busy
        assert not output.stop_button.isVisible()
        assert output.banner.accessibleName() == "Not run: The run was stopped. Run the script again with F5."
        site.hits.clear()
    document(calling).editor.replace_all_text(b'request.body = "next"')
    run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    assert shown_body(calling) == "next"


def test_a_cluster_that_cannot_be_reached_is_said(
    make_studio: StudioMaker, qtbot: QtBot, live_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HOWK_REDIS_ADDR", f"127.0.0.1:{taken.getsockname()[1]}")
        studio = make_studio()
        open_workspace(studio, qtbot, live_folder)
        go_live(studio)
        run_after(studio, qtbot, lambda: press(qtbot, studio, "run.now"))
    assert shown_body(studio) == "Redis cannot be reached, or refused the connection"


def test_a_setting_that_cannot_be_used_is_said(
    make_studio: StudioMaker, qtbot: QtBot, live_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOWK_REDIS_ADDR", "nowhere")
    studio = make_studio()
    open_workspace(studio, qtbot, live_folder)
    wait_run(studio, qtbot)
    go_live(studio)
    press(qtbot, studio, "run.now")
    wait_message(studio, qtbot, "redis.addr")


# --- recording


def test_one_click_makes_a_recording_without_secrets_that_answers_the_same(
    calling: Studio, qtbot: QtBot, live_folder: Path, cluster: Redis, site: Site
) -> None:
    go_live(calling)
    run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    live_body = shown_body(calling)
    run_after(calling, qtbot, lambda: click(qtbot, calling.window.output.calls.record_button))
    assert selector(calling) == "Calls: Recorded"
    assert len(site.requests) == 1  # the run that was shown is the one that was kept
    cluster.delete(KEY)
    result = run_after(calling, qtbot, lambda: press(qtbot, calling, "run.now"))
    assert result.answers is None
    assert shown_body(calling) == live_body
    assert len(site.requests) == 1
    text = recording(live_folder).read_text("utf-8")
    assert SECRET.removeprefix("Bearer ") not in text
    assert [fixture["function"] for fixture in json.loads(text)] == ["get", "set", "get", "get"]
    assert message(calling) == (
        "Recorded 4 answers in usual.fixtures.json, secrets masked. The preview runs from it now."
    )


def test_recording_runs_first_when_nothing_current_is_shown_and_keeps_the_old_file(
    calling: Studio, qtbot: QtBot, live_folder: Path, site: Site
) -> None:
    recording(live_folder).write_text("[]\n", "utf-8")
    go_live(calling)
    with qtbot.waitSignal(calling.calls.changed, timeout=WAIT_MS):
        click(qtbot, calling.window.output.calls.record_button)
    wait_run(calling, qtbot)
    assert shown_body(calling) == "hello|yes|GET /who?team=7"
    assert len(site.requests) == 1
    kept = list((live_folder / ".trash").rglob("usual.fixtures.json"))
    assert [file.read_text("utf-8") for file in kept] == ["[]\n"]


def test_recording_another_input_than_the_case_s_offers_to_save_that_too(
    calling: Studio, qtbot: QtBot, live_folder: Path
) -> None:
    go_live(calling)
    calling.window.input.payload.editor.replace_all_text(b"other")
    calling.actions.trigger("run.record")
    wait_message(calling, qtbot, "The input is no longer that of the case")
    choose_in_message(calling, "Save the input too")
    with qtbot.waitSignal(calling.tests.finished, timeout=WAIT_MS):
        answer(calling, qtbot, "Replace")
    case = json.loads((live_folder / "tests" / "s" / "usual.json").read_text("utf-8"))
    assert case["payload"] == "other"
    assert case["expected"]["body"] == "hello|yes|GET /who?team=7"
    assert recording(live_folder).exists()


def test_a_run_saved_as_another_case_takes_the_recording_along(
    calling: Studio, qtbot: QtBot, live_folder: Path
) -> None:
    go_live(calling)
    calling.actions.trigger("run.record")
    wait_message(calling, qtbot, "Recorded 4 answers")
    wait_run(calling, qtbot)
    with qtbot.waitSignal(calling.tests.finished, timeout=WAIT_MS):
        calling.tests.save_as("copy")
    copy = recording(live_folder).with_name("copy.fixtures.json")
    assert copy.read_bytes() == recording(live_folder).read_bytes()
    assert {row.name: row.state.value for row in calling.window.tests.rows()}["copy"] == "passed"


def test_a_failed_run_is_not_recorded(calling: Studio, qtbot: QtBot, live_folder: Path) -> None:
    go_live(calling)
    document(calling).editor.replace_all_text(b'require("kv").get("token") error("no")')
    calling.actions.trigger("run.record")
    wait_message(calling, qtbot, "Nothing was recorded")
    assert selector(calling) == "Calls: Live"
    assert not recording(live_folder).exists()


def test_without_a_case_the_run_is_saved_as_one_with_its_answers(
    make_studio: StudioMaker, qtbot: QtBot, live_folder: Path, cluster: Redis, site: Site
) -> None:
    (live_folder / "tests" / "s" / "usual.json").unlink()
    studio = make_studio()
    open_workspace(studio, qtbot, live_folder)
    wait_run(studio, qtbot)
    assert studio.window.output.calls.note() == "no case is loaded, so no answers"
    go_live(studio)
    run_after(studio, qtbot, lambda: press(qtbot, studio, "run.now"))
    click(qtbot, studio.window.output.calls.record_button)
    with qtbot.waitSignal(studio.tests.finished, timeout=WAIT_MS):
        name_it(studio, qtbot, "usual")
    wait_run(studio, qtbot)
    assert selector(studio) == "Calls: Recorded"
    assert shown_body(studio) == "hello|yes|GET /who?team=7"
    assert len(site.requests) == 1
    case = json.loads((live_folder / "tests" / "s" / "usual.json").read_text("utf-8"))
    assert case["expected"]["body"] == "hello|yes|GET /who?team=7"
    assert [row.state.value for row in studio.window.tests.rows()] == ["passed"]
    assert studio.window.output.calls.note() == "answers of the case usual"


def test_the_recording_goes_with_a_script_that_is_renamed(
    calling: Studio, qtbot: QtBot, live_folder: Path
) -> None:
    recording(live_folder).write_text("[]\n", "utf-8")
    calling.documents.workspace.rename("s", "t:1")  # type: ignore[union-attr]
    calling.documents.rename(document(calling), "t:1")
    recordings = document(calling).inputs.recordings
    assert recordings == live_folder / "tests" / "t%3A1" / "usual.fixtures.json"
    assert recordings.exists()


def name_it(studio: Studio, qtbot: QtBot, name: str) -> None:
    """Answers the question for the case's name."""
    dialogs: list[QInputDialog] = []

    def asked() -> bool:
        dialogs[:] = [box for box in studio.window.findChildren(QInputDialog) if box.isVisible()]
        return bool(dialogs)

    qtbot.waitUntil(asked, timeout=WAIT_MS)
    assert "The answers are recorded beside it." in dialogs[0].labelText()
    dialogs[0].setTextValue(name)
    dialogs[0].accept()
