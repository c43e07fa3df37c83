"""Shows what a script changed in the body, line by line, with keys and buttons that go from change to change."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QListView, QStackedLayout, QVBoxLayout, QWidget

from engine.display import DiffKind, DiffLine
from widgets.diff_model import CHANGED, PLAIN_SIGNS, DiffDelegate, DiffModel
from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.pane_header import PaneHeader
from widgets.theme import Theme


class _DiffList(QListView):
    """Ctrl+C copies the selected lines with their signs."""

    def __init__(self, model: DiffModel) -> None:
        super().__init__()
        self._lines = model
        self.setModel(model)
        self.setAccessibleName("Difference")
        self.setProperty("edge", "none")
        self.setProperty("mono", True)
        self.setUniformItemSizes(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalScrollBar().valueChanged.connect(self.viewport().update)

    def copy(self) -> None:
        chosen = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        lines = [self._lines.lines[row] for row in chosen]
        QGuiApplication.clipboard().setText("\n".join(PLAIN_SIGNS[line.kind] + line.text for line in lines))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.scheduleDelayedItemsLayout()


class DiffView(QWidget):
    """A unified difference of the incoming and the outgoing body.

    Attributes:
        list: the view, for focus and tests.

    Args:
        keys: whether F7 and Shift+F7 go from change to change; in one window a single view may have them.
        same: what it says when there is no difference.
    """

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        keys: bool = True,
        same: str = "The body goes out as it came in.",
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Difference")
        self._model = DiffModel(self)
        self.list = _DiffList(self._model)
        self._delegate = DiffDelegate(self.list, self._model)
        self.list.setItemDelegate(self._delegate)
        self._header = PaneHeader("")
        self._previous = self._header.add_button("up", f"Previous change{' (Shift+F7)' * keys}")
        self._next = self._header.add_button("down", f"Next change{' (F7)' * keys}")
        if keys:
            self._previous.setShortcut(QKeySequence("Shift+F7"))
            self._next.setShortcut(QKeySequence("F7"))
        self._previous.clicked.connect(lambda: self.go_to_change(-1))
        self._next.clicked.connect(lambda: self.go_to_change(1))
        self._empty = EmptyState(same)
        self._pages = QStackedLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addLayout(self._pages, 1)
        self._pages.addWidget(self._empty)  # into a layout that has a parent: it shows the first one at once
        self._pages.addWidget(self.list)

    def show_diff(self, lines: tuple[DiffLine, ...], note: str) -> None:
        """Shows other lines; the scroll position stays as far as it can."""
        kinds = [line.kind for line in lines]
        added, removed = kinds.count(DiffKind.ADDED), kinds.count(DiffKind.REMOVED)
        counts = f"+{added} \u2212{removed}" if added or removed else "No changes"
        self._header.set_note(f"{counts} \u00b7 {note}" if note else counts)
        for button in (self._previous, self._next):
            button.setEnabled(bool(added or removed))
        if lines != self._model.lines:
            top, left = self.list.verticalScrollBar().value(), self.list.horizontalScrollBar().value()
            self._model.set_lines(lines)
            self.list.verticalScrollBar().setValue(top)
            self.list.horizontalScrollBar().setValue(left)
        self._pages.setCurrentIndex(1 if added or removed else 0)
        proxy_to(self, self.list, shown=bool(added or removed))

    def show_pending(self) -> None:
        """The difference is on its way; the one before stays meanwhile."""
        self._header.set_note("Comparing\u2026")
        proxy_to(self, self.list, shown=True)
        self._pages.setCurrentIndex(1)  # the list, so that the focus has a place to go to

    def note(self) -> str:
        """What the header says."""
        return self._header.note()

    def go_to_change(self, step: int) -> None:
        """Moves to the first line of the next (1) or previous (-1) run of changed lines, going round at the end."""
        lines = self._model.lines
        here = self.list.currentIndex().row()
        here = here if here >= 0 else (-1 if step > 0 else len(lines))
        for distance in range(1, len(lines) + 1):
            row = (here + step * distance) % len(lines)
            if _starts_change(lines, row):
                index = self._model.index(row, 0)
                self.list.setCurrentIndex(index)
                self.list.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)
                return

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of lines and glyphs."""
        self._delegate.apply_theme(theme)
        self._header.apply_theme(theme)
        self.list.viewport().update()


def _starts_change(lines: tuple[DiffLine, ...], row: int) -> bool:
    return lines[row].kind in CHANGED and (row == 0 or lines[row - 1].kind not in CHANGED)
