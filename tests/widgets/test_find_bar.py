"""Finding and replacing by keyboard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from widgets.code_editor import CodeEditor
from widgets.find_bar import FindBar
from widgets.finding import PatternError, Query, compile_query, find_all, replace_all
from widgets.theme import Theme

TEXT = "Größe one, größe two\nEine Größe, Größen\n".encode()


@pytest.fixture
def bar(qtbot: QtBot, theme: Theme) -> Iterator[FindBar]:
    page = QWidget()
    qtbot.addWidget(page)
    editor, made = CodeEditor(), FindBar()
    column = QVBoxLayout(page)
    column.addWidget(editor)
    column.addWidget(made)
    editor.apply_theme(theme)
    made.apply_theme(theme)
    made.attach(editor)
    editor.set_bytes(TEXT)
    page.resize(700, 300)
    page.show()
    qtbot.waitExposed(page)
    page.activateWindow()
    yield made  # keeps the page alive
    page.close()


def selected(bar: FindBar) -> str:
    assert bar.editor is not None
    return bytes(bar.editor.getSelText().data()).decode()


def test_typing_finds_and_counts(bar: FindBar, qtbot: QtBot) -> None:
    bar.open_find()
    assert bar.isVisible()
    qtbot.keyClicks(bar.find_field, "gr")
    assert bar.count_label.text() == "1 of 4"
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Return)
    assert bar.count_label.text() == "2 of 4"
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(bar.find_field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert bar.count_label.text() == "4 of 4"
    qtbot.keyClick(bar.find_field, Qt.Key.Key_F3)
    assert bar.count_label.text() == "1 of 4"


def test_umlauts_do_not_shift_the_selection(bar: FindBar) -> None:
    bar.open_find()
    bar.find_field.setText("größen")
    assert selected(bar) == "Größen"


def test_case_and_whole_words(bar: FindBar, qtbot: QtBot) -> None:
    bar.open_find()
    bar.find_field.setText("Größe")
    assert bar.count_label.text().endswith("of 4")
    qtbot.mouseClick(bar.case_button, Qt.MouseButton.LeftButton)
    assert bar.count_label.text().endswith("of 3")
    qtbot.mouseClick(bar.word_button, Qt.MouseButton.LeftButton)
    assert bar.count_label.text().endswith("of 2")


def test_a_bad_pattern_is_shown_in_the_bar(bar: FindBar) -> None:
    bar.open_find()
    bar.regex_button.setChecked(True)
    bar.find_field.setText("(")
    assert "unterminated" in bar.count_label.text()
    bar.find_field.setText("gr..e")
    assert bar.count_label.text() == "1 of 4"


def test_nothing_found_says_so(bar: FindBar) -> None:
    bar.open_find()
    bar.find_field.setText("nowhere")
    assert bar.count_label.text() == "No matches"
    assert not bar.next_button.isEnabled()


def test_replace_goes_on_to_the_next(bar: FindBar, qtbot: QtBot) -> None:
    bar.open_replace()
    bar.find_field.setText("größe")
    bar.replace_field.setText("X")
    qtbot.keyClick(bar.replace_field, Qt.Key.Key_Return)
    assert bar.editor is not None
    assert bar.editor.bytes_().decode().startswith("X one, größe")
    assert bar.count_label.text() == "1 of 3"


def test_replace_all_is_one_undo_step_and_says_how_many(bar: FindBar, qtbot: QtBot) -> None:
    bar.open_replace()
    bar.regex_button.setChecked(True)
    bar.find_field.setText("(gr)öße")
    bar.replace_field.setText(r"<\1>")
    qtbot.mouseClick(bar.replace_all_button, Qt.MouseButton.LeftButton)
    assert bar.editor is not None
    assert bar.editor.bytes_() == b"<Gr> one, <gr> two\nEine <Gr>, <Gr>n\n"
    qtbot.wait(10)
    assert bar.count_label.text() == "4 replaced"
    bar.editor.undo()
    assert bar.editor.bytes_() == TEXT


def test_a_bad_replacement_is_shown_and_changes_nothing(bar: FindBar) -> None:
    bar.open_replace()
    bar.regex_button.setChecked(True)
    bar.find_field.setText("gr")
    bar.replace_field.setText(r"\7")
    bar.replace_every()
    assert "group" in bar.count_label.text()
    assert bar.editor is not None
    assert bar.editor.bytes_() == TEXT


def test_esc_closes_and_returns_the_focus(bar: FindBar, qtbot: QtBot) -> None:
    bar.open_find()
    bar.find_field.setText("gr")
    with qtbot.waitSignal(bar.closed):
        qtbot.keyClick(bar.find_field, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    assert bar.window().focusWidget() is bar.editor


def test_the_selection_seeds_the_bar_and_ctrl_f_opens_it(bar: FindBar, qtbot: QtBot) -> None:
    assert bar.editor is not None
    bar.editor.setSel(0, 7)
    qtbot.keyPress(bar.editor, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert bar.find_field.text() == "Größe"


def test_editing_counts_again(bar: FindBar, qtbot: QtBot) -> None:
    bar.open_find()
    bar.find_field.setText("one")
    assert bar.editor is not None
    bar.editor.replace_all_text(b"one one one")
    qtbot.waitUntil(lambda: "3" in bar.count_label.text())


def test_a_read_only_editor_offers_no_replacing(bar: FindBar) -> None:
    assert bar.editor is not None
    bar.editor.set_read_only(True)
    bar.open_replace()
    assert not bar.replace_field.isVisible()


def test_finding_in_bytes() -> None:
    data = b"a\xff\xc3\xbc a\x00b"
    spans = [(start, end) for start, end, _ in find_all(data, compile_query(Query("ü a")))]
    assert spans == [(2, 6)]
    assert replace_all(data, Query("a"), "é") == (b"\xc3\xa9\xff\xc3\xbc \xc3\xa9\x00b", 2)
    assert not list(find_all(b"bbb", compile_query(Query("a*", regex=True))))
    with pytest.raises(PatternError):
        compile_query(Query("[", regex=True))
