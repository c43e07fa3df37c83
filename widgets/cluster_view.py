"""The cluster view: every script with what Kafka, Redis and the workspace say of it, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.scripts.compare import ScriptRow
from engine.scripts.store import StoredProblem
from widgets.cluster_actions import ClusterAction, allowed
from widgets.cluster_list import ClusterList
from widgets.cluster_problems import ProblemsStrip
from widgets.cluster_rows import COLUMNS, SCRIPT, ClusterModel, differs, mirror_differs
from widgets.cluster_table import ClusterTable
from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.message_bar import MessageBar, MessageSeverity
from widgets.pane_header import PaneHeader
from widgets.profile_look import ProfileChip, ProfileLook
from widgets.theme import Theme
from widgets.waiting_state import WaitingState

NO_CLUSTER = "No cluster is chosen. Choose one to see which scripts run there."
NO_SCRIPTS = "This cluster has no scripts yet, and the workspace has none either."
_CHOOSE, _RETRY = "Choose a cluster", "Try again"


class _Filter(QLineEdit):
    """Down and Enter lead into the table, Esc clears."""

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in {Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class ClusterView(QWidget):
    """Scripts of one cluster, or why there are none to show.

    Attributes:
        table, filter, only_differences, problems: for focus and tests.

    Signals:
        open_requested(str), compare_requested(str), history_requested(str), publish_requested(str),
        delete_requested(str): a config_id.
        repair_requested(object): a tuple of config_ids whose mirror differs.
        choose_requested(): another cluster. cancel_requested(): stop connecting. retry_requested(): connect again.
    """

    open_requested = Signal(str)
    compare_requested = Signal(str)
    history_requested = Signal(str)
    publish_requested = Signal(str)
    delete_requested = Signal(str)
    repair_requested = Signal(object)
    choose_requested = Signal()
    cancel_requested = Signal()
    retry_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Cluster")
        self._list = ClusterList()
        self._look: ProfileLook | None = None
        self._counted: tuple[tuple[ScriptRow, ...], int, bool] = (), 0, False
        self._model = ClusterModel(self)
        self.table = ClusterTable(self._model)
        self.filter, self.only_differences = _Filter(), QCheckBox("Only differences")
        self.problems = ProblemsStrip()
        self._build()
        self._connect()
        self.show_nothing()

    # --- state in

    def set_profile(self, look: ProfileLook | None) -> None:
        """Whose scripts these are."""
        self._look = look
        self._chip.set_look(look)
        self._refresh()

    def show_nothing(self) -> None:
        """No cluster is chosen."""
        self._show_state(NO_CLUSTER, _CHOOSE)

    def show_connecting(self, text: str, done: int = 0, total: int = 0) -> None:
        """It is being connected to or read; a `total` of 0 means that nobody knows how much there is."""
        self._forget()
        self._waiting.show_progress(text, done, total)
        self._pages.setCurrentWidget(self._waiting)

    def show_failure(self, why: str) -> None:
        """It could not be reached and nothing is known of it."""
        self._show_state(why, _RETRY)

    def show_stale(self, why: str) -> None:
        """What is shown may be out of date, and why; empty when it is current again."""
        if why:
            self._stale.show_message(why, MessageSeverity.WARNING, [("retry", _RETRY)], closable=False)
        else:
            self._stale.clear()

    def set_rows(self, rows: tuple[ScriptRow, ...], problems: Sequence[StoredProblem] = ()) -> None:
        """Shows what is known now; selection, filter and scroll position stay."""
        self._list.rows = rows
        self.problems.set_problems(tuple(problems))
        if not rows and not problems:
            self._show_state(NO_SCRIPTS, "")
            return
        self._pages.setCurrentWidget(self._filled)
        proxy_to(self, self.table, shown=True)
        self._refill()

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        for part in (self.table, self.problems, self._header, self._stale):
            part.apply_theme(theme)

    # --- what it says

    def current(self) -> ScriptRow | None:
        """The row under the cursor."""
        number = self.table.currentIndex().row()
        rows = self._model.rows
        return rows[number] if 0 <= number < len(rows) else None

    def menu(self) -> QMenu:
        """What can be done with the selected scripts, and how they are sorted."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        row = self.current()
        for action in ClusterAction if row else ():
            if row is not None:
                entry = menu.addAction(action.value, partial(self._do, action))
                entry.setEnabled(self._allowed(row, action))
        if row is not None:
            menu.addSeparator()
            copy = partial(QGuiApplication.clipboard().setText, row.kafka_hash or row.workspace_hash)
            menu.addAction("Copy hash", copy)
            menu.addAction("Copy rows", self.table.copy)
        order = menu.addMenu("Sort by")
        for column, title in enumerate(COLUMNS):
            entry = order.addAction(title, partial(self._sort, column))
            entry.setCheckable(True)
            entry.setChecked(column == self._list.column)
        return menu

    # --- building

    def _build(self) -> None:
        self._header, self._chip = PaneHeader("Cluster"), ProfileChip()
        self._repair_all = self._header.add_button("retry", "Repair mirror", with_text=True)
        self._header.add_widget(self._chip)
        self._stale, self._waiting = MessageBar(), WaitingState()
        self._state = EmptyState("", _CHOOSE)
        self._none = EmptyState("No script matches.", "Show all")
        self.filter.setPlaceholderText("Filter by name, version, hash, person or difference")
        self.filter.setAccessibleName("Filter scripts")
        self.filter.setClearButtonEnabled(True)
        bar = QHBoxLayout()
        bar.setContentsMargins(8, 6, 8, 6)
        bar.setSpacing(8)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self.only_differences)
        self._lists = QStackedWidget()
        self._lists.addWidget(self.table)
        self._lists.addWidget(self._none)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self._lists)
        split.addWidget(self.problems)
        split.setStretchFactor(0, 1)
        self._filled = QFrame()
        inner = QVBoxLayout(self._filled)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(self._stale)
        inner.addLayout(bar)
        inner.addWidget(split, 1)
        self._pages = QStackedWidget()
        for page in (self._state, self._waiting, self._filled):
            self._pages.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self._state.chosen.connect(self._on_state_button)
        self._none.chosen.connect(self._show_all)
        self._waiting.cancelled.connect(self.cancel_requested)
        self._stale.action_triggered.connect(lambda _name: self.retry_requested.emit())
        self.filter.textChanged.connect(self._refill)
        self.filter.entered.connect(self._enter_table)
        self.only_differences.toggled.connect(self._refill)
        self.table.sort_requested.connect(self._sort)
        self.table.row_activated.connect(lambda _row: self._do(ClusterAction.OPEN))
        self.table.delete_pressed.connect(lambda: self._do(ClusterAction.DELETE))
        self.table.customContextMenuRequested.connect(self._show_menu)
        self._repair_all.clicked.connect(lambda: self._repair(self._list.rows))

    # --- what happens

    def _refill(self) -> None:
        self._list.needle = self.filter.text()
        self._list.only_differences = self.only_differences.isChecked()
        rows = self._list.shown()
        self.table.show_rows(rows, grouped=self._list.column == SCRIPT)
        self._lists.setCurrentWidget(self.table if rows else self._none)
        self._refresh()

    def _refresh(self) -> None:
        """The header's words and its button."""
        rows = self._list.rows
        if rows is not self._counted[0]:
            self._counted = rows, sum(map(differs, rows)), any(map(mirror_differs, rows))
        _, count, mendable = self._counted
        words = f"{len(rows):,} scripts" if len(rows) != 1 else "1 script"
        self._header.set_note(f"{words} \u00b7 {count:,} differ" if count else words if rows else "")
        self._repair_all.setVisible(mendable)
        self._repair_all.setEnabled(self._look is None or not self._look.read_only)

    def _sort(self, column: int) -> None:
        """By this column, or the other way round when it is so already."""
        self._list.descending = column == self._list.column and not self._list.descending
        self._list.column = column
        order = Qt.SortOrder.DescendingOrder if self._list.descending else Qt.SortOrder.AscendingOrder
        self.table.header().setSortIndicator(column, order)
        self._refill()

    def _show_all(self) -> None:
        self.only_differences.setChecked(False)
        self.filter.clear()
        self.filter.setFocus()

    def _enter_table(self) -> None:
        if self.current() is None and self._model.rows:
            self.table.setCurrentIndex(self._model.index(0, 0))
        self.table.setFocus()

    def _allowed(self, row: ScriptRow, action: ClusterAction) -> bool:
        return allowed(row, action, read_only=self._look is not None and self._look.read_only)

    def _do(self, action: ClusterAction) -> None:
        row = self.current()
        if row is None or not self._allowed(row, action):
            return
        if action is ClusterAction.REPAIR:
            self._repair(self.table.selected_rows() or [row])
            return
        signals = {
            ClusterAction.OPEN: self.open_requested,
            ClusterAction.COMPARE: self.compare_requested,
            ClusterAction.HISTORY: self.history_requested,
            ClusterAction.PUBLISH: self.publish_requested,
            ClusterAction.DELETE: self.delete_requested,
        }
        signals[action].emit(row.config_id)

    def _repair(self, rows: Sequence[ScriptRow]) -> None:
        self.repair_requested.emit(tuple(row.config_id for row in rows if mirror_differs(row)))

    def _show_menu(self, place: QPoint) -> None:
        self.menu().popup(self.table.viewport().mapToGlobal(place))

    def _forget(self) -> None:
        self._list.rows = ()
        self.table.show_rows((), grouped=False)
        self._stale.clear()
        proxy_to(self, self.table, shown=False)
        self._refresh()

    def _show_state(self, text: str, button: str) -> None:
        self._forget()
        self._state.set_text(text)
        self._state.button.setText(button)
        self._state.button.setVisible(bool(button))
        self._pages.setCurrentWidget(self._state)

    def _on_state_button(self) -> None:
        (self.choose_requested if self._state.button.text() == _CHOOSE else self.retry_requested).emit()
