"""Keeps the input panes and the open document's inputs in step: loading, opening files, formatting, validity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from app.background import Background
from app.document import Document
from app.inputs import Inputs
from engine.display import JsonProblem
from engine.display_process import Formatted
from engine.display_service import DisplayService
from engine.inputs import read_bytes
from widgets.input_panel import CONFIG, HEADERS, METADATA, InputPanel

VALIDITY_DELAY_MS = 120
MAX_PAYLOAD_BYTES = 200 * 1024 * 1024


class InputController(QObject):
    """Between the Input side and the document in front.

    Signals:
        edited(object): the Document whose inputs or settings the user changed.
        failed(str): what went wrong, for a person.
    """

    edited = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        panel: InputPanel,
        background: Background,
        display: DisplayService,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.panel = panel
        self._background, self._display = background, display
        self._document: Document | None = None
        self._payload_stale = False
        self._check_number = 0
        self._validity_timer = QTimer(self)
        self._validity_timer.setSingleShot(True)
        self._validity_timer.setInterval(VALIDITY_DELAY_MS)
        self._validity_timer.timeout.connect(self._check_payload)
        self._connect()

    def _connect(self) -> None:
        self.panel.payload.changed.connect(self._payload_edited)
        self.panel.payload.format_requested.connect(self.format_payload)
        self.panel.payload.paste_requested.connect(self.paste_payload)
        self.panel.payload.file_dropped.connect(lambda path: self.open_payload(Path(path)))
        self.panel.headers.changed.connect(self._fields_edited)
        self.panel.metadata.changed.connect(self._fields_edited)
        self.panel.config.changed.connect(self._config_edited)

    # --- the document in front

    def show(self, document: Document | None) -> None:
        """Puts a document's inputs into the panes; what the panes held goes to its own document first."""
        self.collect()
        self.show_inputs(document)

    def show_inputs(self, document: Document | None) -> None:
        """Puts a document's inputs into the panes in place of what they hold."""
        self._document = document
        inputs = document.inputs if document else Inputs()
        self._payload_stale = False
        self.panel.payload.set_content(inputs.payload)
        self.panel.headers.set_headers(inputs.headers)
        self.panel.metadata.set_state(inputs.metadata)
        self.panel.config.set_text(document.config_text if document else "")
        self.panel.setEnabled(document is not None)
        self._refresh_counts()
        self._check_soon()

    def collect(self) -> None:
        """Brings the document's inputs up to date. The payload is fetched only when it changed: it may be large."""
        document = self._document
        if document is None:
            return
        self.panel.payload.flush_changed()
        payload = self.panel.payload.content() if self._payload_stale else document.inputs.payload
        self._payload_stale = False
        headers, metadata = self.panel.headers.headers(), self.panel.metadata.state()
        if (payload, headers, metadata) != (
            document.inputs.payload,
            document.inputs.headers,
            document.inputs.metadata,
        ):
            document.inputs = replace(document.inputs, payload=payload, headers=headers, metadata=metadata)

    def problems(self) -> list[str]:
        """What keeps the inputs from being used as they are, one sentence each."""
        return [*self.panel.headers.problems(), *self.panel.metadata.problems()]

    # --- what the user does

    def _payload_edited(self) -> None:
        self._payload_stale = True
        self._check_soon()
        self._emit()

    def _fields_edited(self) -> None:
        self._refresh_counts()
        self._emit()

    def _config_edited(self) -> None:
        if self._document is not None:
            self._document.config_text = self.panel.config.text()
        self._refresh_counts()
        self._emit()

    def _emit(self) -> None:
        if self._document is not None:
            self.edited.emit(self._document)

    def _refresh_counts(self) -> None:
        wrong = [HEADERS] if self.panel.headers.problems() else []
        wrong += [METADATA] if self.panel.metadata.problems() else []
        wrong += [CONFIG] if self.panel.config.value() is None else []
        self.panel.set_counts(len(self.panel.headers.headers()), tuple(wrong))

    # --- the payload

    def open_payload(self, path: Path) -> None:
        """Reads a file as the payload; any bytes are fine."""
        document = self._document
        if document is not None:
            self._background.call(
                read_payload, path,
                done=lambda payload: self._take_payload(document, payload),
                failed=lambda why: self.failed.emit(str(why)),
            )  # fmt: skip

    def _take_payload(self, document: Document, payload: bytes) -> None:
        if document is self._document:
            self.panel.payload.replace_content(payload)
        else:  # another script came to the front meanwhile
            document.inputs = replace(document.inputs, payload=payload)
            self.edited.emit(document)

    def paste_payload(self) -> None:
        """Takes the clipboard's text as the payload."""
        text = QGuiApplication.clipboard().text()
        if text:
            self.panel.payload.replace_content(text.encode())
        else:
            self.failed.emit("The clipboard holds no text.")

    def format_payload(self) -> None:
        """Indents the payload; only white space changes."""
        before = self.panel.payload.content()

        def take(formatted: Formatted) -> None:
            if formatted.problem is not None:
                self.panel.payload.set_validity(formatted.problem)
                self.panel.payload.jump_to_problem()
            elif formatted.data != before and self.panel.payload.content() == before:
                self.panel.payload.replace_content(formatted.data)

        self._background.start(
            self._display.format(before),
            done=take,
            failed=lambda why: self.panel.payload.show_error(str(why)),
        )

    def _check_soon(self) -> None:
        self._check_number += 1
        self.panel.payload.set_validity_pending()
        self._validity_timer.start()

    def _check_payload(self) -> None:
        number = self._check_number
        content = self.panel.payload.content() if self._payload_stale or self._document is None else None
        payload = content if content is not None else self._document.inputs.payload if self._document else b""
        if content is not None and self._document is not None:
            self._document.inputs = replace(self._document.inputs, payload=content)
            self._payload_stale = False
        self._background.start(
            self._display.check_json(payload),
            done=lambda problem: self._show_validity(number, problem),
            failed=lambda why: self.panel.payload.show_error(str(why)),
        )

    def _show_validity(self, number: int, problem: JsonProblem | None) -> None:
        if number == self._check_number:
            self.panel.payload.set_validity(problem)


def read_payload(path: Path) -> bytes:
    """The bytes of a payload file.

    Raises:
        BadInput: it cannot be read, or is larger than MAX_PAYLOAD_BYTES.
    """
    return read_bytes(path, "payload", limit=MAX_PAYLOAD_BYTES)
