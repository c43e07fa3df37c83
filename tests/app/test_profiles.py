"""Profiles made, tested, changed and deleted in their dialog, with a real Kafka, Redis and file behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.profiles_controller import profile_of, state_of
from app.studio import Studio
from engine.cluster.profiles import Profile, ProfileRules, ProfileStore
from engine.settings import KafkaSettings, RedisSettings, Secret, SecurityProtocol
from tests.app.cluster_story import LONG_MS, choose_in, connect, write_profile
from tests.app.conftest import StudioMaker
from tests.app.driving import open_workspace
from tests.engine.redis_server import RedisServer
from widgets.profiles_dialog import ProfilesDialog

SECRET = "correct horse"


@pytest.fixture
def profiles(drafts: Path) -> Path:
    """The file that a studio of `make_studio` keeps its profiles in."""
    return drafts.with_name("profiles.yaml")


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets stay in memory; the user's keyring is not touched."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


def open_dialog(studio: Studio, qtbot: QtBot, count: int) -> ProfilesDialog:
    """The dialog, once it shows that many profiles."""
    studio.actions.trigger("cluster.profiles")
    dialog = studio.profiles.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.list.count() == count and bool(dialog._secrets.text()), timeout=LONG_MS)
    return dialog


def type_into(qtbot: QtBot, field: QWidget, text: str) -> None:
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(field, text)


def names(studio: Studio) -> list[str]:
    return [profile.name for profile in studio.profiles.profiles]


def test_a_profile_is_typed_tested_saved_and_connected_to(
    studio: Studio, qtbot: QtBot, profiles: Path, kafka: str, redis: RedisServer
) -> None:
    dialog = open_dialog(studio, qtbot, 0)
    dialog._new.click()
    lines = dialog.form.lines
    assert dialog.focusWidget() is lines["name"]
    type_into(qtbot, lines["name"], "Staging")
    type_into(qtbot, lines["kafka_brokers"], kafka)
    type_into(qtbot, lines["redis_addr"], redis.addr)
    dialog.test.setFocus()
    qtbot.keyClick(dialog.test, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(dialog.tests.checks()) == 2, timeout=LONG_MS)
    assert [check.state.value for check in dialog.tests.checks()] == ["passed", "passed"]
    dialog.save.setFocus()
    qtbot.keyClick(dialog.save, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(studio) == ["Staging"], timeout=LONG_MS)
    (kept,) = ProfileStore(profiles).all()
    assert (kept.kafka.brokers, kept.redis.addr) == ((kafka,), redis.addr)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: studio.profiles.dialog is None, timeout=LONG_MS)
    connect(studio, qtbot, "Staging")
    assert studio.cluster.look is not None
    assert [action.text() for action in studio.cluster.menu().actions()][:1] == ["Staging"]


def test_a_test_that_fails_says_which_part_and_why(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, profiles: Path
) -> None:
    write_profile(profiles, "127.0.0.1:1", "127.0.0.1:2")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: names(studio) == ["Staging"], timeout=LONG_MS)
    dialog = open_dialog(studio, qtbot, 1)
    dialog.test.click()
    qtbot.waitUntil(lambda: len(dialog.tests.checks()) == 2, timeout=LONG_MS)
    for check, address in zip(dialog.tests.checks(), ("127.0.0.1:1", "127.0.0.1:2"), strict=True):
        assert check.state.value == "failed"
        assert address in check.text
        assert "refused" in check.text


def test_passwords_never_reach_the_file_and_go_with_their_profile(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, profiles: Path
) -> None:
    write_profile(profiles, "127.0.0.1:1", "127.0.0.1:2")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: names(studio) == ["Staging"], timeout=LONG_MS)
    dialog = open_dialog(studio, qtbot, 1)
    type_into(qtbot, dialog.form.lines["redis_password"], SECRET)
    type_into(qtbot, dialog.form.lines["name"], "Renamed")
    dialog.save.click()
    qtbot.waitUntil(lambda: names(studio) == ["Renamed"], timeout=LONG_MS)
    assert SECRET not in profiles.read_text()
    given: list[Profile] = []
    studio.profiles.with_secrets(studio.profiles.profiles[0], given.append)
    qtbot.waitUntil(lambda: bool(given), timeout=LONG_MS)
    assert given[0].redis.password.reveal() == SECRET
    assert SECRET not in repr(given)
    assert all(file.read_bytes().find(SECRET.encode()) < 0 for file in folder.rglob("*") if file.is_file())

    dialog._delete.click()
    choose_in(dialog.message, "Delete")
    qtbot.waitUntil(lambda: names(studio) == [], timeout=LONG_MS)
    assert ProfileStore(profiles).all() == ()


def test_a_file_that_is_broken_is_said_and_left_alone(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, profiles: Path
) -> None:
    profiles.write_text("profiles: [")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: str(profiles) in studio.window.message_bar.text(), timeout=LONG_MS)
    dialog = open_dialog(studio, qtbot, 0)
    dialog._new.click()
    type_into(qtbot, dialog.form.lines["name"], "Other")
    dialog.save.click()
    qtbot.waitUntil(lambda: str(profiles) in dialog.message.text(), timeout=LONG_MS)
    assert profiles.read_text() == "profiles: ["


def test_a_form_keeps_all_of_a_profile() -> None:
    profile = Profile(
        "Prod",
        colour="#b71c1c",
        kafka=KafkaSettings(
            brokers=("a:1", "b:2"),
            security_protocol=SecurityProtocol.SASL_SSL,
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="zoe",
            sasl_password=Secret("one"),
            tls_ca_file="/ca.pem",
            tls_verify=False,
        ),
        redis=RedisSettings(addr="c:3", username="z", password=Secret("two"), db=4, tls=True),
        rules=ProfileRules(read_only=True, production=True, approver_not_author=True),
    )
    assert profile_of(state_of(profile), profile) == profile
