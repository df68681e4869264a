"""Facts → the report that is told: which checks were made, what is wrong, what to do. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from firmware.doctor.facts import CHECKS, Facts, NotAsked, Unasked
from firmware.doctor.judge import judge
from firmware.doctor.texts import doctor_texts
from firmware.link.messages import DoctorCheck, DoctorFinding

LONGEST_DETAIL: Final = 400
"""Drivers and daemons write some of it, and a report is one message of the link."""


class Report(msgspec.Struct, frozen=True):
    """What `doctor --json` prints."""

    ok: bool
    checks: tuple[DoctorCheck, ...]
    findings: tuple[DoctorFinding, ...]


def report_of(facts: Facts) -> Report:
    """The report on these facts; a check that nobody chose is not in it."""
    texts = doctor_texts()
    checks = []
    for check in CHECKS:
        fact = getattr(facts, check)
        unasked = fact.why if isinstance(fact, NotAsked) else None
        if unasked is Unasked.NOT_CHOSEN:
            continue
        why_not = texts.unasked[unasked] if unasked is not None else None
        checks.append(DoctorCheck(check, texts.checks[check], unasked is None, why_not))
    findings = tuple(
        DoctorFinding(
            check=found.check,
            symptom=found.symptom.value,
            gravity=texts.symptoms[found.symptom].gravity,
            wrong=texts.symptoms[found.symptom].wrong,
            remedy=texts.symptoms[found.symptom].remedy,
            detail=found.detail[:LONGEST_DETAIL],
        )
        for found in judge(facts)
    )
    return Report(not findings, tuple(checks), findings)
