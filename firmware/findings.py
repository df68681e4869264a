"""How a device's findings read on a terminal, at the device and at reception. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from click import style

from firmware.link.messages import BothLanguages, DoctorCheck, DoctorFinding, Gravity

MARK_COLUMNS: Final = 6
COLOURS: Final = {Gravity.STOPS: "red", Gravity.HAMPERS: "yellow"}
SUMMARY: Final = {
    Gravity.STOPS: "受付できません / no visit can go well",
    Gravity.HAMPERS: "一部が使えません / visits go on, without something",
}
WELL: Final = "異常は見つかりませんでした / nothing is wrong"


def finding_lines(
    checks: Sequence[DoctorCheck], findings: Sequence[DoctorFinding]
) -> Iterator[str]:
    """A line for each check, and below it what is wrong there and what to do, in both languages."""
    for check in checks:
        of_check = [finding for finding in findings if finding.check == check.check]
        yield _check_line(check, of_check)
        for _, alike in groupby(of_check, key=lambda finding: finding.symptom):
            yield from _finding_lines(tuple(alike))
    yield ""
    yield summary_line(findings)


def summary_line(findings: Sequence[DoctorFinding]) -> str:
    """All in a line: the gravest that was found."""
    if not findings:
        return style(WELL, fg="green", bold=True)
    gravest = Gravity.HAMPERS
    if any(finding.gravity is Gravity.STOPS for finding in findings):
        gravest = Gravity.STOPS
    return style(SUMMARY[gravest], fg=COLOURS[gravest], bold=True)


def _check_line(check: DoctorCheck, findings: Sequence[DoctorFinding]) -> str:
    name = f"{check.name.ja} / {check.name.en}"
    if not check.asked:
        why = f" ({_both(check.why_not)})" if check.why_not else ""
        return style(f"{'-':<{MARK_COLUMNS}}{name}{why}", dim=True)
    if not findings:
        return style(f"{'ok':<{MARK_COLUMNS}}", fg="green") + name
    return style(f"{'wrong':<{MARK_COLUMNS}}", fg=COLOURS[findings[0].gravity], bold=True) + style(
        name, bold=True
    )


def _finding_lines(alike: Sequence[DoctorFinding]) -> Iterator[str]:
    """One symptom, with all that was measured of it."""
    indent, first = " " * MARK_COLUMNS, alike[0]
    yield f"{indent}{first.wrong.ja}"
    yield f"{indent}{first.wrong.en}"
    for finding in alike:
        if finding.detail:
            yield style(f"{indent}[{_printable(finding.detail)}]", dim=True)
    yield f"{indent}→ {first.remedy.ja}"
    yield f"{indent}→ {first.remedy.en}"


def _printable(text: str) -> str:
    """A stranger's names may stand in what was measured; they move no cursor."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _both(text: BothLanguages | None) -> str:
    return "" if text is None else f"{text.ja} / {text.en}"
