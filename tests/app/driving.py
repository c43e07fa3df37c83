"""How the application's tests drive a studio: open a script, type, run, and look at what is shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.document import Document
from app.preview import PreviewResult
from app.studio import Studio

WAIT_MS = 10_000


def open_workspace(studio: Studio, qtbot: QtBot, folder: Path, front: str = "") -> None:
    """Opens a folder and waits until all that it opens is open."""
    with qtbot.waitSignal(studio.workspace.scripts_wanted, timeout=WAIT_MS):
        studio.workspace.open(folder, front)
    qtbot.waitUntil(lambda: not studio.documents.opening, timeout=WAIT_MS)


def open_script(studio: Studio, qtbot: QtBot, config_id: str) -> Document:
    """Opens a script of the workspace and waits until it is in front."""
    studio.documents.open_script(config_id)
    qtbot.waitUntil(lambda: front(studio) == config_id, timeout=WAIT_MS)
    return document(studio)


def document(studio: Studio) -> Document:
    """The document in front."""
    current = studio.editors.current
    assert current is not None
    return current


def front(studio: Studio) -> str:
    """The config_id in front; empty when no script is open."""
    return studio.editors.current.config_id if studio.editors.current else ""


def run_after(studio: Studio, qtbot: QtBot, act: Callable[[], None], wait_ms: int = WAIT_MS) -> PreviewResult:
    """Does something that makes a run, and waits until all that it started is shown."""
    with qtbot.waitSignal(studio.preview.ran, timeout=wait_ms):
        act()
    return wait_run(studio, qtbot, wait_ms)


def wait_run(studio: Studio, qtbot: QtBot, wait_ms: int = WAIT_MS) -> PreviewResult:
    """Waits until what is shown is the result of all that was typed."""
    document(studio).editor.flush_edited()
    studio.window.input.payload.flush_changed()
    qtbot.waitUntil(lambda: not studio.preview.busy, timeout=wait_ms)
    result = studio.preview.latest
    assert result is not None
    return result


def write(studio: Studio, script: str) -> None:
    """Replaces the script in front, as a paste over everything would."""
    document(studio).editor.replace_all_text(script.encode())


def type_lines(qtbot: QtBot, target: QWidget, text: str) -> None:
    """Types a text key by key, as a person who does not look at what the editor offers."""
    for number, line in enumerate(text.split("\n")):
        if number:
            qtbot.keyClick(target, Qt.Key.Key_Return)
        qtbot.keyClicks(target, line)


def press(qtbot: QtBot, studio: Studio, action: str) -> None:
    """Presses an action's shortcut on whatever has the focus."""
    sequence = studio.actions.by_id[action].shortcut()
    assert sequence.count() == 1
    combination = sequence[0]
    target = QApplication.focusWidget() or studio.window
    qtbot.keyClick(target, combination.key(), combination.keyboardModifiers())


def message(studio: Studio) -> str:
    """What the message bar says; empty when it says nothing."""
    return studio.window.message_bar.text()


def wait_message(studio: Studio, qtbot: QtBot, part: str) -> str:
    """Waits until the message bar says something with `part` in it."""
    qtbot.waitUntil(lambda: part in message(studio), timeout=WAIT_MS)
    return message(studio)


def choose_in_message(studio: Studio, label: str) -> None:
    """Presses a button of the message bar."""
    buttons = [
        found for found in studio.window.message_bar.findChildren(QPushButton) if found.text() == label
    ]
    assert buttons, f"the message bar has no button {label!r}"
    buttons[-1].click()


def answer(studio: Studio, qtbot: QtBot, label: str) -> None:
    """Waits for a question and presses the button of that name."""
    qtbot.waitUntil(lambda: question(studio) is not None, timeout=WAIT_MS)
    box = question(studio)
    assert box is not None
    named = [button for button in box.buttons() if button.text().replace("&", "") == label]
    assert named, f"no button {label!r} in {[button.text() for button in box.buttons()]}"
    press_button(named[0])


def press_button(button: QAbstractButton) -> None:
    """Presses it with the keyboard's way, so that a hidden button fails the test."""
    assert button.isVisible()
    button.click()


def question(studio: Studio) -> QMessageBox | None:
    """The question that is asked now."""
    boxes = [box for box in studio.window.findChildren(QMessageBox) if box.isVisible()]
    return boxes[-1] if boxes else None


def shown_body(studio: Studio) -> str:
    """The text of Output > Body."""
    return studio.window.output.body.editor.bytes_().decode()


def shown_headers(studio: Studio) -> list[tuple[str, str, str]]:
    """Change, name and value of each row of Output > Headers."""
    model = studio.window.output.headers.table.model()
    return [
        (model.index(row, 0).data(), model.index(row, 1).data(), model.index(row, 2).data())
        for row in range(model.rowCount())
    ]


def shown_problems(studio: Studio) -> list[str]:
    """The messages in Problems."""
    model = studio.window.problems.table.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


class StallWatch(QObject):
    """Measures how long the event loop did not come round, with a timer that should fire every 5 ms."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.longest_ms = 0.0
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> StallWatch:
        self._last = time.perf_counter()
        self._timer.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._tick()
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.longest_ms = max(self.longest_ms, (now - self._last) * 1000)
        self._last = now
