"""The engine in lines for people and log stores: one structured line per run, as JSON or for a terminal."""

from __future__ import annotations

from typing import TextIO

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from engine.observe import RunEvent


def make_logger(stream: TextIO, *, as_json: bool) -> FilteringBoundLogger:
    """A logger that writes one line per event to `stream`."""
    render: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
    )
    return logger


class RunLog:
    """An observer that writes: a run at info, a failed one at warning, a host that ended at warning."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger

    def run_ended(self, event: RunEvent) -> None:
        """Writes the line of a run."""
        write = self._logger.info if event.outcome == "ok" else self._logger.warning
        write("script run", **msgspec.structs.asdict(event))

    def module_called(self, call: str, result: str, seconds: float) -> None:
        """Writes a line for a module that could not be reached; calls that went well are for the metrics."""
        if result not in ("ok", "failed"):
            self._logger.warning("module call failed", call=call, result=result, seconds=round(seconds, 6))

    def host_ended(self, reason: str) -> None:
        """Writes that a host ended during a run."""
        self._logger.warning("engine host ended", reason=reason)
