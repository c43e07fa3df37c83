"""The real window, from its start as the program does it, by keyboard alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QSettings, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.session import Session, data_folder
from app.start import open_first_workspace
from app.studio import Studio
from tests.app.conftest import StudioMaker
from tests.app.driving import (
    document,
    front,
    open_workspace,
    press,
    shown_body,
    shown_headers,
    type_lines,
    wait_run,
)

pytestmark = pytest.mark.window

SCRIPT = """\
headers["X-Transformed"] = "by-lua-script"
headers["X-Original-Payload"] = payload
headers["X-Config"] = metadata.config_id
local json = require("json")
local data = json.decode(payload)
data.enriched = true
request.body = json.encode(data)
"""
PAYLOAD = '{"foo":"bar"}'
BODY = '{"enriched":true,"foo":"bar"}'
HEADERS = {
    "X-Transformed": "by-lua-script",
    "X-Original-Payload": PAYLOAD,
    "X-Config": "test_config",
}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """That of a first start, in a file."""
    return Session(QSettings(str(tmp_path / "session.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def fresh(make_studio: StudioMaker, qtbot: QtBot, session: Session) -> Studio:
    """A first start: no settings, no drafts, no workspace named."""
    studio = make_studio(session, data_folder() / "drafts")
    open_first_workspace(studio, None, "")
    qtbot.waitUntil(lambda: front(studio) != "", timeout=10_000)
    return studio


@pytest.fixture
def empty(make_studio: StudioMaker, qtbot: QtBot, session: Session, tmp_path: Path) -> Studio:
    """A window on a workspace with the empty script `test_config`."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "test_config.lua").write_bytes(b"")
    studio = make_studio(session, data_folder() / "drafts")
    open_workspace(studio, qtbot, folder)
    return studio


def focused() -> QApplication:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def replace_payload_by_typing(studio: Studio, qtbot: QtBot, text: str) -> None:
    press(qtbot, studio, "go.payload")
    press(qtbot, studio, "edit.select_all")
    type_lines(qtbot, focused(), text)


def preview_command(script: Path, payload: bytes, scratch: Path) -> dict[str, object]:
    """What `howk-studio preview --json` says."""
    file = scratch / "payload.json"
    file.write_bytes(payload)
    command = [sys.executable, "-m", "app.entry", "preview", str(script), "--payload", str(file), "--json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    found = json.loads(ran.stdout)
    assert isinstance(found, dict)
    return found


def test_the_mission_s_example_typed_in_shows_what_a_worker_would_send(
    empty: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    studio = empty
    press(qtbot, studio, "go.editor")
    type_lines(qtbot, focused(), SCRIPT)
    assert document(studio).editor.bytes_().decode() == SCRIPT
    replace_payload_by_typing(studio, qtbot, PAYLOAD)
    assert studio.window.input.payload.content().decode() == PAYLOAD
    wait_run(studio, qtbot)

    press(qtbot, studio, "go.body")
    assert json.dumps(json.loads(shown_body(studio)), separators=(",", ":")) == BODY
    assert shown_body(studio).startswith('{\n  "enriched": true')

    press(qtbot, studio, "go.output_headers")
    added = {name: value for change, name, value in shown_headers(studio) if change == "added"}
    assert added == HEADERS

    press(qtbot, studio, "go.request")
    request = studio.window.output.request.editor.bytes_().decode()
    assert request.endswith(f"\n\n{BODY}")
    assert {f"{name}: {value}" for name, value in HEADERS.items()} <= set(request.splitlines())

    with qtbot.waitSignal(studio.documents.saved):
        press(qtbot, studio, "file.save")
    assert document(studio).saved is not None
    said = preview_command(document(studio).saved.path, PAYLOAD.encode(), tmp_path)
    assert said["body"] == BODY
    assert HEADERS.items() <= said["headers"].items()


def test_pasting_the_example_shows_the_same(empty: Studio, qtbot: QtBot) -> None:
    studio = empty
    for pane, text in (("go.editor", SCRIPT), ("go.payload", PAYLOAD)):
        QGuiApplication.clipboard().setText(text)
        press(qtbot, studio, pane)
        press(qtbot, studio, "edit.select_all")
        press(qtbot, studio, "edit.paste")
    wait_run(studio, qtbot)
    assert json.loads(shown_body(studio)) == json.loads(BODY)


def test_a_first_start_shows_the_examples_at_work(fresh: Studio, qtbot: QtBot) -> None:
    wait_run(fresh, qtbot)
    assert front(fresh) == "test_config"
    assert json.loads(shown_body(fresh)) == json.loads(BODY)
    assert fresh.window.message_bar.text() == ""
    assert QApplication.focusWidget() is document(fresh).editor


def test_a_whole_session_without_the_mouse(fresh: Studio, qtbot: QtBot) -> None:
    studio = fresh
    studio.theming.choose("light")

    press(qtbot, studio, "file.new")
    qtbot.waitUntil(lambda: isinstance(QApplication.focusWidget(), QLineEdit))
    qtbot.keyClicks(focused(), "acme:hello")
    qtbot.keyClick(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: front(studio) == "acme:hello")
    studio.window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is document(studio).editor)

    press(qtbot, studio, "edit.select_all")
    type_lines(qtbot, focused(), "if payload then\nrequest.body = payload .. 1\nend")
    assert document(studio).editor.bytes_() == b"if payload then\n  request.body = payload .. 1\nend"
    replace_payload_by_typing(studio, qtbot, "41")
    press(qtbot, studio, "run.now")
    wait_run(studio, qtbot)
    press(qtbot, studio, "go.body")
    assert shown_body(studio) == "411"
    assert studio.window.focusWidget() is studio.window.output.body.editor

    with qtbot.waitSignal(studio.documents.saved):
        press(qtbot, studio, "file.save")
    assert (data_folder() / "examples" / "acme%3Ahello.lua").exists()

    press(qtbot, studio, "view.palette")
    qtbot.keyClicks(focused(), "switch light")
    qtbot.keyClick(focused(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: studio.theming.theme.dark)
    assert studio.window.focusWidget() is studio.window.output.body.editor

    press(qtbot, studio, "go.tree")
    qtbot.keyClick(focused(), Qt.Key.Key_Home)
    press(qtbot, studio, "file.close")
    assert front(studio) == "test_config"
    with qtbot.waitSignal(studio.window.closing):
        press(qtbot, studio, "file.quit")


def test_tab_reaches_every_pane_and_the_buttons_of_a_message(empty: Studio, qtbot: QtBot) -> None:
    studio = empty
    wait_run(studio, qtbot)
    studio.messages.warn("Something", {"Do it": lambda: None})
    press(qtbot, studio, "go.tree")
    seen: set[str] = set()
    for _ in range(80):
        widget = QApplication.focusWidget()
        assert widget is not None
        seen.add(widget.accessibleName() or widget.objectName() or type(widget).__name__)
        if widget.accessibleName() in ("Lua script", "Payload as text"):
            qtbot.keyClick(widget, Qt.Key.Key_Escape)  # Tab is for indenting there
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert {"Scripts", "Lua script", "Payload as text", "Input tabs", "Output", "Body"} <= seen
    assert "QPushButton" in seen


def test_nothing_but_the_window_is_a_window(qtbot: QtBot, make_studio: StudioMaker) -> None:
    """A pane that is shown before it has a parent flashes up as a window of its own, and costs the start."""
    seen: list[str] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                seen.append(type(watched).__name__)
            return False

    watch = Watch()
    QApplication.instance().installEventFilter(watch)
    try:
        make_studio()
    finally:
        QApplication.instance().removeEventFilter(watch)
    assert seen == ["MainWindow"]
