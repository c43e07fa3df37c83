"""The scripts of a workspace as groups of rows: which share a namespace, and which a filter lets through."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model import namespace_of
from engine.scripts.review import Standing

STANDING_SENTENCES: dict[str, str] = {
    Standing.DRAFT: "Draft: nobody approved this text.",
    Standing.APPROVED: "Approved: this text may be published.",
    Standing.LIVE: "Live: this text is what the cluster runs.",
    Standing.DRIFTED: "Drifted: the cluster runs another text, which was not published from here.",
}


@dataclass(frozen=True, slots=True)
class ScriptEntry:
    """One script as the tree shows it; `problem` is the sentence of its mark, empty when there is none.

    `badge` is a word in a pill; a `Standing` is one of them, and the tooltip explains it.
    """

    config_id: str
    path: str = ""
    badge: str = ""
    dirty: bool = False
    problem: str = ""

    def in_words(self) -> str:
        """Everything the row shows, for screen readers."""
        facts = [self.config_id, self.badge, "unsaved changes" if self.dirty else "", self.problem]
        return ", ".join(fact for fact in facts if fact)

    def tooltip(self) -> str:
        """What there is no room for in the row, one fact a line."""
        meaning = STANDING_SENTENCES.get(self.badge, "")
        return "\n".join(fact for fact in (self.config_id, self.path, meaning, self.problem) if fact)


@dataclass(frozen=True, slots=True)
class Group:
    """Scripts under one heading; an empty name stands for scripts on the top level."""

    name: str
    entries: tuple[ScriptEntry, ...]


def matches(entry: ScriptEntry, needle: str) -> bool:
    """Whether every word of the filter occurs in the id or the path, in any case."""
    hay = f"{entry.config_id}\n{entry.path}".lower()
    return all(word in hay for word in needle.lower().split())


def grouped(entries: tuple[ScriptEntry, ...], needle: str = "") -> list[Group]:
    """Groups in the order of the alphabet; a namespace with one script is that script itself.

    Whether a namespace is a group depends on all scripts, not on the filter, so that typing moves nothing around.
    """
    by_name: dict[str, list[ScriptEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.config_id.lower()):
        by_name.setdefault(namespace_of(entry.config_id), []).append(entry)
    groups = []
    for name, found in sorted(by_name.items(), key=lambda pair: pair[0].lower()):
        shown = tuple(entry for entry in found if matches(entry, needle))
        if shown:
            groups.append(Group(name if len(found) > 1 else "", shown))
    return groups


def short_name(entry: ScriptEntry, group: str) -> str:
    """The name inside a group: what follows the namespace, or the whole id where nothing does."""
    rest = entry.config_id[len(group) + 1 :] if group else ""
    return rest or entry.config_id
