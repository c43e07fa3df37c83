"""The one table of what a script can reach: completion, call tips, `require` and the reference page are made from it.

A function that HOWK knows but this engine does not offer is not in the table, so nothing promises it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiEntry:
    """One name that a script may write.

    Attributes:
        name: as written in a script: `json.decode`, `headers`, `string.format`.
        kind: function, table, value or module.
        signature: shown as the call tip; empty for what is not called.
        doc: one or two sentences for a script's author.
        group: the heading in the reference: input, output, module, library.
    """

    name: str
    kind: str
    signature: str
    doc: str
    group: str


MODULE_NAMES: tuple[str, ...] = ("base64", "json", "log")
"""What `require` finds."""
