"""The saved cases of the script in front: which pass, and of the selected one what was expected and what came."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.case_detail import CaseDetail, CaseDetailView
from widgets.case_rows import BAD, NAME, RESULT, CaseModel, CaseRow, CaseState, summary
from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.glyphs import GlyphButton
from widgets.row_table import RowTable
from widgets.style import mix
from widgets.theme import Theme

NAME_CHARACTERS, RESULT_CHARACTERS = 14, 14
RUN, STOP = "Run all cases", "Stop the run"


class TestsPane(QWidget):
    """A list of cases over a detail of the selected one, and the buttons that belong to them.

    Attributes:
        table: the list, for focus and tests.
        detail: expected and got.
        tools: the buttons, for whoever has a place for them.

    Signals:
        selected(str): another case is selected; empty for none.
        run_requested(), stop_requested(), save_requested(): about the script.
        load_requested(str), update_requested(str), delete_requested(str): about a case, by name.
        changed(): the summary may be another.
    """

    __test__ = False  # not one of pytest's

    selected = Signal(str)
    run_requested = Signal()
    stop_requested = Signal()
    save_requested = Signal()
    load_requested = Signal(str)
    update_requested = Signal(str)
    delete_requested = Signal(str)
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tests")
        self._model = CaseModel(self)
        self.table = RowTable(self._model, "Test cases")
        self.table.setHeaderHidden(True)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.stretch_column(NAME)
        self.table.header().setSectionResizeMode(RESULT, QHeaderView.ResizeMode.ResizeToContents)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.detail = CaseDetailView()
        self._none = EmptyState(
            "No test cases yet. Save what this script does now, and later changes are checked against it.",
            "Save this run as a case…",
        )
        self._build()
        self._connect()
        self.set_cases(())
        self.show_detail(CaseDetail())

    # --- state in

    def set_cases(self, rows: tuple[CaseRow, ...]) -> None:
        """Shows the cases of a script; the selected one stays selected while it is among them."""
        before = self.current()
        self.table.set_rows(rows)
        self._pages.setCurrentIndex(1 if rows else 0)
        proxy_to(self, self.table, shown=bool(rows))
        self.select(before)
        if before and not self.current():
            self.selected.emit("")
        self._refresh()

    def show_detail(self, detail: CaseDetail) -> None:
        """What there is to say of the selected case."""
        self.detail.show_detail(detail)

    def set_stale(self, stale: bool) -> None:
        """Whether the script changed since the cases ran."""
        if stale != self._model.stale:
            self._model.stale = stale
            self.table.viewport().update()
            self.changed.emit()

    def set_compact(self, compact: bool) -> None:
        """Where there is little room, only the buttons for the whole script stay; the menus have the others."""
        self._update.setHidden(compact)
        self._delete.setHidden(compact)

    def set_enabled(self, enabled: bool) -> None:
        """Whether there is a script to test."""
        self._none.button.setEnabled(enabled)
        self._run.setEnabled(enabled)
        self._save.setEnabled(enabled)

    def select(self, name: str) -> None:
        """Selects a case; nothing happens when there is none of that name."""
        for number, row in enumerate(self.rows()):
            if row.name == name:
                self.table.setCurrentIndex(self._model.index(number, 0))

    # --- what it says

    def rows(self) -> tuple[CaseRow, ...]:
        """The cases in their order."""
        return self._model.rows

    def current(self) -> str:
        """The name of the selected case; empty when none is."""
        number = self.table.currentIndex().row()
        return self.rows()[number].name if 0 <= number < len(self.rows()) else ""

    def current_state(self) -> CaseState | None:
        """What is known of the selected case."""
        name = self.current()
        return next((row.state for row in self.rows() if row.name == name), None)

    def summary(self) -> str:
        """How many passed and failed, in words."""
        text = summary(self.rows())
        return f"{text} \u00b7 the script changed since" if text and self._model.stale else text

    def tone(self) -> str:
        """error when a case failed, success when all that ran passed, else nothing."""
        states = {row.state for row in self.rows()}
        if self._model.stale or CaseState.RUNNING in states:
            return ""
        return "error" if states & set(BAD) else "success" if CaseState.PASSED in states else ""

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of marks and text."""
        self._model.apply_theme(theme)
        self.detail.apply_theme(theme)
        faded = mix(theme.text_muted, theme.window, 0.5)
        for button in self.tools.findChildren(GlyphButton):
            button.set_colours(theme.text_muted, faded)
        self.table.viewport().update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Shares the width anew when the list gets another."""
        if watched is self.table and event.type() == QEvent.Type.Resize:
            self._fit()
        return False

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    # --- building

    def _build(self) -> None:
        self.tools = QFrame()
        self._run = GlyphButton("play", RUN)
        self._save = GlyphButton("plus", "Save this run as a case\u2026")
        self._update = GlyphButton("retry", "Update the expectation of the selected case\u2026")
        self._delete = GlyphButton("trash", "Delete the selected case\u2026")
        row = QHBoxLayout(self.tools)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in (self._run, self._save, self._update, self._delete):
            row.addWidget(button)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.table)
        split.addWidget(self.detail)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        split.setSizes([240, 400])
        self.table.installEventFilter(self)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._none)
        self._pages.addWidget(split)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)

    def _connect(self) -> None:
        self.table.selectionModel().currentRowChanged.connect(self._on_selected)
        self.table.row_activated.connect(lambda row: self.load_requested.emit(row.name))
        self.table.customContextMenuRequested.connect(self._show_menu)
        self._none.chosen.connect(self.save_requested)
        self._run.clicked.connect(self._run_or_stop)
        self._save.clicked.connect(self.save_requested)
        self._update.clicked.connect(lambda: self.update_requested.emit(self.current()))
        self._delete.clicked.connect(lambda: self.delete_requested.emit(self.current()))

    def _run_or_stop(self) -> None:
        if self._running():
            self.stop_requested.emit()
        else:
            self.run_requested.emit()

    def _fit(self) -> None:
        """In a narrow list the names need all of the room; the mark before each says how it went."""
        room = self.fontMetrics().averageCharWidth() * (NAME_CHARACTERS + RESULT_CHARACTERS)
        self.table.setColumnHidden(RESULT, self.table.width() < room)

    def _on_selected(self, *_: object) -> None:
        self._refresh()
        self.selected.emit(self.current())

    def _refresh(self) -> None:
        """Buttons as the cases are now."""
        running = self._running()
        self._run.set_glyph("stop" if running else "play")
        self._run.setToolTip(STOP if running else RUN)
        self._run.setAccessibleName(STOP if running else RUN)
        self._update.setEnabled(self.can_update())
        self._delete.setEnabled(bool(self.current()))
        self.changed.emit()

    def _running(self) -> bool:
        return any(row.state is CaseState.RUNNING for row in self.rows())

    def can_update(self) -> bool:
        """Whether the selected case has an outcome that could become its expectation."""
        return self.current_state() in {CaseState.FAILED, CaseState.NO_EXPECTATION}

    def _show_menu(self, place: QPoint) -> None:
        index = self.table.indexAt(place)
        if not index.isValid():
            return
        name = self.rows()[index.row()].name
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Load as input", lambda: self.load_requested.emit(name))
        update = menu.addAction("Update expectation\u2026", lambda: self.update_requested.emit(name))
        update.setEnabled(self.can_update())
        menu.addSeparator()
        menu.addAction("Delete\u2026", lambda: self.delete_requested.emit(name))
        menu.popup(self.table.viewport().mapToGlobal(place))
