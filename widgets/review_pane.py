"""What a person looks at before approving or publishing: the difference to what is live, and the checks beside it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from widgets.check_list import CheckList
from widgets.diff_view import DiffView
from widgets.pane_header import PaneHeader
from widgets.theme import Theme


class ReviewPane(QSplitter):
    """Difference left, checks right; the steps of a publication take the place of the checks.

    Attributes:
        diff, checks, steps: the views.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.diff = DiffView(same="This is exactly what is live now.")
        self.checks, self.steps = CheckList("Checks"), CheckList("Progress")
        self._header = PaneHeader("Checks")
        self._pages = QStackedWidget()
        self._pages.addWidget(self.checks)
        self._pages.addWidget(self.steps)
        side = QFrame()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._pages, 1)
        self.setChildrenCollapsible(False)
        self.addWidget(self.diff)
        self.addWidget(side)
        self.setStretchFactor(0, 3)
        self.setStretchFactor(1, 2)
        self.setSizes([600, 400])

    def show_steps(self, shown: bool) -> None:
        """Whether the right side tells what is being done instead of what was checked."""
        self._pages.setCurrentWidget(self.steps if shown else self.checks)
        self._header.set_title("Progress" if shown else "Checks")

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        for part in (self.diff, self.checks, self.steps, self._header):
            part.apply_theme(theme)
