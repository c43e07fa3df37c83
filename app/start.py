"""Starts the window: the Qt application, the studio, and the one-time drawing into a picture."""

from __future__ import annotations

import gc
import signal
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import resources
from app.session import Session, data_folder
from app.studio import Studio

SCREENSHOT_SIZE = (1440, 900)
SCREENSHOT_LIMIT_MS = 20_000
_SETTLE_MS = 250  # after the result is in: the caret, the scroll bars and the layout come to rest


def application() -> QApplication:
    """The one QApplication, in the style that the themes are drawn for."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    made = QApplication(sys.argv[:1])
    made.setApplicationName("howk-studio")
    made.setApplicationDisplayName("HOWK Studio")
    made.setStyle("Fusion")
    made.setWindowIcon(QIcon(str(resources.icon_path("howk-studio"))))
    return made


def open_window(workspace: Path | None, screenshot: Path | None, theme: str, script: str) -> int:
    """Runs the window until it is closed, or draws it once; returns the exit code."""
    qt = application()
    if screenshot is not None:
        return _draw_once(qt, workspace, screenshot, theme or "light", script)
    session = Session.of_user()
    studio = Studio(session, data_folder() / "drafts", theme)
    studio.window.show()
    open_first_workspace(studio, workspace, script)
    signal.signal(signal.SIGTERM, lambda *_: studio.quit())
    signal.signal(signal.SIGINT, lambda *_: studio.quit())
    waker = QTimer()  # Python runs its signal handlers only when some Python code runs
    waker.start(500)
    waker.timeout.connect(lambda: None)
    gc.freeze()  # what the program is made of stays: the collector, which stops every thread, need not look through it
    code = qt.exec()
    studio.shut_down()
    return code


def open_first_workspace(studio: Studio, workspace: Path | None, script: str) -> None:
    """Opens the workspace named, else the last one, else the examples."""
    recent = studio.session.workspaces
    if workspace is not None:
        studio.workspace.open(workspace, script)
    elif recent and recent[0].is_dir():
        studio.workspace.open(recent[0], script)
    else:
        studio.workspace.open_examples()


def _draw_once(qt: QApplication, workspace: Path | None, picture: Path, theme: str, script: str) -> int:
    """Opens the window on a workspace or the examples, waits for the preview, and saves what is seen."""
    with tempfile.TemporaryDirectory(prefix="howk-studio-") as scratch:
        folder = workspace
        if folder is None:
            folder = Path(scratch) / "examples"
            resources.copy_example_workspace(folder)
        studio = Studio(Session(), Path(scratch) / "drafts", theme)
        studio.window.resize(*SCREENSHOT_SIZE)
        outcome = [f"nothing to draw within {SCREENSHOT_LIMIT_MS // 1000} s"]

        def draw() -> None:
            outcome[0] = "" if studio.window.grab().save(str(picture)) else f"cannot write {picture}"
            qt.quit()

        studio.preview.ran.connect(lambda _result: QTimer.singleShot(_SETTLE_MS, draw))
        QTimer.singleShot(SCREENSHOT_LIMIT_MS, qt.quit)
        studio.window.show()
        studio.workspace.open(folder, script)
        qt.exec()
        studio.shut_down()
    if outcome[0]:
        sys.stderr.write(f"howk-studio: {outcome[0]}\n")
        return 2
    return 0
