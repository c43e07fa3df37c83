"""Checks a script without running it: its encoding, its syntax and what lint says, as problems with their places."""

from __future__ import annotations

import asyncio
import re

from engine.errors import BadInput
from engine.model import ScriptErrorType, script_hash
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import CompileRequest
from engine.scripts.problem import Problem, Severity

COMPILE_SECONDS = 2.0
_NEAR = re.compile(r"near '(.+)'$", re.DOTALL)


def check_encoding(source: bytes, name: str) -> None:
    """Refuses a script that is not UTF-8.

    Raises:
        BadInput: names the line and byte of the first wrong one.
    """
    try:
        source.decode()
    except UnicodeDecodeError as problem:
        line = source.count(b"\n", 0, problem.start) + 1
        column = problem.start - (source.rfind(b"\n", 0, problem.start) + 1) + 1
        raise BadInput(
            "script",
            f"{name}, line {line}, byte {column}",
            f"byte 0x{source[problem.start]:02x} is not UTF-8.",
            "Save the file as UTF-8; it was not changed.",
        ) from None


async def check_syntax(pool: EnginePool, source: bytes) -> tuple[Problem, ...]:
    """The syntax error of a script, if it has one; Lua stops at the first.

    Raises:
        EngineUnavailable: no engine host could be started.
    """
    reply = await pool.run(CompileRequest(script_hash(source), source, COMPILE_SECONDS))
    if reply.error_type is None:
        return ()
    line = reply.error_line or 1
    code = reply.error_type if reply.error_type is not ScriptErrorType.SYNTAX else "syntax"
    return (
        Problem(Severity.ERROR, reply.error_message, line, _column(source, line, reply.error_message), code),
    )


async def check_script(pool: EnginePool, source: bytes) -> tuple[Problem, ...]:
    """The syntax error of a script, else what lint says of it. Raises EngineUnavailable."""
    from engine.scripts.lint import lint  # noqa: PLC0415 - its parser takes long to load

    return await check_syntax(pool, source) or await asyncio.to_thread(lint, source)


def _column(source: bytes, line: int, message: str) -> int:
    """Where in its line the token stands that Lua names; 0 when it names none there."""
    match = _NEAR.search(message)
    lines = source.decode("utf-8", "replace").split("\n")
    if match is None or line > len(lines):
        return 0
    return lines[line - 1].rfind(match[1]) + 1
