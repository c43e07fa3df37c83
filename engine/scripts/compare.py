"""Kafka, Redis and a workspace side by side: what each says of every script, and where they differ."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping

import msgspec

from engine.model import ScriptConfig, namespace_of
from engine.scripts.record import BadScriptRecord, decode_script


class Difference(enum.StrEnum):
    """One way in which the three do not agree; a row has any number of them."""

    REDIS_MISSING = "redis_missing"  # live, and not in the mirror
    REDIS_DIFFERS = "redis_differs"  # the mirror holds another text or version
    REDIS_ONLY = "redis_only"  # the mirror holds what is not live
    WORKSPACE_DIFFERS = "workspace_differs"
    NOT_PUBLISHED = "not_published"  # in the workspace only
    ONLY_ON_CLUSTER = "only_on_cluster"


MIRROR_DIFFERENCES = frozenset({Difference.REDIS_MISSING, Difference.REDIS_DIFFERS, Difference.REDIS_ONLY})
"""Those that a repair of the mirror mends."""


class ScriptRow(msgspec.Struct, gc=False, frozen=True):
    """One script in the cluster view. Hashes are empty where there is no script; `-` for a mirror's entry that is none.

    `version` and `updated_at` are the live ones. `who` published it, as far as the workspace's journal knows.
    `redis_known` is False while Redis cannot be asked; then nothing is said of the mirror.
    """

    config_id: str
    version: str = ""
    updated_at: str = ""
    who: str = ""
    kafka_hash: str = ""
    redis_hash: str = ""
    workspace_hash: str = ""
    differences: tuple[Difference, ...] = ()
    redis_known: bool = True

    @property
    def namespace(self) -> str:
        """The part of the config_id that scripts are grouped by."""
        return namespace_of(self.config_id)


UNREADABLE = "-"


class LocalScript(msgspec.Struct, gc=False, frozen=True):
    """A script of the workspace: the hash of its file, and its script_config."""

    hash: str
    config: dict[str, object] = {}


def compare(
    live: Mapping[str, ScriptConfig],
    mirror: Mapping[str, bytes] | None,
    workspace: Mapping[str, LocalScript],
    published_by: Mapping[tuple[str, str], str],
) -> tuple[ScriptRow, ...]:
    """One row for each config_id that any of the three knows, sorted by it.

    Args:
        live: what the topic says.
        mirror: the entries of the mirror; None when Redis cannot be asked.
        workspace: the scripts of the workspace.
        published_by: (config_id, hash) -> who, from the journal.
    """
    names: Collection[str] = live.keys() | workspace.keys() | (mirror or {}).keys()
    rows = []
    for config_id in sorted(names):
        script, local = live.get(config_id), workspace.get(config_id)
        entry = mirror.get(config_id) if mirror is not None else None
        differences = (
            *(_mirror_difference(config_id, script, entry) if mirror is not None else ()),
            *_workspace_difference(script, local),
        )
        rows.append(
            ScriptRow(
                config_id=config_id,
                version=script.version if script else "",
                updated_at=script.updated_at if script else "",
                who=published_by.get((config_id, script.hash), "") if script else "",
                kafka_hash=script.hash if script else "",
                redis_hash=_hash_of(entry, config_id),
                workspace_hash=local.hash if local else "",
                differences=differences,
                redis_known=mirror is not None,
            )
        )
    return tuple(rows)


def _mirror_difference(
    config_id: str, live: ScriptConfig | None, entry: bytes | None
) -> tuple[Difference, ...]:
    """How an entry differs in what it says; the same in other JSON is no difference."""
    if entry is None:
        return () if live is None else (Difference.REDIS_MISSING,)
    if live is None:
        return (Difference.REDIS_ONLY,)
    return () if _script_of(entry, config_id) == live else (Difference.REDIS_DIFFERS,)


def _workspace_difference(live: ScriptConfig | None, local: LocalScript | None) -> tuple[Difference, ...]:
    if local is None:
        return (Difference.ONLY_ON_CLUSTER,) if live is not None else ()
    if live is None:
        return (Difference.NOT_PUBLISHED,)
    same = live.hash == local.hash and (live.script_config or {}) == local.config
    return () if same else (Difference.WORKSPACE_DIFFERS,)


def _hash_of(entry: bytes | None, config_id: str) -> str:
    if entry is None:
        return ""
    script = _script_of(entry, config_id)
    return script.hash if script else UNREADABLE


def _script_of(entry: bytes, config_id: str) -> ScriptConfig | None:
    try:
        return decode_script(entry, config_id)
    except BadScriptRecord:
        return None
