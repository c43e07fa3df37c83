"""One Lua 5.1 state that runs scripts one at a time, each in a fresh environment with its limits enforced.

It runs in the process that calls it: engine hosts wrap it in a process of its own, where a loop inside a C function
can be killed. CPU time is that of the whole calling process, so a host does nothing else.
"""

from __future__ import annotations

import binascii
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from importlib import resources
from typing import Any

import lupa.lua51 as lupa
import msgspec

from engine.model import LogLine, ScriptErrorType
from engine.sandbox.bridge import Answer, ModuleBridge, no_modules
from engine.sandbox.json_codec import Encoder, decode, least_table_bytes, with_doubles
from engine.sandbox.protocol import RunReply, RunRequest
from engine.sandbox.stack_guard import check_chunk

MAX_FLAT_HEADERS = 2000
"""Header names and values that are handed to Lua one by one, which is fastest; its stack ends at 8000 values."""

CHUNK_CACHE_SIZE = 512
"""Compiled scripts kept; the least recently used one goes first."""

GARBAGE_LIMIT_BYTES = 4 * 1024 * 1024
"""Garbage of earlier runs that may wait for the collector; more is collected between two runs."""

_LONG_NUMBER = 19  # digits of the largest 64-bit integer
_NO_MEMORY = "not enough memory"
_SCRIPT_LINE = re.compile(r"script:(\d+):")
_ENGINE_PLACE = re.compile(r"^engine:\d+: ")
_SANDBOX_FRAMES = ("engine:", "stack traceback:", "[C]: ?", "[C]: in function 'xpcall'", "(tail call): ?")
_SYNTAX = re.compile(r"^script:(\d+): (.*)$", re.DOTALL)


def _refuse(_obj: object, _name: object, _is_setting: bool) -> object:
    raise AttributeError("not accessible")


class ScriptRuntime:
    """A sandboxed Lua state.

    Args:
        call_module: answers calls of kv, http and crypto; it may block, and its time is not the script's.

    Not thread-safe. After any outcome, a memory or time limit included, the next run starts clean.
    """

    def __init__(self, call_module: Answer = no_modules) -> None:
        # latin-1 maps bytes and code points one to one: binary is exact, and no str ever turns into a Python object.
        self._lua = lupa.LuaRuntime(
            encoding="latin-1",
            source_encoding="latin-1",
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_refuse,
            max_memory=1 << 40,
        )
        self._limit = self._budget = 0
        self._harmless_types = {type(None), bytes, str, bool, int, float, type(self._lua.table())}
        self._bridge = ModuleBridge(call_module, lambda fields: self._lua.table_from(fields, recursive=True))
        load = self._lua.eval("function(source) return assert(loadstring(source, '=engine')) end")
        functions = load(_source("sandbox"))(
            self._crossing(self._decode_json),
            self._crossing(Encoder(type(self._lua.table())).encode),
            self._crossing(_encode_base64),
            self._crossing(_decode_base64),
            self._crossing(check_chunk),
            self._crossing(self._bridge.call),
            self._restore_limit,
            self._lift_limit,
            load(_source("modules")),
        )
        self._compile, self._forget, self._execute, self._take_logs, self._collect = functions
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lift_limit()
        self._collect()
        self._clean_bytes = self._used()

    def _used(self) -> int:
        return int(self._lua.get_memory_used(total=True))

    # What the sandbox calls. None of these ever raises: an exception would reach the script as an object. Each lifts
    # the memory limit, since an allocation that fails outside Lua's own protected calls cannot unwind; the sandbox
    # restores it and settles afterwards.

    def _restore_limit(self) -> None:
        self._lua.set_max_memory(self._limit, total=True)

    def _lift_limit(self) -> None:
        self._lua.set_max_memory(0, total=True)

    def _crossing(self, work: Callable[..., Any]) -> Callable[..., tuple[Any, str | None]]:
        """`work` as the sandbox calls it: answers its value and None, or None and why there is no value."""

        def call(*values: Any) -> tuple[Any, str | None]:
            try:
                self._lift_limit()
                return self._harmless(work(*values)), None
            except ValueError as problem:
                return None, str(problem)
            except BaseException:  # noqa: BLE001 - whatever it was, it must not cross
                return None, _NO_MEMORY

        return call

    def _harmless(self, value: Any) -> Any:
        """`value`, which Lua will hold as a value of its own; anything else would enter as a Python object."""
        kind = type(value)
        if kind not in self._harmless_types:
            raise TypeError(kind)
        if (kind is bytes or kind is str) and len(value) > self._budget:
            raise MemoryError  # the limit is lifted: it would be there before anyone could say no
        return value

    def _decode_json(self, text: str) -> Any:
        if least_table_bytes(text) > self._budget:
            raise MemoryError
        value = decode(text)
        try:
            return self._lua_value(value)
        except OverflowError:
            return self._lua_value(with_doubles(value))

    def _lua_value(self, value: Any) -> Any:
        if type(value) is dict or type(value) is list:
            return self._lua.table_from(value, recursive=True)
        return with_doubles(value)

    # What the host calls.

    def compile(self, script_hash: str, source: bytes) -> RunReply | None:
        """Compiles a script and keeps it; a syntax error comes back as the reply to its run."""
        if script_hash in self._known:
            self._known.move_to_end(script_hash)
            return None
        try:
            self._limit = self._used() + (256 << 20)
            problem = self._compile(script_hash, source)
        except lupa.LuaError:
            problem = "script:1: the script is too large to compile"
        finally:
            self._lift_limit()
        if problem is not None:
            return syntax_error(problem)
        self._known[script_hash] = None
        if len(self._known) > CHUNK_CACHE_SIZE:
            self._forget(self._known.popitem(last=False)[0])
        return None

    def run(self, request: RunRequest) -> RunReply:
        """Runs a script to its end or limit; never raises for anything a script does."""
        # Thread time, since the kernel keeps a process's CPU clock only to the tick while a CPU timer is armed.
        started, started_cpu = time.perf_counter(), time.thread_time()
        key = request.script_hash
        failed = self.compile(key, request.source)
        if failed is not None:
            return failed
        self._bridge.begin_run()
        self._budget = request.memory_bytes
        self._limit = self._used() + self._budget
        try:
            answer = self._execute(
                key,
                request.cpu_seconds,
                request.memory_bytes / 1024,
                request.payload,
                request.webhook_id.encode(),
                request.config_id.encode(),
                request.attempt,
                request.max_attempts,
                request.created_at.encode(),
                request.config or None,
                request.previous_error or None,
                *self._headers(request.headers),
            )
        except lupa.LuaError:
            # The limit was reached while the run's output was put together.
            answer = "error", request.memory_bytes / 1024, _NO_MEMORY, ""
        finally:
            self._lift_limit()
        cpu = time.thread_time() - started_cpu
        reply = _reply(answer, self._logs(), (cpu, time.perf_counter() - started), request)
        return _blame_module(reply, self._bridge.failure)

    def _headers(self, flat: tuple[bytes, ...]) -> tuple[Any, ...]:
        return flat if len(flat) <= MAX_FLAT_HEADERS else (self._lua.table_from(flat),)

    def tidy(self) -> None:
        """Collects what earlier runs left, when it is worth the time; called between runs, outside any measure."""
        if self._used() > self._clean_bytes + GARBAGE_LIMIT_BYTES:
            self._collect()
            self._clean_bytes = self._used()

    def _logs(self) -> tuple[LogLine, ...]:
        lines: list[LogLine] = []
        first = 1
        while True:
            batch = self._take_logs(first)
            if batch is None:
                return tuple(lines)
            lines.extend(
                LogLine(level, _text(message), _fields(fields), line or None)
                for level, message, fields, line in zip(*[iter(batch)] * 4, strict=True)
            )
            first += len(batch)


def _encode_base64(data: str) -> bytes:
    return binascii.b2a_base64(data.encode("latin-1"), newline=False)


def _decode_base64(text: str) -> bytes:
    data = text.encode("latin-1").translate(None, b"\r\n")  # Go skips line breaks, and so do we
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error as problem:
        raise ValueError(f"invalid base64: {str(problem).lower()}") from None


def _text(value: str) -> str:
    return value.encode("latin-1").decode("utf-8", "replace")


def _fields(value: Any) -> dict[str, Any] | None:
    if not value:
        return None
    fields = json.loads(value.encode("latin-1"), parse_int=_log_number)
    return fields if isinstance(fields, dict) else {"values": fields}


def _log_number(digits: str) -> int | float:
    """No integer beyond 64 bits: no frame can carry one."""
    return int(digits) if len(digits) < _LONG_NUMBER else float(digits)


def syntax_error(problem: str) -> RunReply:
    """The reply to a script that does not compile, from Lua's own message."""
    match = _SYNTAX.match(problem)
    line, message = (int(match[1]), match[2]) if match else (None, problem)
    return RunReply(ScriptErrorType.SYNTAX, _text(message), line)


def _reply(
    answer: Any, logs: tuple[LogLine, ...], times: tuple[float, float], request: RunRequest
) -> RunReply:
    status, peak_kb = answer[:2]
    usage: dict[str, Any] = {
        "logs": logs,
        "cpu_seconds": times[0],
        "wall_seconds": times[1],
        "memory_peak_bytes": max(0, int(peak_kb * 1024)),
    }
    if status == "ok":
        return RunReply(None, **_output(answer), **usage)
    if status == "timeout":
        text = f"the script used its CPU time limit of {request.cpu_seconds * 1000:g} ms"
        return RunReply(ScriptErrorType.TIMEOUT, text, int(answer[2]) or None, **usage)
    if status == "invalid":
        return RunReply(ScriptErrorType.INVALID_OUTPUT, f"{_text(answer[2])} {_text(answer[3])}", **usage)
    return _runtime_error(answer[2], answer[3], usage, request)


def _output(answer: tuple[Any, ...]) -> dict[str, Any]:
    body, opt_out, headers, extra, statuses = answer[2:7]
    values = answer[7:]
    encoded = tuple(value.encode("latin-1") for value in values[: headers + extra])
    return {
        "body": None if body is False else body.encode("latin-1"),
        "opt_out": opt_out,
        "headers": encoded[:headers],
        "extra_headers": encoded[headers:],
        "retry_on_status": tuple(int(status) for status in values[headers + extra :][:statuses]),
    }


def _runtime_error(message: str, traceback: str, usage: dict[str, Any], request: RunRequest) -> RunReply:
    if message.endswith(_NO_MEMORY) and (message == _NO_MEMORY or "script:" in message):
        text = f"the script needed more than its memory limit of {request.memory_bytes / 1048576:g} MB"
        return RunReply(ScriptErrorType.MEMORY_LIMIT, text, _line_of(message, traceback), **usage)
    line = _line_of(message, traceback)
    text = _ENGINE_PLACE.sub("", message)
    text = re.sub(r"^script:\d+: ", "", text) or "an error with an empty message"
    return RunReply(ScriptErrorType.RUNTIME, _text(text), line, script_traceback(traceback), **usage)


def _blame_module(reply: RunReply, failure: tuple[ScriptErrorType, str] | None) -> RunReply:
    """A run that died after a module failed under it died of that: the error is the module's, and says so."""
    if failure is None or reply.error_type is not ScriptErrorType.RUNTIME:
        return reply
    kind, what = failure
    message = (
        reply.error_message
        if what.partition(": ")[2] in reply.error_message
        else f"{what}; then: {reply.error_message}"
    )
    return msgspec.structs.replace(reply, error_type=kind, error_message=message)


def _source(name: str) -> str:
    return resources.files("resources").joinpath(f"lua/{name}.lua").read_text("ascii")


def _line_of(message: str, traceback: str) -> int | None:
    match = re.match(r"script:(\d+):", message) or _SCRIPT_LINE.search(traceback)
    return int(match[1]) if match else None


def script_traceback(traceback: str) -> str:
    """Lua's traceback without the frames of the sandbox itself."""
    lines = [line.strip() for line in traceback.splitlines()]
    own = [line for line in lines if line and not line.startswith(_SANDBOX_FRAMES)]
    return _text("\n".join(own)).replace("in function 'chunk'", "in main chunk")
