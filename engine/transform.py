"""A script and a webhook in, an outcome out: what the preview shows and the worker acts on, by the same code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.delivery.request import NEVER_SENT, check_header
from engine.errors import InvalidOutput
from engine.model import (
    Outcome,
    PreviousError,
    ScriptError,
    ScriptErrorType,
    Transformed,
    Webhook,
    script_hash,
)
from engine.modules.calls import Modules
from engine.observe import ObservedModules, Observer, RunEvent
from engine.sandbox.pool import EnginePool
from engine.sandbox.protocol import RunReply, RunRequest
from engine.settings import LuaSettings

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Script(msgspec.Struct, frozen=True):
    """A script ready to run: UTF-8 source, its hash, and its script_config."""

    source: bytes
    hash: str
    config: dict[str, Any] = {}

    @classmethod
    def of(cls, source: bytes, config: dict[str, Any] | None = None) -> Script:
        """A script from its source."""
        return cls(source, script_hash(source), config or {})


class Transformer:
    """Runs scripts on webhooks through a pool of engine hosts.

    Args:
        pool: where scripts run.
        limits: CPU time and memory of one run.
        variables: what `${NAME}` in a script_config stands for; only what the operator allowed.
        observer: is told of every run and module call.
    """

    def __init__(
        self,
        pool: EnginePool,
        limits: LuaSettings,
        variables: Mapping[str, str] | None = None,
        *,
        observer: Observer | None = None,
    ) -> None:
        self._pool, self._limits, self._variables = pool, limits, variables or {}
        self._observer = observer

    async def run(
        self,
        script: Script,
        webhook: Webhook,
        previous_error: PreviousError | None = None,
        modules: Modules | None = None,
    ) -> Outcome:
        """One run; `modules` answers what the script asks of kv, http and crypto (None: they are not there).

        Raises:
            EngineUnavailable: no engine host could be started; the script is not to blame.
            RunInterrupted: see `EnginePool.run`.
        """
        request = run_request(script, webhook, self._limits, self._variables, previous_error)
        if modules is not None and self._observer is not None:
            modules = ObservedModules(modules, self._observer)
        outcome = outcome_of(await self._pool.run(request, modules), webhook)
        if self._observer is not None:
            self._observer.run_ended(RunEvent.of(outcome, webhook, script.hash))
        return outcome


def run_request(
    script: Script,
    webhook: Webhook,
    limits: LuaSettings,
    variables: Mapping[str, str],
    previous_error: PreviousError | None,
) -> RunRequest:
    """What an engine host is asked to do for a webhook."""
    return RunRequest(
        script_hash=script.hash,
        source=script.source,
        payload=webhook.payload,
        headers=tuple(part.encode() for pair in webhook.headers.items() for part in pair),
        webhook_id=webhook.id,
        config_id=webhook.config_id,
        attempt=webhook.attempt,
        max_attempts=webhook.max_attempts,
        created_at=webhook.created_at,
        config=msgspec.json.encode(fill_variables(script.config, variables)) if script.config else b"",
        previous_error=msgspec.json.encode(previous_error) if previous_error else b"",
        cpu_seconds=float(limits.timeout),
        memory_bytes=limits.memory_bytes,
    )


def fill_variables(config: Any, variables: Mapping[str, str]) -> Any:
    """A script_config with `${NAME}` in its strings filled in; a name that is not allowed stays as written."""
    if isinstance(config, str):
        return _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), config)
    if isinstance(config, dict):
        return {key: fill_variables(value, variables) for key, value in config.items()}
    if isinstance(config, list):
        return [fill_variables(value, variables) for value in config]
    return config


def outcome_of(reply: RunReply, webhook: Webhook) -> Outcome:
    """The outcome of a run: its output checked for HTTP and merged with the webhook it belongs to."""
    result: Transformed | None = None
    error: ScriptError | None = None
    if reply.error_type is not None:
        error = ScriptError(reply.error_type, reply.error_message, reply.error_line, reply.error_traceback)
    else:
        try:
            result = _transformed(reply, webhook)
        except InvalidOutput as problem:
            error = ScriptError(ScriptErrorType.INVALID_OUTPUT, str(problem))
    return Outcome(
        result=result,
        error=error,
        logs=reply.logs,
        cpu_ms=round(reply.cpu_seconds * 1000, 3),
        wall_ms=round(reply.wall_seconds * 1000, 3),
        memory_peak_bytes=reply.memory_peak_bytes,
    )


def _transformed(reply: RunReply, webhook: Webhook) -> Transformed:
    headers, removed = merge_headers(
        webhook.headers, _pairs("headers", reply.headers), _pairs("request.headers", reply.extra_headers)
    )
    return Transformed(
        body=reply.body or webhook.payload,
        headers=headers,
        removed_headers=removed,
        opt_out_default_headers=reply.opt_out,
        retry_on_status=reply.retry_on_status,
    )


def _pairs(field: str, flat: tuple[bytes, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for raw_name, raw_value in zip(flat[::2], flat[1::2], strict=True):
        name = raw_name.decode("utf-8", "replace")
        try:
            value = raw_value.decode()
        except UnicodeDecodeError as problem:
            where = f"byte {problem.start + 1}"
            raise InvalidOutput(f'{field}["{name}"]', f"is not UTF-8 (at {where}); encode it first") from None
        check_header(field, name, value)
        pairs[name] = value
    return pairs


def merge_headers(
    incoming: Mapping[str, str], left: Mapping[str, str], extra: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The headers to send and the names that are not sent, from what came in and what the script left.

    Names are the same in any case. `left` is the `headers` table: what it no longer holds is removed, as is what it
    holds as "". `extra` (`request.headers`) goes over what came in; a header that the script set in both is sent as
    `headers` has it. The order is that of `incoming`, then by name, so equal runs give equal bytes.

    Raises:
        InvalidOutput: the script set one header under two spellings with different values.
    """
    own = {name: value for name, value in left.items() if incoming.get(name) != value}
    # One that came in under two spellings is not the script's doing: the last goes, as without a script.
    chosen = {name.lower(): (name, value) for name, value in incoming.items() if left.get(name) == value}
    chosen |= _by_name("request.headers", extra)
    chosen |= _by_name("headers", own)
    order = {name.lower(): place for place, name in enumerate(incoming)}
    headers: dict[str, str] = {}
    for lower in sorted(chosen, key=lambda name: (order.get(name, len(order)), name)):
        spelling, value = chosen[lower]
        if value and lower not in NEVER_SENT:
            headers[spelling] = value
    sent = {name.lower() for name in headers}
    candidates = [*incoming, *(spelling for spelling, _ in chosen.values())]
    removed = {name.lower(): name for name in reversed(candidates) if name.lower() not in sent}
    return headers, tuple(sorted(removed.values(), key=str.lower))


def _by_name(field: str, headers: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    result: dict[str, tuple[str, str]] = {}
    for name, value in sorted(headers.items()):
        known = result.get(name.lower())
        if known is not None and known[1] != value:
            raise InvalidOutput(
                field, f'sets "{known[0]}" and "{name}", which are one header, to different values'
            )
        result[name.lower()] = (name, value)
    return result
