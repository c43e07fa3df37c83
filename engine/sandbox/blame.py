"""Why a host ended, and whether the script it was running is to blame."""

from __future__ import annotations

import signal

from engine.child_process import ChildGone
from engine.errors import EngineUnavailable, HowkError
from engine.model import ScriptErrorType
from engine.sandbox.host import CPU_GRACE_SECONDS
from engine.sandbox.protocol import Request, RunReply

_SCRIPT_TO_BLAME = {
    "SIGPROF": (
        ScriptErrorType.TIMEOUT,
        "the script used its CPU time limit inside one library call: a pattern that backtracks, or too much data",
    ),
    "SIGSEGV": (
        ScriptErrorType.RUNTIME,
        "the script overflowed the C stack inside a library function, most likely a pattern with too many repetitions",
    ),
    "SIGBUS": (ScriptErrorType.RUNTIME, "the script overflowed the C stack inside a library function"),
    "SIGABRT": (ScriptErrorType.MEMORY_LIMIT, "the script needed more memory than its host has"),
}
_STACK_OVERFLOW_WINDOWS = 0xC00000FD


class RunInterrupted(EngineUnavailable):
    """A host was ended from outside after its run had sent what must not be sent twice unasked.

    Args:
        sent: the last such call of the run, `http.post`.
    """

    def __init__(self, sent: str) -> None:
        self.why = (
            f"the run was ended from outside after it had sent {sent}; running it again may send it twice"
        )
        HowkError.__init__(self, self.why)  # the engine itself could be started


def explain(gone: ChildGone, overdue: bool, request: Request) -> RunReply | None:
    """The reply to a run whose host ended; None when the host was ended by something that is not the script.

    Args:
        gone: how the process ended.
        overdue: whether the pool itself ended it because the run took too long.
        request: the run that was in progress.
    """
    if overdue:
        budget = f"{request.cpu_seconds * 1000:g} ms"
        return RunReply(
            ScriptErrorType.TIMEOUT, f"the run did not end in time (its CPU time limit is {budget})"
        )
    blame = _SCRIPT_TO_BLAME.get(_signal_name(gone.returncode))
    return RunReply(*blame, cpu_seconds=_cpu_at_end(blame[0], request)) if blame else None


def _signal_name(returncode: int | None) -> str:
    if returncode is None:
        return ""
    if returncode & 0xFFFFFFFF == _STACK_OVERFLOW_WINDOWS:
        return "SIGSEGV"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return ""


def _cpu_at_end(kind: ScriptErrorType, request: Request) -> float:
    return request.cpu_seconds + CPU_GRACE_SECONDS if kind is ScriptErrorType.TIMEOUT else 0.0
