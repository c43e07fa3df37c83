"""The script_config form: a table, its JSON text, and a broken text that is never lost."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.config_rows import ConfigRow, read_object, rows_of, text_of
from widgets.script_config_form import ScriptConfigForm


@pytest.fixture
def form(qtbot: QtBot) -> ScriptConfigForm:
    made = ScriptConfigForm()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_typing_a_row_makes_json(qtbot: QtBot, form: ScriptConfigForm) -> None:
    form.add_row()
    editor = QApplication.focusWidget()
    assert editor is not None
    qtbot.keyClicks(editor, "region")
    with qtbot.waitSignal(form.changed):
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert form.value() == {"region": ""}


def test_a_broken_text_is_kept_and_says_why(qtbot: QtBot, form: ScriptConfigForm) -> None:
    with qtbot.assertNotEmitted(form.changed):
        form.set_text('{"a": ')
    assert form.text() == '{"a": '
    assert form.value() is None
    assert form.editor.isVisible()
    assert form._error.isVisible()
    form.set_text('{"a": 1}')
    assert form.value() == {"a": 1}
    assert not form._error.isVisible()


def test_typing_in_the_json_text_changes_the_value(qtbot: QtBot, form: ScriptConfigForm) -> None:
    qtbot.mouseClick(form._raw, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(form.changed):
        qtbot.keyClicks(form.editor, '{"n": 2}')
    assert form.value() == {"n": 2}
    qtbot.mouseClick(form._raw, Qt.MouseButton.LeftButton)
    assert form.table.isVisible()
    assert form.table.model().rowCount() == 2


def test_a_wrong_number_stays_as_typed_and_breaks_the_value(form: ScriptConfigForm) -> None:
    form.set_text('{"n": 2}')
    model = form.table.model()
    model.setData(model.index(0, 2), "2x")
    assert '"n": 2x' in form.text()
    assert form.value() is None
    assert "number" in model.index(0, 2).data(Qt.ItemDataRole.ToolTipRole)


def test_rows_and_text_are_inverse() -> None:
    config = {"s": "x\ny", "n": 1.5, "b": True, "z": None, "o": {"a": [1, "ü"]}}
    assert read_object(text_of(rows_of(config))) == config
    assert text_of([ConfigRow()]) == "{}"
    assert read_object(text_of([ConfigRow("x", "string", "\ud800")])) == {"x": "\ud800"}


@pytest.mark.parametrize("bad", ["[1]", '{"a": NaN}', '{"a": 1e999}', "{", "[" * 100_000])
def test_what_is_no_object_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_object(bad)
