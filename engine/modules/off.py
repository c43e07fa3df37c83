"""Modules that are switched off: every call fails, and says so."""

from __future__ import annotations

from engine.modules.calls import Failure, ModuleCall, ModuleReply


def unavailable(call: ModuleCall, problem: str) -> ModuleReply:
    """A reply that a run which does not handle it dies of under the module's own error type, with this sentence."""
    return ModuleReply(None, problem, Failure.MISSING_KEY if call.module == "crypto" else Failure.UNREACHABLE)


class OffModules:
    """Answers every call with one sentence: a preview that touches nothing."""

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """Never carries anything out."""
        what = f"{call.module}.{call.function}"
        return unavailable(
            call, f"calls are off in this preview: choose Calls: Recorded or Calls: Live to run {what}"
        )
