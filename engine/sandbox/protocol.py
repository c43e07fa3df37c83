"""What the parent and an engine host say to each other: lists of runs and of replies, flat values only."""

from __future__ import annotations

import msgspec

from engine.model import LogLine, ScriptErrorType
from engine.modules.calls import ModuleCall


class CompileRequest(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """Compile a script without running it; `cpu_seconds` limits the compiler."""

    script_hash: str
    source: bytes
    cpu_seconds: float


class RunRequest(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """One run of one script.

    `source` is compiled unless the host still holds this `script_hash`. `headers` holds names and values in turn;
    `config` and `previous_error` are JSON documents, empty when there is none. `cpu_seconds` limits CPU time of the
    script, `memory_bytes` what it may allocate.
    """

    script_hash: str
    source: bytes
    payload: bytes
    headers: tuple[bytes, ...]
    webhook_id: str
    config_id: str
    attempt: int
    max_attempts: int
    created_at: str
    config: bytes
    previous_error: bytes
    cpu_seconds: float
    memory_bytes: int


class RunReply(msgspec.Struct, frozen=True, array_like=True, tag="ran"):
    """What a run left, as the script wrote it: not yet checked for HTTP, never trusted beyond its types.

    `headers` and `extra_headers` hold names and values in turn, `body` is None when the script set none.
    """

    error_type: ScriptErrorType | None
    error_message: str = ""
    error_line: int | None = None
    error_traceback: str = ""
    body: bytes | None = None
    opt_out: bool = False
    headers: tuple[bytes, ...] = ()
    extra_headers: tuple[bytes, ...] = ()
    retry_on_status: tuple[int, ...] = ()
    logs: tuple[LogLine, ...] = ()
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_peak_bytes: int = 0


Request = CompileRequest | RunRequest
"""From parent to host, as a list of one or more; while a run is in progress the parent also sends ModuleReply."""

Answer = RunReply | ModuleCall
"""From host to parent, as a list: replies in the order of the requests, a module call only at its end."""
