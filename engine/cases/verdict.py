"""What became of a test case: whether it came out as expected, and what differs."""

from __future__ import annotations

import enum

import msgspec

from engine.model import Outcome

ABSENT = "(absent)"


class CaseStatus(enum.StrEnum):
    """Passed, failed, ran well with nothing expected of it, or could not be run as it is written."""

    PASSED = "passed"
    FAILED = "failed"
    NO_EXPECTATION = "no expectation"
    UNREADABLE = "unreadable"


class Mismatch(msgspec.Struct, frozen=True):
    """One thing that is not as expected, as texts for a person.

    `field` is where: `body`, `body.items[0].sku`, `headers["X-Region"]`, `error_type`. Long values are cut, around the
    first difference.
    """

    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.got}"


class Comparison(msgspec.Struct, frozen=True):
    """An outcome beside what was expected of it.

    `bodies` are the body expected and the one that came, ready for a line-by-line difference; None when they agree, or
    when no whole body was expected.
    """

    mismatches: tuple[Mismatch, ...] = ()
    bodies: tuple[bytes, bytes] | None = None


class CaseVerdict(msgspec.Struct, frozen=True):
    """The end of one case. `outcome` is None, and `problem` a sentence, when it could not be run."""

    status: CaseStatus
    mismatches: tuple[Mismatch, ...] = ()
    outcome: Outcome | None = None
    bodies: tuple[bytes, bytes] | None = None
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it: it came out as expected, or ran well with nothing expected."""
        return self.status in (CaseStatus.PASSED, CaseStatus.NO_EXPECTATION)

    @property
    def duration_ms(self) -> float:
        """Wall time of the script's run, without the wait for a free host."""
        return self.outcome.wall_ms if self.outcome else 0.0
