"""The table of a cluster's scripts: namespaces set apart, columns as wide as the font asks, updates in place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from engine.scripts.compare import ScriptRow
from widgets.cluster_rows import (
    COLUMNS,
    HASH,
    KAFKA,
    REDIS,
    SCRIPT,
    UPDATED,
    VERSION,
    WHO,
    WORKSPACE,
    ClusterModel,
    place_of,
)
from widgets.row_marks import Index, draw_item_backdrop
from widgets.row_table import ROW_ROLE, RowTable
from widgets.style import mix
from widgets.theme import Theme

WIDTHS = {VERSION: 10, HASH: 18, UPDATED: 20, WHO: 13, KAFKA: 19, REDIS: 17, WORKSPACE: 17}
"""In characters; the script's name has the rest, and never less than this:"""

FEWEST_NAME_CHARACTERS = 24
GIVE_WAY = (HASH, WHO, UPDATED, VERSION)
"""Where there is little room these columns go, the first one first: the rest says where something differs."""


class _NameDelegate(QStyledItemDelegate):
    """Draws the namespace of a config_id faintly, so that the names stand out."""

    theme: Theme | None = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Namespace, then the rest, cut where the column ends."""
        row = index.data(ROW_ROLE)
        if self.theme is None or not isinstance(row, ScriptRow):
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        draw_item_backdrop(painter, option)
        space, colon, name = row.config_id.partition(":")
        metrics = option.fontMetrics
        room = option.rect.adjusted(metrics.height() // 3, 0, -4, -1)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.save()
        painter.setFont(option.font)
        if colon:
            painter.setPen(QColor(self.theme.text_muted))
            first = metrics.elidedText(space + colon, Qt.TextElideMode.ElideMiddle, room.width() * 2 // 3)
            painter.drawText(room, flags, first)
            room.setLeft(room.left() + metrics.horizontalAdvance(first))
        painter.setPen(QColor(self.theme.text))
        rest = metrics.elidedText(name or space, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, flags, rest)
        painter.restore()


class ClusterTable(RowTable):
    """Rows of `ScriptRow`.

    Signals:
        sort_requested(int): the title of a column was pressed.
        delete_pressed(): the Delete key.
    """

    sort_requested = Signal(int)
    delete_pressed = Signal()

    def __init__(self, model: ClusterModel, parent: QWidget | None = None) -> None:
        super().__init__(model, "Scripts of the cluster", parent)
        self._model = model
        self._theme: Theme | None = None
        self._names = _NameDelegate(self)
        self._starts: frozenset[int] = frozenset()
        self.setItemDelegateForColumn(SCRIPT, self._names)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setHorizontalScrollMode(self.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(False)
        for column in range(len(COLUMNS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSortIndicator(SCRIPT, Qt.SortOrder.AscendingOrder)
        header.sectionClicked.connect(self.sort_requested)
        self._fit()

    def show_rows(self, rows: tuple[ScriptRow, ...], *, grouped: bool) -> None:
        """Shows other rows; what is selected and what is at the top stay there while they are among them.

        Args:
            grouped: whether a line sets each namespace apart.
        """
        before = self._model.rows
        self._starts = _group_starts(rows) if grouped else frozenset()
        if rows == before:
            self.viewport().update()
        elif len(rows) == len(before) and all(
            a.config_id == b.config_id for a, b in zip(rows, before, strict=True)
        ):
            self._model.replace_rows(rows)
        else:
            top = self.indexAt(QPoint(0, 0)).data(ROW_ROLE)
            offset = self.visualRect(self.indexAt(QPoint(0, 0))).top()
            at_start = self.verticalScrollBar().value() == 0
            self.set_rows(rows)
            if isinstance(top, ScriptRow) and not at_start:
                self._scroll_to(top.config_id, offset)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self._theme = self._names.theme = theme
        self._model.apply_theme(theme)
        self.viewport().update()

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: N802
        """A hairline over the first row of a namespace."""
        super().drawRow(painter, option, index)
        if self._theme is not None and index.row() in self._starts:
            painter.setPen(QPen(QColor(mix(self._theme.base, self._theme.text, 0.22)), 1))
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Delete asks for deletion; the rest is the table's own."""
        if event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows the font with the columns."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The name's column takes what the others leave."""
        super().resizeEvent(event)
        self._fit_name()

    def _scroll_to(self, config_id: str, offset: int) -> None:
        for number, row in enumerate(self._model.rows):
            if row.config_id == config_id:
                self.scrollTo(self._model.index(number, 0), self.ScrollHint.PositionAtTop)
                bar = self.verticalScrollBar()
                bar.setValue(bar.value() - offset)
                return

    def _fit(self) -> None:
        width = self.fontMetrics().averageCharWidth()
        for column, characters in WIDTHS.items():
            self.header().resizeSection(column, width * characters)
        self._fit_name()

    def _fit_name(self) -> None:
        character = self.fontMetrics().averageCharWidth()
        fewest, room = character * FEWEST_NAME_CHARACTERS, self.viewport().width()
        for column in reversed(GIVE_WAY):
            self.setColumnHidden(column, False)
        for column in GIVE_WAY:
            if self._width_of_others() + fewest > room:
                self.setColumnHidden(column, True)
        self.header().resizeSection(SCRIPT, max(room - self._width_of_others(), fewest))

    def _width_of_others(self) -> int:
        return sum(self.header().sectionSize(column) for column in WIDTHS)  # a hidden one has none


def _group_starts(rows: tuple[ScriptRow, ...]) -> frozenset[int]:
    """The numbers of the rows at which another namespace begins."""
    spaces = [place_of(row.config_id)[0] for row in rows]
    return frozenset(number for number in range(1, len(rows)) if spaces[number] != spaces[number - 1])
