"""The pane that holds the payload: as text or as bytes, with its size and whether it is JSON."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engine.display import JsonProblem
from widgets.body_view import size_in_words
from widgets.code_editor import CodeEditor
from widgets.find_bar import FindBar, set_tab_order
from widgets.hex_view import HexView
from widgets.pane_header import ElidedLabel, PaneHeader
from widgets.payload_text import looks_binary, offset_of, why_not_text
from widgets.style import set_look
from widgets.theme import Theme

PLACEHOLDER = "Type or paste a payload, or drop a file here."
CHECK_DELAY_MS = 250


class PayloadPane(QWidget):
    """One payload of any bytes, exact in and out.

    Attributes:
        editor: the payload as text.
        hex_view: the payload as bytes.
        find_bar: finds in the text.

    Signals:
        changed(): the user changed the content.
        format_requested(), open_requested(), paste_requested(): a button was pressed; the owner acts.
        file_dropped(path): a file was dropped on the pane.
        font_scale_changed(percent): the user turned the wheel with Ctrl.
    """

    changed = Signal()
    format_requested = Signal()
    open_requested = Signal()
    paste_requested = Signal()
    file_dropped = Signal(str)
    font_scale_changed = Signal(int)

    def __init__(self, title: str = "Payload", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._problem: JsonProblem | None = None
        self._read_only = False
        self.editor = CodeEditor()
        self.hex_view = HexView()
        self.find_bar = FindBar()
        self.header = PaneHeader(title)
        self._recheck = QTimer(self)
        self._recheck.setSingleShot(True)
        self._recheck.setInterval(CHECK_DELAY_MS)
        self._recheck.timeout.connect(self._check_text_allowed)
        self.setAccessibleName(title)
        self.setAcceptDrops(True)
        self._set_up_views(title)
        self._build_header()
        self._build_footer()
        self._lay_out()
        self._connect_signals()
        self.set_content(b"")

    # --- building

    def _set_up_views(self, title: str) -> None:
        self.editor.setAccessibleName(f"{title} as text")
        self.hex_view.setAccessibleName(f"{title} as bytes")
        self.editor.set_language("json")
        self.editor.set_wrap(True)
        self.find_bar.attach(self.editor)
        self._placeholder = QLabel(PLACEHOLDER, self.editor.viewport())
        self._placeholder.setProperty("muted", True)
        self._placeholder.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        for view in (self.editor, self.hex_view):
            view.viewport().installEventFilter(self)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.editor)
        self._stack.addWidget(self.hex_view)

    def _build_header(self) -> None:
        self.text_button = _button("Text", "Show as text", checkable=True)
        self.hex_button = _button("Hex", "Show as bytes", checkable=True)
        self.format_button = _button("Format", "Format the JSON")
        self.open_button = _button("Open…", "Open a file as payload")
        self.paste_button = _button("Paste", "Replace the payload with the clipboard")
        self._switch = QButtonGroup(self)
        for button in (self.text_button, self.hex_button):
            self._switch.addButton(button)
            self.header.add_widget(button)
        self.header.add_widget(_gap())
        for button in (self.format_button, self.open_button, self.paste_button):
            self.header.add_widget(button)

    def _build_footer(self) -> None:
        self._footer = QFrame()
        self._footer.setProperty("strip", True)
        self.size_label = QLabel()
        self.size_label.setProperty("muted", True)
        self.size_label.setAccessibleName("Size")
        self.state_label = QLabel()
        self.state_label.setAccessibleName("Validity")
        self.jump_button = QToolButton()
        self.jump_button.setProperty("link", True)
        self.jump_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.jump_button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.note_label = ElidedLabel()
        self.note_label.setProperty("muted", True)
        row = QHBoxLayout(self._footer)
        row.setContentsMargins(10, 2, 6, 2)
        row.setSpacing(8)
        for widget in (self.size_label, self.state_label, self.jump_button):
            row.addWidget(widget)
        row.addWidget(self.note_label, 1)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.find_bar)
        column.addWidget(self._stack, 1)
        column.addWidget(self._footer)
        set_tab_order(
            self.text_button,
            self.hex_button,
            self.format_button,
            self.open_button,
            self.paste_button,
            self.find_bar.find_field,
        )
        set_tab_order(self.find_bar.close_button, self.editor, self.hex_view, self.jump_button)

    def _connect_signals(self) -> None:
        self.text_button.clicked.connect(self.show_text)
        self.hex_button.clicked.connect(self.show_hex)
        self.format_button.clicked.connect(self.format_requested)
        self.open_button.clicked.connect(self.open_requested)
        self.paste_button.clicked.connect(self.paste_requested)
        self.jump_button.clicked.connect(self.jump_to_problem)
        self.editor.edited.connect(self._on_edited)
        self.hex_view.edited.connect(self._on_edited)
        self.hex_view.mode_changed.connect(self._show_note)
        self.editor.font_scale_changed.connect(self._on_scale)
        self.hex_view.font_scale_changed.connect(self._on_scale)

    # --- content

    def flush_changed(self) -> None:
        """Emit `changed` now when it is due: for whoever must not miss the last keystroke."""
        self.editor.flush_edited()

    def content(self) -> bytes:
        """Give the payload exactly as it is."""
        return self.hex_view.bytes_() if self.is_hex() else self.editor.bytes_()

    def set_content(self, data: bytes) -> None:
        """Show `data` as text, or as bytes when it is not text."""
        refusal = why_not_text(data)
        self._allow_text(refusal)
        self._show(hex_shown=bool(refusal) or looks_binary(data), data=data)
        self._forget_state()

    def replace_content(self, data: bytes) -> None:
        """Replace the text by another (the formatted one) so that undo brings it back; counts as a change."""
        if self.is_hex() or why_not_text(data):
            self.set_content(data)
            self.changed.emit()
        else:
            self.editor.replace_all_text(data)

    def is_hex(self) -> bool:
        """Say whether the bytes are shown."""
        return self._stack.currentWidget() is self.hex_view

    def show_text(self) -> None:
        """Show the payload as text, when it is text."""
        if self.is_hex():
            self._check_text_allowed()
            self._show(hex_shown=not self.text_button.isEnabledTo(self), data=self.content())

    def show_hex(self) -> None:
        """Show the payload as bytes."""
        if not self.is_hex():
            self._show(hex_shown=True, data=self.content())

    def set_read_only(self, read_only: bool) -> None:
        """Refuse edits, or allow them."""
        self._read_only = read_only
        self.editor.set_read_only(read_only)
        self.hex_view.set_read_only(read_only)
        for button in (self.format_button, self.open_button, self.paste_button):
            button.setVisible(not read_only)
        self._refresh()

    def _show(self, *, hex_shown: bool, data: bytes) -> None:
        shown, other = (self.hex_view, self.editor) if hex_shown else (self.editor, self.hex_view)
        had_focus = other.hasFocus()
        shown.set_bytes(data)
        self._stack.setCurrentWidget(shown)
        self.setFocusProxy(shown)
        other.set_bytes(b"")  # one truth, and one copy in memory
        (self.hex_button if hex_shown else self.text_button).setChecked(True)
        if hex_shown and self.find_bar.isVisible():
            self.find_bar.close_bar()
        if had_focus:
            shown.setFocus()
        self._refresh()

    def _allow_text(self, refusal: str) -> None:
        self.text_button.setEnabled(not refusal)
        self.text_button.setToolTip(refusal or "Show as text")
        self.text_button.setAccessibleDescription(refusal)

    def _check_text_allowed(self) -> None:
        self._recheck.stop()
        self._allow_text(why_not_text(self.content()))

    def _on_edited(self) -> None:
        if self.sender() is not self._stack.currentWidget():
            return
        if self.is_hex():
            self._recheck.start()
        self._forget_state()
        self._refresh()
        self.changed.emit()

    # --- state

    def set_validity(self, problem: JsonProblem | None) -> None:
        """Say that the content is JSON (None), or why and where it is not."""
        self._problem = problem
        if problem is None:
            self._show_state("valid JSON", "success")
        else:
            self._show_state("not JSON:", "error")
            self._fit_link()

    def set_validity_pending(self) -> None:
        """Say that the content is being looked at; a problem shown before stays, greyed."""
        set_look(self.state_label, "tone", "")
        set_look(self.state_label, "muted", True)
        self.jump_button.setEnabled(False)

    def show_error(self, message: str) -> None:
        """Say what went wrong with the content (a file that cannot be read), until it changes."""
        self._problem = None
        self._show_state(message, "error")

    def jump_to_problem(self) -> None:
        """Put the caret where the content stops being JSON."""
        problem = self._problem
        if problem is None:
            return
        data = self.content()
        beyond_excerpt = self.editor.is_excerpt() and not self.is_hex()
        if beyond_excerpt:
            self.show_hex()
        if self.is_hex():
            self.hex_view.goto(offset_of(data, problem.line, problem.column))
            self.hex_view.setFocus()
        else:
            self.editor.goto(problem.line, problem.column)

    def _show_state(self, text: str, tone: str) -> None:
        set_look(self.state_label, "muted", False)
        set_look(self.state_label, "tone", tone)
        self.state_label.setText(text if self._size() or tone == "error" else "")
        self.jump_button.setEnabled(True)
        self.jump_button.setVisible(self._problem is not None)

    def _forget_state(self) -> None:
        """Keep what was said, greyed, until the owner has looked again: no flicker at each keystroke."""
        if self._problem is None and self.state_label.text() != "valid JSON":
            self._show_state("", "")
        if not self._size():
            self._problem = None
            self._show_state("", "")
        self.set_validity_pending()

    def _size(self) -> int:
        return self.hex_view.size_bytes() if self.is_hex() else self.editor.size_bytes()

    def _refresh(self) -> None:
        size = self._size()
        self.size_label.setText(size_in_words(size))
        self._placeholder.setVisible(size == 0 and not self.is_hex())
        self._place_placeholder()
        self.format_button.setEnabled(size > 0 and self.text_button.isEnabledTo(self))
        self._show_note()

    def _show_note(self) -> None:
        if self.is_hex():
            typing = "Inserting" if self.hex_view.insert_mode else "Overwriting"
            note = self.text_button.accessibleDescription() or (
                "" if self._read_only else f"{typing} (Insert key)"
            )
        else:
            note = self.editor.plain_reason
        self.note_label.set_full_text(note)

    def _fit_link(self) -> None:
        problem = self._problem
        if problem is None:
            return
        full = f"line {problem.line}, column {problem.column}: {problem.message}"
        metrics = self.jump_button.fontMetrics()
        used = self.size_label.sizeHint().width() + self.state_label.sizeHint().width() + 60
        room = max(self.width() - used, metrics.averageCharWidth() * 12)
        self.jump_button.setText(metrics.elidedText(full, Qt.TextElideMode.ElideRight, room))
        self.jump_button.setToolTip(f"{full}\nGo there")
        self.jump_button.setAccessibleName(full)

    # --- looks

    def apply_theme(self, theme: Theme) -> None:
        """Take colours and fonts from `theme`."""
        for part in (self.header, self.find_bar, self.editor, self.hex_view):
            part.apply_theme(theme)
        self._place_placeholder()

    def set_font_scale(self, percent: int) -> None:
        """Draw the content at `percent` of the theme's size."""
        self.editor.set_font_scale(percent)
        self.hex_view.set_font_scale(percent)
        self._place_placeholder()

    def open_find(self) -> None:
        """Open the find bar over the text."""
        if not self.is_hex():
            self.find_bar.open_find()

    def open_replace(self) -> None:
        """Open the find bar for replacing."""
        if not self.is_hex():
            self.find_bar.open_replace()

    def _on_scale(self, percent: int) -> None:
        self.set_font_scale(percent)
        self.font_scale_changed.emit(percent)

    def _place_placeholder(self) -> None:
        self._placeholder.adjustSize()
        line_height = self.editor.textHeight(0)
        top = max(0, (line_height - self._placeholder.height()) // 2)
        self._placeholder.move(self.editor.text_left() + 4, top)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Cut the problem's text anew."""
        super().resizeEvent(event)
        self._fit_link()

    # --- dropping files

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take files dropped on the views before they insert the path as text."""
        if isinstance(event, QDragEnterEvent | QDragMoveEvent | QDropEvent) and _dropped_path(
            event.mimeData()
        ):
            self._take_drop(event)
            return True
        return super().eventFilter(watched, event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files."""
        self._take_drop(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Pass the file's path on."""
        self._take_drop(event)

    def _take_drop(self, event: QDropEvent) -> None:
        path = _dropped_path(event.mimeData())
        if not path or self._read_only:
            event.ignore()
            return
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.file_dropped.emit(path)


def _dropped_path(data: QMimeData) -> str:
    return next((url.toLocalFile() for url in data.urls() if url.isLocalFile()), "")


def _button(text: str, name: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(name)
    button.setAccessibleName(name)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return button


def _gap() -> QWidget:
    gap = QWidget()
    gap.setFixedWidth(10)
    return gap
