"""The history of one script on a cluster: its versions, how two of them differ, and the way back to one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from engine.display import DiffLine
from engine.scripts.store import StoredVersion
from widgets.diff_view import DiffView
from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.history_rows import HASH, NOTE, PLACE, VERSION, WHEN, WHO, HistoryModel
from widgets.pane_header import PaneHeader
from widgets.row_table import RowTable
from widgets.theme import Theme

CHOOSE = "Choose a version to see what it differs in from the live one, or two to compare them."
_WIDTHS = {WHEN: 22, VERSION: 12, HASH: 15, WHO: 12, PLACE: 20}  # in digits


class HistoryView(QWidget):
    """A table of versions over the difference of those selected.

    Attributes:
        table, diff: for focus and tests.

    Signals:
        compare_requested(object, object): two `StoredVersion`, the older first; None stands for what is live.
        roll_back_requested(object), copy_requested(object): a `StoredVersion`.
        retry_requested(): load it again.
    """

    compare_requested = Signal(object, object)
    roll_back_requested = Signal(object)
    copy_requested = Signal(object)
    retry_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("History")
        self._model = HistoryModel(self)
        self.table = RowTable(self._model, "Versions")
        self.table.stretch_column(NOTE)
        for column in _WIDTHS:
            self.table.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.diff = DiffView(keys=False, same="These two texts are the same.")
        self._build()
        self._connect()
        self.show_loading("")

    # --- state in

    def show_loading(self, config_id: str) -> None:
        """The history is on its way."""
        self._begin(config_id, f"Loading the history of {config_id}\u2026" if config_id else "")

    def show_failure(self, config_id: str, why: str) -> None:
        """It could not be loaded."""
        self._begin(config_id, f"The history could not be loaded: {why}", retry=True)

    def set_history(self, config_id: str, versions: tuple[StoredVersion, ...], live: str) -> None:
        """Shows the versions, the newest first; `live` is the hash that runs now, empty for none."""
        if not versions:
            self._begin(config_id, f"The cluster and this workspace know no version of {config_id}.")
            return
        self._model.live = live
        count = f"{len(versions)} versions" if len(versions) > 1 else "1 version"
        self._header.set_note(f"{config_id} \u00b7 {count}")
        chosen = self.table.selected_rows()
        self.table.set_rows(versions)
        self._pages.setCurrentIndex(1)
        proxy_to(self, self.table, shown=True)
        if not [row for row in chosen if row in versions]:
            self._choose()
        self.table.viewport().update()
        self._refresh()

    def show_diff(self, lines: tuple[DiffLine, ...], note: str) -> None:
        """Shows the difference that was asked for; `note` says of what."""
        self.diff.show_diff(lines, note)
        self._lower.setCurrentWidget(self.diff)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self._model.apply_theme(theme)
        self.diff.apply_theme(theme)
        self._header.apply_theme(theme)
        self.table.viewport().update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the columns."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    # --- building

    def _build(self) -> None:
        self._header = PaneHeader("History")
        self._roll_back = self._header.add_button("retry", "Roll back\u2026", with_text=True)
        self._roll_back.setToolTip("Publishes this version again")
        self._copy = self._header.add_button("copy", "Open as a copy", with_text=True)
        self._state, self._hint = EmptyState("", "Try again"), EmptyState(CHOOSE)
        self._lower = QStackedWidget()
        self._lower.addWidget(self._hint)
        self._lower.addWidget(self.diff)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.table)
        split.addWidget(self._lower)
        split.setSizes([300, 400])
        self._pages = QStackedWidget()
        self._pages.addWidget(self._state)
        self._pages.addWidget(split)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._pages, 1)
        self._fit()

    def _connect(self) -> None:
        self._state.chosen.connect(self.retry_requested)
        self.table.selectionModel().selectionChanged.connect(self._choose)
        self.table.row_activated.connect(self.copy_requested)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self._roll_back.clicked.connect(lambda: self.roll_back_requested.emit(self._chosen_script()))
        self._copy.clicked.connect(lambda: self.copy_requested.emit(self._chosen_script()))

    def _begin(self, config_id: str, text: str, *, retry: bool = False) -> None:
        self._header.set_note(config_id)
        self.table.set_rows(())
        self._state.set_text(text)
        self._state.button.setVisible(retry)
        self._pages.setCurrentIndex(0)
        proxy_to(self, self.table, shown=False)
        self._refresh()

    def _choose(self, *_: object) -> None:
        """Asks for the difference of what is selected now."""
        rows = [row for row in self.table.selected_rows() if row.script is not None]
        self._refresh()
        if len(rows) == 1:
            self.compare_requested.emit(rows[0], None)
        elif len(rows) == 2:
            self.compare_requested.emit(rows[1], rows[0])
        else:
            self._lower.setCurrentWidget(self._hint)

    def _chosen_script(self) -> StoredVersion | None:
        """The selected version, when it is one and no deletion."""
        rows = self.table.selected_rows()
        return rows[0] if len(rows) == 1 and rows[0].script is not None else None

    def _refresh(self) -> None:
        row = self._chosen_script()
        self._copy.setEnabled(row is not None)
        self._roll_back.setEnabled(row is not None and not self._model.is_live(row))

    def _fit(self) -> None:
        width = self.table.fontMetrics().horizontalAdvance("0")
        for column, characters in _WIDTHS.items():
            self.table.header().resizeSection(column, width * characters)

    def _show_menu(self, place: QPoint) -> None:
        row = self._chosen_script()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for button, signal in (
            (self._roll_back, self.roll_back_requested),
            (self._copy, self.copy_requested),
        ):
            action = menu.addAction(button.text())
            action.setEnabled(button.isEnabled())
            action.triggered.connect(lambda _checked=False, signal=signal: signal.emit(row))
        menu.addSeparator()
        menu.addAction("Copy rows", self.table.copy)
        menu.popup(self.table.viewport().mapToGlobal(place))
