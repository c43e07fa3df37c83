"""A real Studio window on a scratch workspace, driven by real key events, and the time of what it paints."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import (
    QCoreApplication,
    QElapsedTimer,
    QEvent,
    QEventLoop,
    QMessageLogContext,
    QObject,
    Qt,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.preview import PreviewResult
from app.session import Session
from app.start import application
from app.studio import Studio
from widgets.lua_editor import LuaEditor

CONFIG_ID = "bench"
WAIT_SECONDS = 30.0
_DIGITS = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_6)


class Painted(QObject):
    """Notes when the window finished painting the page in front of the Output side, after each new result.

    Attributes:
        result: number of the latest result that the Output side was given.
        shown: number of the latest result that was painted (one that looks like the last is not painted again).
        at: when its painting ended, by `time.perf_counter`.
    """

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.result, self.shown, self.at = 0, 0, 0.0
        self._studio, self._dirty = studio, False
        studio.preview.ran.connect(self._ran)
        studio.window.installEventFilter(self)
        for part in studio.window.output.findChildren(QWidget):
            part.installEventFilter(self)

    def _ran(self, result: PreviewResult) -> None:
        self.result, self._dirty = result.number, False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and watched is not self._studio.window:
            page = self._studio.window.output._pages.currentWidget()
            self._dirty |= isinstance(watched, QWidget) and page is not None and page.isAncestorOf(watched)
        elif event.type() == QEvent.Type.UpdateRequest and watched is self._studio.window:
            self._studio.window.event(event)  # paints and flushes everything that asked for it
            if self._dirty and self.result > self.shown:
                self.shown, self.at = self.result, time.perf_counter()
            return True
        return False


class Driver:
    """The window and what a person does with it.

    Attributes:
        studio, editor, painted: the window, the script's editor, and what was painted.
    """

    def __init__(self, studio: Studio, editor: LuaEditor, painted: Painted) -> None:
        self.studio, self.editor, self.painted = studio, editor, painted
        self._typed = 0

    def set_payload(self, payload: bytes) -> None:
        """Loads another payload, as opening a file does, and waits for its result."""
        self.studio.window.input.payload.replace_content(payload)
        self.settle()

    def set_script(self, text: str, caret_after: str) -> None:
        """Replaces the script and puts the caret behind a piece of it."""
        data = text.encode()
        self.editor.replace_all_text(data)
        self.editor.gotoPos(data.index(caret_after.encode()) + len(caret_after))
        self.editor.setFocus()

    def settle(self) -> None:
        """Waits until nothing is under way: the payload is in, its result is shown, and the timers are quiet."""
        editor = self.studio.window.input.payload.editor
        wait_until(lambda: not editor.is_loading(), "the payload is in")
        self.pause(0.3)
        preview = self.studio.preview
        preview.run_now()
        wait_until(lambda: self.painted.result >= preview._number, "its result is there")
        self.pause(0.5)

    def type_digit(self, target: QWidget | None = None) -> None:
        """One real key press and release."""
        self._typed += 1
        QTest.keyClick(target or self.editor, _DIGITS[self._typed % len(_DIGITS)])

    def key_to_paint(self) -> float:
        """Types a digit; seconds until the result of the text with it has been painted."""
        before = self.studio.preview._number
        started = time.perf_counter()
        self.type_digit()
        wait_until(lambda: self.painted.shown > before, "the new result is painted")
        return self.painted.at - started

    @staticmethod
    def pause(seconds: float) -> None:
        """Lets the window live for a while."""
        watch = QElapsedTimer()
        watch.start()
        while watch.elapsed() < seconds * 1000:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Runs the event loop until something is so; no polling, so that it costs nothing."""
    deadline = time.perf_counter() + WAIT_SECONDS
    waker = QTimer()
    waker.start(500)
    while not is_so():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"waited {WAIT_SECONDS:g} s until {what}")
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


@contextmanager
def studio_window(script: str) -> Iterator[Driver]:
    """A window of 1440 x 900 on a scratch workspace with one script."""
    qt = application()
    qInstallMessageHandler(_say)
    with tempfile.TemporaryDirectory(prefix="howk-bench-") as scratch:
        folder = Path(scratch) / "workspace"
        folder.mkdir()
        (folder / f"{CONFIG_ID}.lua").write_text(script, "utf-8")
        studio = Studio(Session(), Path(scratch) / "drafts", "light")
        studio.window.show()
        studio.window.activateWindow()
        studio.workspace.open(folder)
        wait_until(lambda: studio.editors.current is not None, "the script is open")
        current = studio.editors.current
        if current is None:
            raise AssertionError("no script is open")
        painted = Painted(studio)
        try:
            yield Driver(studio, current.editor, painted)
        finally:
            _close(qt, studio, painted)


def _say(_kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
    if "propagateSizeHints" not in text:  # what the offscreen platform says of every window
        sys.stderr.write(text + "\n")


def _close(qt: QApplication, studio: Studio, painted: Painted) -> None:
    studio.window.removeEventFilter(painted)
    studio.window.close()
    studio.shut_down()
    studio.window.deleteLater()
    studio.deleteLater()
    qt.processEvents()
