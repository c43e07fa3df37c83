"""The script API reference as Markdown, made from the one API table: `python -m engine.sandbox.reference` writes it.

The file is kept in `resources/docs/` for the window and for readers; a test says when it is out of date.
"""

from __future__ import annotations

import resources
from engine.sandbox.api import API, MODULE_NAMES, ApiEntry

NAME = "script-api"

_HEAD = """# The script API

A script is Lua 5.1. It runs once for every delivery attempt of a webhook, in a fresh environment: it reads the inputs,
changes the outputs, and keeps nothing. This page is made from the table that the editor completes from.
"""

_GROUPS = {
    "input": ("Input", "What a script finds when it starts."),
    "output": (
        "Output",
        "What a script sets. A value of the wrong type ends the run as `script_invalid_output`.",
    ),
    "module": (
        "Modules",
        "`require` finds "
        + ", ".join(f"`{name}`" for name in MODULE_NAMES)
        + "; `log` is there without it. No function here raises because an operation failed: the second value says "
        "why. An argument of the wrong type raises. A run that dies after kv, http or crypto failed under it is "
        "`script_module_kv`, `script_module_http` or `script_module_crypto`.",
    ),
    "library": (
        "Library",
        "The base library, `string`, `table` and `math` of Lua 5.1. Absent are `io`, `os`, `debug`, `coroutine`, "
        "`package`, `load`, `loadfile`, `dofile`, `string.dump`, `newproxy` and bytecode.",
    ),
}


def reference() -> str:
    """The whole page."""
    parts = [_HEAD]
    for group, (title, text) in _GROUPS.items():
        parts.append(f"## {title}\n\n{text}\n\n| name | meaning |\n| --- | --- |")
        parts.extend(_row(entry) for entry in API if entry.group == group)
        parts.append("")
    return "\n".join(parts)


def _row(entry: ApiEntry) -> str:
    return f"| `{entry.signature or entry.name}` | {entry.doc.replace('|', chr(92) + '|')} |"


def main() -> None:
    """Writes the page to where it is kept."""
    (resources.ROOT / "docs" / f"{NAME}.md").write_text(reference(), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
