"""The rows of a profile's form: each field with its label, and under it what is wrong with it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from widgets.dialog_parts import wrapping_label
from widgets.glyphs import GlyphButton
from widgets.secret_field import SecretField
from widgets.style import mark_invalid, mix, set_look
from widgets.theme import Theme


class FieldRows(QObject):
    """Makes rows and finds them again by the names of their fields.

    Attributes:
        lines: text fields, secrets and paths among them.
        ticks: check boxes.
        secrets: the masked ones of the lines.

    Signals:
        browse_requested(str): the path field whose button was pressed.
    """

    browse_requested = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines: dict[str, QLineEdit] = {}
        self.ticks: dict[str, QCheckBox] = {}
        self.secrets: dict[str, SecretField] = {}
        self._rows: dict[str, tuple[QFormLayout, QWidget]] = {}
        self._whys: dict[str, QLabel] = {}
        self._browsers: list[GlyphButton] = []

    def show_row(self, name: str, shown: bool) -> None:
        """Whether a field is there at all."""
        form, row = self._rows[name]
        form.setRowVisible(row, shown)

    def mark(self, problems: dict[str, str]) -> None:
        """Marks the fields of these names and says why under them; the others are clear."""
        for name, line in self.lines.items():
            mark_invalid(line, problems.get(name, ""))
            self._whys[name].setText(problems.get(name, ""))
            self._whys[name].setVisible(name in problems)

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours of the buttons."""
        for secret in self.secrets.values():
            secret.apply_theme(theme)
        for button in self._browsers:
            button.set_colours(theme.text_muted, mix(theme.text_muted, theme.window, 0.5))

    def add(self, form: QFormLayout, name: str, words: str, field: QWidget) -> None:
        """A labelled field; what is wrong with it is said under it."""
        field.setAccessibleName(words)
        why = wrapping_label()
        set_look(why, "tone", "error")
        why.hide()
        row = QWidget()
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(field)
        column.addWidget(why)
        row.setFocusProxy(field)
        form.addRow(words, row)
        self._rows[name], self._whys[name] = (form, row), why

    def text(self, form: QFormLayout, name: str, words: str, example: str) -> None:
        """A line of text."""
        self.lines[name] = QLineEdit()
        self.lines[name].setPlaceholderText(example)
        self.add(form, name, words, self.lines[name])

    def secret(self, form: QFormLayout, name: str, words: str) -> None:
        """A masked line."""
        self.secrets[name] = SecretField(words)
        self.lines[name] = self.secrets[name].line
        self.add(form, name, words, self.secrets[name])

    def file(self, form: QFormLayout, name: str, words: str, example: str) -> None:
        """A path, with a button that asks for one to be chosen."""
        line, button = QLineEdit(), GlyphButton("dots", f"Choose {words}\u2026")
        line.setPlaceholderText(example)
        line.setAccessibleName(words)
        button.clicked.connect(lambda: self.browse_requested.emit(name))
        self._browsers.append(button)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(line, 1)
        row.addWidget(button)
        both.setFocusProxy(line)
        self.lines[name] = line
        self.add(form, name, words, both)

    def tick(self, form: QFormLayout, name: str, words: str) -> None:
        """A check box over the whole width."""
        self.ticks[name] = QCheckBox(words)
        form.addRow(self.ticks[name])
        self._rows[name] = (form, self.ticks[name])


def group(title: str) -> tuple[QGroupBox, QFormLayout]:
    """A titled frame and the form in it."""
    frame = QGroupBox(title)
    form = QFormLayout(frame)
    form.setVerticalSpacing(6)
    form.setHorizontalSpacing(12)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    return frame, form
