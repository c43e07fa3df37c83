"""Two versions of a script under each other: what is live now, and what will be."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

from widgets.pane_header import ElidedLabel
from widgets.publish_plan import SHORT_HASH, Version

_TITLES = ("", "Version", "Hash", "When", "Who")


class HashLabel(ElidedLabel):
    """The beginning of a hash; the tooltip and the screen reader have the whole of it."""

    def __init__(self) -> None:
        super().__init__()
        self._hash = ""
        self.setProperty("mono", True)

    def set_hash(self, whole: str, name: str) -> None:
        """Shows another hash; `name` says whose it is."""
        self._hash = whole
        self.set_full_text(whole[:SHORT_HASH])
        self.setAccessibleName(f"{name}: {whole}" if whole else "")
        self.setToolTip(whole)

    def resizeEvent(self, event: object) -> None:  # noqa: N802
        """Keeps the tooltip."""
        super().resizeEvent(event)
        self.setToolTip(self._hash)


class VersionsGrid(QFrame):
    """Rows `Live now` and what comes; a hash is shown short, and whole in its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: list[list[ElidedLabel]] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        for column, title in enumerate(_TITLES):
            label = QLabel(title)
            label.setProperty("muted", True)
            grid.addWidget(label, 0, column)
        for row in (1, 2):
            cells = [HashLabel() if title == "Hash" else ElidedLabel() for title in _TITLES]
            for column, cell in enumerate(cells):
                cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(cell, row, column)
            self._cells.append(cells)
        for column, share in enumerate((2, 2, 3, 3, 3)):
            grid.setColumnStretch(column, share)

    def show_versions(self, live: Version, new: Version, new_name: str) -> None:
        """Shows another pair; `new_name` says what the second is."""
        rows = (("Live now", live), (new_name, new))
        for cells, (name, version) in zip(self._cells, rows, strict=True):
            none = "nothing" if not version.hash else ""
            texts = (name, version.version or none, version.hash, version.when, version.who)
            for cell, title, text in zip(cells, _TITLES, texts, strict=True):
                if isinstance(cell, HashLabel):
                    cell.set_hash(text, f"{name}, {title}")
                    continue
                cell.set_full_text(text)
                cell.setAccessibleName(f"{name}, {title}: {text}" if title and text else text)

    def texts(self, row: int) -> list[str]:
        """What a row (0 live, 1 new) says."""
        return [cell.full_text for cell in self._cells[row]]
