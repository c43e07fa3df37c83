"""A world outside that answers kv, http and crypto with anything the types allow."""

from __future__ import annotations

import random

from engine.modules.calls import Failure, HttpAnswer, ModuleCall, ModuleReply

_TEXTS = (
    b"", b"x", b"\x00", b"\xff\xfe", b"\x1bLua", b"null", b'{"a":[1,2,3]}', b"[" * 600, b"%s%n", b"\xc3\xa4",
    b"x" * 10_000, b"return os", b"__index",
)  # fmt: skip


class HostileModules:
    """Answers by chance, the same ones for the same choices; some answers are large."""

    def __init__(self, choices: random.Random) -> None:
        self._r = choices

    async def call(self, call: ModuleCall, config_id: str) -> ModuleReply:
        """See `Modules`."""
        roll = self._r.random()
        if roll < 0.2:
            return ModuleReply(
                problem=self._text().decode("latin-1") or "?", failure=self._r.choice(list(Failure))
            )
        if roll < 0.22:
            return ModuleReply(b"x" * (16 << 20))  # more than the run may use
        if call.module == "http" and roll < 0.9:
            headers = {self._text(): self._text() for _ in range(self._r.randint(0, 5))}
            return ModuleReply(HttpAnswer(self._r.choice((0, -1, 200, 404, 2**40)), self._text(), headers))
        return ModuleReply(None if roll < 0.3 else self._text())

    def _text(self) -> bytes:
        return self._r.choice(_TEXTS)
