"""What a script asks of the world outside its host, and what comes back: the values that cross the pipe.

A host cannot do any of it. It sends a `ModuleCall` up its pipe and waits; the parent, which holds clients and keys,
answers with a `ModuleReply`.
"""

from __future__ import annotations

import enum
from typing import Any, Protocol

import msgspec


class Failure(enum.StrEnum):
    """Why a call failed, where that decides what becomes of a run that dies of it."""

    NONE = ""  # it did not fail, or only the script's own argument is to blame (a refused host, a bad key)
    UNREACHABLE = "unreachable"  # Redis or the network: worth a retry
    MISSING_KEY = "missing_key"  # crypto: no retry will find it


class ModuleCall(msgspec.Struct, frozen=True, array_like=True, tag="call"):
    """One call of a module function: `kv.get`, `http.post`, `crypto.decrypt_credential`.

    `arguments` are bytes, numbers, None, and for headers a dict of bytes, in the order of the script API. The host has
    checked their types.
    """

    module: str
    function: str
    arguments: tuple[Any, ...]


class HttpAnswer(msgspec.Struct, frozen=True, array_like=True):
    """An HTTP response as a script sees it; header names in lower case, values of repeated ones joined by a comma."""

    status_code: int
    body: bytes
    headers: dict[bytes, bytes]


class ModuleReply(msgspec.Struct, frozen=True, array_like=True, tag="reply"):
    """What the function returns: `value`, or nil and `problem`.

    `value` is bytes or None; for http an `HttpAnswer`.
    """

    value: bytes | HttpAnswer | None = None
    problem: str = ""
    failure: Failure = Failure.NONE


class Modules(Protocol):
    """Answers module calls: live, recorded, or off."""

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """Carries out one call for a script of `config_id`; never raises for a failed operation."""
