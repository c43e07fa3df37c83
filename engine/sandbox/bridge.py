"""Carries module calls from Lua to whoever answers them, and the answers back as Lua values.

It also remembers the last call that failed through no fault of the script: a run that then dies of it is not a
runtime error but a failed module, which is retried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.model import ScriptErrorType
from engine.modules.calls import Failure, HttpAnswer, ModuleCall, ModuleReply

MAX_CALLS_PER_RUN = 100

Answer = Callable[[ModuleCall], ModuleReply]

_BLAME = {
    "kv": ScriptErrorType.MODULE_KV,
    "http": ScriptErrorType.MODULE_HTTP,
    "crypto": ScriptErrorType.MODULE_CRYPTO,
}


def no_modules(call: ModuleCall) -> ModuleReply:
    """Answers every call where nobody else does."""
    return ModuleReply(problem=f"{call.module} is not available here")


class ModuleBridge:
    """The module calls of one run at a time.

    Attributes:
        failure: the error type and sentence of the last call that failed for want of Redis, network or key.
    """

    def __init__(self, answer: Answer, new_table: Callable[[dict[str, Any]], Any]) -> None:
        self._answer, self._new_table = answer, new_table
        self._calls = 0
        self.failure: tuple[ScriptErrorType, str] | None = None

    def begin_run(self) -> None:
        """Forgets the run before."""
        self._calls = 0
        self.failure = None

    def call(self, module: str, function: str, *arguments: Any) -> Any:
        """Does one call and gives its value as Lua can take it.

        Raises:
            ValueError: the operation failed; the text is what the script gets as its second value.
        """
        self._calls += 1
        if self._calls > MAX_CALLS_PER_RUN:
            raise ValueError(f"more than {MAX_CALLS_PER_RUN} module calls in one run")
        reply = self._answer(ModuleCall(module, function, tuple(_outward(value) for value in arguments)))
        if reply.problem:
            if reply.failure is not Failure.NONE:
                self.failure = (_BLAME[module], f"{module}.{function}: {reply.problem}")
            raise ValueError(reply.problem)
        return self._inward(reply.value)

    def _inward(self, value: Any) -> Any:
        if isinstance(value, HttpAnswer):
            headers = {_text(name): _text(text) for name, text in value.headers.items()}
            fields = {"status_code": value.status_code, "body": _text(value.body), "headers": headers}
            return self._new_table(fields)
        return value


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _outward(value: Any) -> Any:
    """A checked argument as the pipe carries it: bytes, numbers, None, or a dict of bytes."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if value is None or isinstance(value, (int, float)):
        return value
    return {_outward(name): _outward(str(text)) for name, text in value.items()}
