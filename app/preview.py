"""The live preview: one request captured on the main thread, run in the background, one result back.

`PreviewService` is the bridge; what it does to a request is `run_preview`, which knows no Qt.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.background import Background, Done, post
from app.latest import LatestWins
from engine.delivery.request import build_request
from engine.display_process import Compared, Presented
from engine.display_service import DisplayService
from engine.model import Outcome, PreviousError, ScriptErrorType, Webhook
from engine.modules.fixture import Fixture
from engine.modules.recorded import Recorder
from engine.preview_calls import CallMode, PreviewCalls
from engine.sandbox.pool import EnginePool
from engine.scripts.problem import Problem
from engine.settings import Settings
from engine.transform import Script, Transformer


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """Everything one run depends on, as it was when it was asked for; the latest `number` wins."""

    number: int
    source: bytes
    config: dict[str, Any]
    webhook: Webhook
    previous_error: PreviousError | None
    calls: PreviewCalls  # who answers the script's calls of kv, http and crypto
    compare: bool = True  # tell the difference at once: it is being looked at


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """What a request came to.

    Attributes:
        presented: None when the script failed or a later request outran this one.
        answers: what the calls of a live run were answered, secrets masked; None when the run was not live.
        remarks: what lint says of the script; nothing when it cannot be run at all.
    """

    number: int
    payload: bytes
    outcome: Outcome
    presented: Presented | None
    answers: tuple[Fixture, ...] | None = None
    remarks: tuple[Problem, ...] = ()


async def run_preview(
    request: PreviewRequest, transformer: Transformer, display: DisplayService, settings: Settings
) -> PreviewResult:
    """Runs the script and makes its result readable, both in other processes.

    Raises:
        EngineUnavailable: no engine host could be started.
        BadInput: the recorded answers of the case, or the settings of the cluster, cannot be used.
    """
    outcome, answers = await _run(request, transformer)
    webhook = request.webhook
    remarks = () if is_broken(outcome) else await asyncio.to_thread(remarks_on, request.source)
    if outcome.result is None:
        return PreviewResult(request.number, webhook.payload, outcome, None, answers, remarks)
    outgoing = build_request(
        webhook, outcome.result, user_agent=settings.delivery.user_agent, now_unix=int(time.time())
    )
    presented = await display.present(
        webhook.payload, webhook.headers, outcome, outgoing, compare=request.compare
    )
    return PreviewResult(request.number, webhook.payload, outcome, presented, answers, remarks)


def is_broken(outcome: Outcome) -> bool:
    """Whether the script could not be compiled; lint needs one that can."""
    return outcome.error is not None and outcome.error.type is ScriptErrorType.SYNTAX


@functools.lru_cache(maxsize=1)  # payloads change more often than the script does
def remarks_on(source: bytes) -> tuple[Problem, ...]:
    """What lint says of a script."""
    from engine.scripts.lint import lint  # noqa: PLC0415 - its parser takes long to load

    return lint(source)


async def _run(
    request: PreviewRequest, transformer: Transformer
) -> tuple[Outcome, tuple[Fixture, ...] | None]:
    """The outcome, and what a live run was answered."""
    script = Script.of(request.source, request.config)
    if request.calls.mode is CallMode.RECORDED and not calls_modules(request.source):
        return await transformer.run(script, request.webhook, request.previous_error), None
    async with request.calls.modules() as modules:
        outcome = await transformer.run(script, request.webhook, request.previous_error, modules)
        return outcome, modules.fixtures if isinstance(modules, Recorder) else None


def calls_modules(source: bytes) -> bool:
    """Whether a script may call kv, http or crypto; most do not, and then no recording need be read."""
    return b"require" in source and any(name in source for name in (b"kv", b"http", b"crypto"))


class PreviewService(QObject):
    """Runs previews in the background. `submit` is for the main thread, which the signals arrive on.

    Signals:
        finished(object): a PreviewResult; older than the latest request is possible, so compare numbers.
        failed(object): an Exception; the engine itself is not well.
    """

    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, background: Background, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self.display = DisplayService()
        self._pool = EnginePool(size=1, spares=1)
        transformer = Transformer(self._pool, settings.lua, settings.lua.variables_of(os.environ))
        self._latest = LatestWins[PreviewRequest, PreviewResult](
            lambda request: run_preview(request, transformer, self.display, settings),
            lambda result: post(self.finished, result),
            lambda problem: post(self.failed, problem),
        )

    def warm_up(self) -> None:
        """Starts what runs previews, ahead of the first one; not earlier than the window has been painted."""
        self._background.start(self._pool.warm_up(), failed=self.failed.emit)

    def submit(self, request: PreviewRequest) -> None:
        """Asks for a preview; earlier requests that have not ended give way."""
        self._background.loop.call_soon_threadsafe(self._latest.submit, request)

    def cancel(self) -> None:
        """Ends the preview that runs; nothing is heard of it."""
        self._background.loop.call_soon_threadsafe(self._latest.cancel)

    def compare(self, result: PreviewResult, done: Done[Compared | None]) -> None:
        """Tells the difference that a good result came without; None when a later one outran it."""
        if result.outcome.result is not None:
            work = self.display.compare(result.payload, result.outcome.result.body)
            self._background.start(work, done=done, failed=self.failed.emit)

    async def close(self) -> None:
        """Ends the engine hosts and the display process; runs on the background loop."""
        await self._latest.close()
        await self._pool.close()
        await self.display.close()
