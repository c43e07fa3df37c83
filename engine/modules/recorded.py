"""Recorded module calls: made from a live run with secrets masked, and answered again without touching anything."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from engine.modules.calls import ModuleCall, ModuleReply, Modules
from engine.modules.fixture import Fixture
from engine.modules.masking import Masker
from engine.modules.off import unavailable

_SHOWN_CHARACTERS = 120


class RecordedModules:
    """Answers the calls of one run from fixtures: make one for each run.

    A call matches by module, function and arguments, secrets masked on both sides. What was recorded several times is
    answered in that order, and the last answer stays.

    Raises:
        BadInput: a fixture cannot be used.
    """

    def __init__(self, fixtures: tuple[Fixture, ...]) -> None:
        self._masker = Masker()
        self._replies: dict[bytes, list[ModuleReply]] = defaultdict(list)
        for fixture in fixtures:
            self._replies[_key(Masker().call(fixture.to_call()))].append(fixture.to_reply())

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """The recorded answer; one that was not recorded is a failure that says what to do."""
        masked = self._masker.call(call)
        replies = self._replies.get(_key(masked))
        if not replies:
            how = "run with Calls: Live and Record Answers in the window, or give its answer in a .fixtures.json file"
            return unavailable(call, f"{_shown(masked)} was not recorded: {how}")
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self._masker.reply(call, reply)  # learns what a hand-written fixture holds in plain
        return reply


class Recorder:
    """Carries out the calls of one run by other modules and writes them down; make one for each run."""

    def __init__(self, modules: Modules) -> None:
        self._modules, self._masker = modules, Masker()
        self._fixtures: list[Fixture] = []

    @property
    def fixtures(self) -> tuple[Fixture, ...]:
        """What was called so far, in the order in which the answers came, without secrets."""
        return tuple(self._fixtures)

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """The live answer, as it came."""
        masked = self._masker.call(call)
        reply = await self._modules.call(call, config_id)
        self._fixtures.append(Fixture.of(masked, self._masker.reply(call, reply)))
        return reply


def _key(call: ModuleCall) -> bytes:
    arguments = Fixture.of(call, ModuleReply()).arguments
    return msgspec.json.encode((call.module, call.function, arguments), order="sorted")


def _shown(call: ModuleCall) -> str:
    arguments = Fixture.of(call, ModuleReply()).arguments
    text = ", ".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in arguments.items())
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
    return f"{call.module}.{call.function}({short})"
