"""A real studio in a process of its own, in which somebody types; for tests that kill it.

    python -m tests.app.typist WORKSPACE

Says `typed` once all keys are pressed, and goes on until it is ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.start import application, open_window

SCRIPT = "x = 1"
PAYLOAD = "[42]"


def type_soon() -> None:
    """Types once the script is open."""
    windows = [window for window in QApplication.topLevelWidgets() if isinstance(window, MainWindow)]
    editor = windows[0].tabs.currentWidget() if windows else None
    if editor is None:
        QTimer.singleShot(20, type_soon)
        return
    QTest.keyClicks(editor, SCRIPT)
    windows[0].input.payload.editor.set_bytes(b"")
    QTest.keyClicks(windows[0].input.payload.editor, PAYLOAD)
    sys.stdout.write("typed\n")
    sys.stdout.flush()


if __name__ == "__main__":
    application()
    QTimer.singleShot(0, type_soon)
    raise SystemExit(open_window(Path(sys.argv[1]), None, "light", ""))
