"""A form for what a webhook carries beside payload and headers, and for the failed attempt before this one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from PySide6.QtCore import QUrl, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.model import DEFAULT_MAX_ATTEMPTS, PreviousError
from widgets.pane_header import PaneHeader
from widgets.style import indent_spin_box, mark_invalid
from widgets.theme import Theme

MAX_COUNT = 1_000_000
RETRY_ERROR = PreviousError("503 Service Unavailable", 503, reason="http_5xx")
"""What the preset shows a script of the attempt before."""


@dataclass(frozen=True, slots=True)
class MetadataState:
    """A webhook's metadata; `attempt` counts from 0, `previous_error` is None on a first attempt."""

    config_id: str = ""
    webhook_id: str = ""
    attempt: int = 0
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    created_at: str = ""
    endpoint: str = ""
    previous_error: PreviousError | None = None


def endpoint_problem(endpoint: str) -> str:
    """Why a webhook cannot be sent to `endpoint`; empty when it can, or when nothing is typed yet."""
    if not endpoint:
        return ""
    url = QUrl(endpoint, QUrl.ParsingMode.StrictMode)
    if not url.isValid():
        return f"This is not a URL: {url.errorString().split(';')[0]}."
    if url.scheme().lower() not in {"http", "https"}:
        return "The endpoint must start with http:// or https://."
    return "" if url.host() else "The endpoint has no host."


def time_problem(text: str) -> str:
    """Why `text` is no point in time as HOWK writes it; empty when it is one, or nothing is typed yet."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "Write the time as 2026-01-31T12:00:00Z."
    return "" if moment.tzinfo else "The time needs a zone: end it with Z or +02:00."


class MetadataForm(QWidget):
    """Edits a `MetadataState`.

    Attributes:
        endpoint, after_failure: the fields that tests and focus need by name.
        retry: the button that fills in a retry.

    Signals:
        changed(): the user changed a field.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Metadata")
        self._error_attempt: int | None = None
        self._header = PaneHeader("Metadata")
        self.retry = self._header.add_button("retry", "As a retry after 503", with_text=True)
        self._build_fields()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self._scrolled(), 1)
        self._connect()
        self.set_state(MetadataState())

    def set_state(self, state: MetadataState) -> None:
        """Shows `state`; a field that says the same already keeps its cursor. `changed` is not emitted."""
        error = state.previous_error
        self.blockSignals(True)
        _show(self.config_id, state.config_id)
        _show(self.webhook_id, state.webhook_id)
        _show(self.endpoint, state.endpoint)
        _show(self.created_at, state.created_at)
        self.attempt.setValue(state.attempt)
        self.max_attempts.setValue(state.max_attempts)
        self.after_failure.setChecked(error is not None)
        if error is not None:
            self._error_attempt = error.attempt
            _show(self.message, error.message)
            self.status_code.setValue(error.status_code or 0)
            _show(self.reason, error.reason)
        self.blockSignals(False)
        self._refresh()

    def state(self) -> MetadataState:
        """What the fields say now."""
        return MetadataState(
            config_id=self.config_id.text().strip(),
            webhook_id=self.webhook_id.text().strip(),
            attempt=self.attempt.value(),
            max_attempts=self.max_attempts.value(),
            created_at=self.created_at.text().strip(),
            endpoint=self.endpoint.text().strip(),
            previous_error=self._previous_error() if self.after_failure.isChecked() else None,
        )

    def fill_in_retry(self) -> None:
        """Makes this a retry after a 503: the second attempt, or a later one where one is set already."""
        state, before = self.state(), max(self.attempt.value() - 1, 0)
        error = msgspec.structs.replace(RETRY_ERROR, attempt=before)
        self.set_state(replace(state, attempt=before + 1, previous_error=error))
        self._error_attempt = None  # it follows the attempt
        self.changed.emit()

    def problems(self) -> list[str]:
        """What is marked, one sentence each."""
        found = (endpoint_problem(self.endpoint.text().strip()), time_problem(self.created_at.text().strip()))
        return [reason for reason in found if reason]

    def apply_theme(self, theme: Theme) -> None:
        """Recolours what the style sheet does not reach."""
        self._header.apply_theme(theme)

    def _previous_error(self) -> PreviousError:
        before = max(self.attempt.value() - 1, 0)
        return PreviousError(
            message=self.message.text(),
            status_code=self.status_code.value() or None,
            attempt=before if self._error_attempt is None else self._error_attempt,
            reason=self.reason.text(),
        )

    def _build_fields(self) -> None:
        self.config_id = _line("Config ID", "orders:created")
        self.webhook_id = _line("Webhook ID", "made up for each run when empty")
        self.endpoint = _line("Endpoint", "https://example.com/hooks")
        self.created_at = _line("Created at", "now")
        self.attempt = _count("Attempt, counted from 0", 0)
        self.max_attempts = _count("Maximum attempts", 1)
        self.after_failure = QCheckBox("After a failed attempt")
        self.after_failure.setToolTip("Gives the script a previous_error, as on a retry")
        self.message = _line("Error message", "connection refused")
        self.status_code = _count("Error status code", 0, 999)
        self.status_code.setSpecialValueText("none")
        self.reason = _line("Error reason", "http_5xx")

    def _scrolled(self) -> QScrollArea:
        page = QFrame()
        form = QFormLayout(page)
        form.setContentsMargins(10, 8, 10, 10)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow("Config ID", self.config_id)
        form.addRow("Webhook ID", self.webhook_id)
        form.addRow("Endpoint", self.endpoint)
        form.addRow("Attempt (from 0)", self.attempt)
        form.addRow("Max attempts", self.max_attempts)
        form.addRow("Created at", self.created_at)
        form.addRow(self.after_failure)
        form.addRow("Message", self.message)
        form.addRow("Status code", self.status_code)
        form.addRow("Reason", self.reason)
        self._error_labels = [
            form.labelForField(field) for field in (self.message, self.status_code, self.reason)
        ]
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        return area

    def _connect(self) -> None:
        self.retry.clicked.connect(self.fill_in_retry)
        for line in (
            self.config_id,
            self.webhook_id,
            self.endpoint,
            self.created_at,
            self.message,
            self.reason,
        ):
            line.textChanged.connect(self._on_edit)
        for count in (self.max_attempts, self.status_code):
            count.valueChanged.connect(self._on_edit)
        self.attempt.valueChanged.connect(self._on_attempt)
        self.after_failure.toggled.connect(self._on_edit)

    def _on_attempt(self) -> None:
        # A hand-set attempt makes the loaded error's own attempt number stale.
        if not self.signalsBlocked():
            self._error_attempt = None
        self._on_edit()

    def _on_edit(self) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        failed = self.after_failure.isChecked()
        for part in (self.message, self.status_code, self.reason, *self._error_labels):
            part.setEnabled(failed)
        mark_invalid(self.endpoint, endpoint_problem(self.endpoint.text().strip()))
        mark_invalid(self.created_at, time_problem(self.created_at.text().strip()))
        problems = self.problems()
        self._header.set_note(problems[0] if problems else "", "error" if problems else "")


def _show(field: QLineEdit, text: str) -> None:
    if field.text() != text:
        field.setText(text)
        field.setCursorPosition(0)


def _line(name: str, example: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(example)
    return field


def _count(name: str, lowest: int, highest: int = MAX_COUNT) -> QSpinBox:
    field = QSpinBox()
    field.setAccessibleName(name)
    field.setRange(lowest, highest)
    indent_spin_box(field)
    field.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return field
