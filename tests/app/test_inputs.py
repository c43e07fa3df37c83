"""The inputs of a preview: from a saved case, to and from a draft, and in step with the panes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.inputs import Inputs
from app.studio import Studio
from engine.case_file import Case
from engine.model import PreviousError
from tests.app.conftest import StudioMaker
from tests.app.driving import (
    document,
    front,
    open_workspace,
    press,
    shown_body,
    shown_headers,
    wait_message,
    wait_run,
    write,
)
from widgets.input_panel import HEADERS, METADATA
from widgets.metadata_form import MetadataState
from widgets.outcome_view import REQUEST

FULL = MetadataState(
    config_id="acme:orders",
    webhook_id="wh_7",
    attempt=2,
    max_attempts=5,
    created_at="2026-02-03T04:05:06Z",
    endpoint="https://example.org/x",
    previous_error=PreviousError("503", 503, 1, "http_status"),
)


# --- values


def test_a_draft_brings_everything_back() -> None:
    inputs = Inputs(bytes(range(256)), {"X-A": "1", "x-ü": "ä"}, FULL)
    assert Inputs.of_draft(inputs.payload, inputs.draft_meta()) == inputs


def test_a_draft_of_another_making_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        Inputs.of_draft(b"", {"headers": "[1]"})


def test_a_case_fills_in_what_it_does_not_say() -> None:
    inputs = Inputs.of_case(Case(payload=b"x", metadata={"attempt": 3}), "orders")
    webhook = inputs.webhook("orders")
    assert (webhook.config_id, webhook.attempt, webhook.payload) == ("orders", 3, b"x")
    assert webhook.endpoint.startswith("https://")


def test_the_webhook_has_what_the_form_says() -> None:
    webhook = Inputs(b"x", {"A": "1"}, FULL).webhook("other")
    assert (webhook.id, webhook.config_id, webhook.attempt, webhook.max_attempts) == (
        "wh_7",
        "acme:orders",
        2,
        5,
    )
    assert (webhook.endpoint, webhook.created_at) == ("https://example.org/x", "2026-02-03T04:05:06Z")


def test_an_emptied_field_means_the_ordinary_value() -> None:
    webhook = Inputs(metadata=MetadataState()).webhook("orders")
    assert webhook.config_id == "orders"
    assert webhook.id
    assert webhook.endpoint


# --- panes


def test_a_script_with_a_saved_case_starts_with_it(
    make_studio: StudioMaker, qtbot: QtBot, examples: Path
) -> None:
    studio = make_studio()
    open_workspace(studio, qtbot, examples)
    assert front(studio) == "test_config"
    assert studio.window.input.payload.content() == b'{"foo":"bar"}'
    assert studio.window.input.headers.headers() == {"Content-Type": "application/json"}


def test_choosing_a_saved_case_replaces_the_inputs(
    make_studio: StudioMaker, qtbot: QtBot, examples: Path
) -> None:
    studio = make_studio()
    open_workspace(studio, qtbot, examples, "route_by_region")
    qtbot.waitUntil(lambda: studio.window.input.cases.count() == 4)
    before = studio.window.input.payload.content()
    with qtbot.waitSignal(studio.documents.inputs_loaded):
        studio.window.input.cases.setCurrentText("small-apac")
        studio.window.input.cases.textActivated.emit("small-apac")
    assert studio.window.input.payload.content() != before


def test_looking_at_a_script_changes_nothing(studio: Studio, qtbot: QtBot) -> None:
    studio.workspace.create_script("second")
    qtbot.waitUntil(lambda: front(studio) == "second")
    with qtbot.assertNotEmitted(studio.input.edited, wait=100):
        studio.editors.switch(1)
    assert not document(studio).dirty


def test_each_script_keeps_its_own_inputs(studio: Studio, qtbot: QtBot) -> None:
    studio.window.input.payload.editor.replace_all_text(b"of first")
    studio.window.input.headers.set_headers({"X-Of": "first"})
    studio.workspace.create_script("second")
    qtbot.waitUntil(lambda: front(studio) == "second")
    studio.window.input.payload.editor.replace_all_text(b"of second")
    studio.window.input.show_tab(METADATA)
    studio.editors.switch(1)
    assert studio.window.input.payload.content() == b"of first"
    assert studio.window.input.headers.headers() == {"X-Of": "first"}
    studio.editors.switch(1)
    assert studio.window.input.payload.content() == b"of second"


def test_a_header_typed_in_reaches_the_run(studio: Studio, qtbot: QtBot) -> None:
    write(studio, 'request.body = headers["X-Me"] or "none"')
    wait_run(studio, qtbot)
    studio.window.input.show_tab(HEADERS)
    studio.window.input.headers.add_row()
    cell = QApplication.focusWidget()
    qtbot.keyClicks(cell, "X-Me")
    qtbot.keyClick(cell, Qt.Key.Key_Tab)
    cell = QApplication.focusWidget()
    qtbot.keyClicks(cell, "yes")
    qtbot.keyClick(cell, Qt.Key.Key_Tab)
    wait_run(studio, qtbot)
    assert shown_body(studio) == "yes"


def test_header_lines_are_pasted_with_the_paste_command(studio: Studio, qtbot: QtBot) -> None:
    script = document(studio).editor.bytes_()
    QGuiApplication.clipboard().setText("X-A: 1\nX-B: 2")
    press(qtbot, studio, "go.headers")
    press(qtbot, studio, "edit.paste")
    assert studio.window.input.headers.headers().items() >= {"X-A": "1", "X-B": "2"}.items()
    assert document(studio).editor.bytes_() == script


def test_a_wrong_header_is_marked_on_its_tab(studio: Studio) -> None:
    studio.window.input.headers._insert_text("bad name: 1")
    assert studio.window.input.tabs.tabText(HEADERS).endswith("!")
    assert studio.input.problems()


def test_the_attempt_reaches_the_script(studio: Studio, qtbot: QtBot) -> None:
    write(studio, "request.body = tostring(metadata.attempt)")
    wait_run(studio, qtbot)
    press(qtbot, studio, "go.metadata")
    studio.window.input.metadata.attempt.setValue(3)
    wait_run(studio, qtbot)
    assert shown_body(studio) == "3"


def test_the_third_attempt_after_a_503_is_previewed_as_a_worker_sends_it(
    studio: Studio, qtbot: QtBot
) -> None:
    write(
        studio,
        """local e = previous_error
        local seen = e and { metadata.attempt, e.status_code, e.attempt, e.message, e.reason } or { "none" }
        request.body = table.concat(seen, "|")
        """,
    )
    wait_run(studio, qtbot)
    assert shown_body(studio) == "none"
    press(qtbot, studio, "go.metadata")
    studio.window.input.metadata.attempt.setValue(2)
    studio.window.input.metadata.retry.click()
    qtbot.waitUntil(lambda: shown_body(studio) == "2|503|1|503 Service Unavailable|http_5xx")
    press(qtbot, studio, "go.output_headers")
    assert ("default", "X-Webhook-Attempt", "3") in shown_headers(studio)
    studio.window.output.show_tab(REQUEST)
    assert "X-Webhook-Attempt: 3" in studio.window.output.request.editor.bytes_().decode()


# --- the payload


def test_any_file_can_be_the_payload(studio: Studio, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "all.bin"
    file.write_bytes(bytes(range(256)))
    studio.input.open_payload(file)
    qtbot.waitUntil(lambda: studio.window.input.payload.content() == bytes(range(256)))
    assert studio.window.input.payload.is_hex()


def test_a_file_that_cannot_be_read_is_said_and_the_payload_stays(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    before = studio.window.input.payload.content()
    studio.input.open_payload(tmp_path / "missing.json")
    assert "missing.json" in wait_message(studio, qtbot, "No such file")
    assert studio.window.input.payload.content() == before


def test_a_file_opened_for_one_script_does_not_land_in_another(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    studio.workspace.create_script("second")
    qtbot.waitUntil(lambda: front(studio) == "second")
    before = studio.window.input.payload.content()
    file = tmp_path / "payload.json"
    file.write_text("[1]")
    studio.input.open_payload(file)
    studio.editors.switch(1)
    qtbot.waitUntil(lambda: studio.documents.open["second"].inputs.payload == b"[1]")
    assert front(studio) == "first"
    assert studio.window.input.payload.content() == before
    studio.editors.switch(1)
    assert studio.window.input.payload.content() == b"[1]"


def test_formatting_indents_and_undo_takes_it_back(studio: Studio, qtbot: QtBot) -> None:
    pane = studio.window.input.payload
    pane.editor.replace_all_text(b'{"a":1}')
    press(qtbot, studio, "edit.format_payload")
    qtbot.waitUntil(lambda: pane.content() == b'{\n  "a": 1\n}')
    press(qtbot, studio, "go.payload")
    press(qtbot, studio, "edit.undo")
    assert pane.content() == b'{"a":1}'


def test_formatting_what_is_no_json_goes_to_the_place(studio: Studio, qtbot: QtBot) -> None:
    pane = studio.window.input.payload
    pane.editor.replace_all_text(b'{\n  "a": nope\n}')
    press(qtbot, studio, "edit.format_payload")
    qtbot.waitUntil(lambda: pane.editor.lineFromPosition(pane.editor.currentPos()) == 1)
    assert pane.content() == b'{\n  "a": nope\n}'


def test_validity_is_said_with_its_place(studio: Studio, qtbot: QtBot) -> None:
    pane = studio.window.input.payload
    pane.editor.replace_all_text(b'{"a":}')
    qtbot.waitUntil(lambda: pane.state_label.text() == "not JSON:")
    assert "line 1, column 6" in pane.jump_button.accessibleName()
    pane.editor.replace_all_text(b"{}")
    qtbot.waitUntil(lambda: pane.state_label.text() == "valid JSON")


def test_pasting_replaces_the_payload_and_an_empty_clipboard_is_said(studio: Studio, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText('{"pasted":true}')
    studio.window.input.payload.paste_button.click()
    assert studio.window.input.payload.content() == b'{"pasted":true}'
    QGuiApplication.clipboard().clear()
    studio.window.input.payload.paste_button.click()
    assert wait_message(studio, qtbot, "clipboard")


def test_select_all_in_the_bytes_selects_the_bytes(studio: Studio, qtbot: QtBot) -> None:
    pane = studio.window.input.payload
    pane.set_content(b"\x00\x01\x02")
    press(qtbot, studio, "go.payload")
    assert pane.hex_view.hasFocus()
    press(qtbot, studio, "edit.select_all")
    assert pane.hex_view.selection() == (0, 3)
    assert document(studio).editor.selectionEmpty()
