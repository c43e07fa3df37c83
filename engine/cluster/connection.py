"""How a connection to a cluster stands: connecting, connected, or failed because of something, and who is told."""

from __future__ import annotations

import enum
from collections.abc import Callable

import msgspec


class Phase(enum.StrEnum):
    """Where a connection is in its life; a failed one keeps trying."""

    IDLE = "idle"  # nobody has asked for it yet
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class ConnectionState(msgspec.Struct, frozen=True):
    """What is known of a connection: `reason` says why it failed, in words for people and without secrets."""

    phase: Phase = Phase.IDLE
    reason: str = ""


Listener = Callable[[ConnectionState], None]


class ConnectionWatch:
    """The state of one connection; tells its listeners of each change, on the loop that the connection lives on."""

    def __init__(self) -> None:
        self._state = ConnectionState()
        self._listeners: list[Listener] = []

    @property
    def state(self) -> ConnectionState:
        """The state now."""
        return self._state

    def listen(self, listener: Listener) -> None:
        """Tells `listener` the state now, and each change from now on."""
        self._listeners.append(listener)
        listener(self._state)

    def set(self, phase: Phase, reason: str = "") -> None:
        """Notes a change; the same state again is none."""
        state = ConnectionState(phase, reason)
        if state != self._state:
            self._state = state
            for listener in tuple(self._listeners):
                listener(state)
