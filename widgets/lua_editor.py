"""The editor of Lua scripts: colours, indentation, completion, call tips, and problems where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget
from pyside6_scintilla import Scintilla

from engine.sandbox.api import ApiEntry
from engine.scripts.problem import Problem, Severity
from widgets.call_tip_frame import CallTipFrame
from widgets.code_editor import CodeEditor, as_return
from widgets.completion import KEYWORDS, call_tip, complete, entry_for, name_at, tip_for
from widgets.editor_looks import MARGIN_SYMBOLS, bgr
from widgets.lua_indent import indent_for, just_closed, outgrew_closer
from widgets.style import tint
from widgets.theme import Theme

DWELL_MS: Final = 400
ANNOTATION_LENGTH: Final = 140
ANALYSED_BYTES: Final = 300_000  # completion reads no further than this around the caret
LIST_ROWS: Final = 9

_SEVERITIES: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)  # the worst first
_FIRST_INDICATOR: Final = 9
_FIRST_MARKER: Final = 1
_FIRST_STYLE: Final = 64
_LEGEND_WORDS: Final = 1


class LuaEditor(CodeEditor):
    """A CodeEditor for one Lua script; the signals are those of CodeEditor.

    Attributes:
        entries: the names that scripts can reach, offered and explained.
        problems: what `show_problems` shows now.
    """

    def __init__(self, entries: Sequence[ApiEntry] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries = tuple(entries)
        self.problems: tuple[Problem, ...] = ()
        self._hovering = False
        self._tip_frame = CallTipFrame(self)
        self.setAccessibleName("Lua script")
        self._set_up_lists()
        self._set_up_problem_marks()
        self.dwellStart.connect(self._on_dwell_start)
        self.dwellEnd.connect(self._on_dwell_end)
        self.set_language("lua")

    def _set_up_lists(self) -> None:
        self.autoCSetSeparator(ord("\n"))
        self.autoCSetIgnoreCase(True)
        self.autoCSetMaxHeight(LIST_ROWS)
        self.autoCSetOrder(Scintilla.Ordering.Custom)
        self.autoCSetDropRestOfWord(False)
        self.autoCSetCancelAtStart(False)
        self.setMouseDwellTime(DWELL_MS)
        self.setIndentationGuides(Scintilla.IndentView.LookBoth)

    def _set_up_problem_marks(self) -> None:
        for index in range(len(_SEVERITIES)):
            self.indicSetStyle(_FIRST_INDICATOR + index, Scintilla.IndicatorStyle.Squiggle)
            self.indicSetStrokeWidth(_FIRST_INDICATOR + index, 120)
            self.markerDefine(_FIRST_MARKER + index, Scintilla.MarkerSymbol.Circle)
        self.setMarginMaskN(MARGIN_SYMBOLS, sum(1 << (_FIRST_MARKER + i) for i in range(len(_SEVERITIES))))
        self.eOLAnnotationSetVisible(Scintilla.EOLAnnotationVisible.Stadium)

    # --- looks

    def _set_keywords(self, language: str) -> None:
        if language != "lua":
            return
        self.setKeyWords(0, " ".join(KEYWORDS))
        names = {entry.name for entry in self.entries} | {e.name.partition(".")[0] for e in self.entries}
        self.setKeyWords(_LEGEND_WORDS, " ".join(sorted(names | {"require"} if names else names)))

    def _apply_styles(self) -> None:
        super()._apply_styles()
        theme = self._theme
        if theme is None:
            return
        self._tip_frame.colour = theme.border
        for index, severity in enumerate(_SEVERITIES):
            colour = _colour(theme, severity)
            style = _FIRST_STYLE + index
            self.styleSetFore(style, bgr(colour))
            self.styleSetBack(style, bgr(tint(theme, colour)))
            self.styleSetSizeFractional(
                style, round(self.styleSizeFractional(Scintilla.StylesCommon.Default) * 0.92)
            )
            self.indicSetFore(_FIRST_INDICATOR + index, bgr(colour))
            self.markerSetFore(_FIRST_MARKER + index, bgr(theme.base))
            self.markerSetBack(_FIRST_MARKER + index, bgr(colour))

    def _fit_number_margin(self, _lines_added: int = 0) -> None:
        super()._fit_number_margin()
        unit = self.textWidth(int(Scintilla.StylesCommon.LineNumber), "9")
        self.setMarginWidthN(MARGIN_SYMBOLS, round(unit * 1.7))

    # --- problems

    def set_bytes(self, data: bytes) -> None:
        """Show `data`; the problems of the text before go with it."""
        self.clear_problems()
        super().set_bytes(data)

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Mark `problems` in place of those shown: a squiggle, a dot in the margin, the message after the line."""
        self.clear_problems()
        self.problems = tuple(problems)
        by_line: dict[int, list[Problem]] = {}
        for problem in self.problems:
            line = max(0, min(problem.line - 1, self.lineCount() - 1))
            by_line.setdefault(line, []).append(problem)
            self._underline(line, problem)
        for line, found in by_line.items():
            self._annotate(line, sorted(found, key=lambda each: _SEVERITIES.index(each.severity)))

    def clear_problems(self) -> None:
        """Take every mark away."""
        self.problems = ()
        self.eOLAnnotationClearAll()
        for index in range(len(_SEVERITIES)):
            self.setIndicatorCurrent(_FIRST_INDICATOR + index)
            self.indicatorClearRange(0, self.length())
            self.markerDeleteAll(_FIRST_MARKER + index)

    def _underline(self, line: int, problem: Problem) -> None:
        start, end = self._span(line, problem.column)
        self.setIndicatorCurrent(_FIRST_INDICATOR + _SEVERITIES.index(problem.severity))
        self.indicatorFillRange(start, end - start)

    def _span(self, line: int, column: int) -> tuple[int, int]:
        """The bytes to underline: the word at `column`, or for column 0 what the line says."""
        first, last = self.lineIndentPosition(line), self.lineEndPosition(line)
        if column > 0:
            first = self.position_of(line + 1, column)
            last = self.wordEndPosition(first, True)
            if last <= first:
                last = min(self.positionAfter(first), self.lineEndPosition(line))
        if last <= first:  # at the end of the line, or an empty one: take what is before
            first = max(self.positionFromLine(line), self.positionBefore(first))
            last = max(last, self.lineEndPosition(line))
        return first, last

    def _annotate(self, line: int, found: list[Problem]) -> None:
        worst = _SEVERITIES.index(found[0].severity)
        message = " ".join(found[0].message.split())
        if len(message) > ANNOTATION_LENGTH:
            message = message[: ANNOTATION_LENGTH - 1] + "…"
        more = f"  (+{len(found) - 1})" if len(found) > 1 else ""
        self.eOLAnnotationSetText(line, f" {message}{more} ")
        self.eOLAnnotationSetStyle(line, _FIRST_STYLE + worst)
        self.markerAdd(line, _FIRST_MARKER + worst)

    # --- typing

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Offer names on Ctrl+Space and signatures on Ctrl+Shift+Space; else type."""
        event = as_return(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._word_is_finished():
            self.autoCCancel()  # the list has nothing to add to `end`, so Enter is a new line
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.key() == Qt.Key.Key_Space and control and not self.readOnly():
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.show_call_tip()
            else:
                self.show_completion(asked=True)
            event.accept()
            return
        super().keyPressEvent(event)

    def _word_is_finished(self) -> bool:
        if not self.autoCActive():
            return False
        chosen = bytes(self.autoCCurrentText().data()).rstrip(b"\0").decode("latin-1")
        return chosen == self._text(self.wordStartPosition(self.currentPos(), True), self.currentPos())

    def _on_char_added(self, code: int) -> None:
        character = chr(code) if 0 < code < 0x110000 else ""
        if character in "\r\n":
            self.end_undo_step()
            self._indent_new_line()
        elif character.isalnum() or character in "}])":
            self._pull_closer_left()
        if character in ("(", ",", ")"):
            self.show_call_tip()
        elif character in {".", ":", "_"} or character.isalnum():
            self.show_completion()

    def _indent_new_line(self) -> None:
        position = self.currentPos()
        line = self.lineFromPosition(position)
        rest = self._text(position, self.lineEndPosition(line))
        columns = indent_for(self._text(0, self.positionFromLine(line)), rest)
        self._set_indentation(line, columns)

    def _pull_closer_left(self) -> None:
        line = self.lineFromPosition(self.currentPos())
        start = self.positionFromLine(line)
        written = self._text(start, self.currentPos())
        if just_closed(written) or outgrew_closer(written):
            self._set_indentation(line, indent_for(self._text(0, start), written))

    def _set_indentation(self, line: int, columns: int) -> None:
        behind = self.currentPos() - self.lineIndentPosition(line)
        self.setLineIndentation(line, columns)
        self.gotoPos(self.lineIndentPosition(line) + max(0, behind))

    def toggle_comment(self) -> None:
        """Comment out the selected lines, or bring them back when all are comments; one undo step."""
        if self.readOnly():
            return
        first = self.lineFromPosition(self.selectionStart())
        last = self.lineFromPosition(self.selectionEnd())
        if last > first and self.selectionEnd() == self.positionFromLine(last):
            last -= 1
        lines = [line for line in range(first, last + 1) if self._line_text(line).strip()]
        self.beginUndoAction()
        if lines and all(self._line_text(line).lstrip().startswith("--") for line in lines):
            for line in lines:
                self._uncomment(line)
        elif lines:
            column = min(self.lineIndentation(line) for line in lines)
            for line in lines:
                self.insertText(self.findColumn(line, column), "-- ")
        self.endUndoAction()

    def _uncomment(self, line: int) -> None:
        start = self.lineIndentPosition(line)
        length = 3 if self._text(start, start + 3) == "-- " else 2
        self.deleteRange(start, length)

    # --- completion and call tips

    def show_completion(self, *, asked: bool = False) -> None:
        """List what may follow at the caret; when not `asked` for, only after two letters or a dot."""
        text, caret, _start = self._around_caret()
        found = complete(text, caret, self.entries, asked=asked)
        if found is None:
            if self.autoCActive():
                self.autoCCancel()
            return
        self._hovering = False
        self.autoCShow(found.prefix_length, "\n".join(found.names))

    def show_call_tip(self) -> None:
        """Show the signature of the call around the caret with the current argument, or nothing outside calls."""
        text, caret, start = self._around_caret()
        found = call_tip(text, caret, self.entries)
        if found is None:
            self.callTipCancel()
            return
        if not self.autoCActive():
            self._show_tip(start + found.start, found.text, hovering=False)
            self.callTipSetHlt(found.highlight_start, found.highlight_end)

    def _show_tip(self, position: int, text: str, *, hovering: bool) -> None:
        self._hovering = hovering
        self.callTipShow(position, text)
        self._tip_frame.adopt()

    def _around_caret(self) -> tuple[str, int, int]:
        """The text analysed as one character a byte, the caret in it, and where it starts in the document."""
        caret = self.currentPos()
        start = max(0, caret - ANALYSED_BYTES)
        return self._text(start, caret + ANALYSED_BYTES), caret - start, start

    def _text(self, start: int, end: int) -> str:
        start, end = max(0, start), min(end, self.length())
        return bytes(self.get_text_range(start, end).data()).decode("latin-1") if end > start else ""

    def _line_text(self, line: int) -> str:
        return self._text(self.positionFromLine(line), self.lineEndPosition(line))

    # --- hovering

    def hover_text(self, position: int) -> str:
        """Say what is known about a byte position: its problems first, else the API's words; empty for nothing."""
        line = self.lineFromPosition(position)
        messages = []
        for problem in self.problems:
            start, end = self._span(line, problem.column) if problem.line == line + 1 else (0, 0)
            if start <= position < end:
                messages.append(f"{problem.severity.value}: {problem.message}")
        if messages:
            return "\n".join(messages)
        start = max(0, position - ANALYSED_BYTES)
        text = self._text(start, position + ANALYSED_BYTES)
        entry = entry_for(name_at(text, position - start), text, self.entries)
        return tip_for(entry) if entry else ""

    def _on_dwell_start(self, x: int, y: int) -> None:
        position = self.positionFromPointClose(x, y)
        inside = self.viewport().rect().contains(QPoint(x, y))
        if position < 0 or not inside or self.autoCActive() or (self.callTipActive() and not self._hovering):
            return
        text = self.hover_text(position)
        if text:
            self._show_tip(position, text, hovering=True)

    def _on_dwell_end(self, _x: int, _y: int) -> None:
        if self._hovering:
            self._hovering = False
            self.callTipCancel()


def _colour(theme: Theme, severity: Severity) -> str:
    return {Severity.ERROR: theme.error, Severity.WARNING: theme.warning}.get(severity, theme.info)
