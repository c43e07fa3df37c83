"""A real studio on a workspace of its own, as a person sees it, ended before the test is; and clusters for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

import resources
from app.session import Session
from app.studio import Studio
from engine.cluster.profiles import ProfileRules
from tests.app.cluster_story import connect, write_profile
from tests.app.driving import open_workspace
from tests.engine.redis_server import RedisServer
from tests.engine.test_cli_scripts import local_cluster


@pytest.fixture(autouse=True)
def _zoe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who acts."""
    monkeypatch.setenv("HOWK_USER", "zoe")


@pytest.fixture
def drafts(tmp_path: Path) -> Path:
    """Where this test's drafts are."""
    return tmp_path / "drafts"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the bundled examples."""
    folder = tmp_path / "examples"
    resources.copy_example_workspace(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with one plain script, `first`, that passes its payload on."""
    made = tmp_path / "workspace"
    made.mkdir()
    (made / "first.lua").write_text("request.body = payload\n")
    return made


class StudioMaker:
    """Starts studios, and ends them like a program that is quit."""

    def __init__(self, qtbot: QtBot, drafts: Path) -> None:
        self._qtbot, self._drafts = qtbot, drafts
        self._running: list[Studio] = []

    def __call__(self, session: Session | None = None, drafts: Path | None = None) -> Studio:
        profiles = self._drafts.with_name("profiles.yaml")  # not the user's own
        studio = Studio(session or Session(), drafts or self._drafts, profiles=profiles)
        self._running.append(studio)
        studio.window.resize(1400, 900)
        studio.window.show()
        with self._qtbot.waitActive(studio.window):
            studio.window.activateWindow()
        return studio

    def end(self, studio: Studio) -> None:
        """The window closes, the background ends, and Qt's objects go."""
        self._running.remove(studio)
        studio.quit()
        studio.shut_down()
        studio.window.deleteLater()
        studio.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()

    def end_all(self) -> None:
        """For the end of the test."""
        for studio in list(self._running):
            self.end(studio)


@pytest.fixture
def make_studio(qtbot: QtBot, drafts: Path) -> Iterator[StudioMaker]:
    """Starts studios whose drafts are in `drafts`."""
    maker = StudioMaker(qtbot, drafts)
    yield maker
    maker.end_all()


@pytest.fixture
def studio(make_studio: StudioMaker, qtbot: QtBot, folder: Path) -> Studio:
    """A studio on `folder`, with `first` in front."""
    made = make_studio()
    open_workspace(made, qtbot, folder)
    return made


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Address of a Kafka for all tests: each uses config_ids of its own."""
    with local_cluster() as (address, _redis):
        yield address


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one test."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as server:
        yield server


@dataclass
class Stage:
    """Makes a studio that is connected to a profile of the session's Kafka and the test's own Redis."""

    make_studio: StudioMaker
    qtbot: QtBot
    folder: Path
    drafts: Path
    kafka: str

    def studio(self, redis: RedisServer, name: str, rules: ProfileRules | None = None) -> Studio:
        """With a script of the test's own name in front."""
        (self.folder / "first.lua").rename(self.folder / f"{name}.lua")
        write_profile(self.drafts.with_name("profiles.yaml"), self.kafka, redis.addr, rules)
        studio = self.make_studio()
        open_workspace(studio, self.qtbot, self.folder)
        connect(studio, self.qtbot, "Staging")
        return studio


@pytest.fixture
def stage(make_studio: StudioMaker, qtbot: QtBot, folder: Path, drafts: Path, kafka: str) -> Stage:
    """For what happens on a cluster."""
    return Stage(make_studio, qtbot, folder, drafts, kafka)
