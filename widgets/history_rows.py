"""The versions of a script as rows, the newest first: when, which, by whom, why, and where that is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon

from engine.scripts.store import StoredVersion
from widgets.glyphs import glyph_icon
from widgets.publish_plan import SHORT_HASH
from widgets.row_table import RowModel
from widgets.theme import Theme

Role = Qt.ItemDataRole
WHEN, VERSION, HASH, WHO, NOTE, PLACE = range(6)


def local_time(unix_ms: int) -> str:
    """A moment in the zone of this machine; empty for 0, which stands for unknown."""
    if not unix_ms:
        return ""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


class HistoryModel(RowModel):
    """Rows of `StoredVersion`.

    Attributes:
        live: the hash that runs now; its newest row is marked.
    """

    columns = ("When", "Version", "Hash", "Who", "Note", "Where")
    live = ""
    _theme: Theme | None = None
    _mark = QIcon()

    def cell(self, row: StoredVersion, column: int) -> str:
        """Text for people; a deletion has no version."""
        script = row.script
        if column == VERSION:
            version = script.version if script else "deleted"
            return f"{version} (live)" if self.is_live(row) else version
        if column == HASH:
            return script.hash if script else ""
        return {WHEN: local_time(row.published_at) or "unknown", WHO: row.who, NOTE: row.note}.get(
            column, row.place
        )

    def key(self, row: StoredVersion) -> tuple[str, int]:
        """Where it is written, and when."""
        return (row.place, row.published_at)

    def look(self, row: StoredVersion, column: int, role: int) -> Any:
        """The mark of the live one, short hashes, muted deletions, and words for screen readers."""
        if role == Role.AccessibleTextRole and column == WHEN:
            return ", ".join(text for text in (self.cell(row, place) for place in range(6)) if text)
        if self._theme is None:
            return None
        if role == Role.DecorationRole and column == VERSION and self.is_live(row):
            return self._mark
        if role == Role.ForegroundRole and (row.script is None or column in {HASH, PLACE}):
            return QColor(self._theme.text_muted)
        return None

    def data(self, index: Any, role: int = Role.DisplayRole) -> Any:
        """A hash is cut short; its tooltip has the whole."""
        if role == Role.DisplayRole and index.column() == HASH:
            return self.cell(self.rows[index.row()], HASH)[:SHORT_HASH]
        return super().data(index, role)

    def is_live(self, row: StoredVersion) -> bool:
        """Whether this is the newest row with the hash that runs now."""
        if row.script is None or row.script.hash != self.live:
            return False
        return next(found for found in self.rows if found.script and found.script.hash == self.live) is row

    def apply_theme(self, theme: Theme) -> None:
        """Takes the colours."""
        self._theme = theme
        self._mark = glyph_icon("check", theme.success)
