"""What a run came to: a line for each case, JSON for programs, JUnit for build servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET  # written here, never read

import msgspec

from firmware.testbench.conformity.case import Case
from firmware.testbench.conformity.running import Result, Verdict
from firmware.words import CardKind

SUITE: Final = "kazashi-testbench conform"
_MARKS: Final = {Verdict.PASSED: "pass", Verdict.FAILED: "FAIL", Verdict.NOT_APPLICABLE: "n/a"}
_INDENT: Final = " " * 17


class CaseReport(msgspec.Struct, frozen=True):
    """One case as `--json` prints it; `why` is empty where it passed."""

    id: str
    purpose: str
    reference: str
    """Where the expectation comes from, and how well that is known: A, B or C."""
    verdict: Verdict
    why: str


class Report(msgspec.Struct, frozen=True):
    """A whole run as `--json` prints it."""

    reader: str
    atr: str
    card_kind: CardKind
    tool: str
    passed: int
    failed: int
    not_applicable: int
    cases: tuple[CaseReport, ...]


def report(
    results: Sequence[Result], *, reader: str, atr: bytes, kind: CardKind, tool: str
) -> Report:
    """All of it."""
    counts = Counter(result.verdict for result in results)
    cases = tuple(
        CaseReport(each.case.id, each.case.purpose, each.case.reference, each.verdict, each.why)
        for each in results
    )
    return Report(
        reader,
        atr.hex().upper(),
        kind,
        tool,
        counts[Verdict.PASSED],
        counts[Verdict.FAILED],
        counts[Verdict.NOT_APPLICABLE],
        cases,
    )


def row(result: Result) -> str:
    """A line of the table; two more where the card is wrong."""
    asked = result.case
    line = f"{_MARKS[result.verdict]:4}  {asked.id:6}  {asked.confidence}  {asked.purpose}"
    match result.verdict:
        case Verdict.FAILED:
            return f"{line}\n{_INDENT}{result.why}\n{_INDENT}{asked.reference}"
        case Verdict.NOT_APPLICABLE:
            return f"{line} ({result.why})"
    return line


def total(told: Report) -> str:
    """The last line."""
    return (
        f"{told.card_kind} in {told.reader!r}: {told.passed} passed, {told.failed} failed, "
        f"{told.not_applicable} not applicable"
    )


def listed(case: Case) -> str:
    """A case that is not run: what is given, done and expected."""
    marks = "needs --virtual" if case.spends else ""
    lines = [f"{case.id:6}  {case.confidence}  {case.purpose}  {marks}".rstrip()]
    for word, steps in (("given", case.given), ("step", case.steps)):
        for number, step in enumerate(steps, start=1):
            expected = ", ".join(map(str, step.expected)) or "anything"
            lines.append(f"          {word} {number}: {step.act} → {expected}")
    return "\n".join(lines)


def junit(told: Report) -> bytes:
    """A `testsuite` for each group. The reader and the card are its properties."""
    root = ET.Element("testsuites", {"name": SUITE, **_counts(told.cases)})
    for group in dict.fromkeys(_group(case) for case in told.cases):
        cases = [case for case in told.cases if _group(case) == group]
        suite = ET.SubElement(root, "testsuite", {"name": group, **_counts(cases)})
        properties = ET.SubElement(suite, "properties")
        for name in ("reader", "atr", "card_kind", "tool"):
            ET.SubElement(properties, "property", name=name, value=str(getattr(told, name)))
        for case in cases:
            _add(suite, case)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _group(case: CaseReport) -> str:
    return case.id.partition(".")[0]


def _counts(cases: Sequence[CaseReport]) -> dict[str, str]:
    counts = Counter(case.verdict for case in cases)
    return {
        "tests": str(len(cases)),
        "failures": str(counts[Verdict.FAILED]),
        "errors": "0",
        "skipped": str(counts[Verdict.NOT_APPLICABLE]),
    }


def _add(suite: ET.Element, case: CaseReport) -> None:
    entry = ET.SubElement(
        suite, "testcase", classname=f"conform.{_group(case)}", name=f"{case.id} {case.purpose}"
    )
    match case.verdict:
        case Verdict.FAILED:
            failure = ET.SubElement(entry, "failure", message=case.why)
            failure.text = f"{case.why}\n{case.reference}"
        case Verdict.NOT_APPLICABLE:
            ET.SubElement(entry, "skipped", message=case.why)
