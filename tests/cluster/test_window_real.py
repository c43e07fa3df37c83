"""From a profile typed into the window to a script on a real Kafka and Redis, read back by kcat and redis-cli."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.studio import Studio
from engine.model import script_hash
from tests.app.cluster_story import (
    LONG_MS,
    approve,
    connect,
    publish,
    publish_dialog,
    take_live,
    write_profile,
)
from tests.app.conftest import StudioMaker, drafts, make_studio
from tests.app.driving import open_workspace, press
from tests.cluster.kafka_broker import KafkaBroker
from tests.engine.redis_server import RedisServer

__all__ = ["drafts", "make_studio"]  # fixtures

CODE = 'headers["X"] = "<é>"\n'
WEEK = 7 * 24 * 3600


@pytest.fixture(autouse=True)
def _zoe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOWK_USER", "zoe")


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def type_into(qtbot: QtBot, field: QWidget, text: str) -> None:
    """Replaces a field's text, key by key."""
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(field, text)


def make_profile(studio: Studio, qtbot: QtBot, kafka: str, redis: str) -> None:
    """Makes, tests and saves a profile in its dialog."""
    studio.actions.trigger("cluster.profiles")
    dialog = studio.profiles.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.list.count() >= 1 or dialog.isVisible(), timeout=LONG_MS)
    qtbot.mouseClick(dialog._new, Qt.MouseButton.LeftButton)
    lines = dialog.form.lines
    type_into(qtbot, lines["name"], "Real")
    type_into(qtbot, lines["kafka_brokers"], kafka)
    type_into(qtbot, lines["redis_addr"], redis)
    qtbot.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(dialog.tests.checks()) == 2, timeout=LONG_MS)
    assert [check.state.value for check in dialog.tests.checks()] == ["passed", "passed"], (
        dialog.tests.checks()
    )
    qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: [one.name for one in studio.profiles.profiles] == ["Real"], timeout=LONG_MS)
    qtbot.mouseClick(dialog.close_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: studio.profiles.dialog is None, timeout=LONG_MS)
    with qtbot.waitActive(studio.window):
        studio.window.activateWindow()


def test_from_a_typed_profile_to_what_other_programs_read(
    make_studio: StudioMaker,
    qtbot: QtBot,
    tmp_path: Path,
    kafka_broker: KafkaBroker,
    redis_server: RedisServer,
) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "real%3A42.lua").write_text(CODE)
    (folder / "real%3A42.json").write_text('{"limit": 3}')
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    make_profile(studio, qtbot, kafka_broker.address, redis_server.addr)
    connect(studio, qtbot, "Real")
    assert take_live(studio, qtbot, "real:42") == "real:42 version 1 is live on Real."

    told = output_of(
        "kcat", "-b", kafka_broker.address, "-C", "-t", "howk.scripts", "-o", "beginning", "-e", "-q",
        "-f", "%k\x1f%h\x1f%s\x1e",
    )  # fmt: skip
    records = [record.split("\x1f") for record in told.split("\x1e")[:-1]]
    key, headers, value = next(record for record in records if record[0] == "real:42")
    assert set(headers.split(",")) == {f"script_hash={script_hash(CODE)}", "version=1"}
    script = json.loads(value)
    assert list(script) == [
        "config_id", "lua_code", "hash", "version", "script_config", "created_at", "updated_at",
    ]  # fmt: skip
    assert (script["config_id"], script["lua_code"], script["hash"]) == (key, CODE, script_hash(CODE))
    assert (script["version"], script["script_config"]) == ("1", {"limit": 3})
    assert script["created_at"] == script["updated_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", script["created_at"])
    made = datetime.fromisoformat(script["created_at"][:19] + "+00:00")
    assert abs(made - datetime.now(UTC)) < timedelta(minutes=10)

    port = redis_server.addr.rpartition(":")[2]
    assert output_of("redis-cli", "-p", port, "get", "script:real:42").rstrip("\n") == value
    assert 0 < int(output_of("redis-cli", "-p", port, "ttl", "script:real:42")) <= WEEK

    studio.publishing.delete("real:42")
    publish_dialog(studio, qtbot)
    assert "is deleted from Real" in publish(studio, qtbot).message.text()
    assert output_of("redis-cli", "-p", port, "exists", "script:real:42").strip() == "0"
    told = output_of(
        "kcat", "-b", kafka_broker.address, "-C", "-t", "howk.scripts", "-o", "beginning", "-e", "-q",
        "-f", "%k\x1f%h\x1f%S\x1e",
    )  # fmt: skip
    last = [record.split("\x1f") for record in told.split("\x1e")[:-1] if record.startswith("real:42")][-1]
    assert last == ["real:42", "operation=delete", "-1"]


def test_a_broker_that_goes_is_told_and_found_again(
    make_studio: StudioMaker,
    qtbot: QtBot,
    tmp_path: Path,
    kafka_broker: KafkaBroker,
    redis_server: RedisServer,
) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "lost.lua").write_text(CODE)
    write_profile(tmp_path / "profiles.yaml", kafka_broker.address, redis_server.addr)
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    connect(studio, qtbot, "Staging")
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    publish_dialog(studio, qtbot)
    kafka_broker.stop()
    dialog = publish(studio, qtbot)
    assert kafka_broker.address in dialog.message.text()
    assert output_of("redis-cli", "-p", redis_server.addr.rpartition(":")[2], "dbsize").strip() == "0"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: "Kafka: failed: " in studio.window.badge.toolTip(), timeout=LONG_MS)
    studio.window.show_cluster(True)
    stale = studio.window.cluster._stale
    qtbot.waitUntil(lambda: "may be out of date" in stale.text(), timeout=LONG_MS)

    kafka_broker.start()
    qtbot.waitUntil(lambda: "Kafka: connected" in studio.window.badge.toolTip(), timeout=LONG_MS)
    qtbot.waitUntil(lambda: not stale.text(), timeout=LONG_MS)
    assert [row.kafka_hash for row in studio.cluster.overview.rows if row.config_id == "lost"] == [""]
    studio.publishing.publish("lost")
    assert "lost version 1 is live on Staging" in publish(studio, qtbot).message.text()
