"""Looks for what a script most likely did not mean, without running it: typos, unknown modules, what workers differ in.

Each rule has a code, which the documents list. Only what fails wherever it runs is an error; the rest is told, and the
author decides. What a script tests before it uses it (`if os then`, `table.unpack or unpack`) is meant, and not told.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tree_sitter import Node

from engine.sandbox.api import API, MODULE_NAMES
from engine.scripts.lint_facts import GlobalUse, How, Local, MemberUse, Names
from engine.scripts.lint_names import resolve
from engine.scripts.lint_tree import Unreadable
from engine.scripts.problem import Problem, Severity

MAX_BYTES = 512 * 1024
SECONDS = 1.0
"""Nobody waits for a linter: a script that takes longer, which is a made-up one, is left."""
MAX_TOLD = 200
_MAX_GUESSES, _MAX_OWN_NAMES = 50, 500  # a guess among so many takes some milliseconds

RULES: dict[str, str] = {
    "unknown-module": "`require` of a module that there is not.",
    "unknown-member": "A function or field that a module, a library or an input does not have.",
    "absent-library": "A part of standard Lua that is not in the sandbox: `io`, `os`, `debug` and others.",
    "undefined-global": "A global that neither the API nor the script defines: most likely a typo.",
    "input-assigned": "An assignment to an input, which changes nothing of what is sent.",
    "request-headers-unset": "`request.headers` is filled before it is set: nil in published workers up to 0.4.9.",
    "global-variable": "A global variable where a local one would do; each run starts with new ones.",
    "unused-local": "A local variable that is never read.",
    "not-looked-at": "The script is too long or too tangled to be looked at.",
}

ABSENT = {
    "io": "Scripts reach no files.",
    "os": "Scripts reach no clock, file or environment; metadata.created_at says when the webhook was accepted.",
    "debug": "Use log and error.",
    "coroutine": "Use functions.",
    "package": "`require` finds the engine's modules by itself.",
    "module": "A script is one file; use a local table.",
    "load": "Use loadstring.",
    "loadfile": "A script is one file.",
    "dofile": "A script is one file.",
    "newproxy": "Use setmetatable.",
    "gcinfo": 'Use collectgarbage("count").',
}
"""What standard Lua has and the sandbox has not, with what to do about it."""

_INPUTS = frozenset({"payload", "metadata", "previous_error"})
_OUTPUTS = frozenset({"request", "headers", "config"})
_OPEN_TABLES = frozenset({"headers", "config", "_G"})  # any key may be in them
_DATA = _INPUTS | _OUTPUTS
_CHANGE_GLOBALS = frozenset({"_G", "getfenv", "setfenv", "loadstring"})
_HEADERS = "request.headers"

# A module is no global until a script makes it one; `log` is.
_GLOBALS = frozenset(entry.name.partition(".")[0] for entry in API) - (frozenset(MODULE_NAMES) - {"log"})
_MEMBERS: dict[str, frozenset[str]] = {
    owner: frozenset(entry.name.partition(".")[2] for entry in API if entry.name.startswith(f"{owner}."))
    for owner in {entry.name.partition(".")[0] for entry in API if "." in entry.name}
}


class _Finding(NamedTuple):
    code: str
    severity: Severity
    node: Node
    what: str


def lint(source: bytes) -> tuple[Problem, ...]:
    """What is to be said of a script whose syntax is right, in the order of its lines; the worst MAX_TOLD of it."""
    if len(source) > MAX_BYTES:
        return (_not_looked_at(f"It is longer than {MAX_BYTES // 1024} KB"),)
    try:
        names = resolve(source, SECONDS)
    except Unreadable:
        return (
            _not_looked_at("It is too tangled, or has words that newer versions of Lua keep for themselves"),
        )
    found = [finding for rule in _RULES for finding in rule(names)]
    if len(found) > MAX_TOLD:
        order = list(Severity)
        found = sorted(found, key=lambda finding: order.index(finding.severity))[:MAX_TOLD]
    lines = source.split(b"\n")
    return tuple(_problem(one, lines) for one in sorted(found, key=lambda finding: finding.node.start_byte))


def _not_looked_at(why: str) -> Problem:
    return Problem(Severity.INFO, f"{why}, so lint did not look at it.", 1, 0, "not-looked-at")


def _problem(finding: _Finding, lines: list[bytes]) -> Problem:
    row, byte = finding.node.start_point
    column = len(lines[row][:byte].decode("utf-8", "replace")) + 1
    return Problem(finding.severity, finding.what, row + 1, column, finding.code)


# --- the rules


def _modules(names: Names) -> Iterator[_Finding]:
    near = _Nearest(MODULE_NAMES)
    for module, node in names.required:
        if module not in MODULE_NAMES:
            what = f"There is no module `{module}`{near(module)} There are {', '.join(MODULE_NAMES)}."
            yield _Finding("unknown-module", Severity.ERROR, node, what)


def _members(names: Names) -> Iterator[_Finding]:
    own_globals = _own_globals(names)
    own = {(_owner(use), use.member) for use in names.members if use.how in {How.WRITE, How.DEFINE}}
    tested = {(_owner(use), use.member) for use in names.members if use.how is How.TEST}
    near = {owner: _Nearest(known) for owner, known in _MEMBERS.items()}
    for use in names.members:
        owner = _owner(use)
        known = _MEMBERS.get(owner, frozenset())
        if not known or not use.member or use.member in known or owner in _OPEN_TABLES:
            continue
        if owner in own_globals or (isinstance(use.owner, str) and not _is_there(use)):
            continue
        guess = near[owner](use.member)
        if owner not in _DATA and (owner, use.member) in own:
            continue
        if (owner, use.member) in tested and guess == ".":
            continue
        called = use.how is How.CALL and owner not in _DATA
        severity = Severity.ERROR if called else Severity.WARNING
        yield _Finding("unknown-member", severity, use.node, f"`{owner}` has no `{use.member}`{guess}")


def _globals(names: Names) -> Iterator[_Finding]:
    """Globals that there are not: what the sandbox leaves out, modules that nobody required, and typos."""
    own, indexed = _own_globals(names), {use.owner for use in names.members}
    tested = {use.name for use in names.globals if use.how is How.TEST}
    open_ended = any(use.name in _CHANGE_GLOBALS for use in names.globals) or any(
        use.owner == "_G" and not use.member for use in names.members
    )
    own_names = dict.fromkeys([*own, *(local.name for local in names.locals)])
    near = _Nearest(_GLOBALS.union(list(own_names)[:_MAX_OWN_NAMES]))
    for use in _first_of_each(names.globals):
        name = use.name
        if name in _GLOBALS or name in own or use.how in {How.WRITE, How.DEFINE}:
            continue
        if name in ABSENT:
            if name not in tested:
                used = use.how is How.CALL or name in indexed
                severity = Severity.ERROR if used else Severity.WARNING
                what = f"`{name}` is not in the sandbox. {ABSENT[name]}"
                yield _Finding("absent-library", severity, use.node, what)
        elif name in MODULE_NAMES:
            if name not in tested:
                what = f'Nothing defines `{name}`; write `local {name} = require("{name}")` first.'
                yield _Finding("undefined-global", Severity.WARNING, use.node, what)
        elif not open_ended:
            guess = near(name)
            if name not in tested or guess != ".":
                what = f"Nothing defines `{name}`{guess}"
                yield _Finding("undefined-global", Severity.WARNING, use.node, what)


def _assignments(names: Names) -> Iterator[_Finding]:
    for use in _first_of_each(use for use in names.globals if use.how is How.WRITE):
        if use.name in _INPUTS:
            what = (
                f"This changes nothing of what is sent: `{use.name}` is an input. Set `request.body` instead."
            )
            yield _Finding("input-assigned", Severity.WARNING, use.node, what)
        elif use.name not in _OUTPUTS:
            what = f"`{use.name}` is a global variable; write `local {use.name}`."
            yield _Finding("global-variable", Severity.INFO, use.node, what)


def _request_headers(names: Names) -> Iterator[_Finding]:
    if any(use.name == "request" and use.how is How.WRITE for use in names.globals):
        return
    sets = [
        use for use in names.members if use.owner == "request" and use.member == "headers" and _settles(use)
    ]
    first = min((use.whole.start_byte for use in sets), default=None)
    for use in names.members:
        if use.owner != _HEADERS or use.how is not How.WRITE:
            continue
        if first is None or (first > use.whole.start_byte and not use.in_function):
            what = "Set it first: `request.headers = request.headers or {}`. Published workers start with nil here."
            yield _Finding("request-headers-unset", Severity.WARNING, use.whole, what)
            return  # told once


def _settles(use: MemberUse) -> bool:
    """Whether the script sets the table there, or asks whether it is set."""
    return use.how in {How.WRITE, How.TEST}


def _unused(names: Names) -> Iterator[_Finding]:
    for local in names.locals:
        if not (local.read or local.free or local.name.startswith("_")):
            what = f"`{local.name}` is never read; take it out, or call it `_{local.name}`."
            yield _Finding("unused-local", Severity.INFO, local.node, what)


_RULES: tuple[Callable[[Names], Iterator[_Finding]], ...] = (
    _modules,
    _members,
    _globals,
    _assignments,
    _request_headers,
    _unused,
)


# --- what they share


def _own_globals(names: Names) -> frozenset[str]:
    """The globals that the script makes, wherever it does; an output that it sets is the API's all the same."""
    written = {use.name for use in names.globals if use.how in {How.WRITE, How.DEFINE}}
    through_table = {use.member for use in names.members if use.owner == "_G" and use.how is How.WRITE}
    return frozenset(written | through_table) - _OUTPUTS


def _owner(use: MemberUse) -> str:
    """The module, library, input or output whose member it is; empty for any other table."""
    if isinstance(use.owner, Local):
        return "" if use.owner.written else use.owner.stands_for
    return use.owner


def _is_there(use: MemberUse) -> bool:
    """Whether the table is there at all: a module that was not required is told as an undefined global."""
    return use.owner in _GLOBALS or use.whole.children[0].type == "function_call"


def _first_of_each(uses: Iterable[GlobalUse]) -> Iterator[GlobalUse]:
    seen: set[str] = set()
    for use in uses:
        if use.name not in seen:
            seen.add(use.name)
            yield use


class _Nearest:
    """Says which known name is meant, as the end of a sentence."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted(known)
        self._guesses = 0

    def __call__(self, name: str) -> str:
        self._guesses += 1
        if self._guesses > _MAX_GUESSES:
            return "."
        found = difflib.get_close_matches(name, self._known, n=1, cutoff=0.75)
        return f": did you mean `{found[0]}`?" if found else "."
