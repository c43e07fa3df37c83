"""The history of a script: what a cluster still holds, together with what this workspace's journal remembers."""

from __future__ import annotations

from collections import defaultdict, deque

import msgspec

from engine.scripts.review import mark_of
from engine.scripts.store import StoredVersion


def merged_history(
    stored: tuple[StoredVersion, ...], noted: tuple[StoredVersion, ...]
) -> tuple[StoredVersion, ...]:
    """What the cluster holds, with who and why where the journal knows, and what only the journal remembers.

    Args:
        stored: of the cluster, the newest first.
        noted: of the journal, the newest first. What was published twice is there twice in both.
    """
    waiting: defaultdict[str, deque[StoredVersion]] = defaultdict(deque)
    for one in noted:
        waiting[mark_of(one.script)].append(one)

    def told_more(one: StoredVersion) -> StoredVersion:
        same = waiting[mark_of(one.script)]
        known = same.popleft() if same else None
        return msgspec.structs.replace(one, who=known.who, note=known.note) if known else one

    told = [told_more(one) for one in stored]
    held = {mark_of(one.script) for one in stored}
    remembered = [one for one in noted if one.script is not None and mark_of(one.script) not in held]
    return tuple(sorted([*told, *remembered], key=lambda one: one.published_at, reverse=True))
