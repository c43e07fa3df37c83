"""Says what is wrong with the reply to a fuzzed script: nothing, whatever the script was."""

from __future__ import annotations

from engine.errors import InvalidOutput
from engine.model import ScriptErrorType, Webhook
from engine.sandbox.host import CPU_GRACE_SECONDS
from engine.sandbox.protocol import RunReply
from engine.transform import outcome_of
from tests.fuzz.script import CPU_SECONDS, FOUND, MEMORY_BYTES, FuzzScript

MARKERS = (
    "Python",
    "Traceback",
    "<class",
    " object at 0x",
    "lupa",
    "<built-in",
    "<function",
    "PyObject",
    ".py:",
)
ALLOWED_ERRORS = frozenset(ScriptErrorType) - {ScriptErrorType.NOT_FOUND, ScriptErrorType.DISABLED}
MAX_TEXT = 20_000
CPU_SLACK_SECONDS = 0.1
MEMORY_SLACK_BYTES = 1024 * 1024
WEBHOOK = Webhook("wh_fuzz", "fuzz:1", "http://x/", b"{}", {"Content-Type": "application/json"})


def fault(script: FuzzScript, reply: RunReply) -> str:
    """What is wrong, empty when nothing is."""
    return _found(script, reply) or _ill_formed(reply) or _over_limits(reply)


def _found(script: FuzzScript, reply: RunReply) -> str:
    text = script.source.decode("utf-8", "replace")
    said = "\n".join((reply.error_message, reply.error_traceback, *(line.message for line in reply.logs)))
    if FOUND in said and FOUND not in text:
        return said[said.index(FOUND) :][:500]
    for marker in MARKERS:
        if marker in said and marker not in text:
            return f"a text with {marker!r}: {said[:500]}"
    return ""


def _ill_formed(reply: RunReply) -> str:
    if reply.error_type is not None and reply.error_type not in ALLOWED_ERRORS:
        return f"an error of type {reply.error_type}"
    if reply.error_type is not None and (not reply.error_message or reply.body is not None or reply.headers):
        return "an error without a message, or with output"
    if len(reply.error_message) > MAX_TEXT or len(reply.error_traceback) > MAX_TEXT:
        return "an error text without end"
    if len(reply.headers) % 2 or len(reply.extra_headers) % 2:
        return "a header without a value"
    try:
        outcome_of(reply, WEBHOOK)
    except InvalidOutput:
        return "an outcome that was not checked"
    return ""


def _over_limits(reply: RunReply) -> str:
    if reply.cpu_seconds > CPU_SECONDS + CPU_GRACE_SECONDS + CPU_SLACK_SECONDS:
        return f"{reply.cpu_seconds:.3f} s of CPU time"
    # A value that the host builds may be as large as the budget before it is settled.
    if reply.memory_peak_bytes > 2 * MEMORY_BYTES + MEMORY_SLACK_BYTES:
        return f"{reply.memory_peak_bytes} bytes"
    if len(reply.logs) > 1001:
        return f"{len(reply.logs)} log lines"
    return ""
