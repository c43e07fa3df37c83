"""Stalls: the longest time for which the window answers nothing, while somebody types on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QWidget

from tests.bench.report import Table, percentile
from tests.bench.scripts import KB, MB, json_payload
from tests.bench.window import Driver, studio_window

TICK_MS = 2
KEY_EVERY_MS = 24  # faster than the debounce, as a quick typist's bursts are
KEYS = 200
HOSTILE_KEYS = 100
AIM_MS = 16
_SCHEDULER = Path("/proc/thread-self/schedstat")

CARET_AFTER = 'local typed = "'
PLAIN = """\
local typed = ""
headers["X-Typed"] = typed
"""
CHANGES_BODY = """\
local typed = ""
headers["X-Typed"] = typed
request.body = payload:gsub("item 0", typed, 1)
"""
HOSTILE = (
    ("while true do end", 'local typed = ""\nwhile true do end\n'),
    (
        "a pattern that backtracks for ever",
        'local typed = ""\nlocal a = string.rep("a", 40)\nstring.find(a, string.rep("a?", 40) .. a)\n',
    ),
    ("an endless table", 'local typed = ""\nlocal t = {}\nwhile true do t[#t + 1] = {} end\n'),
)


@dataclass
class Stalls:
    """Milliseconds by which each tick came late, the same without waiting for a CPU, and of each key press."""

    late: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)


class Ticker(QObject):
    """Ticks on the main thread; a tick is late by the time for which nothing else was answered either."""

    def __init__(self) -> None:
        super().__init__()
        self._stalls = Stalls()
        self._before, self._waited_before = 0.0, 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self, stalls: Stalls) -> None:
        """Notes from now on how late each tick comes."""
        self._stalls = stalls
        self._before, self._waited_before = time.perf_counter(), _waited_ms()
        self._timer.start(TICK_MS)

    def stop(self) -> None:
        """Ticks no more."""
        self._timer.stop()

    def _tick(self) -> None:
        now, waited = time.perf_counter(), _waited_ms()
        late = max(0.0, (now - self._before) * 1000 - TICK_MS)
        self._stalls.late.append(late)
        self._stalls.own.append(max(0.0, late - (waited - self._waited_before)))
        self._before, self._waited_before = now, waited


def _waited_ms() -> float:
    """How long this thread has been ready to run without getting a CPU; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0.0
    return int(_SCHEDULER.read_text("ascii").split()[1]) / 1e6


def run() -> list[Table]:
    """The table."""
    table = Table(
        "Stalls of the main thread, milliseconds",
        (
            "while",
            "longest",
            "p99",
            "longest, ours",
            "p99, ours",
            f"over {AIM_MS} ms, ours",
            "key, p50",
            "key, longest",
        ),
        notes=[
            f"A {TICK_MS} ms ticker on the main thread; a stall is how late a tick comes. "
            f"A real key every {KEY_EVERY_MS} ms: {KEYS} keys, {HOSTILE_KEYS} for hostile scripts. "
            "Ours is without the time for which the thread was ready but the system gave it no CPU; "
            "the idle row is the noise of this machine."
        ],
    )
    with studio_window(PLAIN) as driver:
        _row(table, "idle", _idle(driver))
        for name, script in HOSTILE:
            driver.set_payload(json_payload(KB))
            driver.set_script(script, CARET_AFTER)
            _row(table, f"{name}, typing into it", _typing(driver, HOSTILE_KEYS))
        _large(table, driver)
    return [table]


def _large(table: Table, driver: Driver) -> None:
    driver.set_script(PLAIN, CARET_AFTER)
    driver.set_payload(json_payload(10 * MB, lines=True))
    _row(table, "10 MB payload, typing into the script", _typing(driver, KEYS))
    driver.set_script(CHANGES_BODY, CARET_AFTER)
    driver.settle()
    _row(table, "the same, the script changes the body", _typing(driver, KEYS))
    driver.set_script(PLAIN, CARET_AFTER)
    driver.settle()
    payload = driver.studio.window.input.payload.editor
    payload.goto(3, 10)
    _row(table, "10 MB payload, typing into the payload", _typing(driver, KEYS, payload))


def _idle(driver: Driver) -> Stalls:
    ticker, stalls = Ticker(), Stalls(keys=[0.0])
    ticker.start(stalls)
    driver.pause(KEY_EVERY_MS * HOSTILE_KEYS / 1000)
    ticker.stop()
    return stalls


def _typing(driver: Driver, keys: int, target: QWidget | None = None) -> Stalls:
    """Types that many keys on the beat, and lives on until the last result should be there."""
    stalls, ticker = Stalls(), Ticker()

    def press() -> None:
        started = time.perf_counter()
        driver.type_digit(target)
        stalls.keys.append((time.perf_counter() - started) * 1000)

    ticker.start(stalls)
    _beat(press, keys, driver)
    driver.pause(0.7)
    ticker.stop()
    return stalls


def _beat(press: Callable[[], None], times: int, driver: Driver) -> None:
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(press)
    timer.start(KEY_EVERY_MS)
    driver.pause(KEY_EVERY_MS * times / 1000)
    timer.stop()


def _row(table: Table, name: str, stalls: Stalls) -> None:
    over = sum(1 for value in stalls.own if value > AIM_MS)
    figures = (max(stalls.late), percentile(stalls.late, 99), max(stalls.own), percentile(stalls.own, 99))
    keys = (percentile(stalls.keys, 50), max(stalls.keys))
    table.rows.append(
        (name, *(f"{value:.1f}" for value in figures), str(over), *(f"{value:.1f}" for value in keys))
    )
    table.raw[name] = vars(stalls)
