"""The rows of an editable header table, what is wrong with them (RFC 9110), and pasted text as rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
NAME, VALUE = 0, 1
PROBLEM_ROLE = Role.UserRole + 1

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN = {"\r": "a carriage return", "\n": "a line feed", "\0": "a NUL character"}


def name_problem(name: str) -> str:
    """Why `name` cannot be a header's name; empty when it can."""
    if _TOKEN.fullmatch(name):
        return ""
    bad = next((char for char in name if not _TOKEN.fullmatch(char)), "")
    what = {" ": "a space", ":": "a colon"}.get(bad, f"{bad!r}")
    return f"A header name cannot contain {what}." if bad else "A header needs a name."


def value_problem(value: str) -> str:
    """Why `value` cannot be a header's value; empty when it can."""
    bad = next((what for char, what in _FORBIDDEN.items() if char in value), "")
    return f"A header value cannot contain {bad}." if bad else ""


def parse_header_lines(text: str) -> list[tuple[str, str]]:
    """Rows from pasted lines `Name: value`; blank lines are skipped, without a colon it is a name alone."""
    parts = [line.partition(":") for line in text.splitlines() if line.strip()]
    return [(name.strip(), value.strip()) for name, _, value in parts]


class HeadersModel(QAbstractTableModel):
    """Two editable columns that always end in an empty row to type into.

    Signals:
        edited(): the user changed something.
    """

    edited = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, str]] = [("", "")]
        self._problems: dict[tuple[int, int], str] = {}

    def pairs(self) -> list[tuple[str, str]]:
        """All rows but the empty ones, valid or not."""
        return [row for row in self._rows if row != ("", "")]

    def valid_pairs(self) -> list[tuple[str, str]]:
        """The rows that could be sent."""
        return [
            (name, value) for name, value in self.pairs() if not (name_problem(name) or value_problem(value))
        ]

    def set_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Replaces all rows; `edited` is not emitted."""
        self.beginResetModel()
        self._rows = [*pairs, ("", "")]
        self._check()
        self.endResetModel()

    def insert_pairs(self, row: int, pairs: Sequence[tuple[str, str]]) -> None:
        """Inserts rows before `row` as the user's edit."""
        if not pairs:
            return
        row = min(row, len(self._rows) - 1)
        self.beginInsertRows(QModelIndex(), row, row + len(pairs) - 1)
        self._rows[row:row] = pairs
        self.endInsertRows()
        self._changed()

    def delete_rows(self, rows: Iterable[int]) -> None:
        """Removes rows as the user's edit; the last empty row stays."""
        doomed = sorted({row for row in rows if 0 <= row < len(self._rows) - 1}, reverse=True)
        for row in doomed:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._rows[row]
            self.endRemoveRows()
        if doomed:
            self._changed()

    def problems(self) -> list[str]:
        """One sentence for each marked cell, with the row it is in."""
        return [f"Row {row + 1}: {reason}" for (row, _), reason in sorted(self._problems.items())]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """The rows with the empty one."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, N802
        """Name and value."""
        return 0 if parent.isValid() else 2

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """The column titles."""
        if orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole:
            return ("Name", "Value")[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every cell can be edited."""
        flag = Qt.ItemFlag
        return flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsEditable

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Texts, and the reason a cell is marked as tooltip and description."""
        text = self._rows[index.row()][index.column()]
        problem = self._problems.get((index.row(), index.column()), "")
        if role == Role.EditRole:
            return text
        if role == Role.DisplayRole:
            return text[:500].replace("\r", "\u240d").replace("\n", "\u240a").replace("\0", "\u2400")
        if role == Role.ToolTipRole:
            return problem or text[:2000]
        if role in {PROBLEM_ROLE, Role.AccessibleDescriptionRole}:
            return problem
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:  # noqa: N802
        """Takes an edit; typing into the last row makes a new one below it."""
        name, old = self._rows[index.row()]
        row = (str(value).strip(), old) if index.column() == NAME else (name, str(value))
        if role != Role.EditRole or row == (name, old):
            return False
        self._rows[index.row()] = row
        if index.row() == len(self._rows) - 1:
            end = len(self._rows)
            self.beginInsertRows(QModelIndex(), end, end)
            self._rows.append(("", ""))
            self.endInsertRows()
        self._changed()
        return True

    def _changed(self) -> None:
        self._check()
        self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, VALUE))
        self.edited.emit()

    def _check(self) -> None:
        """Finds every problem anew: a duplicate depends on the other rows."""
        self._problems = {}
        seen: dict[str, int] = {}
        for number, (name, value) in enumerate(self._rows):
            if (name, value) == ("", ""):
                continue
            first = seen.setdefault(name.lower(), number)
            repeated = (
                f"{name} is already in row {first + 1}; the last one wins."
                if first != number and name
                else ""
            )
            if reason := name_problem(name) or repeated:
                self._problems[number, NAME] = reason
            if reason := value_problem(value):
                self._problems[number, VALUE] = reason
