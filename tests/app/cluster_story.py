"""How the application's tests take a script to a cluster: the dialogs, as a person goes through them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.studio import Studio
from engine.cluster.profiles import Profile, ProfileRules, ProfileStore
from engine.scripts.review import Standing
from engine.settings import KafkaSettings, RedisSettings
from tests.app.driving import choose_in_message, press, wait_message
from widgets.approve_dialog import ApproveDialog
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
    with qtbot.waitActive(studio.window):
        studio.window.activateWindow()
    wait_standing(studio, qtbot, config_id, Standing.LIVE)
    return said


def wait_standing(studio: Studio, qtbot: QtBot, config_id: str, standing: Standing) -> None:
    """Waits until the tree's badge of a script says so."""
    qtbot.waitUntil(lambda: studio.cluster.standings.get(config_id) is standing, timeout=LONG_MS)
    assert studio.workspace.standings[config_id] is standing


def save_and_go_on(studio: Studio, qtbot: QtBot) -> None:
    """Answers that the unsaved text is to be saved first."""
    wait_message(studio, qtbot, "unsaved changes")
    choose_in_message(studio, "Save and go on")
