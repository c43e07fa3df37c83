"""What is known of the test cases of a workspace's scripts, and how the Tests pane shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.cases.verdict import CaseStatus, CaseVerdict
from engine.display import DiffLine
from engine.scripts.problem import Problem, Severity
from widgets.case_detail import CaseDetail
from widgets.case_rows import CaseRow, CaseState

Text = tuple[bytes, str]
"""A script and its script_config."""

_STATES = {
    CaseStatus.PASSED: CaseState.PASSED,
    CaseStatus.FAILED: CaseState.FAILED,
    CaseStatus.NO_EXPECTATION: CaseState.NO_EXPECTATION,
    CaseStatus.UNREADABLE: CaseState.UNREADABLE,
}
_NO_EXPECTATION = (
    "It ran without an error, and nothing more is expected of it. "
    "Update its expectation to expect what the script does now."
)


@dataclass
class CaseResults:
    """Verdicts by script and case.

    Attributes:
        names: the cases of the script in front.
        running: those of them that have not come to an end.
    """

    names: tuple[str, ...] = ()
    running: set[str] = field(default_factory=set)
    _verdicts: dict[str, dict[str, CaseVerdict]] = field(default_factory=dict)
    _ran_with: dict[str, Text] = field(default_factory=dict)

    def take_names(self, config_id: str, names: tuple[str, ...]) -> bool:
        """These are the cases of the script in front now; says whether some it had are gone."""
        self.names = names
        known = self._verdicts.get(config_id, {})
        gone = known.keys() - set(names)
        for name in gone:
            del known[name]
        return bool(gone)

    def start(self, config_id: str, text: Text) -> None:
        """All cases of the script in front run now, with this text of it."""
        self.running = set(self.names)
        self._verdicts[config_id] = {}
        self._ran_with[config_id] = text

    def take(self, config_id: str, name: str, verdict: CaseVerdict) -> None:
        """A case has run."""
        self.running.discard(name)
        self._verdicts.setdefault(config_id, {})[name] = verdict

    def verdict(self, config_id: str, name: str) -> CaseVerdict | None:
        """What became of a case; None while that is not known."""
        return None if name in self.running else self._verdicts.get(config_id, {}).get(name)

    def is_stale(self, config_id: str, text: Text) -> bool:
        """Whether the cases ran with another text."""
        return bool(self._verdicts.get(config_id)) and self._ran_with.get(config_id, text) != text

    def rows(self, config_id: str) -> tuple[CaseRow, ...]:
        """The cases of the script in front."""
        return tuple(self._row(name, self.verdict(config_id, name)) for name in self.names)

    def _row(self, name: str, verdict: CaseVerdict | None) -> CaseRow:
        if verdict is None:
            return CaseRow(name, CaseState.RUNNING if name in self.running else CaseState.NOT_RUN)
        return CaseRow(name, _STATES[verdict.status], note_of(verdict))

    def marks(self) -> dict[str, tuple[Problem, ...]]:
        """The scripts that fail their cases, each with a sentence."""
        failing = {
            config_id: sum(not verdict.passed for verdict in verdicts.values())
            for config_id, verdicts in self._verdicts.items()
        }
        return {
            config_id: (Problem(Severity.WARNING, f"{count} test case{'s' * (count > 1)} failed", 1),)
            for config_id, count in failing.items()
            if count
        }

    def free_name(self) -> str:
        """A name that no case has yet."""
        taken = {name.casefold() for name in self.names}
        return next(name for number in range(1, len(taken) + 2) if (name := f"case-{number}") not in taken)


def note_of(verdict: CaseVerdict) -> str:
    """What a row says beside its mark."""
    if verdict.status is CaseStatus.PASSED:
        return f"{verdict.duration_ms:.1f} ms"
    if verdict.status is CaseStatus.FAILED:
        outcome = verdict.outcome
        if outcome is not None and outcome.error is not None and verdict.mismatches[0].field == "error_type":
            return outcome.error.type.value
        count = len(verdict.mismatches)
        return "1 difference" if count == 1 else f"{count} differences"
    return ""


def detail_of(
    verdict: CaseVerdict | None,
    diff: tuple[DiffLine, ...] = (),
    diff_note: str = "",
    *,
    running: bool = False,
    chosen: bool = True,
) -> CaseDetail:
    """The selected case as the pane explains it; `diff` is that of its bodies, where there is one."""
    if verdict is None:
        words = (
            "Running…" if running else "Not run yet." if chosen else "Select a case to see what came of it."
        )
        return CaseDetail(words)
    if verdict.status is CaseStatus.UNREADABLE:
        return CaseDetail(verdict.problem)
    if verdict.status is CaseStatus.NO_EXPECTATION:
        return CaseDetail(_NO_EXPECTATION)
    if verdict.status is CaseStatus.PASSED:
        return CaseDetail("As expected.")
    rows = verdict.mismatches
    if diff:  # it shows the body better than rows do
        rows = tuple(row for row in rows if row.field.partition(".")[0].partition("[")[0] != "body")
    return CaseDetail("", rows, diff, diff_note)
