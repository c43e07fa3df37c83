"""Fuzzed scripts and the requests that run them under watch."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from engine.model import script_hash
from engine.sandbox.protocol import RunRequest
from engine.sandbox.runtime import ScriptRuntime
from tests.fuzz.grammar import Grammar
from tests.fuzz.mutate import Mutator

CPU_SECONDS = 0.03
MEMORY_BYTES = 8 * 1024 * 1024
FOUND = "FUZZ-FOUND"

_WATCH = Path(__file__).with_name("watch.lua").read_bytes()
_LOADED = b"""
local chunk, problem = watched_loadstring(watched_source)
if chunk then watch_after(watched_pcall(chunk, watched_source)) else watch_after(problem) end
"""
_DIRECT = b"""
local ok, problem = watched_pcall(watched_body, watched_source)
watch_after(problem)
if not ok then watched_error(problem, 0) end
"""


@dataclass(frozen=True, slots=True)
class FuzzScript:
    """A script, how it was made (grammar, mutation, noise), and how it is run.

    `loaded` scripts go through loadstring in a script that never changes, `direct` ones are the body of a function of
    the script itself, `bare` ones are all of it, unwatched.
    """

    number: int
    kind: str
    way: str
    source: bytes


class Maker:
    """Makes the script of any number, the same one for the same seed."""

    def __init__(self, seed: int, seeds: tuple[bytes, ...]) -> None:
        self._seed, self._seeds = seed, seeds

    def script(self, number: int) -> FuzzScript:
        """The script with this number."""
        choices = random.Random(f"{self._seed}:{number}")
        roll = choices.random()
        mutator = Mutator(choices, self._seeds)
        if roll < 0.65:
            kind, source = "grammar", Grammar(choices).program().encode("latin-1")
        elif roll < 0.95:
            kind, source = "mutation", mutator.program()
        else:
            kind, source = "noise", mutator.noise()
        return FuzzScript(number, kind, choices.choices(("loaded", "direct", "bare"), (5, 4, 1))[0], source)


class Watch:
    """Puts scripts under watch; knows what the world of a run that nothing was left in looks like."""

    def __init__(self) -> None:
        reply = ScriptRuntime().run(_request(_WATCH + b"request.body = watch_before()", b""))
        assert reply.body, reply.error_message
        self._head = _WATCH + b"watch_before([[" + reply.body + b"]])\n"

    def request(self, script: FuzzScript) -> RunRequest:
        """The run of a script; the payload is its own text."""
        if script.way == "loaded":
            return _request(self._head + _LOADED, script.source)
        if script.way == "direct":
            body = b"local function watched_body(...)\n" + script.source + b"\nend\n"
            return _request(self._head + body + _DIRECT, script.source)
        return _request(script.source, script.source)


def _request(source: bytes, payload: bytes) -> RunRequest:
    return RunRequest(
        script_hash=script_hash(source),
        source=source,
        payload=payload,
        headers=(b"Content-Type", b"application/json"),
        webhook_id="wh_fuzz",
        config_id="fuzz:1",
        attempt=1,
        max_attempts=20,
        created_at="2026-01-01T00:00:00Z",
        config=b'{"name":"value","list":[1,2]}',
        previous_error=b'{"message":"503","status_code":503,"attempt":0,"reason":"status"}',
        cpu_seconds=CPU_SECONDS,
        memory_bytes=MEMORY_BYTES,
    )
