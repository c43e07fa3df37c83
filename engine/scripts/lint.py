"""Looks for what a script most likely did not mean, without running it: typos, unknown modules, what workers differ in.

Each rule has a code, which the documents list. Only what fails in every run is an error; the rest is told, and the
author decides. Scripts come here after their syntax was found right, so their nesting is bounded by Lua's own parser.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import tree_sitter_lua
from tree_sitter import Language, Node, Parser

from engine.sandbox.api import API, MODULE_NAMES
from engine.scripts.problem import Problem, Severity

MAX_BYTES = 512 * 1024
"""Longer scripts are not looked at: nobody waits for a linter."""

RULES: dict[str, str] = {
    "unknown-module": "`require` of a module that there is not; it fails in every run.",
    "unknown-member": "A function or field that a module, a library or an input does not have.",
    "absent-library": "A part of standard Lua that scripts do not have: `io`, `os`, `debug` and others.",
    "undefined-global": "A global that neither the API nor the script defines: most likely a typo.",
    "global-variable": "A global variable where a local one would do; each run starts with new ones.",
    "input-assigned": "An assignment to an input, which changes nothing of what is sent.",
    "request-headers-unset": "`request.headers` is filled before it is set: nil in published workers up to 0.4.9.",
    "unused-local": "A local variable that is never read.",
    "too-deep": "The script is nested too deeply to be looked at.",
}

ABSENT = frozenset(
    {
        "io",
        "os",
        "debug",
        "coroutine",
        "package",
        "load",
        "loadfile",
        "dofile",
        "module",
        "newproxy",
        "gcinfo",
    }
)
_INPUTS = frozenset({"payload", "metadata", "previous_error"})
_OUTPUTS = frozenset({"request", "headers", "config"})
_OPEN_TABLES = frozenset({"headers", "config", "_G"})  # any key may be in them

_GLOBALS = frozenset(entry.name.partition(".")[0] for entry in API)
_MEMBERS: dict[str, frozenset[str]] = {
    owner: frozenset(entry.name.partition(".")[2] for entry in API if entry.name.startswith(f"{owner}."))
    for owner in {entry.name.partition(".")[0] for entry in API if "." in entry.name}
}
_PARSER = Parser(Language(tree_sitter_lua.language()))


def lint(source: bytes) -> tuple[Problem, ...]:
    """What is to be said of a script whose syntax is right, in the order of its lines."""
    if len(source) > MAX_BYTES:
        return ()
    linter = _Linter(source)
    try:
        linter.run(_PARSER.parse(source).root_node)
    except RecursionError:
        return (_problem("too-deep", "It is nested too deeply to be looked at.", Severity.INFO, 1, 0),)
    return tuple(sorted(linter.found, key=lambda problem: (problem.line, problem.column)))


@dataclass(slots=True)
class _Local:
    node: Node
    module: str = ""  # what `require` made it
    read: bool = False


@dataclass(slots=True)
class _Scope:
    names: dict[str, _Local] = field(default_factory=dict)


class _Linter:
    """One walk over one script."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._scopes: list[_Scope] = []
        self._own_globals: set[str] = set()
        self._request_headers_set = False
        self._told: set[tuple[str, str]] = set()
        self.found: list[Problem] = []
        self._visitors: dict[str, Callable[[Node], None]] = {
            "variable_declaration": self._declaration,
            "assignment_statement": self._assignment,
            "function_declaration": self._function_declaration,
            "function_definition": self._function,
            "for_statement": self._for,
            "repeat_statement": self._repeat,
            "do_statement": self._scoped,
            "while_statement": self._scoped,
            "if_statement": self._scoped,
            "elseif_statement": self._scoped,
            "else_statement": self._scoped,
            "function_call": self._call,
            "identifier": self._read,
            "dot_index_expression": self._index,
            "method_index_expression": self._method,
            "field": self._field,
        }

    def run(self, root: Node) -> None:
        """Looks at a whole script."""
        self._own_globals = set(self._assigned_globals(root))
        self._scopes.append(_Scope())
        self._children(root)
        self._leave()

    # Walking.

    def _visit(self, node: Node) -> None:
        visitor = self._visitors.get(node.type)
        if visitor is not None:
            visitor(node)
        else:
            self._children(node)

    def _children(self, node: Node) -> None:
        for child in node.named_children:
            self._visit(child)

    def _scoped(self, node: Node) -> None:
        """A statement with blocks; the names of a block end with it."""
        for child in node.named_children:
            if child.type == "block":
                self._block(child)
            else:
                self._visit(child)

    def _block(self, node: Node) -> None:
        self._scopes.append(_Scope())
        self._children(node)
        self._leave()

    def _leave(self) -> None:
        for name, local in self._scopes.pop().names.items():
            if not local.read and not name.startswith("_"):
                self._tell("unused-local", f"`{name}` is never read.", Severity.INFO, local.node)

    # Statements.

    def _declaration(self, node: Node) -> None:
        statement = node.named_children[0] if node.named_children else node
        names, values = _sides(statement)
        for value in values:
            self._visit(value)
        for place, name in enumerate(names):
            module = _required(values[place], self._text) if place < len(values) else ""
            self._declare(name, module)

    def _assignment(self, node: Node) -> None:
        targets, values = _sides(node)
        for value in values:
            self._visit(value)
        for target in targets:
            self._assign(target)

    def _assign(self, target: Node) -> None:
        if target.type == "identifier":
            self._assign_name(target)
            return
        table = target.child_by_field_name("table")
        if self._is_request_headers(target):
            self._request_headers_set = True
        elif table is not None and self._is_request_headers(table) and not self._request_headers_set:
            self._request_headers_set = True  # told once
            what = "Set it first: `request.headers = request.headers or {}`. Published workers start with nil here."
            self._tell("request-headers-unset", what, Severity.WARNING, target)
        self._visit(target)

    def _assign_name(self, target: Node) -> None:
        name = self._text(target)
        if self._find(name) is not None or name in _OUTPUTS:
            return
        if name in _INPUTS:
            what = f"This changes nothing of what is sent: `{name}` is an input. Set `request.body` for another body."
            self._tell("input-assigned", what, Severity.WARNING, target)
        elif ("global-variable", name) not in self._told:
            self._told.add(("global-variable", name))
            self._tell(
                "global-variable",
                f"`{name}` is a global variable; write `local {name}`.",
                Severity.INFO,
                target,
            )

    def _function_declaration(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        if name is not None:
            if any(child.type == "local" for child in node.children):
                self._declare(name)
            elif name.type != "identifier":
                self._visit(name)
        self._function(node)

    def _function(self, node: Node) -> None:
        self._scopes.append(_Scope())
        parameters = node.child_by_field_name("parameters")
        for parameter in parameters.named_children if parameters is not None else ():
            if parameter.type == "identifier":
                self._declare(parameter)
                self._scopes[-1].names[self._text(parameter)].read = True  # a parameter need not be read
        body = node.child_by_field_name("body")
        if body is not None:
            self._children(body)
        self._leave()

    def _for(self, node: Node) -> None:
        clause = node.child_by_field_name("clause")
        names: list[Node] = []
        if clause is not None and clause.type == "for_generic_clause":
            names, values = _sides(clause)
            for value in values:
                self._visit(value)
        elif clause is not None:
            names = clause.children_by_field_name("name")
            for child in clause.named_children:
                if child not in names:
                    self._visit(child)
        self._scopes.append(_Scope())
        for name in names:
            self._declare(name)
            self._scopes[-1].names[self._text(name)].read = True  # `for _, value` is not the only way
        body = node.child_by_field_name("body")
        if body is not None:
            self._children(body)
        self._leave()

    def _repeat(self, node: Node) -> None:
        """Its condition sees the names of its block."""
        self._scopes.append(_Scope())
        for child in node.named_children:
            if child.type == "block":
                self._children(child)
            else:
                self._visit(child)
        self._leave()

    # Expressions.

    def _call(self, node: Node) -> None:
        module = _required(node, self._text)
        if module and self._find("require") is None and module not in MODULE_NAMES:
            near = _nearest(module, MODULE_NAMES)
            known = ", ".join(MODULE_NAMES)
            self._tell(
                "unknown-module",
                f"There is no module `{module}`{near} There are {known}.",
                Severity.ERROR,
                node,
            )
        callee = node.child_by_field_name("name")
        if callee is not None and callee.type == "dot_index_expression":
            self._index(callee, called=True)
            callee = None
        for child in node.named_children:
            if child == callee or child.type == "arguments":
                self._visit(child)

    def _index(self, node: Node, *, called: bool = False) -> None:
        table, name = node.child_by_field_name("table"), node.child_by_field_name("field")
        if table is not None:
            self._visit(table)
        if table is None or name is None or table.type != "identifier":
            return
        owner, member = self._owner(table), self._text(name)
        known = _MEMBERS.get(owner)
        if known is None or owner in _OPEN_TABLES or owner in self._own_globals or member in known:
            return
        severity = Severity.ERROR if called and owner not in _INPUTS | _OUTPUTS else Severity.WARNING
        what = f"`{owner}` has no `{member}`{_nearest(member, known)}"
        self._tell("unknown-member", what, severity, name)

    def _method(self, node: Node) -> None:
        table = node.child_by_field_name("table")
        if table is not None:
            self._visit(table)

    def _field(self, node: Node) -> None:
        """`{ name = value }` reads the value only; `{ [key] = value }` the key too."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and name.type != "identifier":
            self._visit(name)
        elif name is not None and node.children and node.children[0].type == "[":
            self._read(name)
        if value is not None:
            self._visit(value)

    def _read(self, node: Node) -> None:
        name = self._text(node)
        local = self._find(name)
        if local is not None:
            local.read = True
        elif name in ABSENT and name not in self._own_globals:
            self._once("absent-library", name, f"Scripts have no `{name}`.", node)
        elif name not in _GLOBALS and name not in self._own_globals:
            near = _nearest(name, _GLOBALS | self._own_globals | self._visible())
            self._once("undefined-global", name, f"Nothing defines `{name}`{near}", node)

    # Names.

    def _declare(self, node: Node, module: str = "") -> None:
        name = self._text(node)
        names = self._scopes[-1].names
        if name in names and not names[name].read and not name.startswith("_"):
            self._tell("unused-local", f"`{name}` is never read.", Severity.INFO, names[name].node)
        names[name] = _Local(node, module)

    def _find(self, name: str) -> _Local | None:
        return next((scope.names[name] for scope in reversed(self._scopes) if name in scope.names), None)

    def _visible(self) -> set[str]:
        return {name for scope in self._scopes for name in scope.names}

    def _owner(self, table: Node) -> str:
        """The module, library or input that a name stands for; empty for any other."""
        name = self._text(table)
        local = self._find(name)
        return name if local is None else local.module

    def _is_request_headers(self, node: Node) -> bool:
        if node.type != "dot_index_expression" or self._find("request") is not None:
            return False
        return self._text(node).replace(" ", "") == "request.headers"

    def _assigned_globals(self, root: Node) -> Iterator[str]:
        """Every name that is assigned or declared as a function somewhere; a local of that name does no harm."""
        stack = [root]
        while stack:
            node = stack.pop()
            stack += node.named_children
            if node.type == "assignment_statement" and (
                node.parent is None or node.parent.type != "variable_declaration"
            ):
                yield from (self._text(target) for target in _sides(node)[0] if target.type == "identifier")
            elif node.type == "function_declaration":
                name = node.child_by_field_name("name")
                if name is not None and name.type == "identifier":
                    yield self._text(name)

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    # Telling.

    def _once(self, code: str, name: str, what: str, node: Node) -> None:
        if (code, name) not in self._told:
            self._told.add((code, name))
            self._tell(code, what, Severity.WARNING, node)

    def _tell(self, code: str, what: str, severity: Severity, node: Node) -> None:
        row, byte = node.start_point
        line = self._source.split(b"\n", row + 1)[row][:byte]
        self.found.append(_problem(code, what, severity, row + 1, len(line.decode("utf-8", "replace")) + 1))


def _problem(code: str, what: str, severity: Severity, line: int, column: int) -> Problem:
    return Problem(severity, what, line, column, code)


def _sides(node: Node) -> tuple[list[Node], list[Node]]:
    """Names or targets, and values, of a declaration, an assignment or a generic for."""
    targets: list[Node] = []
    values: list[Node] = []
    for child in node.named_children:
        if child.type == "variable_list":
            targets = [one for one in child.named_children if one.type != "attribute"]
        elif child.type == "expression_list":
            values = list(child.named_children)
    return targets, values


def _required(node: Node, text: Callable[[Node], str]) -> str:
    """The name in `require("name")` or `require "name"`; empty for anything else."""
    callee, arguments = node.child_by_field_name("name"), node.child_by_field_name("arguments")
    if node.type != "function_call" or callee is None or arguments is None or text(callee) != "require":
        return ""
    strings = [child for child in arguments.named_children if child.type == "string"]
    if len(strings) != 1 or len(arguments.named_children) != 1:
        return ""
    content = strings[0].child_by_field_name("content")
    return text(content) if content is not None else ""


def _nearest(name: str, known: frozenset[str] | set[str] | tuple[str, ...]) -> str:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f": did you mean `{found[0]}`?" if found else "."
