"""The common editor: Scintilla holding exact bytes, large texts in slices, coloured from a Theme."""

from __future__ import annotations

import ctypes
import time
from typing import Final

import lexilla
from lexilla.pyside6_scintilla import set_lexer
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QWidget
from pyside6_scintilla import Scintilla, ScintillaEdit

from widgets.editor_looks import (
    FOLD_MARKERS,
    MARGIN_FOLDS,
    MARGIN_NUMBERS,
    MARGIN_SYMBOLS,
    apply_elements,
    apply_styles,
)
from widgets.text_limits import (
    EXCERPT_BYTES,
    PLAIN_BYTES,
    PLAIN_LINE_BYTES,
    cut_at_character,
    plain_reason_for,
)
from widgets.theme import Theme

SLICE_BYTES: Final = 256 * 1024
SLICE_SECONDS: Final = 0.006
AT_ONCE_BYTES: Final = 1_000_000
MIN_SCALE: Final = 50
MAX_SCALE: Final = 400

_MESSAGE = Scintilla.Message
_COMMON = Scintilla.StylesCommon
_BRACES: Final = frozenset(b"()[]{}")
_CONTENT_CHANGE: Final = Scintilla.ModificationFlags.InsertText | Scintilla.ModificationFlags.DeleteText


def _address(data: bytes) -> int:
    # The typed methods of this binding take text only; a pointer passes every byte, without a copy.
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def as_return(event: QKeyEvent) -> QKeyEvent:
    """A Line Feed key, which some keyboards and most programs that type have, as the Return that editors know."""
    if event.text() != "\n" or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return event
    return QKeyEvent(event.type(), Qt.Key.Key_Return, event.modifiers(), "\r")


class CodeEditor(ScintillaEdit):
    """A code editor for one text of any bytes.

    Attributes:
        plain_reason: why colours and folding are off for this text; empty when they are on.

    Signals:
        edited(): the text changed other than by `set_bytes`; once per turn of the event loop.
        cursor_moved(line, column): the caret is elsewhere; both 1-based, the column in characters.
        font_scale_changed(percent): the user turned the wheel with Ctrl.
        loaded(): the text given to `set_bytes` is in.
    """

    edited = Signal()
    cursor_moved = Signal(int, int)
    font_scale_changed = Signal(int)
    loaded = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plain_reason = ""
        self._language = ""
        self._theme: Theme | None = None
        self._scale = 100
        self._read_only = False
        self._wrap = False
        self._excerpt = False
        self._whole: bytes | None = None  # the content while Scintilla holds only a part of it
        self._load_offset = 0
        self._caret = (0, 0)
        self._escaped = False
        self._load_timer = self._zero_timer(self._load_slices)
        self._edited_timer = self._zero_timer(self.edited.emit)
        self._reconsider_timer = self._zero_timer(self._reconsider)
        self._set_up()
        self.modified.connect(self._on_modified)
        self.linesAdded.connect(self._fit_number_margin)
        self.updateUi.connect(self._on_update_ui)
        self.charAdded.connect(self._on_char_added)

    def _zero_timer(self, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(slot)
        return timer

    def _set_up(self) -> None:
        self.setAccessibleName("Code editor")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setCodePage(Scintilla.CpUtf8)
        self.setModEventMask(int(_CONTENT_CHANGE))
        self.setIdleStyling(Scintilla.IdleStyling.All)
        self.setLayoutCache(Scintilla.LineCache.Page)
        self.setTabWidth(2)
        self.setIndent(2)
        self.setUseTabs(False)
        self.setTabIndents(True)
        self.setBackSpaceUnIndents(True)
        self.setMultipleSelection(True)
        self.setAdditionalSelectionTyping(True)
        self.setCaretLineVisibleAlways(False)
        self.setScrollWidth(1)
        self.setScrollWidthTracking(True)
        self.setMouseWheelCaptures(False)
        self.usePopUp(
            Scintilla.PopUp.Never
        )  # its own menu cannot be themed or translated; panes bring theirs
        # Zooming is ours (set_font_scale), so that every pane can share one percentage.
        for key in (Scintilla.Keys.Add, Scintilla.Keys.Subtract, Scintilla.Keys.Divide):
            self.clearCmdKey(int(key) | (int(Scintilla.KeyMod.Ctrl) << 16))
        self._set_up_margins()

    def _set_up_margins(self) -> None:
        self.setMargins(3)
        self.setMarginTypeN(MARGIN_NUMBERS, Scintilla.MarginType.Number)
        self.setMarginTypeN(MARGIN_SYMBOLS, Scintilla.MarginType.Colour)
        self.setMarginMaskN(MARGIN_SYMBOLS, 0)
        self.setMarginWidthN(MARGIN_SYMBOLS, 0)
        self.setMarginTypeN(MARGIN_FOLDS, Scintilla.MarginType.Colour)
        self.setMarginMaskN(MARGIN_FOLDS, Scintilla.MaskFolders)
        self.setMarginSensitiveN(MARGIN_FOLDS, True)
        self.setAutomaticFold(
            Scintilla.AutomaticFold.Show | Scintilla.AutomaticFold.Click | Scintilla.AutomaticFold.Change
        )
        for marker, symbol in FOLD_MARKERS:
            self.markerDefine(marker, symbol)

    # --- content

    def set_bytes(self, data: bytes) -> None:
        """Show `data` and forget the undo history; a large text arrives in slices, ending in `loaded`."""
        self._edited_timer.stop()
        self._load_timer.stop()
        self.plain_reason, self._excerpt = plain_reason_for(data)
        self._use_lexer()
        self._clear()
        self._set_line_ends(data)
        self._whole = data
        self._load_offset = 0
        if self._excerpt:
            self._append(cut_at_character(data, EXCERPT_BYTES))
            self._end_load(keep_whole=True)
        elif len(data) <= AT_ONCE_BYTES:
            self._append(data)
            self._end_load()
        else:
            self._load_slices()

    def flush_edited(self) -> None:
        """Emit `edited` now when it is due: for whoever must not miss the last keystroke."""
        if self._edited_timer.isActive():
            self._edited_timer.stop()
            self.edited.emit()

    def paste(self) -> None:
        """Paste, when there is anything: Scintilla takes for granted that the clipboard has been used."""
        if QGuiApplication.clipboard().mimeData() is not None:
            super().paste()

    def bytes_(self) -> bytes:
        """Give the content exactly as it is, also while it is still being loaded."""
        if self._whole is not None:
            return self._whole
        length = self.length()
        return ctypes.string_at(self.characterPointer(), length) if length else b""

    def size_bytes(self) -> int:
        """Give the length of the content without copying it."""
        return len(self._whole) if self._whole is not None else self.length()

    def is_excerpt(self) -> bool:
        """Say whether only the beginning is shown, because a line is too long to be laid out."""
        return self._excerpt

    def replace_all_text(self, data: bytes) -> None:
        """Replace the content as one step that undo takes back; above 2 MB without that step."""
        if self._whole is not None or len(data) > PLAIN_BYTES or self.length() > PLAIN_BYTES:
            self.set_bytes(data)
            self._edited_timer.start()
            return
        if plain_reason_for(data)[0] != self.plain_reason:
            self.plain_reason = plain_reason_for(data)[0]
            self._use_lexer()
        line, column = self._line_and_column()
        top = self.firstVisibleLine()
        self.setReadOnly(False)
        self.beginUndoAction()
        self.targetWholeDocument()
        self.send(int(_MESSAGE.ReplaceTarget), len(data), _address(data))
        self.endUndoAction()
        self._apply_read_only()
        self.gotoPos(self.position_of(line, column))
        self.setFirstVisibleLine(top)

    def end_undo_step(self) -> None:
        """Let undo stop here: Scintilla would take back all that was typed without moving the caret."""
        self.beginUndoAction()
        self.endUndoAction()

    def replace_range(self, start: int, end: int, data: bytes) -> None:
        """Replace bytes `start` to `end` as one edit that undo takes back."""
        self.setTargetRange(start, end)
        self.send(int(_MESSAGE.ReplaceTarget), len(data), _address(data))

    def set_read_only(self, read_only: bool) -> None:
        """Refuse edits, or allow them; Tab then leaves the editor."""
        self._read_only = read_only
        self._apply_read_only()

    def is_loading(self) -> bool:
        """Say whether slices are still to come."""
        return (
            self._whole is not None and self._load_offset < len(self._whole) and self._load_timer.isActive()
        )

    def _clear(self) -> None:
        self.setReadOnly(False)
        self.setUndoCollection(False)
        self.clearAll()
        self.emptyUndoBuffer()
        self.setScrollWidth(1)

    def _append(self, data: bytes) -> None:
        self.setReadOnly(False)
        self.send(int(_MESSAGE.AppendText), len(data), _address(data))
        self.setReadOnly(True)

    def _load_slices(self) -> None:
        data = self._whole
        if data is None:
            return
        started = time.perf_counter()
        while self._load_offset < len(data) and time.perf_counter() - started < SLICE_SECONDS:
            self._append(data[self._load_offset : self._load_offset + SLICE_BYTES])
            self._load_offset += SLICE_BYTES
        if self._load_offset < len(data):
            self._load_timer.start()
        else:
            self._end_load()

    def _end_load(self, *, keep_whole: bool = False) -> None:
        if not keep_whole:
            self._whole = None
        self._load_offset = 0
        self.setReadOnly(False)
        self.setUndoCollection(True)
        self.emptyUndoBuffer()
        self.setSavePoint()
        self.gotoPos(0)
        self.scrollToStart()
        self._apply_read_only()
        self._fit_number_margin()
        self._use_wrap()
        self.loaded.emit()

    def _apply_read_only(self) -> None:
        self.setReadOnly(self._read_only or self._whole is not None)

    def _set_line_ends(self, data: bytes) -> None:
        newline = data.find(b"\n", 0, PLAIN_LINE_BYTES)
        windows = newline > 0 and data[newline - 1] == ord("\r")
        self.setEOLMode(Scintilla.EndOfLine.CrLf if windows else Scintilla.EndOfLine.Lf)

    def _reconsider(self) -> None:
        # A huge paste: what applies to a loaded text applies to it too, before it is ever laid out.
        data = self.bytes_()
        reason, excerpt = plain_reason_for(data)
        if excerpt:
            self.set_bytes(data)
            self._edited_timer.start()
        elif reason != self.plain_reason:
            self.plain_reason = reason
            self._use_lexer()
        self.setUpdatesEnabled(True)

    # --- looks

    def set_language(self, language: str) -> None:
        """Colour the text as `lua`, `json` or (empty) not at all."""
        self._language = language
        self._use_lexer()

    def set_wrap(self, wrap: bool) -> None:
        """Break long lines at the edge of the view; texts that are too large for it are never broken."""
        self._wrap = wrap
        self._use_wrap()

    def _use_wrap(self) -> None:
        wrapped = self._wrap and (not self.plain_reason or self._excerpt)
        self.setWrapMode(Scintilla.Wrap.Word if wrapped else Scintilla.Wrap.None_)
        self.setWrapIndentMode(Scintilla.WrapIndentMode.Same)

    def text_left(self) -> int:
        """Give where text begins, in pixels from the left of the viewport."""
        return sum(self.marginWidthN(margin) for margin in range(self.margins())) + self.marginLeft()

    def apply_theme(self, theme: Theme) -> None:
        """Take every colour and the font from `theme`."""
        self._theme = theme
        self._apply_styles()
        apply_elements(self, theme)
        self._fit_number_margin()

    def set_font_scale(self, percent: int) -> None:
        """Draw at `percent` of the theme's size, kept between 50 and 400."""
        self._scale = max(MIN_SCALE, min(MAX_SCALE, percent))
        self._apply_styles()
        self._fit_number_margin()

    def font_scale(self) -> int:
        """Give the size in percent of the theme's."""
        return self._scale

    def _use_lexer(self) -> None:
        language = "" if self.plain_reason else self._language
        self.setILexer(0)
        self.clearDocumentStyle()
        if language:
            lexer = lexilla.create_lexer(language)
            if lexer is not None:
                set_lexer(self, lexer)
        self.setProperty("fold", "1" if language else "0")
        self.setProperty("fold.compact", "0")
        self.setProperty("lexer.json.escape.sequence", "1")
        if language == "json":
            self.setKeyWords(0, "true false null")
        self._set_keywords(language)
        self._apply_styles()
        self._fit_number_margin()
        self._use_wrap()

    def _set_keywords(self, language: str) -> None:
        """Give the lexer its word lists; for subclasses."""

    def _apply_styles(self) -> None:
        if self._theme is not None:
            apply_styles(self, self._theme, self._language, self._scale)

    def _fit_number_margin(self, _lines_added: int = 0) -> None:
        digits = max(3, len(str(self.lineCount())))
        width = self.textWidth(int(_COMMON.LineNumber), "9" * digits)
        unit = max(1, width // digits)
        self.setMarginWidthN(MARGIN_NUMBERS, width + unit)
        self.setMarginWidthN(
            MARGIN_FOLDS, 0 if self.plain_reason or not self._language else round(unit * 1.7)
        )
        self.setMarginLeft(round(unit * 0.5))

    # --- caret

    def goto(self, line: int, column: int = 1) -> None:
        """Put the caret at a 1-based line and column (in characters), centred, with focus."""
        position = self.position_of(line, column)
        self.ensureVisible(self.lineFromPosition(position))
        self.gotoPos(position)
        self.verticalCentreCaret()
        self.setFocus()

    def setFocus(  # type: ignore[override]  # noqa: N802
        self, reason: Qt.FocusReason = Qt.FocusReason.OtherFocusReason
    ) -> None:
        """Take the keyboard focus, as any widget does: the binding hides this behind a Scintilla message."""
        QWidget.setFocus(self, reason)

    def position_of(self, line: int, column: int) -> int:
        """Give the byte position of a 1-based line and column, the nearest there is."""
        index = max(0, min(line - 1, self.lineCount() - 1))
        start, end = self.positionFromLine(index), self.lineEndPosition(index)
        if column <= 1 or start == end:
            return start
        position = self.positionRelative(start, column - 1)
        # Scintilla answers 0 for a place outside the text.
        return end if position <= start or position > end else position

    def select_range(self, start: int, end: int) -> None:
        """Select bytes `start` to `end` and bring them into view, unfolding what hides them."""
        self.ensureVisible(self.lineFromPosition(start))
        self.setSel(start, end)
        line = self.visibleFromDocLine(self.lineFromPosition(start))
        top, rows = self.firstVisibleLine(), self.linesOnScreen()
        if not top <= line < top + rows:
            self.setFirstVisibleLine(max(0, line - rows // 2))
        self.scrollRange(end, start)

    def _line_and_column(self) -> tuple[int, int]:
        position = self.currentPos()
        line = self.lineFromPosition(position)
        return line + 1, self.countCharacters(self.positionFromLine(line), position) + 1

    def _highlight_braces(self) -> None:
        position = self.currentPos()
        for at in (position - 1, position) if self.hasFocus() else ():  # a mark elsewhere is only noise
            if at >= 0 and self.charAt(at) & 0xFF in _BRACES and not self.plain_reason:
                other = self.braceMatch(at, 0)
                if other >= 0:
                    self.braceHighlight(at, other)
                else:
                    self.braceBadLight(at)
                return
        self.braceHighlight(Scintilla.InvalidPosition, Scintilla.InvalidPosition)

    # --- events

    def _on_modified(self, _kind: int, _position: int, length: int, *_rest: object) -> None:
        if not self.undoCollection():
            return  # set_bytes at work
        self._edited_timer.start()
        if length > PLAIN_LINE_BYTES:
            self.setUpdatesEnabled(False)
            self._reconsider_timer.start()

    def _on_char_added(self, code: int) -> None:
        """Keep the indentation on a new line, one step more after an open bracket; Lua has rules of its own."""
        if code not in (ord("\r"), ord("\n")):
            return
        self.end_undo_step()
        if self.plain_reason:
            return
        line = self.lineFromPosition(self.currentPos())
        end = self.lineEndPosition(line - 1)
        opened = line > 0 and end > 0 and chr(self.charAt(end - 1) & 0xFF) in "{["
        self.setLineIndentation(line, self.lineIndentation(line - 1) + (self.indent() if opened else 0))
        self.gotoPos(self.lineIndentPosition(line))

    def _on_update_ui(self, _updated: int) -> None:
        caret = self._line_and_column()
        self._highlight_braces()
        if caret != self._caret:
            self._caret = caret
            self.cursor_moved.emit(*caret)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Shows the match of the brace at the caret."""
        super().focusInEvent(event)
        self._highlight_braces()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Takes the brace match away."""
        super().focusOutEvent(event)
        self._highlight_braces()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Change the size with Ctrl, else scroll."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = 10 if event.angleDelta().y() > 0 else -10
            self.set_font_scale(self._scale + step)
            self.font_scale_changed.emit(self._scale)
            event.accept()
        else:
            super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Let Tab leave: always when read-only, else after Esc."""
        tab = event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
        if tab and (self.readOnly() or self._escaped):
            self._escaped = False
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
            event.accept()
            return
        self._escaped = event.key() == Qt.Key.Key_Escape and not self.autoCActive()
        super().keyPressEvent(as_return(event))
