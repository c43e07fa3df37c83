"""Reads the arguments of a module call: the host has checked their types, but a host is not trusted.

Every reader raises `CallFailed`, which `answered` turns into the reply. It never leaves engine.modules.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable
from typing import Any

from engine.modules.calls import Failure, HttpAnswer, ModuleReply


class CallFailed(Exception):
    """A call that will not be carried out or did not work out; `problem` is what the script is told."""

    def __init__(self, problem: str, failure: Failure = Failure.NONE) -> None:
        self.problem, self.failure = problem, failure
        super().__init__(problem)


async def answered(work: Awaitable[bytes | HttpAnswer | None]) -> ModuleReply:
    """The reply that `work` comes to: its value, or why it failed."""
    try:
        return ModuleReply(await work)
    except CallFailed as failed:
        return ModuleReply(None, failed.problem, failed.failure)


def required_bytes(arguments: tuple[Any, ...], index: int, name: str) -> bytes:
    """The string at `index`."""
    value = optional_bytes(arguments, index, name)
    if value is None:
        raise CallFailed(f"{name} is missing")
    return value


def optional_bytes(arguments: tuple[Any, ...], index: int, name: str) -> bytes | None:
    """The string at `index`, None when the script gave none."""
    value = arguments[index] if index < len(arguments) else None
    if value is None or isinstance(value, bytes):
        return value
    raise CallFailed(f"{name} must be a string")


def optional_seconds(arguments: tuple[Any, ...], index: int, name: str) -> float | None:
    """The number at `index`, finite; None when the script gave none."""
    value = arguments[index] if index < len(arguments) else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CallFailed(f"{name} must be a number of seconds")
    if not math.isfinite(value):
        raise CallFailed(f"{name} must be a finite number of seconds")
    return value


def optional_headers(arguments: tuple[Any, ...], index: int) -> dict[bytes, bytes]:
    """The table of headers at `index`, empty when the script gave none."""
    value = arguments[index] if index < len(arguments) else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CallFailed("headers must be a table")
    if not all(isinstance(name, bytes) and isinstance(text, bytes) for name, text in value.items()):
        raise CallFailed("headers must be a table of strings")
    return value
