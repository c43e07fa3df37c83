"""A program that starts, paints its window once, says when that was, and ends.

`python -m tests.bench.start_child bare|studio WORKSPACE`: prints milliseconds since the process began, by phase.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

_phases: dict[str, float] = {}


def note(phase: str) -> None:
    """Remembers that a phase ended now."""
    _phases[phase] = (time.time() - float(os.environ["BENCH_STARTED"])) * 1000


def end_after_first_paint(window: QMainWindow, then: Callable[[], None] | None = None) -> None:
    """Says when the window has painted itself and all that is in it, and ends the process."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    def painted() -> None:
        note("first paint")
        (then or finish)()

    class Watcher(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                window.removeEventFilter(self)
                QTimer.singleShot(0, painted)  # the children paint before the loop turns
            return False

    watcher = Watcher(window)
    window.installEventFilter(watcher)


def finish() -> None:
    """Prints the phases and ends at once."""
    sys.stdout.write(json.dumps(_phases))
    sys.stdout.flush()
    os._exit(0)


def bare() -> None:
    """The smallest window PySide6 can show."""
    from PySide6.QtWidgets import QApplication, QMainWindow

    note("imports")
    qt = QApplication(sys.argv[:1])
    note("QApplication")
    window = QMainWindow()
    window.resize(1440, 900)
    end_after_first_paint(window)
    window.show()
    note("shown")
    qt.exec()


def studio(workspace: str) -> None:
    """The program as `howk-studio WORKSPACE` runs it, with marks between its phases."""
    from app import entry

    note("imports of the command")
    from app import start
    from app.studio import Studio

    note("imports of the window")
    _mark(start, "application", "QApplication")
    _mark(Studio, "_retheme", "first theming")
    _mark_studio(Studio)
    sys.argv = ["howk-studio", workspace]
    entry.main()


def _mark(owner: Any, name: str, phase: str) -> None:
    original = getattr(owner, name)

    def marked(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if phase not in _phases:
            note(phase)
        return result

    setattr(owner, name, marked)


def _mark_studio(kind: Any) -> None:
    original = kind.__init__

    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        note("widgets, wiring")
        self.preview.ran.connect(lambda _result: _ran())
        end_after_first_paint(self.window, then=lambda: None)

    kind.__init__ = made


def _ran() -> None:
    from PySide6.QtCore import QTimer

    note("first preview")
    QTimer.singleShot(0, finish)


if __name__ == "__main__":
    note("interpreter")
    bare() if sys.argv[1] == "bare" else studio(sys.argv[2])
