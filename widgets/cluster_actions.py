"""What can be done with a script of the cluster, and when."""

from __future__ import annotations

import enum

from engine.scripts.compare import ScriptRow
from widgets.cluster_rows import mirror_differs


class ClusterAction(enum.StrEnum):
    """One thing to do; the values are menu texts."""

    OPEN = "Open in editor"
    COMPARE = "Compare with workspace"
    HISTORY = "History"
    PUBLISH = "Publish\u2026"
    REPAIR = "Repair mirror"
    DELETE = "Delete from cluster\u2026"


CHANGES = frozenset({ClusterAction.PUBLISH, ClusterAction.REPAIR, ClusterAction.DELETE})
"""Those that a read-only profile forbids."""


def allowed(row: ScriptRow, action: ClusterAction, *, read_only: bool) -> bool:
    """Whether it makes sense for this script, and the profile lets it."""
    if read_only and action in CHANGES:
        return False
    return {
        ClusterAction.COMPARE: bool(row.kafka_hash and row.workspace_hash),
        ClusterAction.PUBLISH: bool(row.workspace_hash),
        ClusterAction.REPAIR: mirror_differs(row),
        ClusterAction.DELETE: bool(row.kafka_hash),
    }.get(action, True)
