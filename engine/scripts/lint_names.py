"""Says what each name in a script stands for: locals with their reads, and the uses of globals and of tables' members.

The text may come from anyone, so it is walked with a deadline and without recursion: a walk is a generator that
yields the walks of its parts, and one loop keeps those under way on a stack.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from tree_sitter import Node

from engine.scripts.lint_facts import GlobalUse, How, Local, MemberUse, Names
from engine.scripts.lint_tree import Unreadable, parse

Walk: TypeAlias = Iterator["Walk"]

_STEPS_BETWEEN_LOOKS = 1024  # at the clock
_LEAVES = frozenset({"number", "string", "nil", "true", "false", "vararg_expression", "comment"})
_NOTHING: tuple[Walk, ...] = ()


def resolve(source: bytes, seconds: float) -> Names:
    """Reads a script whose syntax is right.

    Raises:
        Unreadable: it takes more than these seconds, or this grammar cannot read it.
    """
    resolver = _Resolver(source, time.monotonic() + seconds)
    resolver.run()
    return resolver.names


class _Resolver:
    """One walk over one script."""

    def __init__(self, source: bytes, deadline: float) -> None:
        self.names = Names()
        self._source = source
        self._deadline = deadline
        self._scopes: list[dict[str, Local]] = [{}]
        self._functions = 0  # around the place that is looked at
        self._walks: dict[str, Callable[[Node, How], Walk]] = {
            "variable_declaration": self._declaration,
            "assignment_statement": self._assignment,
            "function_declaration": self._function_declaration,
            "function_definition": self._function,
            "for_statement": self._for,
            "repeat_statement": self._repeat,
            "while_statement": self._conditional,
            "if_statement": self._conditional,
            "elseif_statement": self._conditional,
            "block": self._block,
            "function_call": self._call,
            "dot_index_expression": self._index,
            "bracket_index_expression": self._index,
            "method_index_expression": self._index,
            "field": self._field,
            "binary_expression": self._binary,
            "unary_expression": self._unary,
            "parenthesized_expression": self._same,
        }

    def run(self) -> None:
        root = parse(self._source, self._deadline)
        under_way: list[Walk] = [self._all(root.named_children)]
        steps = 0
        while under_way:
            part = next(under_way[-1], None)
            if part is None:
                under_way.pop()
            else:
                under_way.append(part)
            steps += 1
            if steps % _STEPS_BETWEEN_LOOKS == 0 and time.monotonic() > self._deadline:
                raise Unreadable

    # --- walks

    def _visit(self, node: Node, how: How = How.READ) -> Walk:
        kind = node.type
        if kind == "identifier":
            self._name(node, how)
        elif kind not in _LEAVES:
            walk = self._walks.get(kind)
            return walk(node, how) if walk is not None else self._all(node.named_children)
        return iter(_NOTHING)

    def _all(self, nodes: Iterable[Node], how: How = How.READ) -> Walk:
        for node in nodes:
            yield self._visit(node, how)

    def _same(self, node: Node, how: How) -> Walk:
        return self._all(node.named_children, how)

    def _block(self, node: Node, _how: How) -> Walk:
        self._scopes.append({})
        yield self._all(node.named_children)
        self._scopes.pop()

    def _declaration(self, node: Node, _how: How) -> Walk:
        names, values = _sides(node if (inner := _first(node, "assignment_statement")) is None else inner)
        yield self._all(values)
        for place, name in enumerate(names):
            self._declare(name, self._stands_for(values[place]) if place < len(values) else "")

    def _assignment(self, node: Node, _how: How) -> Walk:
        targets, values = _sides(node)
        yield self._all(values)
        yield self._all(targets, How.WRITE)

    def _function_declaration(self, node: Node, how: How) -> Walk:
        name = node.child_by_field_name("name")
        method = name is not None and name.type == "method_index_expression"
        if name is not None and node.children[0].type == "local":
            self._declare(name)
        elif name is not None:
            yield self._visit(name, How.DEFINE)
        yield self._function(node, how, method=method)

    def _function(self, node: Node, _how: How, *, method: bool = False) -> Walk:
        self._scopes.append({})
        self._functions += 1
        if method:
            self._scopes[-1]["self"] = Local("self", node, free=True)
        for parameter in _named_children(node.child_by_field_name("parameters")):
            if parameter.type == "identifier":
                self._declare(parameter, free=True)
            elif parameter.type == "vararg_expression":
                self._scopes[-1]["arg"] = Local("arg", parameter, free=True)  # as Lua 5.1 still has it
        yield self._all(_named_children(node.child_by_field_name("body")))
        self._functions -= 1
        self._scopes.pop()

    def _for(self, node: Node, _how: How) -> Walk:
        clause = node.child_by_field_name("clause")
        if clause is not None and clause.type == "for_generic_clause":
            names, values = _sides(clause)
        else:
            names, *rest = ([child] for child in _named_children(clause) if child.type != "comment")
            values = [child for (child,) in rest]
        yield self._all(values)
        self._scopes.append({})
        for name in names:
            self._declare(name, free=True)
        yield self._all(_named_children(node.child_by_field_name("body")))
        self._scopes.pop()

    def _repeat(self, node: Node, _how: How) -> Walk:
        """Its condition sees the names of its block."""
        self._scopes.append({})
        for child in node.named_children:
            if child.type == "block":
                yield self._all(child.named_children)
            else:
                yield self._visit(child, How.TEST)
        self._scopes.pop()

    def _conditional(self, node: Node, _how: How) -> Walk:
        return self._all(node.named_children, How.TEST)  # blocks and branches take no notice

    def _binary(self, node: Node, how: How) -> Walk:
        left, right = (child for child in node.named_children if child.type != "comment")
        operator = next(child.type for child in node.children if not child.is_named)
        if operator in {"and", "or"}:
            yield self._visit(left, How.TEST)
            yield self._visit(right, how if how is How.TEST else How.READ)
        else:
            compared = operator in {"==", "~="} and "nil" in {left.type, right.type}
            yield self._all((left, right), How.TEST if compared else How.READ)

    def _unary(self, node: Node, _how: How) -> Walk:
        return self._all(node.named_children, How.TEST if node.children[0].type == "not" else How.READ)

    def _call(self, node: Node, _how: How) -> Walk:
        callee, arguments = node.child_by_field_name("name"), node.child_by_field_name("arguments")
        if module := self._required(node):
            self.names.required.append((module, node))
        if callee is not None:
            yield self._visit(callee, How.CALL)
        asks = callee is not None and self._global(callee) == "type"
        yield self._all(_named_children(arguments), How.TEST if asks else How.READ)

    def _index(self, node: Node, how: How) -> Walk:
        table, key = _table_and_key(node)
        if table is None or key is None:
            return
        member = self._member(node.type, key)
        owner = self._owner(table)
        if owner is not None:
            self.names.members.append(MemberUse(owner, member, key, node, how, self._functions > 0))
        if owner != "_G":
            yield self._visit(table)
        if not member:
            yield self._visit(key)

    def _field(self, node: Node, _how: How) -> Walk:
        """`{ name = value }` reads the value only; `{ [key] = value }` the key too."""
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and node.children[0].type == "[":
            yield self._visit(name)
        if value is not None:
            yield self._visit(value)

    # --- names

    def _declare(self, node: Node, stands_for: str = "", *, free: bool = False) -> None:
        local = Local(self._text(node), node, stands_for, free)
        self._scopes[-1][local.name] = local
        self.names.locals.append(local)

    def _name(self, node: Node, how: How) -> None:
        name = self._text(node)
        local = self._find(name)
        if local is None:
            self.names.globals.append(GlobalUse(name, node, how))
        elif how in {How.WRITE, How.DEFINE}:
            local.written = True
        else:
            local.read = True

    def _find(self, name: str) -> Local | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    def _global(self, node: Node) -> str:
        """The global that a node is; empty for anything else."""
        if node.type != "identifier":
            return ""
        name = self._text(node)
        return name if self._find(name) is None else ""

    def _stands_for(self, value: Node) -> str:
        return self._required(value) or self._global(value)

    def _owner(self, table: Node) -> Local | str | None:
        if table.type == "identifier":
            name = self._text(table)
            return self._find(name) or name
        if table.type == "function_call":
            return self._required(table) or None
        inner, key = _table_and_key(table)
        if inner is None or key is None or not (name := self._global(inner)):
            return None
        member = self._member(table.type, key)
        return f"{name}.{member}" if member else None

    def _member(self, kind: str, key: Node) -> str:
        """The name of a member in an index of that kind; empty when only the run knows it."""
        if kind != "bracket_index_expression":
            return self._text(key)
        content = key.child_by_field_name("content") if key.type == "string" else None
        return self._text(content) if content is not None else ""

    def _required(self, node: Node) -> str:
        """The name in `require("name")` or `require "name"`; empty for anything else."""
        callee, arguments = node.child_by_field_name("name"), node.child_by_field_name("arguments")
        if node.type != "function_call" or callee is None or self._global(callee) != "require":
            return ""
        given = [child for child in _named_children(arguments) if child.type != "comment"]
        content = given[0].child_by_field_name("content") if len(given) == 1 else None
        return self._text(content) if content is not None and given[0].type == "string" else ""

    def _text(self, node: Node) -> str:
        return self._source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _named_children(node: Node | None) -> list[Node]:
    return node.named_children if node is not None else []


def _table_and_key(index: Node) -> tuple[Node | None, Node | None]:
    key = index.child_by_field_name("field") or index.child_by_field_name("method")
    return index.child_by_field_name("table"), key


def _first(node: Node, kind: str) -> Node | None:
    return next((child for child in node.named_children if child.type == kind), None)


def _sides(node: Node) -> tuple[list[Node], list[Node]]:
    """Names or targets, and values, of a declaration, an assignment or a generic for."""
    targets: list[Node] = []
    values: list[Node] = []
    for child in node.named_children:
        found = [one for one in child.named_children if one.type not in {"attribute", "comment"}]
        if child.type == "variable_list":
            targets = found
        elif child.type == "expression_list":
            values = found
    return targets, values
