"""How the application's tests take a script to a cluster: the dialogs, as a person goes through them."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import redis as redis_library
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.studio import Studio
from engine.cluster.confluent import ConfluentKafka
from engine.cluster.kafka import Record
from engine.cluster.open_profile import Cluster, OpenCluster
from engine.cluster.profiles import Profile, ProfileRules, ProfileStore
from engine.model import ScriptConfig
from engine.scripts.record import encode_script
from engine.scripts.review import Standing
from engine.settings import KafkaSettings, RedisSettings
from tests.app.driving import choose_in_message, press, wait_message
from widgets.approve_dialog import ApproveDialog
from widgets.message_bar import MessageBar
from widgets.publish_dialog import PublishDialog

LONG_MS = 20_000


def connect_local(studio: Studio, qtbot: QtBot) -> None:
    """Starts the local cluster and waits until its scripts are read."""
    with qtbot.waitSignal(studio.cluster_service.overview_changed, timeout=LONG_MS):
        studio.actions.trigger("cluster.local")


def connect(studio: Studio, qtbot: QtBot, name: str) -> None:
    """Connects to a profile and waits until its scripts are read."""
    qtbot.waitUntil(lambda: any(one.name == name for one in studio.profiles.profiles), timeout=LONG_MS)
    profile = next(one for one in studio.profiles.profiles if one.name == name)
    with qtbot.waitSignal(studio.cluster_service.overview_changed, timeout=LONG_MS):
        studio.cluster.choose(profile)


def write_profile(
    path: Path, kafka: str, redis: str, rules: ProfileRules | None = None, name: str = "Staging"
) -> None:
    """A profile as the user's file has it."""
    profile = Profile(
        name,
        kafka=KafkaSettings(brokers=(kafka,)),
        redis=RedisSettings(addr=redis),
        rules=rules or ProfileRules(),
    )
    ProfileStore(path).put(profile)


def approve_dialog(studio: Studio, qtbot: QtBot) -> ApproveDialog:
    """The approve dialog, once it is there and its checks are known."""
    qtbot.waitUntil(lambda: isinstance(studio.publishing.dialog, ApproveDialog), timeout=LONG_MS)
    dialog = studio.publishing.dialog
    assert isinstance(dialog, ApproveDialog)
    qtbot.waitUntil(lambda: dialog.review.checks.unmet() == 0 or bool(dialog.message.text()), timeout=LONG_MS)
    return dialog


def publish_dialog(studio: Studio, qtbot: QtBot) -> PublishDialog:
    """The publish dialog, once it is there."""
    qtbot.waitUntil(lambda: isinstance(studio.publishing.dialog, PublishDialog), timeout=LONG_MS)
    dialog = studio.publishing.dialog
    assert isinstance(dialog, PublishDialog)
    return dialog


def approve(studio: Studio, qtbot: QtBot) -> None:
    """Ticks and approves in the dialog that is open."""
    dialog = approve_dialog(studio, qtbot)
    dialog.looked.setFocus()
    qtbot.keyClick(dialog.looked, Qt.Key.Key_Space)
    qtbot.waitUntil(dialog.approve.isEnabled, timeout=LONG_MS)
    qtbot.mouseClick(dialog.approve, Qt.MouseButton.LeftButton)


def publish(studio: Studio, qtbot: QtBot) -> PublishDialog:
    """Presses Publish in the dialog that is open, and waits for what comes of it."""
    dialog = publish_dialog(studio, qtbot)
    qtbot.waitUntil(dialog.publish.isEnabled, timeout=LONG_MS)
    dialog.publish.setFocus()
    qtbot.keyClick(dialog.publish, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(dialog.message.text()), timeout=LONG_MS)
    return dialog


def take_live(studio: Studio, qtbot: QtBot, config_id: str) -> str:
    """The whole way of the script in front; returns what the dialog says at its end, and closes it."""
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish(studio, qtbot)
    said = dialog.message.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: studio.publishing.dialog is None, timeout=LONG_MS)
    back_in_window(studio, qtbot)
    wait_standing(studio, qtbot, config_id, Standing.LIVE)
    return said


def back_in_window(studio: Studio, qtbot: QtBot) -> None:
    """What a window manager does when a dialog has closed."""
    with qtbot.waitActive(studio.window):
        studio.window.activateWindow()


def wait_standing(studio: Studio, qtbot: QtBot, config_id: str, standing: Standing) -> None:
    """Waits until the tree's badge of a script says so."""
    qtbot.waitUntil(lambda: studio.cluster.standings.get(config_id) is standing, timeout=LONG_MS)
    assert studio.workspace.standings[config_id] is standing


def save_and_go_on(studio: Studio, qtbot: QtBot) -> None:
    """Answers that the unsaved text is to be saved first."""
    wait_message(studio, qtbot, "unsaved changes")
    choose_in_message(studio, "Save and go on")


def mirrored(studio: Studio, config_id: str) -> dict[str, object] | None:
    """What the Redis of the connected cluster holds."""
    profile = studio.cluster.profile
    assert profile is not None
    with redis_library.Redis.from_url(f"redis://{profile.redis.addr}") as client:
        value = client.get(f"script:{config_id}")
    return None if value is None else dict(json.loads(value))  # type: ignore[arg-type]


def published(studio: Studio, qtbot: QtBot, script: ScriptConfig) -> None:
    """Somebody else publishes."""
    done: list[object] = []

    async def produce(_publisher: object, cluster: OpenCluster) -> None:
        assert isinstance(cluster, Cluster)
        await cluster.kafka.produce("howk.scripts", script.config_id, encode_script(script))

    studio.cluster_service.act(produce, done=done.append, failed=done.append)
    qtbot.waitUntil(lambda: done == [None], timeout=LONG_MS)


def last_record(kafka: str, config_id: str) -> Record:
    """The newest record of a config_id, as any other program reads it."""

    async def read() -> Record:
        client = ConfluentKafka(KafkaSettings(brokers=(kafka,)))
        reader = client.read_topic("howk.scripts")
        try:
            records: list[Record] = []
            while not reader.caught_up:
                records += await reader.read()
        finally:
            await reader.close()
            await client.close()
        return [record for record in records if record.key == config_id.encode()][-1]

    return asyncio.run(read())


def choose_in(bar: MessageBar, label: str) -> None:
    """Presses a button of a message bar."""
    (button,) = [found for found in bar.findChildren(QPushButton) if found.text() == label]
    button.click()


def children() -> set[int]:
    """The processes that this one has started and that still run."""
    told = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(number) for one in told for number in one.read_text().split()}
