"""A script's way to a cluster through the window, on a real local cluster: published, refused, repaired, taken back."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
import redis as redis_library
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.studio import Studio
from engine.cluster.connection import Phase
from engine.cluster.profiles import Profile, ProfileRules, ProfileStore
from engine.model import ScriptConfig, script_hash
from engine.preview_calls import CallMode
from engine.scripts.compare import Difference
from engine.scripts.review import Standing
from engine.scripts.review_store import ReviewStore
from engine.workspace import Workspace
from tests.app.cluster_story import (
    LONG_MS,
    approve,
    approve_dialog,
    back_in_window,
    choose_in,
    connect,
    connect_local,
    last_record,
    mirrored,
    publish,
    publish_dialog,
    published,
    save_and_go_on,
    take_live,
    wait_standing,
)
from tests.app.conftest import Stage, StudioMaker
from tests.app.driving import (
    document,
    message,
    open_workspace,
    press,
    run_after,
    shown_body,
    wait_message,
    write,
)
from tests.engine.api.process import served
from tests.engine.redis_server import RedisServer
from widgets.approve_dialog import ApproveDialog
from widgets.history_view import HistoryView
from widgets.publish_dialog import PublishDialog

CODE = "request.body = payload\n"
NAME = "first"


# --- the whole way


def test_from_a_press_to_live_on_the_local_cluster(studio: Studio, qtbot: QtBot) -> None:
    press(qtbot, studio, "cluster.publish")
    wait_message(studio, qtbot, "Where is first to go?")
    focused = QApplication.focusWidget()
    assert isinstance(focused, QPushButton)
    assert focused.text() == "Local"
    qtbot.keyClick(focused, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is document(studio).editor, "back where it was"
    assert "no test cases" in approve_dialog(studio, qtbot).review.checks.checks()[1].text
    approve(studio, qtbot)
    dialog = publish(studio, qtbot)
    assert dialog.message.text() == "first version 1 is live on Local."
    wait_standing(studio, qtbot, NAME, Standing.LIVE)
    entry = mirrored(studio, NAME)
    assert entry is not None
    assert (entry["config_id"], entry["lua_code"], entry["hash"], entry["version"]) == (
        NAME, CODE, script_hash(CODE), "1",
    )  # fmt: skip
    qtbot.waitUntil(
        lambda: studio.cluster.overview.rows[0].who == "zoe", timeout=LONG_MS
    )  # the journal follows
    (row,) = studio.cluster.overview.rows
    assert row.kafka_hash == row.redis_hash == script_hash(CODE)
    assert row.differences == ()
    assert all(phase is Phase.CONNECTED for phase in (state.phase for _, state in studio.cluster._parts))


def test_what_is_live_already_is_not_published_again(studio: Studio, qtbot: QtBot) -> None:
    connect_local(studio, qtbot)
    take_live(studio, qtbot, NAME)
    press(qtbot, studio, "cluster.publish")
    wait_message(studio, qtbot, "first is live on Local already")
    assert studio.publishing.dialog is None
    studio.actions.trigger("cluster.approve")
    versions = approve_dialog(studio, qtbot)._versions
    assert versions.texts(0)[1] == "1"
    assert versions.texts(0)[4] == "zoe"


def test_an_edit_voids_an_approval_and_unsaved_text_is_saved_first(studio: Studio, qtbot: QtBot) -> None:
    connect_local(studio, qtbot)
    take_live(studio, qtbot, NAME)
    write(studio, "x = 2")
    press(qtbot, studio, "cluster.publish")
    save_and_go_on(studio, qtbot)
    dialog = approve_dialog(studio, qtbot)
    assert not dialog.approve.isEnabled(), "the difference was not looked at yet"
    wait_standing(studio, qtbot, NAME, Standing.DRAFT)
    approve(studio, qtbot)
    assert publish(studio, qtbot).message.text() == "first version 2 is live on Local."
    authors = ReviewStore(Workspace(studio.workspace.folder())).read(NAME).authors
    assert [(author.who, author.hash) for author in authors] == [("zoe", script_hash("x = 2"))]


def test_a_question_goes_with_escape_and_is_reached_by_key(studio: Studio, qtbot: QtBot) -> None:
    press(qtbot, studio, "cluster.publish")
    wait_message(studio, qtbot, "Where is first to go?")
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert message(studio) == ""
    assert QApplication.focusWidget() is document(studio).editor
    press(qtbot, studio, "cluster.publish")
    wait_message(studio, qtbot, "Where is first to go?")
    press(qtbot, studio, "go.editor")
    press(qtbot, studio, "go.message")
    assert isinstance(QApplication.focusWidget(), QPushButton)


def test_the_cluster_and_the_scripts_are_reached_by_key(studio: Studio, qtbot: QtBot) -> None:
    (Path(studio.workspace.folder()) / "other.lua").write_text(CODE)
    connect_local(studio, qtbot)
    window = studio.window
    press(qtbot, studio, "go.editor")
    press(qtbot, studio, "cluster.view")
    table = window.cluster.table
    assert QApplication.focusWidget() is table
    qtbot.waitUntil(lambda: table.model().rowCount() == 2, timeout=LONG_MS)
    qtbot.keyClick(table, Qt.Key.Key_End)
    press(qtbot, studio, "cluster.publish")
    assert approve_dialog(studio, qtbot).windowTitle() == "Approve other"
    dialog = studio.publishing.dialog
    assert dialog is not None
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    back_in_window(studio, qtbot)
    press(qtbot, studio, "edit.find")
    assert QApplication.focusWidget() is window.cluster.filter
    press(qtbot, studio, "cluster.view")
    assert QApplication.focusWidget() is document(studio).editor
    press(qtbot, studio, "cluster.view")
    press(qtbot, studio, "go.payload")
    assert not window.shows_cluster
    assert window.input.payload.isAncestorOf(QApplication.focusWidget())


def test_enter_pressed_twice_publishes_once(studio: Studio, qtbot: QtBot) -> None:
    connect_local(studio, qtbot)
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish_dialog(studio, qtbot)
    dialog.publish.setFocus()
    qtbot.keyClick(dialog.publish, Qt.Key.Key_Return)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(dialog.message.text()), timeout=LONG_MS)
    qtbot.wait(300)
    journal = (Path(studio.workspace.folder()) / "reviews" / "journal.jsonl").read_text()
    assert len(journal.splitlines()) == 1


def test_each_step_is_a_badge_in_the_tree_and_a_record_as_the_wire_contract_says(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "badges")
    config = {"limit": 3, "name": "<é>"}
    (stage.folder / "badges.json").write_text(json.dumps(config))
    wait_standing(studio, qtbot, "badges", Standing.DRAFT)
    studio.actions.trigger("cluster.approve")
    approve(studio, qtbot)
    wait_standing(studio, qtbot, "badges", Standing.APPROVED)
    back_in_window(studio, qtbot)
    press(qtbot, studio, "cluster.publish")
    dialog = publish(studio, qtbot)
    assert "is live on Staging" in dialog.message.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    wait_standing(studio, qtbot, "badges", Standing.LIVE)

    record = last_record(stage.kafka, "badges")
    script = json.loads(record.value or b"")
    assert script == {
        "config_id": "badges", "lua_code": CODE, "hash": hashlib.sha256(CODE.encode()).hexdigest(),
        "version": "1", "script_config": config,
        "created_at": script["created_at"], "updated_at": script["created_at"],
    }  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", script["created_at"])
    headers = {"script_hash": script["hash"].encode(), "version": b"1"}
    assert dict(record.headers) == headers
    assert mirrored(studio, "badges") == script

    studio.publishing.delete("badges")
    publish(studio, qtbot)
    record = last_record(stage.kafka, "badges")
    assert not record.value
    assert dict(record.headers) == {"operation": b"delete"}


# --- refusals


def test_a_script_with_an_error_or_a_red_case_cannot_be_approved(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    tests = folder / "tests" / NAME
    tests.mkdir(parents=True)
    (tests / "red.json").write_text(json.dumps({"payload": {}, "expected": {"body": "other"}}))
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    connect_local(studio, qtbot)
    studio.actions.trigger("cluster.approve")
    qtbot.waitUntil(lambda: isinstance(studio.publishing.dialog, ApproveDialog), timeout=LONG_MS)
    dialog = studio.publishing.dialog
    assert isinstance(dialog, ApproveDialog)
    qtbot.waitUntil(lambda: "1 of 1 cases fail: red" in str(dialog.review.checks.checks()), timeout=LONG_MS)
    qtbot.keyClick(dialog.looked, Qt.Key.Key_Space)
    assert dialog.looked.isChecked()
    assert not dialog.approve.isEnabled()
    (link,) = [one for one in dialog.review.checks.findChildren(QToolButton) if one.isVisible()]
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    assert studio.publishing.dialog is None
    assert studio.window.tests.isVisible()


def test_a_read_only_profile_is_refused_by_the_engine(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "readonly", ProfileRules(read_only=True))
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish_dialog(studio, qtbot)
    dialog.publish_requested.emit("1", "")  # whatever the button allows
    qtbot.waitUntil(lambda: "read-only" in dialog.message.text(), timeout=LONG_MS)
    assert mirrored(studio, "readonly") is None


def test_nobody_approves_their_own_text_where_that_is_forbidden(
    stage: Stage, qtbot: QtBot, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = ProfileRules(approver_not_author=True)
    studio = stage.studio(redis, "strict", rules)
    write(studio, "x = 1")
    press(qtbot, studio, "cluster.publish")
    save_and_go_on(studio, qtbot)
    approve(studio, qtbot)
    dialog = studio.publishing.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: "zoe wrote on this text" in dialog.message.text(), timeout=LONG_MS)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    monkeypatch.setenv("HOWK_USER", "max")
    studio.publishing.publish("strict")
    approve(studio, qtbot)
    assert "is live on Staging" in publish(studio, qtbot).message.text()


def test_production_is_confirmed_by_typing(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "prod", ProfileRules(production=True))
    assert studio.window.strip.isVisible()
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish_dialog(studio, qtbot)
    assert not dialog.publish.isEnabled()
    qtbot.keyClicks(dialog.confirm, "Staging/prod")
    assert "is live on Staging" in publish(studio, qtbot).message.text()


def test_who_comes_second_is_told_what_changed(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "contested")
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish_dialog(studio, qtbot)
    theirs = ScriptConfig("contested", "x = 9", script_hash("x = 9"), "7", None, "", "2026-01-02T03:04:05Z")
    published(studio, qtbot, theirs)
    dialog = publish(studio, qtbot)
    for told in ("was changed on Staging since you looked", theirs.hash[:12], "version 7"):
        assert told in dialog.message.text()
    wait_standing(studio, qtbot, "contested", Standing.DRIFTED)
    dialog.look_again_requested.emit()
    again = approve_dialog(studio, qtbot)
    assert again is not dialog
    approve(studio, qtbot)
    assert "version 8 is live" in publish(studio, qtbot).message.text()


def test_a_redis_that_goes_is_told_and_repaired(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "mirrored")
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    publish_dialog(studio, qtbot)
    redis.stop()
    dialog = publish(studio, qtbot)
    assert "is live on Staging: Kafka has it" in dialog.message.text()
    assert "connection refused" in dialog.message.text()
    qtbot.waitUntil(lambda: "refused" in studio.window.badge.toolTip(), timeout=LONG_MS)
    redis.start()
    dialog.repair_requested.emit()
    qtbot.waitUntil(
        lambda: dialog.message.text() == "mirrored version 1 is live on Staging.", timeout=LONG_MS
    )
    entry = mirrored(studio, "mirrored")
    assert entry is not None
    assert entry["hash"] == script_hash(CODE)


def test_a_deletion_that_comes_second_begins_anew_as_a_deletion(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "wanted")
    take_live(studio, qtbot, "wanted")
    studio.publishing.delete("wanted")
    dialog = publish_dialog(studio, qtbot)
    theirs = ScriptConfig("wanted", "x = 9", script_hash("x = 9"), "7", None, "", "2026-01-02T03:04:05Z")
    published(studio, qtbot, theirs)
    publish(studio, qtbot)
    choose_in(dialog.message, "Look at the difference again")
    qtbot.waitUntil(lambda: studio.publishing.dialog not in {None, dialog}, timeout=LONG_MS)
    again = publish_dialog(studio, qtbot)
    assert again.windowTitle().startswith("Delete wanted")
    assert "is deleted from Staging" in publish(studio, qtbot).message.text()


def test_a_text_that_was_written_anew_is_looked_at_again(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "rewritten")
    press(qtbot, studio, "cluster.publish")
    dialog = approve_dialog(studio, qtbot)
    (stage.folder / "rewritten.lua").write_text("x = 2")  # another program
    approve(studio, qtbot)
    qtbot.waitUntil(lambda: studio.publishing.dialog not in {None, dialog}, timeout=LONG_MS)
    again = approve_dialog(studio, qtbot)
    assert "was written anew since you looked" in again.message.text()
    assert not again.looked.isChecked()
    qtbot.waitUntil(lambda: not again.review.checks.unmet(), timeout=LONG_MS)
    approve(studio, qtbot)
    publish(studio, qtbot)
    entry = mirrored(studio, "rewritten")
    assert entry is not None
    assert entry["lua_code"] == "x = 2"


def test_approve_pressed_twice_leads_to_one_publication(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "twice")
    press(qtbot, studio, "cluster.publish")
    dialog = approve_dialog(studio, qtbot)
    dialog.looked.setChecked(True)
    qtbot.waitUntil(dialog.approve.isEnabled, timeout=LONG_MS)
    dialog.approve.setFocus()
    qtbot.keyClick(dialog.approve, Qt.Key.Key_Return)
    qtbot.keyClick(dialog.approve, Qt.Key.Key_Return)
    publish_dialog(studio, qtbot)
    qtbot.wait(500)
    assert len([one for one in studio.window.findChildren(PublishDialog) if one.isVisible()]) == 1


# --- what is there, and the way back


def test_the_view_shows_differences_and_repairs_them(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "seen")
    take_live(studio, qtbot, "seen")
    with redis_library.Redis(port=redis.port) as client:
        client.flushall()
    studio.cluster_service.refresh()

    def row() -> object:
        return next((row for row in studio.cluster.overview.rows if row.config_id == "seen"), None)

    qtbot.waitUntil(lambda: Difference.REDIS_MISSING in getattr(row(), "differences", ()), timeout=LONG_MS)
    press(qtbot, studio, "cluster.view")
    assert studio.window.cluster.isVisible()
    studio.window.cluster.repair_requested.emit(("seen",))
    qtbot.waitUntil(lambda: getattr(row(), "differences", None) == (), timeout=LONG_MS)
    assert "The mirror is repaired" in message(studio)


def test_a_script_is_taken_back_and_deleted(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "back")
    take_live(studio, qtbot, "back")
    write(studio, "x = 2")
    with qtbot.waitSignal(studio.documents.saved, timeout=LONG_MS):
        studio.editors.save()
    take_live(studio, qtbot, "back")
    studio.cluster.show_history("back")
    view = studio.cluster._history
    assert isinstance(view, HistoryView)
    qtbot.waitUntil(lambda: view.table.model().rowCount() == 2, timeout=LONG_MS)
    older = view._model.rows[1]
    assert (older.script and older.script.version, older.who) == ("1", "zoe")
    assert view.window().focusWidget() is view.table
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    qtbot.waitUntil(view.diff.isVisible, timeout=LONG_MS)
    assert view._roll_back.isEnabled()
    view._roll_back.click()
    assert "back version 1 is live" in publish(studio, qtbot).message.text()
    dialog = studio.publishing.dialog
    assert dialog is not None
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    entry = mirrored(studio, "back")
    assert entry is not None
    assert entry["hash"] == script_hash(CODE)
    studio.publishing.delete("back")
    assert "back is deleted from Staging." in publish(studio, qtbot).message.text()
    assert mirrored(studio, "back") is None
    assert (stage.folder / "back.lua").exists()


# --- previews with real answers


def test_a_live_preview_asks_the_redis_of_the_cluster_and_leaves_it_as_it_is(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "caller")
    with redis_library.Redis(port=redis.port) as client:
        client.set("lua:kv:caller:k", "from the cluster")
        write(studio, 'local kv = require("kv")\nrequest.body = kv.get("k")\nkv.set("k", "changed")')
        studio.actions.trigger("run.calls_live")
        assert f"Staging: Redis {redis.addr}" in studio.calls._note()
        run_after(studio, qtbot, lambda: studio.actions.trigger("run.now"))
        assert shown_body(studio) == "from the cluster"
        assert client.get("lua:kv:caller:k") == b"from the cluster"
    studio.cluster.disconnect_cluster()
    assert studio.calls.mode is CallMode.RECORDED, "nobody asked for live on another cluster"


def test_a_script_goes_live_through_the_api_of_a_cluster(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    (stage.folder / f"{NAME}.lua").rename(stage.folder / "through_api.lua")
    with served(stage.kafka, redis.addr) as (url, _process):
        ProfileStore(stage.drafts.with_name("profiles.yaml")).put(
            Profile("Remote", through_api=True, api_url=url)
        )
        studio = stage.make_studio()
        open_workspace(studio, qtbot, stage.folder)
        connect(studio, qtbot, "Remote")
        assert "API: connected" in studio.window.badge.toolTip()
        assert take_live(studio, qtbot, "through_api") == "through_api version 1 is live on Remote."
        with redis_library.Redis(port=redis.port) as client:
            assert json.loads(client.get("script:through_api"))["lua_code"] == CODE
        studio.cluster.disconnect_cluster()
