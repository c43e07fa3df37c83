"""A real studio on a workspace of its own, as a person sees it, ended before the test is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

import resources
from app.session import Session
from app.studio import Studio
from tests.app.driving import open_workspace

MakeStudio = Callable[..., Studio]


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


@pytest.fixture
def make_studio(qtbot: QtBot, drafts: Path) -> Iterator[MakeStudio]:
    """Starts studios; one that still runs at the end of the test is ended like a program that is quit."""
    running: list[Studio] = []

    def make(session: Session | None = None, drafts_folder: Path = drafts) -> Studio:
        studio = Studio(session or Session(), drafts_folder)
        running.append(studio)
        studio.window.resize(1400, 900)
        studio.window.show()
        studio.window.activateWindow()
        qtbot.waitExposed(studio.window)
        return studio

    yield make
    for studio in running:
        end(studio)


@pytest.fixture
def studio(make_studio: MakeStudio, qtbot: QtBot, folder: Path) -> Studio:
    """A studio on `folder`, with `first` in front."""
    made = make_studio()
    open_workspace(made, qtbot, folder)
    return made


def end(studio: Studio) -> None:
    """Quits: the window closes, the background ends, and Qt's objects go."""
    studio.quit()
    studio.shut_down()
    studio.window.deleteLater()
    studio.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
