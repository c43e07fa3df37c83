"""The bar that finds and replaces in a code editor, as one types."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from widgets.code_editor import CodeEditor
from widgets.editor_looks import INDICATOR_CURRENT_MATCH, INDICATOR_MATCH
from widgets.finding import PatternError, Query, compile_query, find_all, replace_all, replacement_for
from widgets.glyphs import GlyphButton
from widgets.style import mark_invalid, mix, set_look
from widgets.theme import Theme

SLICE_SECONDS: Final = 0.006
SEED_LENGTH: Final = 200
MOST_MATCHES: Final = 100_000


class FindBar(QFrame):
    """Find and replace for the editor it is attached to; hidden until opened.

    Attributes:
        editor: the editor searched; None before `attach`.

    Signals:
        closed(): the user closed the bar; the focus is back in the editor.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor: CodeEditor | None = None
        self._spans: list[tuple[int, int]] = []
        self._scan: Iterator[tuple[int, int, re.Match[str]]] | None = None
        self._anchor = 0
        self._jump_from: int | None = None  # select the first match from here once it is known
        self._error = ""
        self._remark = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._scan_on)
        self.setProperty("strip", True)
        self.setAccessibleName("Find and replace")
        self._build_find_row()
        self._build_replace_row()
        self._lay_out()
        self._connect_signals()
        self.hide()

    # --- building

    def _build_find_row(self) -> None:
        self.find_field = _field("Find")
        self.count_label = QLabel()
        self.count_label.setProperty("muted", True)
        self.count_label.setAccessibleName("Matches")
        self.case_button = _toggle("Aa", "Match case")
        self.word_button = _toggle("W", "Whole words")
        self.regex_button = _toggle(".*", "Regular expression")
        self.previous_button = GlyphButton("up", "Previous match (Shift+Enter)", self)
        self.next_button = GlyphButton("down", "Next match (Enter)", self)
        self.close_button = GlyphButton("close", "Close (Esc)", self)

    def _build_replace_row(self) -> None:
        self.replace_field = _field("Replace with")
        self.replace_button = QPushButton("Replace")
        self.replace_all_button = QPushButton("Replace all")
        for button in (self.replace_button, self.replace_all_button):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 4, 4)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.addWidget(self.find_field, 0, 0)
        grid.addLayout(_row(self.case_button, self.word_button, self.regex_button), 0, 1)
        grid.addWidget(self.count_label, 0, 2)
        grid.addLayout(_row(self.previous_button, self.next_button, self.close_button), 0, 3)
        self._replace_row = QWidget()
        buttons = _row(self.replace_button, self.replace_all_button, spacing=4)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.addStretch(1)
        self._replace_row.setLayout(buttons)
        grid.addWidget(self.replace_field, 1, 0)
        grid.addWidget(self._replace_row, 1, 1, 1, 3)
        grid.setColumnStretch(0, 3)
        set_tab_order(
            self.find_field, self.replace_field,
            self.case_button, self.word_button, self.regex_button,
            self.previous_button, self.next_button,
            self.replace_button, self.replace_all_button, self.close_button,
        )  # fmt: skip
        grid.setColumnStretch(2, 1)

    def _connect_signals(self) -> None:
        self.find_field.textChanged.connect(self._search_as_typed)
        for button in (self.case_button, self.word_button, self.regex_button):
            button.toggled.connect(self._search_as_typed)
        self.next_button.clicked.connect(self.find_next)
        self.previous_button.clicked.connect(self.find_previous)
        self.close_button.clicked.connect(self.close_bar)
        self.replace_button.clicked.connect(self.replace_current)
        self.replace_all_button.clicked.connect(self.replace_every)
        self.find_field.installEventFilter(self)
        self.replace_field.installEventFilter(self)

    # --- the owner's side

    def attach(self, editor: CodeEditor | None) -> None:
        """Search in `editor` from now on; None lets the last one go."""
        if self.editor is not None:
            self._clear_marks()
            self.editor.removeEventFilter(self)
            self.editor.edited.disconnect(self._on_edited)
            self.editor.loaded.disconnect(self._on_edited)
            self.editor.cursor_moved.disconnect(self._on_cursor_moved)
        self.editor = editor
        if editor is None:
            return
        editor.installEventFilter(self)
        editor.edited.connect(self._on_edited)
        editor.loaded.connect(self._on_edited)
        editor.cursor_moved.connect(self._on_cursor_moved)
        self._on_edited()

    def open_find(self) -> None:
        """Show the bar for finding, starting with what is selected."""
        self._open(replacing=False)

    def open_replace(self) -> None:
        """Show the bar for replacing, starting with what is selected."""
        self._open(replacing=self.editor is not None and not self.editor.readOnly())

    def close_bar(self) -> None:
        """Hide the bar and its marks; the focus returns to the editor."""
        self._timer.stop()
        self._clear_marks()
        self.hide()
        if self.editor is not None:
            self.editor.setFocus()
        self.closed.emit()

    def apply_theme(self, theme: Theme) -> None:
        """Recolour the glyphs; the rest comes from the style sheet."""
        faded = mix(theme.text_muted, theme.window, 0.5)
        for button in (self.previous_button, self.next_button, self.close_button):
            button.set_colours(theme.text_muted, faded)

    def query(self) -> Query:
        """Give what the bar looks for."""
        return Query(
            self.find_field.text(),
            self.case_button.isChecked(),
            self.word_button.isChecked(),
            self.regex_button.isChecked(),
        )

    def _open(self, *, replacing: bool) -> None:
        if self.editor is None:
            return
        self.replace_field.setVisible(replacing)
        self._replace_row.setVisible(replacing)
        self._remark = ""
        self._anchor = self.editor.selectionStart()
        selected = bytes(self.editor.getSelText().data()).rstrip(b"\0")
        self.show()
        if selected and len(selected) <= SEED_LENGTH and b"\n" not in selected:
            self.find_field.setText(selected.decode("utf-8", "replace"))
        self._search(self._anchor)
        self.find_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.find_field.selectAll()

    # --- searching

    def _search_as_typed(self) -> None:
        self._remark = ""
        self._search(self._anchor)

    def _on_edited(self) -> None:
        if self.isVisible():
            self._search(None)

    def _search(self, jump_from: int | None) -> None:
        """Mark all matches anew, and go to the first one from `jump_from` on."""
        self._timer.stop()
        self._clear_marks()
        self._spans, self._scan, self._error = [], None, ""
        self._jump_from = jump_from
        query = self.query()
        if self.editor is not None and query.text:
            try:
                self._scan = find_all(self.editor.bytes_()[: self.editor.length()], compile_query(query))
            except PatternError as problem:
                self._error = str(problem)
        self._scan_on()

    def _scan_on(self) -> None:
        started = time.perf_counter()
        editor = self.editor
        if editor is not None and self._scan is not None:
            editor.setIndicatorCurrent(INDICATOR_MATCH)
            for start, end, _found in self._scan:
                self._spans.append((start, end))
                editor.indicatorFillRange(start, end - start)
                if len(self._spans) >= MOST_MATCHES:
                    self._scan = None
                    break
                if time.perf_counter() - started > SLICE_SECONDS:
                    self._timer.start()
                    break
            else:
                self._scan = None
        self._jump()
        self._show_state()

    def _jump(self) -> None:
        if self._jump_from is None or not self._spans:
            return
        index = bisect_left(self._spans, (self._jump_from, 0))
        if index < len(self._spans) or self._scan is None:
            self._jump_from = None
            self._select(index % len(self._spans))

    def _select(self, index: int) -> None:
        self._remark = ""
        if self.editor is not None:
            self.editor.select_range(*self._spans[index])
            self._mark_current()
            self._show_state()

    def _current(self) -> int | None:
        """Which match is selected, by index."""
        if self.editor is None:
            return None
        selected = (self.editor.selectionStart(), self.editor.selectionEnd())
        index = bisect_left(self._spans, selected)
        return index if index < len(self._spans) and self._spans[index] == selected else None

    def find_next(self) -> None:
        """Select the match after the caret, or the first."""
        if self.editor is not None and self._spans:
            index = bisect_left(self._spans, (self.editor.selectionEnd(), 0))
            self._select(index % len(self._spans))

    def find_previous(self) -> None:
        """Select the match before the selection, or the last."""
        if self.editor is not None and self._spans:
            self._select(bisect_left(self._spans, (self.editor.selectionStart(), 0)) - 1)

    # --- replacing

    def replace_current(self) -> None:
        """Replace the selected match and go to the next; with none selected only go there."""
        current = self._current()
        editor = self.editor
        if editor is None or current is None or editor.readOnly():
            self.find_next()
            return
        start, end = self._spans[current]
        query = self.query()
        for at, _end, found in find_all(editor.bytes_(), compile_query(query)):
            if at == start:
                try:
                    new = replacement_for(found, query, self.replace_field.text())
                except PatternError as problem:
                    self._show_replace_error(str(problem))
                    return
                editor.replace_range(start, end, new)
                self._search(start + len(new))
                return

    def replace_every(self) -> None:
        """Replace all matches as one undo step, and say how many there were."""
        editor = self.editor
        if editor is None or editor.readOnly() or not self.query().text or self._error:
            return
        try:
            data, count = replace_all(editor.bytes_(), self.query(), self.replace_field.text())
        except PatternError as problem:
            self._show_replace_error(str(problem))
            return
        if count:
            editor.replace_all_text(data)
        self._search(None)
        self._remark = f"{count} replaced" if count else ""
        self._show_state()

    def _show_replace_error(self, message: str) -> None:
        mark_invalid(self.replace_field, message)
        self._remark = message
        self._show_state()

    # --- showing

    def _clear_marks(self) -> None:
        if self.editor is None:
            return
        for indicator in (INDICATOR_MATCH, INDICATOR_CURRENT_MATCH):
            self.editor.setIndicatorCurrent(indicator)
            self.editor.indicatorClearRange(0, self.editor.length())

    def _mark_current(self) -> None:
        if self.editor is None:
            return
        self.editor.setIndicatorCurrent(INDICATOR_CURRENT_MATCH)
        self.editor.indicatorClearRange(0, self.editor.length())
        current = self._current()
        if current is not None:
            start, end = self._spans[current]
            self.editor.indicatorFillRange(start, end - start)

    def _on_cursor_moved(self) -> None:
        if self.isVisible():
            self._mark_current()
            self._show_state()

    def _show_state(self) -> None:
        mark_invalid(self.find_field, self._error)
        if not self._remark:
            mark_invalid(self.replace_field, "")
        missing = bool(self.find_field.text()) and not self._spans and self._scan is None
        set_look(self.count_label, "tone", "error" if self._error or missing else "")
        self.count_label.setText(self._error or self._remark or self._count())
        self.count_label.setToolTip(self._error)
        for button in (self.next_button, self.previous_button, self.replace_button, self.replace_all_button):
            button.setEnabled(bool(self._spans))

    def _count(self) -> str:
        if not self.find_field.text():
            return ""
        more = "+" if self._scan is not None or len(self._spans) >= MOST_MATCHES else ""
        total = f"{len(self._spans):,}{more}"
        current = self._current()
        if current is not None:
            return f"{current + 1:,} of {total}"
        if not self._spans:
            return "Searching…" if more else "No matches"
        return f"{total} match" if total == "1" else f"{total} matches"

    # --- keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Enter and Shift+Enter in the fields, F3 and Ctrl+F, Ctrl+H in the editor."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.editor:
                return self._editor_key(event)
            return self._field_key(watched, event)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Esc and F3 wherever in the bar the focus is."""
        if not self._field_key(self, event):
            super().keyPressEvent(event)

    def _field_key(self, watched: QObject, event: QKeyEvent) -> bool:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif enter and watched is self.replace_field:
            self.replace_current()
        elif (enter and watched is self.find_field) or event.key() == Qt.Key.Key_F3:
            self._step(event)
        else:
            return False
        return True

    def _editor_key(self, event: QKeyEvent) -> bool:
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if event.key() == Qt.Key.Key_F3 and self.find_field.text():
            if not self.isVisible():
                self.show()
                self._search(None)
            self._step(event)
        elif event.key() == Qt.Key.Key_F and control:
            self.open_find()
        elif event.key() == Qt.Key.Key_H and control:
            self.open_replace()
        else:
            return False
        return True

    def _step(self, event: QKeyEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.find_previous()
        else:
            self.find_next()


def set_tab_order(*widgets: QWidget) -> None:
    """Let Tab visit `widgets` in the order given."""
    for before, after in pairwise(widgets):
        QWidget.setTabOrder(before, after)


def _field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(name)
    field.setAccessibleName(name)
    field.setClearButtonEnabled(False)
    field.setMinimumWidth(field.fontMetrics().averageCharWidth() * 12)
    return field


def _toggle(text: str, name: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setCheckable(True)
    button.setToolTip(name)
    button.setAccessibleName(name)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def _row(*widgets: QWidget, spacing: int = 2) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget)
    return row
