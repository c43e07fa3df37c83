"""Edits one cluster profile: how it is recognised, how it is reached, and the rules for publishing to it."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGroupBox,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from widgets.dialog_parts import wrapping_label
from widgets.profile_fields import FieldRows, group
from widgets.profile_look import COLOURS, swatch_icon
from widgets.profile_state import MECHANISMS, PROTOCOLS, ProfileState, problems
from widgets.style import indent_spin_box
from widgets.theme import Theme

LISTS = ("kafka_brokers", "sentinel_addrs")  # comma-separated in their field
RULES = {
    "production": (
        "Production",
        "Its colour is shown across the window, and publishing needs the cluster and the script typed.",
    ),
    "read_only": ("Read-only", "Everything can be looked at; nothing can be published or deleted."),
    "approver_not_author": (
        "Four eyes",
        "Whoever saved the script since it was last live cannot be the one who approves it.",
    ),
}


class ProfileForm(QScrollArea):
    """Shows a `ProfileState` and gives back what the user made of it.

    Attributes:
        lines: the text fields by the names of `ProfileState`, for focus and tests.
        ticks: the check boxes.
        colour, way, protocol, mechanism, database: the other fields.

    Signals:
        changed(): the user changed a field.
        browse_requested(str): the field that wants the path of a file; answer with `set_path`.
    """

    changed = Signal()
    browse_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Profile")
        self._state = ProfileState("")
        self._taken: frozenset[str] = frozenset()
        self._filling = False
        self._fields = FieldRows(self)
        self.lines, self.ticks = self._fields.lines, self._fields.ticks
        self._build()
        self._connect()

    # --- state in

    def set_state(self, state: ProfileState, taken: frozenset[str] = frozenset()) -> None:
        """Shows another profile; `taken` are the names it may not have. `changed` is not emitted."""
        self._state, self._taken, self._filling = state, taken, True
        for name, line in self.lines.items():
            value = getattr(state, name)
            text = ", ".join(value) if name in LISTS else value
            if name in self._fields.secrets:
                self._fields.secrets[name].set_secret(text)
            else:
                line.setText(text)
                line.setCursorPosition(0)
        for name, tick in self.ticks.items():
            tick.setChecked(getattr(state, name))
        if self.colour.findData(state.colour) < 0:
            self.colour.addItem(swatch_icon(state.colour), state.colour, state.colour)
        self.colour.setCurrentIndex(self.colour.findData(state.colour))
        self.way.setCurrentIndex(int(state.through_api))
        self.protocol.setCurrentIndex(max(self.protocol.findData(state.security_protocol), 0))
        self.mechanism.setCurrentText(state.sasl_mechanism)
        self.database.setValue(state.redis_db)
        self._page.setEnabled(not state.built_in)
        self._filling = False
        self._refresh()

    def set_path(self, field: str, path: str) -> None:
        """The answer to `browse_requested`."""
        self.lines[field].setText(path)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of the buttons."""
        self._fields.apply_theme(theme)

    # --- what it says

    def state(self) -> ProfileState:
        """What the fields say now."""
        texts: dict[str, Any] = {}
        for name, line in self.lines.items():
            text = line.text() if name in self._fields.secrets else line.text().strip()
            texts[name] = _parts(text) if name in LISTS else text
        ticks: dict[str, Any] = {name: tick.isChecked() for name, tick in self.ticks.items()}
        others: dict[str, Any] = {
            "colour": self.colour.currentData(),
            "through_api": self.way.currentIndex() == 1,
            "security_protocol": self.protocol.currentData(),
            "sasl_mechanism": self.mechanism.currentText(),
            "redis_db": self.database.value(),
        }
        return dataclasses.replace(self._state, **texts, **ticks, **others)

    def problems(self) -> dict[str, str]:
        """What is wrong: field name -> sentence."""
        return {} if self._state.built_in else problems(self.state(), self._taken)

    # --- building

    def _build(self) -> None:
        self.colour, self.way, self.protocol, self.mechanism = (QComboBox() for _ in range(4))
        self.colour.setIconSize(QSize(self.fontMetrics().height(), self.fontMetrics().height()))
        for name, value in COLOURS.items():
            self.colour.addItem(swatch_icon(value), name, value)
        self.way.addItems(["Kafka and Redis", "HTTP API"])
        for value, words in PROTOCOLS.items():
            self.protocol.addItem(words, value)
        self.mechanism.addItems(MECHANISMS)
        self.database = QSpinBox()
        self.database.setRange(0, 9999)
        indent_spin_box(self.database)
        self._page = QFrame()
        self._page.setProperty("page", True)
        column = QVBoxLayout(self._page)
        column.setSpacing(10)
        column.addWidget(self._profile_group())
        self._kafka, self._redis, self._api = self._kafka_group(), self._redis_group(), self._api_group()
        for part in (self._kafka, self._redis, self._api, self._rules_group()):
            column.addWidget(part)
        column.addStretch(1)
        self.setWidgetResizable(True)
        self.setWidget(self._page)

    def _profile_group(self) -> QGroupBox:
        frame, form = group("Profile")
        self._fields.text(form, "name", "Name", "staging")
        self._fields.add(form, "colour", "Colour", self.colour)
        self._fields.add(form, "way", "Publishes through", self.way)
        return frame

    def _kafka_group(self) -> QGroupBox:
        frame, form = group("Kafka")
        self._fields.text(form, "kafka_brokers", "Brokers", "kafka-1:9092, kafka-2:9092")
        self._fields.add(form, "protocol", "Security", self.protocol)
        self._fields.add(form, "mechanism", "SASL mechanism", self.mechanism)
        self._fields.text(form, "sasl_username", "SASL user", "")
        self._fields.secret(form, "sasl_password", "SASL password")
        self._fields.file(form, "tls_ca_file", "CA file", "the system's certificates")
        self._fields.file(form, "tls_cert_file", "Client certificate", "none")
        self._fields.file(form, "tls_key_file", "Client key", "none")
        self._fields.tick(form, "tls_verify", "Check the brokers' certificates")
        return frame

    def _redis_group(self) -> QGroupBox:
        frame, form = group("Redis")
        self._fields.text(form, "redis_addr", "Address", "redis:6379")
        self._fields.add(form, "database", "Database", self.database)
        self._fields.text(form, "redis_username", "Redis user", "the default user")
        self._fields.secret(form, "redis_password", "Redis password")
        self._fields.tick(form, "redis_tls", "TLS")
        self._fields.file(form, "redis_tls_ca_file", "Redis CA file", "the system's certificates")
        self._fields.tick(form, "redis_tls_verify", "Check the server's certificate")
        self._fields.text(form, "sentinel_addrs", "Sentinels", "none: the address above is used")
        self._fields.text(form, "sentinel_master_name", "Sentinel master", "mymaster")
        self._fields.secret(form, "sentinel_password", "Sentinel password")
        return frame

    def _api_group(self) -> QGroupBox:
        frame, form = group("HTTP API")
        self._fields.text(form, "api_url", "URL", "https://howk.example.com")
        self._fields.secret(form, "api_token", "Bearer token")
        return frame

    def _rules_group(self) -> QGroupBox:
        frame, form = group("Rules")
        for name, (words, meaning) in RULES.items():
            self._fields.tick(form, name, words)
            self.ticks[name].setAccessibleDescription(meaning)
            sentence = wrapping_label(meaning)
            sentence.setProperty("muted", True)
            form.addRow(sentence)
        return frame

    def _connect(self) -> None:
        self._fields.browse_requested.connect(self.browse_requested)
        for line in self.lines.values():
            line.textChanged.connect(self._on_edit)
        for tick in self.ticks.values():
            tick.toggled.connect(self._on_edit)
        for box in (self.colour, self.way, self.protocol, self.mechanism):
            box.currentIndexChanged.connect(self._on_edit)
        self.database.valueChanged.connect(self._on_edit)

    def _on_edit(self) -> None:
        if not self._filling:
            self._refresh()
            self.changed.emit()

    def _refresh(self) -> None:
        """Shows the fields that matter, and what is wrong."""
        state, found = self.state(), self.problems()
        self._kafka.setHidden(state.through_api)
        self._redis.setHidden(state.through_api)
        self._api.setVisible(state.through_api)
        tls, login = state.uses_tls(), state.logs_in()
        shown = dict.fromkeys(("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_verify"), tls)
        shown |= dict.fromkeys(("mechanism", "sasl_username", "sasl_password"), login)
        shown |= dict.fromkeys(("redis_tls_ca_file", "redis_tls_verify"), state.redis_tls)
        shown |= dict.fromkeys(("sentinel_master_name", "sentinel_password"), bool(state.sentinel_addrs))
        shown["redis_addr"] = not state.sentinel_addrs
        for name, visible in shown.items():
            self._fields.show_row(name, visible)
        self._fields.mark(found)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Wide enough to read, however little height there is."""
        return QSize(self.fontMetrics().averageCharWidth() * 40, self.fontMetrics().height() * 6)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
