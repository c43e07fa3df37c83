"""Tells what became of test cases: lines for a person, one JSON document, or JUnit XML for a build server."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from engine.cases.find import SavedCase
from engine.cases.verdict import CaseStatus, CaseVerdict
from engine.display import DiffKind
from engine.display_diff import diff

Results = Sequence[tuple[SavedCase, CaseVerdict]]

MAX_DIFF_ROWS = 12
_MARKS = {
    CaseStatus.PASSED: "ok",
    CaseStatus.FAILED: "FAIL",
    CaseStatus.NO_EXPECTATION: "-",
    CaseStatus.UNREADABLE: "ERROR",
}
_SIGNS = {DiffKind.ADDED: "+", DiffKind.REMOVED: "-", DiffKind.SAME: " ", DiffKind.GAP: "~"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def case_lines(case: SavedCase, verdict: CaseVerdict) -> Iterator[str]:
    """One line for a case, and below it what differs."""
    note = f"{verdict.duration_ms:.1f} ms" if verdict.outcome else ""
    if verdict.status is CaseStatus.NO_EXPECTATION:
        note += ", no expectation"
    yield f"{_MARKS[verdict.status]:<5} {case.config_id} / {case.name}  {note}".rstrip()
    for line in difference(verdict):
        yield f"      {line}"


def difference(verdict: CaseVerdict) -> list[str]:
    """What differs, in lines; a body of several lines as a short difference, `-` expected and `+` got."""
    if verdict.problem:
        return [verdict.problem]
    lines = [line for mismatch in verdict.mismatches for line in str(mismatch).splitlines() or [""]]
    if verdict.bodies is not None and any(b"\n" in body for body in verdict.bodies):
        rows, note = diff(*verdict.bodies)
        lines += [_SIGNS[row.kind] + " " + row.text for row in rows[:MAX_DIFF_ROWS]]
        lines += [f"~ {len(rows) - MAX_DIFF_ROWS} more rows"] if len(rows) > MAX_DIFF_ROWS else []
        lines += [note] if note else []
    return lines


def summary(verdicts: Sequence[CaseVerdict]) -> str:
    """`12 passed, 1 failed`, and what else there was."""
    counts = Counter(verdict.status for verdict in verdicts)
    parts = [f"{counts[CaseStatus.PASSED]} passed", f"{counts[CaseStatus.FAILED]} failed"]
    if counts[CaseStatus.NO_EXPECTATION]:
        parts.append(f"{counts[CaseStatus.NO_EXPECTATION]} without expectation")
    if counts[CaseStatus.UNREADABLE]:
        parts.append(f"{counts[CaseStatus.UNREADABLE]} unreadable")
    return ", ".join(parts)


def json_document(results: Results) -> dict[str, Any]:
    """The document that `test --json` prints."""
    counts = Counter(verdict.status for _, verdict in results)
    return {
        "passed": counts[CaseStatus.PASSED],
        "failed": counts[CaseStatus.FAILED],
        "no_expectation": counts[CaseStatus.NO_EXPECTATION],
        "unreadable": counts[CaseStatus.UNREADABLE],
        "cases": [case.in_words() | _verdict_document(verdict) for case, verdict in results],
    }


def _verdict_document(verdict: CaseVerdict) -> dict[str, Any]:
    outcome = verdict.outcome
    return {
        "status": verdict.status.value.replace(" ", "_"),
        "mismatches": [msgspec.to_builtins(mismatch) for mismatch in verdict.mismatches],
        "problem": verdict.problem or None,
        "error": msgspec.to_builtins(outcome.error) if outcome else None,
        "cpu_ms": outcome.cpu_ms if outcome else 0.0,
        "wall_ms": verdict.duration_ms,
    }


def junit_document(results: Results) -> bytes:
    """JUnit XML: a suite for each config_id; what cannot be run as written is an `error`, not a `failure`."""
    suites: dict[str, list[tuple[SavedCase, CaseVerdict]]] = {}
    for case, verdict in results:
        suites.setdefault(case.config_id, []).append((case, verdict))
    root = ET.Element("testsuites", _totals(results) | {"name": "howk-studio"})
    for config_id, members in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": _xml(config_id)} | _totals(members))
        for case, verdict in members:
            _add_case(suite, case, verdict)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _totals(results: Results) -> dict[str, str]:
    counts = Counter(verdict.status for _, verdict in results)
    return {
        "tests": str(len(results)),
        "failures": str(counts[CaseStatus.FAILED]),
        "errors": str(counts[CaseStatus.UNREADABLE]),
        "skipped": "0",
        "time": f"{sum(verdict.duration_ms for _, verdict in results) / 1000:.6f}",
    }


def _add_case(suite: ET.Element, case: SavedCase, verdict: CaseVerdict) -> None:
    names = {"classname": _xml(case.config_id), "name": _xml(case.name), "file": _xml(str(case.path))}
    element = ET.SubElement(suite, "testcase", names | {"time": f"{verdict.duration_ms / 1000:.6f}"})
    if verdict.passed:
        return
    lines = difference(verdict)
    kind = "error" if verdict.status is CaseStatus.UNREADABLE else "failure"
    inner = ET.SubElement(element, kind, {"message": _xml(lines[0] if lines else ""), "type": kind})
    inner.text = _xml("\n".join(lines))
    if verdict.outcome is not None and verdict.outcome.logs:
        logs = ET.SubElement(element, "system-out")
        logs.text = _xml("\n".join(f"{line.level}: {line.message}" for line in verdict.outcome.logs))


def _xml(text: str) -> str:
    """A text without the characters that XML has no way to write."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
