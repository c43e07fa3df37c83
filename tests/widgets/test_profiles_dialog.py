"""Profiles are made, changed, tested and deleted; passwords stay masked and changes are not lost unasked."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from widgets.check_list import Check, CheckState
from widgets.profile_form import RULES, ProfileForm
from widgets.profile_look import COLOURS
from widgets.profile_state import ProfileState, problems
from widgets.profiles_dialog import ProfilesDialog
from widgets.theme import Theme

LOCAL = ProfileState("Local", COLOURS["Green"], built_in=True)
STAGING = ProfileState("staging", COLOURS["Amber"])
PROD = ProfileState(
    "prod-eu", COLOURS["Red"], production=True, approver_not_author=True, security_protocol="sasl_ssl",
    kafka_brokers=("kafka-1:9093", "kafka-2:9093"), sasl_username="studio", sasl_password="open sesame",
    sasl_mechanism="SCRAM-SHA-512", redis_tls=True, redis_db=3, sentinel_addrs=("s-1:26379",),
)  # fmt: skip
OVER_API = ProfileState(
    "edge", "#123456", through_api=True, api_url="https://howk.example.com", api_token="t0ken"
)


@pytest.fixture
def form(qtbot: QtBot, theme: Theme) -> ProfileForm:
    made = ProfileForm()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.resize(700, 900)
    made.show()
    return made


@pytest.fixture
def dialog(qtbot: QtBot, theme: Theme) -> ProfilesDialog:
    made = ProfilesDialog()
    qtbot.addWidget(made)
    made.apply_theme(theme)
    made.set_profiles((LOCAL, STAGING, PROD), "staging")
    made.show()
    qtbot.waitActive(made)
    return made


def answer(qtbot: QtBot, dialog: ProfilesDialog, text: str) -> None:
    found = [button for button in dialog.message.findChildren(QPushButton) if button.text() == text]
    qtbot.mouseClick(found[-1], Qt.MouseButton.LeftButton)


def append(qtbot: QtBot, dialog: ProfilesDialog, text: str) -> None:
    """Types at the end of the name."""
    qtbot.keyClick(dialog.form.lines["name"], Qt.Key.Key_End)
    qtbot.keyClicks(dialog.form.lines["name"], text)


# --- the form


@pytest.mark.parametrize("state", [LOCAL, STAGING, PROD, OVER_API])
def test_what_goes_in_comes_out(form: ProfileForm, state: ProfileState) -> None:
    form.set_state(state)
    assert form.state() == state
    assert form.problems() == {}


def test_no_secret_is_in_a_repr() -> None:
    assert "sesame" not in repr(PROD)
    assert "t0ken" not in repr(OVER_API)


def test_only_the_fields_that_matter_are_there(form: ProfileForm) -> None:
    form.set_state(STAGING)
    assert not form.lines["sasl_username"].isVisible()
    assert not form.lines["tls_ca_file"].isVisible()
    assert not form.lines["sentinel_password"].isVisible()
    assert not form.lines["api_url"].isVisible()
    form.protocol.setCurrentIndex(form.protocol.findData("sasl_ssl"))
    assert form.lines["sasl_username"].isVisible()
    assert form.lines["tls_ca_file"].isVisible()
    form.lines["sentinel_addrs"].setText("s-1:26379")
    assert form.lines["sentinel_password"].isVisible()
    assert not form.lines["redis_addr"].isVisible()
    form.way.setCurrentIndex(1)
    assert not form.lines["kafka_brokers"].isVisible()
    assert form.lines["api_url"].isVisible()


def test_a_mistake_is_said_under_its_field(qtbot: QtBot, form: ProfileForm) -> None:
    form.set_state(STAGING)
    line = form.lines["kafka_brokers"]
    line.clear()
    qtbot.keyClicks(line, "kafka-1:9092, kafka-2")
    assert form.problems() == {"kafka_brokers": "Write kafka-2 as host:port."}
    assert line.accessibleDescription() == "Write kafka-2 as host:port."
    why = form._fields._whys["kafka_brokers"]
    assert why.isVisible()
    assert why.text() == "Write kafka-2 as host:port."
    qtbot.keyClicks(line, ":9092")
    assert not why.isVisible()


@pytest.mark.parametrize(
    ("state", "field"),
    [
        (dataclasses.replace(STAGING, name=""), "name"),
        (dataclasses.replace(STAGING, name="a/b"), "name"),
        (dataclasses.replace(STAGING, name="LOCAL"), "name"),
        (dataclasses.replace(STAGING, kafka_brokers=()), "kafka_brokers"),
        (dataclasses.replace(STAGING, kafka_brokers=("a:0",)), "kafka_brokers"),
        (dataclasses.replace(STAGING, redis_addr="redis"), "redis_addr"),
        (dataclasses.replace(STAGING, security_protocol="sasl_plaintext"), "sasl_username"),
        (dataclasses.replace(PROD, tls_cert_file="/c.pem"), "tls_key_file"),
        (dataclasses.replace(PROD, sentinel_addrs=("s",)), "sentinel_addrs"),
        (dataclasses.replace(OVER_API, api_url="ftp://x"), "api_url"),
    ],
)
def test_what_cannot_work_is_named(state: ProfileState, field: str) -> None:
    assert list(problems(state, frozenset({"Local"}))) == [field]


def test_a_password_is_masked_until_it_is_asked_for(qtbot: QtBot, form: ProfileForm) -> None:
    form.set_state(PROD)
    secret = form._fields.secrets["sasl_password"]
    assert secret.line.echoMode() == QLineEdit.EchoMode.Password
    qtbot.keyClick(secret.reveal, Qt.Key.Key_Space)
    assert secret.line.echoMode() == QLineEdit.EchoMode.Normal
    form.set_state(PROD)
    assert secret.line.echoMode() == QLineEdit.EchoMode.Password


def test_rules_are_ticked_with_what_they_mean(qtbot: QtBot, form: ProfileForm) -> None:
    form.set_state(STAGING)
    for name, (_, meaning) in RULES.items():
        assert form.ticks[name].accessibleDescription() == meaning
        with qtbot.waitSignal(form.changed):
            qtbot.keyClick(form.ticks[name], Qt.Key.Key_Space)
        assert getattr(form.state(), name)


def test_a_path_is_asked_for_and_taken(qtbot: QtBot, form: ProfileForm) -> None:
    form.set_state(PROD)
    with qtbot.waitSignal(form.browse_requested) as asked:
        qtbot.mouseClick(form._fields._browsers[0], Qt.MouseButton.LeftButton)
    assert asked.args == ["tls_ca_file"]
    form.set_path("tls_ca_file", "/etc/ca.pem")
    assert form.state().tls_ca_file == "/etc/ca.pem"


# --- the dialog


def test_the_built_in_one_can_be_tested_and_nothing_else(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    dialog.list.setCurrentRow(0)
    assert not dialog.form.lines["name"].isEnabled()
    assert dialog._note.isVisible()
    assert not dialog._delete.isEnabled()
    assert not dialog.save.isEnabled()
    with qtbot.waitSignal(dialog.test_requested) as asked:
        qtbot.mouseClick(dialog.test, Qt.MouseButton.LeftButton)
    assert asked.args == [LOCAL]


def test_a_change_is_saved_under_its_old_name(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    assert not dialog.save.isEnabled()
    append(qtbot, dialog, "-2")
    with qtbot.waitSignal(dialog.save_requested) as saved:
        qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    changed = dataclasses.replace(STAGING, name="staging-2")
    assert saved.args == ["staging", changed]
    dialog.set_profiles((LOCAL, changed, PROD), "staging-2")
    assert not dialog.changed()
    assert dialog.list.currentItem().text() == "staging-2"


def test_a_new_one_starts_with_its_name(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    qtbot.mouseClick(dialog._new, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(dialog.form.lines["name"], "fresh")
    with qtbot.waitSignal(dialog.save_requested) as saved:
        qtbot.mouseClick(dialog.save, Qt.MouseButton.LeftButton)
    assert saved.args[0] == ""
    assert saved.args[1].name == "fresh"


def test_a_copy_gets_a_free_name_and_keeps_the_rest(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    qtbot.mouseClick(dialog._copy, Qt.MouseButton.LeftButton)
    assert dialog.form.state() == dataclasses.replace(STAGING, name="staging copy")


def test_a_name_is_taken_once(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    dialog.form.lines["name"].setText("prod-eu")
    assert "prod-eu already" in dialog.save.toolTip()
    assert not dialog.save.isEnabled()


def test_deleting_asks_first(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    with qtbot.assertNotEmitted(dialog.delete_requested):
        qtbot.mouseClick(dialog._delete, Qt.MouseButton.LeftButton)
        answer(qtbot, dialog, "Keep")
    qtbot.mouseClick(dialog._delete, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(dialog.delete_requested) as deleted:
        answer(qtbot, dialog, "Delete")
    assert deleted.args == ["staging"]


@pytest.mark.parametrize("leave", ["close", "choose", "new"])
def test_changes_are_not_lost_unasked(qtbot: QtBot, dialog: ProfilesDialog, leave: str) -> None:
    append(qtbot, dialog, "x")
    if leave == "close":
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    elif leave == "choose":
        dialog.list.setFocus()
        qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    else:
        qtbot.mouseClick(dialog._new, Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    assert dialog.form.state().name == "stagingx"
    assert dialog.list.currentItem().text() == "staging"
    answer(qtbot, dialog, "Discard")
    assert dialog.isVisible() == (leave != "close")
    assert not dialog.changed()


def test_saving_first_then_goes_where_one_wanted(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    append(qtbot, dialog, "x")
    dialog.list.setFocus()
    qtbot.keyClick(dialog.list, Qt.Key.Key_Down)
    with qtbot.waitSignal(dialog.save_requested):
        answer(qtbot, dialog, "Save")
    dialog.set_profiles((LOCAL, dataclasses.replace(STAGING, name="stagingx"), PROD), "stagingx")
    assert dialog.form.state() == PROD


def test_a_test_tells_of_each_part_until_something_changes(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    dialog.show_testing()
    assert not dialog.test.isEnabled()
    rows = (
        Check("kafka", CheckState.PASSED, "Kafka: 3 brokers in 12 ms"),
        Check("redis", CheckState.FAILED, "Redis: refused"),
    )
    dialog.show_test(rows)
    assert dialog.test.isEnabled()
    assert dialog.tests.isVisible()
    assert dialog.tests.checks() == rows
    qtbot.keyClicks(dialog.form.lines["redis_addr"], "0")
    assert not dialog.tests.isVisible()


def test_where_passwords_are_kept_is_said(dialog: ProfilesDialog) -> None:
    dialog.set_secrets_note("There is no keyring: passwords are kept for this session only.")
    assert "this session only" in dialog._secrets.text()


def test_enter_in_a_field_presses_nothing(qtbot: QtBot, dialog: ProfilesDialog) -> None:
    append(qtbot, dialog, "x")
    with qtbot.assertNotEmitted(dialog.save_requested):
        qtbot.keyClick(dialog.form.lines["name"], Qt.Key.Key_Return)
    assert dialog.isVisible()
