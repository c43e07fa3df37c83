"""Drives the live preview: what changed, when to run, what to show of the result."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.document import Document
from app.preview import PreviewRequest, PreviewResult, PreviewService
from engine.display_process import Compared, Presented
from engine.model import Outcome
from engine.modules.fixture import Fixture
from engine.preview_calls import CallMode, PreviewCalls
from engine.scripts.problem import Problem, Severity
from widgets.budget_meter import BudgetMeter
from widgets.outcome_view import DIFF, OutcomeState, OutcomeView
from widgets.script_config_form import ScriptConfigForm

DEBOUNCE_MS = 30
LONGEST_WAIT_MS = 200
"""A preview runs at least this often while somebody types without a pause."""
OFF = "The live preview is off. Run the script with F5."
ASKED = "Calls are live, so the script runs only when you ask: F5."


class PreviewController(QObject):
    """Between the document in front and the Output side.

    Attributes:
        enabled: whether a change runs the script by itself.
        latest: the result that is shown now, of a good run or not; None before the first.

    Args:
        collect: brings the document's inputs up to date with the panes, before a run.
        calls: who answers the calls of a document's next run.

    Signals:
        problems_found(object, object): a Document and the tuple of Problems its run gave.
        enabled_changed(bool): the live preview was switched.
        ran(object): the PreviewResult that is shown now.
        engine_failed(str): the engine itself is not well.
    """

    problems_found = Signal(object, object)
    enabled_changed = Signal(bool)
    ran = Signal(object)
    engine_failed = Signal(str)

    def __init__(
        self,
        service: PreviewService,
        view: OutcomeView,
        meter: BudgetMeter,
        config: ScriptConfigForm,
        *,
        collect: Callable[[], None],
        calls: Callable[[Document | None], PreviewCalls],
    ) -> None:
        super().__init__(view)
        self.enabled = True
        self._service, self._view, self._meter, self._config = service, view, meter, config
        self._collect, self._calls = collect, calls
        self._document: Document | None = None
        self._number = self._answered = 0
        self.latest: PreviewResult | None = None
        self._waiting_since = 0.0
        self._shown: PreviewResult | None = None  # the last good result
        self._outdated = False  # something changed since, and nothing has run
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.run_now)
        service.finished.connect(self._show)
        service.failed.connect(self._fail)
        view.tab_changed.connect(lambda _tab: self._compare())
        view.stop_requested.connect(self.stop)
        view.calls.run_requested.connect(self.run_now)

    def set_document(self, document: Document | None) -> None:
        """Shows the preview of another document, anew."""
        self._document, self._shown = document, None
        self._number += 1  # a result still on its way belongs to the other one
        self._answered = self._number
        self._meter.show_none()
        if document is None:
            self._view.show_idle("Open a script to see what it would send.")
        elif why := self._why_not():
            self._timer.stop()
            self._view.show_idle(why)
        else:
            self._view.show_idle("Running…")
            self._timer.start(0)

    @property
    def document(self) -> Document | None:
        """The document in front."""
        return self._document

    @property
    def busy(self) -> bool:
        """Whether a run is due or under way."""
        return self._timer.isActive() or self._answered != self._number

    @property
    def answers(self) -> tuple[Fixture, ...] | None:
        """What the calls of the run that is shown were answered; None unless it is live, good and up to date."""
        result = self.latest
        current = result is not None and result.number == self._number and not self._outdated
        return result.answers if result is not None and current and result.outcome.ok else None

    def set_enabled(self, enabled: bool) -> None:
        """Switches the live preview."""
        self.enabled = enabled
        self.enabled_changed.emit(enabled)
        if enabled:
            self.schedule()
        else:
            self._timer.stop()

    def calls_changed(self) -> None:
        """Others answer the calls from now on: what was under way or is shown was answered by those before."""
        self._cancel()
        self.schedule()

    def stop(self) -> None:
        """Ends the run that is under way, if there is one."""
        if self.busy:
            self._cancel()
            self._outdated = True
            self._view.show_refusal("The run was stopped. Run the script again with F5.")

    def _cancel(self) -> None:
        if self.busy:
            self._timer.stop()
            self._service.cancel()
            self._number += 1
            self._answered = self._number
            self._view.show_stopped()

    def _why_not(self) -> str:
        """Why a change does not run the script by itself; empty when it does."""
        if self._calls(self._document).mode is CallMode.LIVE:
            return ASKED
        return "" if self.enabled else OFF

    def schedule(self) -> None:
        """Runs soon, once typing pauses; not at all while the live preview is off or calls are live."""
        if self._document is None:
            return
        if why := self._why_not():
            self._outdated = True
            self._view.show_outdated(why)
            return
        now = time.monotonic()
        if not self._timer.isActive():
            self._waiting_since = now
        waited_ms = (now - self._waiting_since) * 1000
        self._timer.start(int(max(0, min(DEBOUNCE_MS, LONGEST_WAIT_MS - waited_ms))))

    def run_now(self) -> None:
        """Captures everything as it is and asks for a run."""
        self._timer.stop()
        document = self._document
        if document is None:
            return
        self._collect()
        config = self._config.value()
        if config is None:
            self._refuse(document, "The script config is not a JSON object; mend it in Input > Config.")
            return
        self._number += 1
        self._outdated = False
        self._view.show_running()
        self._service.submit(
            PreviewRequest(
                number=self._number,
                source=document.editor.bytes_(),
                config=config,
                webhook=document.inputs.webhook(document.config_id),
                previous_error=document.inputs.metadata.previous_error,
                calls=self._calls(document),
                compare=self._view.tabs.currentIndex() == DIFF,
            )
        )

    def _refuse(self, document: Document, why: str) -> None:
        self._number += 1
        self._answered = self._number
        self._view.show_refusal(why)
        self._meter.show_none()
        self.problems_found.emit(document, ())

    def _show(self, result: PreviewResult) -> None:
        document = self._document
        if result.number != self._number or document is None:
            return
        self._answered, self.latest = result.number, result
        outcome = result.outcome
        if outcome.error is not None:
            self._view.show_error(outcome.error, outcome.logs)
        elif result.presented is not None:
            self._shown = result
            self._view.show_result(state_of(outcome, result.presented))
            self._compare()
        self._meter.show_usage(outcome.cpu_ms, outcome.memory_peak_bytes)
        if self._outdated:  # it was changed while it ran
            self._view.show_outdated(self._why_not())
        self.problems_found.emit(document, problems_of(outcome, result.remarks))
        self.ran.emit(result)

    def _compare(self) -> None:
        """Has the difference told when it is looked at and not there yet."""
        result = self._shown
        if result is None or not self._view.wants_diff():
            return

        def done(compared: Compared | None) -> None:
            if compared is not None and result is self._shown:
                self._view.show_diff(compared.diff, compared.note)

        self._service.compare(result, done)

    def _fail(self, problem: Exception) -> None:
        self._answered, self._shown = self._number, None
        self._view.show_idle("Nothing can run just now.")
        self._meter.show_none()
        self.engine_failed.emit(str(problem))


def state_of(outcome: Outcome, presented: Presented) -> OutcomeState:
    """A good run as the Output side shows it."""
    return OutcomeState(
        body=presented.body,
        headers=presented.headers,
        request_text=presented.request_text,
        diff=presented.diff,
        diff_note=presented.diff_note,
        logs=outcome.logs,
    )


def problems_of(outcome: Outcome, remarks: tuple[Problem, ...] = ()) -> tuple[Problem, ...]:
    """What a run failed of, and what lint says, as problems for the list and the editor; errors come first."""
    error = outcome.error
    failed = (Problem(Severity.ERROR, error.message, error.line or 1, 0, error.type.value),) if error else ()
    order = list(Severity)
    return (*failed, *sorted(remarks, key=lambda problem: order.index(problem.severity)))
