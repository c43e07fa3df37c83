"""Draws the pictures of the documents: the program itself, driven from its start to a script that is live.

`python -m tests.shots FOLDER`; each picture in light and dark. Nothing of the user's is read or written.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QEventLoop
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog

import resources
from app.session import Session
from app.start import application
from app.studio import Studio
from engine.scripts.review import Standing
from widgets.approve_dialog import ApproveDialog
from widgets.publish_dialog import PublishDialog

SIZE = (1440, 900)
SCRIPT = "order_enrich"
LONGEST_MS = 30_000
REST_MS = 400  # until the layout has come to rest
SHADE = QColor(0, 0, 0, 70)


def wait(until: Callable[[], object], what: str) -> None:
    """Lets the program work until something is so."""
    timer = QElapsedTimer()
    timer.start()
    while not until():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        if timer.elapsed() > LONGEST_MS:
            raise SystemExit(f"waited too long for {what}")


def rest() -> None:
    """Lets the program come to rest."""
    timer = QElapsedTimer()
    timer.start()
    wait(lambda: timer.elapsed() > REST_MS, "rest")


def draw(studio: Studio, path: Path) -> None:
    """What a person sees: the window, and its dialog over it."""
    rest()
    picture = QPixmap(studio.window.grab())
    dialog = studio.publishing.dialog
    if isinstance(dialog, QDialog):
        over = dialog.grab()
        painter = QPainter(picture)
        painter.fillRect(picture.rect(), SHADE)
        painter.drawPixmap(
            (picture.width() - over.width()) // 2, (picture.height() - over.height()) // 2, over
        )
        painter.end()
    if not picture.save(str(path)):
        raise SystemExit(f"cannot write {path}")


def story(folder: Path, theme: str, scratch: Path) -> None:
    """From a script in the editor to the cluster that runs it."""
    examples = scratch / "examples"
    resources.copy_example_workspace(examples)
    studio = Studio(Session(), scratch / "drafts", theme, profiles=scratch / "profiles.yaml")
    studio.window.resize(*SIZE)
    studio.window.show()
    studio.workspace.open(examples, SCRIPT)
    wait(lambda: studio.preview.latest is not None and not studio.preview.busy, "the preview")
    studio.cluster.choose_local()
    wait(lambda: studio.cluster.overview.rows, "the local cluster")

    studio.publishing.publish(SCRIPT)
    wait(lambda: isinstance(studio.publishing.dialog, ApproveDialog), "the approve dialog")
    approving = studio.publishing.dialog
    assert isinstance(approving, ApproveDialog)
    wait(lambda: approving.review.checks.unmet() == 0, "the checks")
    approving.looked.setChecked(True)
    draw(studio, folder / f"approve-{theme}.png")
    approving.approve.click()
    wait(lambda: isinstance(studio.publishing.dialog, PublishDialog), "the publish dialog")
    publishing = studio.publishing.dialog
    assert isinstance(publishing, PublishDialog)
    draw(studio, folder / f"publish-{theme}.png")
    publishing.publish.click()
    wait(publishing.message.text, "the publication")
    wait(lambda: studio.cluster.standings.get(SCRIPT) is Standing.LIVE, "the badge")
    draw(studio, folder / f"published-{theme}.png")
    publishing.reject()
    studio.window.show_cluster(True)
    draw(studio, folder / f"cluster-{theme}.png")
    studio.window.close()
    studio.shut_down()


def main(folder: Path) -> None:
    """Draws all of them into a folder."""
    os.environ["HOWK_USER"] = "zoe"
    application()
    for theme in ("light", "dark"):
        with tempfile.TemporaryDirectory(prefix="howk-shots-") as scratch:
            story(folder, theme, Path(scratch))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
