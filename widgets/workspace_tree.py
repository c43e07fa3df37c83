"""The scripts of the workspace as a tree by namespace, with a filter, state badges and marks."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QLineEdit,
    QMenu,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from widgets.empty_state import EmptyState
from widgets.focus import proxy_to
from widgets.glyphs import draw_glyph
from widgets.pane_header import PaneHeader
from widgets.theme import Theme
from widgets.workspace_marks import ENTRY_ROLE, EntryDelegate
from widgets.workspace_rows import Group, ScriptEntry, grouped, short_name

__all__ = ["ScriptEntry", "WorkspaceTree"]

Index = QModelIndex | QPersistentModelIndex


class _Tree(QTreeView):
    """Enter, F2 and Delete act on the script under the cursor."""

    key_chosen = Signal(int)
    theme: Theme | None = None

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:  # noqa: N802
        """An arrow as large as the text; the style's own stays tiny when the font grows."""
        if self.theme is None or not self.model().hasChildren(index):
            return
        side = min(self.fontMetrics().height(), rect.width())
        place = QRect(rect.right() - side + 1, rect.center().y() - side // 2, side, side)
        glyph = "down" if self.isExpanded(index) else "right"
        draw_glyph(painter, glyph, self.theme.text_muted, place.toRectF().adjusted(2, 2, -2, -2))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.setIndentation(self.fontMetrics().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        keys = {Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2, Qt.Key.Key_Delete}
        if event.key() in keys:
            self.key_chosen.emit(event.key())
        else:
            super().keyPressEvent(event)


class _Filter(QLineEdit):
    """Down and Enter lead into the tree, Esc clears."""

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in {Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class WorkspaceTree(QWidget):
    """Shows the scripts and says what the user wants of them.

    Attributes:
        filter, tree: for focus and tests.

    Signals:
        open_requested(str), rename_requested(str), delete_requested(str): a config_id.
        new_requested(): a new script.
    """

    open_requested = Signal(str)
    new_requested = Signal()
    rename_requested = Signal(str)
    delete_requested = Signal(str)

    def __init__(self, title: str = "Scripts", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self._entries: tuple[ScriptEntry, ...] = ()
        self._closed: set[str] = set()  # groups the user folded
        self._shape: list[tuple[str, tuple[str, ...]]] | None = None
        self._model = QStandardItemModel(self)
        self._delegate = EntryDelegate(self)
        self._build(title)
        self._connect()
        self.set_entries(())

    def set_workspace_open(self, is_open: bool) -> None:
        """Whether there is a workspace that a script could be made in; the empty state says and offers which."""
        self._empty.set_text("No scripts in this workspace yet." if is_open else "No workspace is open.")
        self._empty.button.setText("New script" if is_open else "Open a workspace")

    def set_entries(self, entries: tuple[ScriptEntry, ...]) -> None:
        """Shows other scripts, or the same in another state; cursor, folding and scrolling stay."""
        self._entries = entries
        count = len(entries)
        self._header.set_note(str(count) if count else "")
        self._pages.setCurrentIndex(1 if count else 0)
        proxy_to(self, self.tree, shown=count > 0)
        self._refill()

    def select(self, config_id: str) -> None:
        """Puts the cursor on a script without opening it; one that is not shown takes the cursor away."""
        item = self._items.get(config_id)
        if item is None:
            self.tree.setCurrentIndex(QModelIndex())
            return
        self.tree.setCurrentIndex(item.index())
        self.tree.scrollTo(item.index())

    def current(self) -> str:
        """The config_id under the cursor, empty when there is none."""
        entry = self.tree.currentIndex().data(ENTRY_ROLE)
        return entry.config_id if isinstance(entry, ScriptEntry) else ""

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of badges and marks."""
        self._delegate.theme = self.tree.theme = theme
        self._header.apply_theme(theme)
        self.tree.viewport().update()

    def _build(self, title: str) -> None:
        self._header = PaneHeader(title)
        self._new = self._header.add_button("plus", "New script")
        self.filter = _Filter()
        self.filter.setPlaceholderText("Filter scripts")
        self.filter.setAccessibleName("Filter scripts")
        self.filter.setClearButtonEnabled(True)
        self.tree = _Tree()
        self.tree.setModel(self._model)
        self.tree.setItemDelegate(self._delegate)
        self.tree.setAccessibleName(title)
        self.tree.setProperty("edge", "none")
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._lay_out()

    def _lay_out(self) -> None:
        self._empty = EmptyState("No workspace is open.", "Open a workspace")
        self._none = EmptyState("No script matches the filter.")
        self._lists = QStackedLayout()
        page = QWidget(
            self
        )  # stacks show their first widget at once, which would be a window without a parent
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        filter_row = QVBoxLayout()
        filter_row.setContentsMargins(8, 6, 8, 6)
        filter_row.addWidget(self.filter)
        column.addLayout(filter_row)
        column.addLayout(self._lists, 1)
        self._lists.addWidget(self.tree)
        self._lists.addWidget(self._none)
        self._pages = QStackedLayout()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._header)
        whole.addLayout(self._pages, 1)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)

    def _connect(self) -> None:
        self._new.clicked.connect(self.new_requested)
        self._empty.chosen.connect(self.new_requested)
        self.filter.textChanged.connect(self._refill)
        self.filter.entered.connect(self._enter_tree)
        self.tree.key_chosen.connect(self._on_key)
        self.tree.doubleClicked.connect(lambda _index: self._on_key(Qt.Key.Key_Return))
        self.tree.collapsed.connect(lambda index: self._note_fold(index, closed=True))
        self.tree.expanded.connect(lambda index: self._note_fold(index, closed=False))
        self.tree.customContextMenuRequested.connect(self._show_menu)

    def _refill(self) -> None:
        groups = grouped(self._entries, self.filter.text())
        shape = [(group.name, tuple(entry.config_id for entry in group.entries)) for group in groups]
        if shape == self._shape:
            for entry in self._entries:  # only states differ: the items stay
                if item := self._items.get(entry.config_id):
                    _dress(item, entry)
            return
        current, scrolled = self.current(), self.tree.verticalScrollBar().value()
        self._shape = shape
        self._rebuild(groups)
        if current in self._items:
            self.tree.setCurrentIndex(self._items[current].index())
        self.tree.verticalScrollBar().setValue(scrolled)
        self._lists.setCurrentIndex(0 if groups else 1)

    def _rebuild(self, groups: list[Group]) -> None:
        self._model.clear()
        self._items: dict[str, QStandardItem] = {}
        folded = set() if self.filter.text() else self._closed
        for group in groups:
            parent = self._model.invisibleRootItem()
            if group.name:
                parent = QStandardItem(group.name)
                parent.setEditable(False)
                parent.setToolTip(group.name)
                self._model.appendRow(parent)
            for entry in group.entries:
                item = QStandardItem(short_name(entry, group.name))
                self._items[entry.config_id] = item
                _dress(item, entry)
                parent.appendRow(item)
        self.tree.blockSignals(True)
        self.tree.expandAll()
        for row in range(self._model.rowCount()):
            if self._model.item(row).text() in folded and self._model.item(row).hasChildren():
                self.tree.collapse(self._model.index(row, 0))
        self.tree.blockSignals(False)

    def _note_fold(self, index: QModelIndex, *, closed: bool) -> None:
        if not self.filter.text():
            (self._closed.add if closed else self._closed.discard)(str(index.data()))

    def _enter_tree(self) -> None:
        if not self.current() and self._items:
            self.tree.setCurrentIndex(next(iter(self._items.values())).index())
        self.tree.setFocus()

    def _on_key(self, key: int) -> None:
        config_id = self.current()
        signals: dict[int, SignalInstance] = {
            Qt.Key.Key_F2: self.rename_requested,
            Qt.Key.Key_Delete: self.delete_requested,
        }
        if config_id:
            signals.get(key, self.open_requested).emit(config_id)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            index = self.tree.currentIndex()
            self.tree.setExpanded(index, not self.tree.isExpanded(index))

    def _show_menu(self, place: QPoint) -> None:
        entry = self.tree.indexAt(place).data(ENTRY_ROLE)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if isinstance(entry, ScriptEntry):
            config_id = entry.config_id
            menu.addAction("Open", lambda: self.open_requested.emit(config_id))
            menu.addAction("Rename\u2026", lambda: self.rename_requested.emit(config_id))
            menu.addAction("Delete\u2026", lambda: self.delete_requested.emit(config_id))
            menu.addSeparator()
        menu.addAction("New script\u2026", self.new_requested.emit)
        menu.popup(self.tree.viewport().mapToGlobal(place))


def _dress(item: QStandardItem, entry: ScriptEntry) -> None:
    """Gives an item the state of its script, when that differs."""
    if item.data(ENTRY_ROLE) == entry:
        return
    item.setEditable(False)
    item.setData(entry, ENTRY_ROLE)
    item.setData(entry.in_words(), Qt.ItemDataRole.AccessibleTextRole)
    item.setToolTip(entry.tooltip())
