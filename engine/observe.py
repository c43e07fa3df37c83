"""What the engine tells those who watch it: one event per run, per module call, per host that ended.

No payload, header, log text or credential is in an event, so an observer cannot leak one.
"""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from engine.model import Outcome, Webhook
from engine.modules.calls import ModuleCall, ModuleReply, Modules


class RunEvent(msgspec.Struct, frozen=True):
    """One run of a script: `outcome` is `ok` or a script error type; times in seconds."""

    config_id: str
    webhook_id: str
    script_hash: str
    attempt: int
    outcome: str
    line: int | None
    cpu_seconds: float
    wall_seconds: float
    memory_peak_bytes: int
    log_lines: int

    @classmethod
    def of(cls, outcome: Outcome, webhook: Webhook, script_hash: str) -> RunEvent:
        """The event of an outcome."""
        return cls(
            config_id=webhook.config_id,
            webhook_id=webhook.id,
            script_hash=script_hash,
            attempt=webhook.attempt,
            outcome="ok" if outcome.error is None else outcome.error.type.value,
            line=outcome.error.line if outcome.error else None,
            cpu_seconds=outcome.cpu_ms / 1000,
            wall_seconds=outcome.wall_ms / 1000,
            memory_peak_bytes=outcome.memory_peak_bytes,
            log_lines=len(outcome.logs),
        )


class Observer(Protocol):
    """Watches the engine. Methods are called on the engine's loop and must not block."""

    def run_ended(self, event: RunEvent) -> None:
        """A run came to an outcome."""

    def module_called(self, call: str, result: str, seconds: float) -> None:
        """A module function answered; `call` is `kv.get`, `result` is ok, failed, unreachable or missing_key."""

    def host_ended(self, reason: str) -> None:
        """An engine host ended during a run; `reason` is a script error type, or `killed` from outside."""


class Observers:
    """Several observers as one; none at all costs nothing."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def run_ended(self, event: RunEvent) -> None:
        """Tells all."""
        for observer in self._observers:
            observer.run_ended(event)

    def module_called(self, call: str, result: str, seconds: float) -> None:
        """Tells all."""
        for observer in self._observers:
            observer.module_called(call, result, seconds)

    def host_ended(self, reason: str) -> None:
        """Tells all."""
        for observer in self._observers:
            observer.host_ended(reason)


class ObservedModules:
    """Modules whose calls are told to an observer."""

    def __init__(self, modules: Modules, observer: Observer) -> None:
        self._modules, self._observer = modules, observer

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """Does the call, and tells how it went."""
        started = time.perf_counter()
        reply = await self._modules.call(call, config_id)
        result = "ok" if not reply.problem else reply.failure.value or "failed"
        self._observer.module_called(f"{call.module}.{call.function}", result, time.perf_counter() - started)
        return reply
