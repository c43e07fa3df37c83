"""Parses a script for lint, within a deadline whatever its text is."""

from __future__ import annotations

import re
import time

import tree_sitter_lua
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_lua.language())
_READ_BYTES = 16 * 1024
# The grammar is that of newer versions: an escape that only Lua 5.1 takes ends its string there. Outside strings a
# backslash has no meaning, so all can be replaced; places stay as they are.
_ESCAPE = re.compile(rb"\\([abfnrtv\\\"'\r\n0-9]?)")


class Unreadable(Exception):
    """The script took too long, or newer versions of Lua read it in another way."""


def parse(source: bytes, deadline: float) -> Node:
    """The tree of a script whose syntax is right.

    Args:
        deadline: when to give up, by `time.monotonic`.

    Raises:
        Unreadable: it was not done by then, or this grammar cannot read the script.
    """
    text = _ESCAPE.sub(lambda match: match[0] if match[1] else b"_", source)
    try:
        tree = Parser(_LANGUAGE).parse(
            lambda offset, _point: text[offset : offset + _READ_BYTES],
            progress_callback=lambda _offset, _failed: time.monotonic() > deadline,
        )
    except ValueError:  # what a parser says that was told to stop
        raise Unreadable from None
    if tree.root_node.has_error:
        raise Unreadable
    return tree.root_node
