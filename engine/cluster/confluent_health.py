"""What librdkafka says of its connections, on threads of its own, as the state of one connection on an asyncio loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError

from engine.cluster.confluent_config import in_words, reason_of
from engine.cluster.connection import ConnectionWatch, Phase

_HOPELESS = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL})
"""Trying again will not help, though librdkafka does."""


class ConnectionHealth:
    """Keeps a watch. `on_error`, `log`, `on_statistics` and `post` run on any thread, everything else on the loop.

    Attributes:
        watch: the state.
        last_words: what was said of the last failure, empty once a broker answers.
    """

    def __init__(self) -> None:
        self.watch = ConnectionWatch()
        self.last_words = ""
        self._loop: asyncio.AbstractEventLoop | None = None

    def live_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on, what is said arrives on this loop."""
        self._loop = loop

    def post(self, function: Callable[[], None]) -> None:
        """Runs a function on the loop, unless that has ended."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function)

    def on_error(self, error: KafkaError) -> None:
        """For librdkafka's error_cb."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.post(self._down)
            return
        words = reason_of(error)
        self.post(lambda: self._remember(words))
        if error.code() in _HOPELESS:
            self.post(self._down)

    def log(self, _level: int, _form: str, facility: str, _client: str, line: str) -> None:
        """For librdkafka's log, which says why a connection failed where its error_cb does not."""
        if facility == "FAIL":
            self.post(lambda: self._remember(in_words(line)))

    def on_statistics(self, text: str) -> None:
        """For librdkafka's stats_cb: nothing else says that a broker is back."""
        brokers: dict[str, Any] = json.loads(text).get("brokers", {})
        if any(broker.get("state") == "UP" for broker in brokers.values()):
            self.post(self.up)

    def up(self) -> None:
        """A broker answers."""
        if self.watch.state.phase is not Phase.CLOSED:
            self.last_words = ""
            self.watch.set(Phase.CONNECTED)

    def _remember(self, words: str) -> None:
        self.last_words = words
        if self.watch.state.phase is Phase.FAILED:
            self.watch.set(Phase.FAILED, words)

    def _down(self) -> None:
        if self.watch.state.phase is not Phase.CLOSED:
            self.watch.set(Phase.FAILED, self.last_words or "no broker answers")
