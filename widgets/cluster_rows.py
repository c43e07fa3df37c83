"""The scripts of a cluster as rows: what Kafka, Redis and the workspace say of each, in words with a mark."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QIcon

from engine.go_time import ZERO_TIME
from engine.model import namespace_of
from engine.scripts.compare import MIRROR_DIFFERENCES, UNREADABLE, Difference, ScriptRow
from widgets.glyphs import glyph_icon
from widgets.publish_plan import SHORT_HASH
from widgets.row_table import RowModel
from widgets.style import tone_colour
from widgets.theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
SCRIPT, VERSION, HASH, UPDATED, WHO, KAFKA, REDIS, WORKSPACE = range(8)
COLUMNS = ("Script", "Version", "Hash", "Updated", "Who", "Kafka", "Redis", "Workspace")
PLACES = (KAFKA, REDIS, WORKSPACE)
_MENDED = tuple(MIRROR_DIFFERENCES)


class Verdict(enum.StrEnum):
    """What one of the three says of a script; the values are shown and read out."""

    LIVE = "live"
    NOT_LIVE = "not published"
    SAME = "same"
    DIFFERS = "differs"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    LEFT_OVER = "left over"
    ONLY_HERE = "only here"
    NOT_HERE = "not here"
    UNKNOWN = "not known"
    NOTHING = "\u2013"


_LOOKS = {
    Verdict.LIVE: ("check", "success"),
    Verdict.SAME: ("check", "success"),
    Verdict.DIFFERS: ("error", "error"),
    Verdict.MISSING: ("error", "error"),
    Verdict.UNREADABLE: ("error", "error"),
    Verdict.LEFT_OVER: ("error", "error"),
    Verdict.NOT_LIVE: ("minus", ""),
    Verdict.ONLY_HERE: ("plus", "info"),
    Verdict.NOT_HERE: ("minus", ""),
    Verdict.UNKNOWN: ("ring", ""),
}
MEANINGS = {
    Verdict.LIVE: "This is what the topic says; workers that replay it run this.",
    Verdict.NOT_LIVE: "It is not on the cluster.",
    Verdict.SAME: "It says the same as Kafka.",
    Verdict.DIFFERS: "It says something else than Kafka.",
    Verdict.MISSING: "Kafka has it and the Redis mirror does not; a repair writes it.",
    Verdict.UNREADABLE: "The Redis mirror holds something that is no script; a repair writes it anew.",
    Verdict.LEFT_OVER: "The Redis mirror holds it and Kafka does not; a repair removes it.",
    Verdict.ONLY_HERE: "It was not published to this cluster.",
    Verdict.NOT_HERE: "This workspace has no such script.",
    Verdict.UNKNOWN: "Redis cannot be asked.",
    Verdict.NOTHING: "It is not there.",
}


def verdict(row: ScriptRow, place: int) -> Verdict:
    """What Kafka, Redis or the workspace says of a script."""
    if place == KAFKA:
        return Verdict.LIVE if row.kafka_hash else Verdict.NOT_LIVE
    if place == REDIS:
        return _redis_verdict(row)
    if Difference.WORKSPACE_DIFFERS in row.differences:
        return Verdict.DIFFERS
    if not row.workspace_hash:
        return Verdict.NOT_HERE
    return Verdict.SAME if row.kafka_hash else Verdict.ONLY_HERE


def _redis_verdict(row: ScriptRow) -> Verdict:
    if not row.redis_known:
        return Verdict.UNKNOWN
    if row.redis_hash == UNREADABLE:
        return Verdict.UNREADABLE
    for difference, found in (
        (Difference.REDIS_MISSING, Verdict.MISSING),
        (Difference.REDIS_DIFFERS, Verdict.DIFFERS),
        (Difference.REDIS_ONLY, Verdict.LEFT_OVER),
    ):
        if difference in row.differences:
            return found
    return Verdict.SAME if row.redis_hash else Verdict.NOTHING


def mirror_differs(row: ScriptRow) -> bool:
    """Whether a repair of the mirror would do something."""
    for difference in row.differences:  # noqa: SIM110  ten thousand rows ask; so it takes a third of the time
        if difference in _MENDED:
            return True
    return False


def differs(row: ScriptRow) -> bool:
    """Whether the cluster itself disagrees, or the workspace with it."""
    return mirror_differs(row) or Difference.WORKSPACE_DIFFERS in row.differences


def time_in_words(rfc3339: str) -> str:
    """A moment in the zone of this machine; empty for Go's zero time."""
    if not rfc3339 or rfc3339 == ZERO_TIME:
        return ""
    try:
        return datetime.fromisoformat(rfc3339).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return rfc3339


@lru_cache(maxsize=100_000)
def place_of(config_id: str) -> tuple[str, str]:
    """Where a script stands in the order of names: its namespace, and its name in it, in any case."""
    return namespace_of(config_id).lower(), config_id.lower()


SORT_KEYS: dict[int, Callable[[ScriptRow], object]] = {
    SCRIPT: lambda row: place_of(row.config_id),
    VERSION: lambda row: (len(row.version), row.version),
    HASH: lambda row: row.kafka_hash,
    UPDATED: lambda row: row.updated_at,
    WHO: lambda row: row.who.lower(),
    KAFKA: lambda row: verdict(row, KAFKA),
    REDIS: lambda row: verdict(row, REDIS),
    WORKSPACE: lambda row: verdict(row, WORKSPACE),
}


def hay(row: ScriptRow) -> str:
    """What the filter looks into."""
    hash_ = row.kafka_hash or row.workspace_hash
    return "\n".join((row.config_id, row.version, hash_, row.who, *row.differences)).lower()


class ClusterModel(RowModel):
    """Rows of `ScriptRow`, known by their config_id."""

    columns = COLUMNS
    _theme: Theme | None = None
    _icons: dict[Verdict, QIcon] = {}  # noqa: RUF012  replaced as a whole, never changed

    def key(self, row: ScriptRow) -> str:
        """The config_id."""
        return row.config_id

    def cell(self, row: ScriptRow, column: int) -> str:
        """Text for people; of a hash all of it."""
        if column in PLACES:
            return verdict(row, column).value
        if column == UPDATED:
            return time_in_words(row.updated_at)
        return {SCRIPT: row.config_id, VERSION: row.version, WHO: row.who}.get(column, row.kafka_hash)

    def look(self, row: ScriptRow, column: int, role: int) -> Any:
        """Marks, red where something differs, hashes in tooltips, and words for screen readers."""
        if column in PLACES:
            return self._look_of_place(row, column, role)
        if role == Role.AccessibleTextRole and column == SCRIPT:
            return _in_words(row)
        if role == Role.ToolTipRole and column == UPDATED:
            return row.updated_at
        if role == Role.ForegroundRole and column != SCRIPT and self._theme:
            return QColor(self._theme.text_muted)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """A hash is cut short; its tooltip has the whole."""
        if role == Role.DisplayRole and index.column() == HASH:
            return self.rows[index.row()].kafka_hash[:SHORT_HASH]
        return super().data(index, role)

    def apply_theme(self, theme: Theme) -> None:
        """Draws the marks anew."""
        self._theme = theme
        self._icons = {
            found: glyph_icon(glyph, tone_colour(theme, tone)) for found, (glyph, tone) in _LOOKS.items()
        }

    def replace_rows(self, rows: tuple[ScriptRow, ...]) -> None:
        """Takes rows of the same scripts in the same order, without touching selection or layout."""
        self.rows = rows
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))

    def _look_of_place(self, row: ScriptRow, column: int, role: int) -> Any:
        found = verdict(row, column)
        if role == Role.DecorationRole:
            return self._icons.get(found)
        if role == Role.ForegroundRole and self._theme:
            loud = _LOOKS.get(found, ("", ""))[1] == "error"
            return QColor(self._theme.error if loud else self._theme.text_muted)
        if role == Role.ToolTipRole:
            hash_ = {KAFKA: row.kafka_hash, REDIS: row.redis_hash}.get(column, row.workspace_hash)
            return "\n".join(part for part in (MEANINGS[found], hash_ if hash_ != UNREADABLE else "") if part)
        if role == Role.AccessibleTextRole:
            return f"{COLUMNS[column]}: {found.value}"
        return None


def _in_words(row: ScriptRow) -> str:
    facts = [row.config_id, f"version {row.version}" if row.version else "", row.who]
    places = [f"{COLUMNS[place]}: {verdict(row, place).value}" for place in PLACES]
    return ", ".join(fact for fact in (*facts, *places) if fact)
