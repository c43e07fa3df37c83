"""The versions of scripts that a loader has seen in its topic, as many as memory allows."""

from __future__ import annotations

from collections import OrderedDict, deque

from engine.model import ScriptConfig
from engine.scripts.store import StoredVersion

VERSIONS_OF_ONE = 50
REPLACED_CHARACTERS = 64 * 1024 * 1024
"""Of code in versions that others have replaced, of all scripts together."""


class SeenVersions:
    """Versions by script. When there are too many, those replaced longest ago go first; the newest of each stays.

    Args:
        of_one: how many of one script are kept.
        replaced_characters: how much code of replaced versions is kept in all.
    """

    def __init__(
        self, *, of_one: int = VERSIONS_OF_ONE, replaced_characters: int = REPLACED_CHARACTERS
    ) -> None:
        self._of_one, self._most_replaced = of_one, replaced_characters
        self._versions: dict[str, deque[tuple[int, StoredVersion]]] = {}
        self._replaced: OrderedDict[int, str] = OrderedDict()  # serial number -> whose version it is
        self._replaced_characters = 0
        self._serial = 0

    def add(self, config_id: str, version: StoredVersion) -> None:
        """Notes the newest version of a script."""
        versions = self._versions.setdefault(config_id, deque())
        if versions:
            serial, replaced = versions[-1]
            self._replaced[serial] = config_id
            self._replaced_characters += _size(replaced)
        self._serial += 1
        versions.append((self._serial, version))
        if len(versions) > self._of_one:
            self._drop_oldest_of(config_id)
        while self._replaced_characters > self._most_replaced:
            self._drop_oldest_of(next(iter(self._replaced.values())))

    def of(self, config_id: str) -> tuple[StoredVersion, ...]:
        """The versions of a script, the newest first."""
        return tuple(version for _, version in reversed(self._versions.get(config_id, ())))

    def with_hash(self, config_id: str, wanted: str) -> ScriptConfig | None:
        """The newest version of a script with that hash."""
        for version in self.of(config_id):
            if version.script is not None and version.script.hash == wanted:
                return version.script
        return None

    def config_ids(self) -> set[str]:
        """All scripts of which a version, or their deletion, was seen."""
        return set(self._versions)

    def _drop_oldest_of(self, config_id: str) -> None:
        serial, version = self._versions[config_id].popleft()
        del self._replaced[serial]
        self._replaced_characters -= _size(version)


def _size(version: StoredVersion) -> int:
    return len(version.script.lua_code) if version.script is not None else 0
