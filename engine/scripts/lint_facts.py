"""What lint knows of a script: its locals, and the places where globals and members of tables stand."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from tree_sitter import Node


class How(enum.Enum):
    """What is done with a name; TEST asks only whether there is a value, as `if x`, `x or y` and `x ~= nil` do."""

    READ = enum.auto()
    TEST = enum.auto()
    CALL = enum.auto()
    WRITE = enum.auto()
    DEFINE = enum.auto()  # function name() ... end


@dataclass(slots=True, eq=False)
class Local:
    """A local variable.

    Attributes:
        stands_for: the module that `require` made it, or the global whose table it is; empty for anything else.
        free: whether nobody expects it to be read: a parameter, or the variable of a loop.
    """

    name: str
    node: Node
    stands_for: str = ""
    free: bool = False
    read: bool = False
    written: bool = False


@dataclass(frozen=True, slots=True)
class GlobalUse:
    """One place where a global stands."""

    name: str
    node: Node
    how: How


@dataclass(frozen=True, slots=True)
class MemberUse:
    """One place where a member of a named table stands.

    Attributes:
        owner: the local, the global, or the path of a global's member such as `request.headers`.
        member: its name; empty when only the run knows it.
        node: the member; `whole`: with its table.
        in_function: whether it stands in a function, which may run later than what follows it.
    """

    owner: Local | str
    member: str
    node: Node
    whole: Node
    how: How
    in_function: bool


@dataclass(slots=True)
class Names:
    """What was found, each in the order of the script."""

    locals: list[Local] = field(default_factory=list)
    globals: list[GlobalUse] = field(default_factory=list)
    members: list[MemberUse] = field(default_factory=list)
    required: list[tuple[str, Node]] = field(default_factory=list)
