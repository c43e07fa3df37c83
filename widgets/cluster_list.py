"""Which scripts of a cluster are shown, and in which order: filter, differences only, sorting."""

from __future__ import annotations

from engine.scripts.compare import ScriptRow
from widgets.cluster_rows import SCRIPT, SORT_KEYS, differs, hay


class ClusterList:
    """Holds all rows and gives those to show; only changed rows are looked at anew.

    Attributes:
        rows: all of them.
        column, descending: the order.
        needle: every word of it must occur.
        only_differences: leaves out what agrees.
    """

    def __init__(self) -> None:
        self.rows: tuple[ScriptRow, ...] = ()
        self.column, self.descending = SCRIPT, False
        self.needle = ""
        self.only_differences = False
        self._hay: dict[str, tuple[ScriptRow, str]] = {}
        self._ordered_as: tuple[int, bool] | None = None
        self._ordered_of: tuple[ScriptRow, ...] = ()
        self._ordered: tuple[ScriptRow, ...] = ()

    def shown(self) -> tuple[ScriptRow, ...]:
        """The rows to show, in their order."""
        rows = self._in_order()
        if self.only_differences:
            rows = tuple([row for row in rows if differs(row)])
        words = self.needle.lower().split()
        if words:
            rows = tuple([row for row in rows if all(word in self._hay_of(row) for word in words)])
        return rows

    def _in_order(self) -> tuple[ScriptRow, ...]:
        """All rows; sorted once for as long as rows and order are the same."""
        wanted = self.column, self.descending
        if wanted != self._ordered_as or self.rows is not self._ordered_of:
            rows = sorted(self.rows, key=SORT_KEYS[SCRIPT])  # type: ignore[arg-type]  # each gives one comparable type
            if self.column != SCRIPT or self.descending:
                rows.sort(key=SORT_KEYS[self.column], reverse=self.descending)  # type: ignore[arg-type]
            self._ordered_as, self._ordered_of, self._ordered = wanted, self.rows, tuple(rows)
        return self._ordered

    def _hay_of(self, row: ScriptRow) -> str:
        known = self._hay.get(row.config_id)
        if known is not None and known[0] is row:
            return known[1]
        made = hay(row)
        self._hay[row.config_id] = (row, made)
        return made
