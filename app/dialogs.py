"""Questions to the user that do not stop the event loop: each opens a window-modal dialog and calls back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget


def ask_text(
    parent: QWidget, title: str, label: str, text: str, accept: Callable[[str], None]
) -> QInputDialog:
    """Asks for a line of text."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setTextValue(text)
    dialog.setInputMode(QInputDialog.InputMode.TextInput)
    dialog.textValueSelected.connect(lambda value: accept(value.strip()) if value.strip() else None)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def ask_path(
    parent: QWidget, title: str, start: Path, accept: Callable[[Path], None], *, folder: bool
) -> None:
    """Asks for a file or a folder that exists."""
    dialog = QFileDialog(parent, title, str(start))
    dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFile)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, folder)
    dialog.fileSelected.connect(lambda path: accept(Path(path)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def ask_choice(
    parent: QWidget,
    text: str,
    detail: str,
    choices: Sequence[tuple[str, QMessageBox.ButtonRole, Callable[[], None]]],
) -> QMessageBox:
    """Asks for one of several named answers, or none (Cancel, Esc); the first is the one Enter gives."""
    box = QMessageBox(parent)
    box.setText(text)
    box.setInformativeText(detail)
    actions = {}
    for label, role, action in choices:
        button = box.addButton(label, role)
        actions[button] = action
        if len(actions) == 1:
            box.setDefaultButton(button)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.buttonClicked.connect(lambda button: actions.get(button, lambda: None)())
    box.finished.connect(box.deleteLater)
    box.open()
    return box
