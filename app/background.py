"""The background thread: runs everything that waits, and brings results back to Qt's main thread.

One thread runs an asyncio loop; blocking calls go to its executor. `start` and `call` are for the main thread and
return at once; their callbacks run on the main thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, SignalInstance

from engine.errors import HowkError

T = TypeVar("T")
Done = Callable[[T], None]
Failed = Callable[[Exception], None]

STOP_SECONDS = 5.0
TIDY_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Background(QObject):
    """The thread and its loop.

    Attributes:
        loop: the asyncio loop, for objects that live on it.

    Signals:
        unexpected(str): a failure that nobody asked to hear of, in words for a person.
    """

    unexpected = Signal(str)
    _returned = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.loop = asyncio.new_event_loop()
        self._turn = asyncio.Lock()
        self._stopped = False
        self._running: set[concurrent.futures.Future[Any]] = set()
        self._returned.connect(self._deliver)
        self._thread = threading.Thread(target=self._serve, name="howk-background", daemon=True)
        self._thread.start()

    def start(
        self, work: Coroutine[Any, Any, T], done: Done[T] | None = None, failed: Failed | None = None
    ) -> concurrent.futures.Future[T]:
        """Runs a coroutine on the loop; one of the callbacks is called unless the work is cancelled.

        `failed` gets a HowkError: what nobody foresaw is logged and put into words.
        """
        if self._stopped:
            work.close()
            never: concurrent.futures.Future[T] = concurrent.futures.Future()
            never.cancel()
            return never
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        self._running.add(future)
        future.add_done_callback(lambda finished: self._emit(finished, done, failed))
        return future

    def call(
        self,
        function: Callable[..., T],
        *args: Any,
        done: Done[T] | None = None,
        failed: Failed | None = None,
    ) -> concurrent.futures.Future[T]:
        """Runs a blocking function in a thread of the loop's executor."""
        return self.start(asyncio.to_thread(function, *args), done, failed)

    def call_in_order(
        self,
        function: Callable[..., T],
        *args: Any,
        done: Done[T] | None = None,
        failed: Failed | None = None,
    ) -> concurrent.futures.Future[T]:
        """As `call`, but one at a time and in the order asked for: writes to one file must not overtake each other."""
        return self.start(self._in_turn(function, *args), done, failed)

    async def _in_turn(self, function: Callable[..., T], *args: Any) -> T:
        async with self._turn:  # first come, first served
            return await asyncio.to_thread(function, *args)

    def stop(self, last: Coroutine[Any, Any, None] | None = None) -> None:
        """Ends the thread after `last` has run; work still under way is cancelled. For the end of the program."""
        self._stopped = True
        for future in list(self._running):
            future.cancel()
        if last is not None:
            ending = asyncio.run_coroutine_threadsafe(last, self.loop)
            try:
                ending.result(STOP_SECONDS)
            except Exception:  # noqa: BLE001 - the program ends all the same
                _log.exception("the background did not end cleanly")
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_SECONDS)

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self._end_tasks())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    @staticmethod
    async def _end_tasks() -> None:
        """Lets what was cancelled tidy up (a process it started must be waited for), and cancels the rest."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            _done, stubborn = await asyncio.wait(tasks, timeout=TIDY_SECONDS)
            for task in stubborn:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _emit(
        self, future: concurrent.futures.Future[T], done: Done[T] | None, failed: Failed | None
    ) -> None:
        """On the background thread: posts the result to the main thread."""
        self._running.discard(future)
        if future.cancelled():
            return
        problem = future.exception()
        if problem is None:
            if done is not None:
                value = future.result()
                post(self._returned, lambda: done(value))
        elif isinstance(problem, Exception):
            post(self._returned, lambda: self._fail(problem, failed))

    def _fail(self, problem: Exception, failed: Failed | None) -> None:
        if not isinstance(problem, HowkError):
            _log.error("unexpected failure in the background", exc_info=problem)
            said = f": {problem}" if str(problem) else ""
            problem = HowkError(f"Something went wrong: {type(problem).__name__}{said}")
        if failed is not None:
            failed(problem)
        else:
            self.unexpected.emit(str(problem))

    @staticmethod
    def _deliver(callback: Callable[[], None]) -> None:
        callback()


def post(signal: SignalInstance, value: object) -> None:
    """Emits across threads; an object that Qt has destroyed meanwhile (the program is ending) wants nothing more."""
    try:
        signal.emit(value)
    except RuntimeError:
        _log.debug("a result came after the end")
