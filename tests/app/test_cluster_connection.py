"""The connection to a cluster in the window: chosen, lost, found again, left; and the end of the program meanwhile."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.cluster.open_profile import Cluster, OpenCluster
from engine.cluster.profiles import Profile, ProfileStore
from engine.settings import KafkaSettings, SecurityProtocol
from tests.app.cluster_story import (
    LONG_MS,
    approve,
    children,
    connect_local,
    mirrored,
    publish_dialog,
    write_profile,
)
from tests.app.conftest import Stage, StudioMaker
from tests.app.driving import StallWatch, open_workspace, press
from tests.engine.redis_server import RedisServer

MANY = 10_000
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def silent() -> Iterator[str]:
    """An address where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_the_connection_that_was_chosen_last_counts(stage: Stage, qtbot: QtBot, redis: RedisServer) -> None:
    studio = stage.studio(redis, "swift")
    told: list[str] = []
    studio.cluster_service.ready.connect(lambda profile: told.append(profile.name))
    studio.cluster.choose(studio.profiles.profiles[0])
    studio.cluster.choose_local()  # before the secrets of the other have been read
    qtbot.waitUntil(lambda: bool(told), timeout=LONG_MS)
    qtbot.wait(500)
    assert told == ["Local"]
    assert studio.cluster.profile is not None
    assert studio.cluster.profile.name == "Local"


def test_a_publication_is_for_the_cluster_that_was_looked_at(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "aimed")
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish_dialog(studio, qtbot)
    connect_local(studio, qtbot)
    dialog.publish_requested.emit("1", "")
    qtbot.waitUntil(lambda: "connected anew since you looked" in dialog.message.text(), timeout=LONG_MS)
    assert mirrored(studio, "aimed") is None


def test_a_choice_that_cannot_be_opened_says_why_and_is_tried_again(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path
) -> None:
    missing = drafts.with_name("ca.pem")
    broken = KafkaSettings(
        brokers=("127.0.0.1:1",), security_protocol=SecurityProtocol.SSL, tls_ca_file=str(missing)
    )
    profile = Profile("Broken", kafka=broken)
    ProfileStore(drafts.with_name("profiles.yaml")).put(profile)
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: bool(studio.profiles.profiles), timeout=LONG_MS)
    studio.window.show_cluster(True)
    with qtbot.waitSignal(studio.cluster_service.refused, timeout=LONG_MS) as refused:
        studio.cluster.choose(studio.profiles.profiles[0])
    assert refused.args is not None
    assert "tls_ca_file" in refused.args[0]
    state = studio.window.cluster._state
    assert state.text() == refused.args[0]
    with qtbot.waitSignal(studio.cluster_service.refused, timeout=LONG_MS):
        state.button.click()


def test_a_cluster_that_is_not_there_says_why_and_can_be_left(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path
) -> None:
    write_profile(drafts.with_name("profiles.yaml"), "127.0.0.1:1", "127.0.0.1:2")
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: bool(studio.profiles.profiles), timeout=LONG_MS)
    with qtbot.waitSignal(studio.cluster_service.failed, timeout=LONG_MS) as failed:
        studio.cluster.choose(studio.profiles.profiles[0])
    assert failed.args is not None
    assert "127.0.0.1:1" in failed.args[0]
    assert ".." not in studio.window.cluster._state.text()
    assert "Kafka: failed" in studio.window.badge.toolTip()
    with qtbot.waitSignal(studio.cluster_service.failed, timeout=LONG_MS):
        studio.window.cluster._state.button.click()
    studio.cluster.disconnect_cluster()
    assert studio.cluster.look is None
    assert "No cluster" in studio.window.badge.toolTip()


def test_connecting_is_left_at_once(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path, silent: str
) -> None:
    write_profile(drafts.with_name("profiles.yaml"), silent, silent)
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    qtbot.waitUntil(lambda: bool(studio.profiles.profiles), timeout=LONG_MS)
    press(qtbot, studio, "cluster.view")
    with qtbot.waitSignal(studio.cluster_service.opening, timeout=LONG_MS):
        studio.cluster.choose(studio.profiles.profiles[0])
    qtbot.wait(100)
    assert "connecting" in studio.window.badge.toolTip()
    studio.window.cluster.cancel_requested.emit()
    assert "No cluster" in studio.window.badge.toolTip()
    connect_local(studio, qtbot)


def test_a_record_that_is_no_script_is_a_problem_in_the_view(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    studio = stage.studio(redis, "sound")

    async def spoil(_publisher: object, cluster: OpenCluster) -> None:
        assert isinstance(cluster, Cluster)
        await cluster.kafka.produce("howk.scripts", "spoilt:1", b"{")

    studio.cluster_service.act(spoil, done=lambda _nothing: None, failed=studio.messages.error)
    press(qtbot, studio, "cluster.view")
    strip = studio.window.cluster.problems
    qtbot.waitUntil(strip.isVisible, timeout=LONG_MS)
    qtbot.waitUntil(
        lambda: any(one.config_id == "spoilt:1" for one in studio.cluster.overview.problems), timeout=LONG_MS
    )


# --- the end of the program


def test_a_window_that_closes_while_it_connects_leaves_nothing_behind(
    make_studio: StudioMaker, qtbot: QtBot, folder: Path
) -> None:
    before = children()
    studio = make_studio()
    open_workspace(studio, qtbot, folder)
    studio.actions.trigger("cluster.local")
    qtbot.waitUntil(lambda: len(children() - before) >= 3, timeout=LONG_MS)
    make_studio.end(studio)
    assert children() <= before


def test_a_window_that_closes_while_it_publishes_leaves_nothing_behind(
    stage: Stage, qtbot: QtBot, redis: RedisServer
) -> None:
    before = children()
    studio = stage.studio(redis, "leaving")
    press(qtbot, studio, "cluster.publish")
    approve(studio, qtbot)
    dialog = publish_dialog(studio, qtbot)
    redis.hang()
    dialog.publish.click()
    qtbot.waitUntil(lambda: not dialog.publish.isEnabled(), timeout=LONG_MS)
    stage.make_studio.end(studio)
    assert children() <= before


# --- many


def test_the_window_answers_while_many_scripts_arrive(
    stage: Stage, qtbot: QtBot, redis: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    studio = stage.studio(redis, "many")
    press(qtbot, studio, "cluster.view")
    command = [sys.executable, "-m", "tests.app.fill_topic", stage.kafka, str(MANY)]
    with StallWatch(studio) as watch, subprocess.Popen(command, cwd=ROOT) as filling:
        qtbot.waitUntil(lambda: len(studio.cluster.overview.rows) >= MANY, timeout=60_000)
        qtbot.wait(300)
    assert filling.returncode == 0
    with capsys.disabled():
        print(f"\n{MANY} scripts arrived; the window stood still for {watch.longest_ms:.0f} ms at most")
    view = studio.window.cluster
    view.filter.setFocus()
    qtbot.keyClicks(view.filter, "many7:")
    assert view.table.model().rowCount() == 100
