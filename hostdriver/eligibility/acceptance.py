"""Why a statement whose signatures hold is still not accepted: one row per reason. Pure.

A statement must agree with itself, with the visit it was asked for and with its certificate. What
only memory can tell (a challenge used before, a counter seen before) is the adapter's business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from firmware.statement import Statement
from firmware.words import (
    PHONES,
    CardSigning,
    Cause,
    ClockTrust,
    ConsentAnswer,
    MatchDecision,
    Method,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    reason_fits,
)
from hostdriver.eligibility.trust import Standing, Trust


@dataclass(frozen=True, slots=True)
class Case:
    """A statement and what it is held against."""

    statement: Statement
    transaction_id: UUID
    standing: Standing
    trust: Trust


@dataclass(frozen=True, slots=True)
class Objection:
    """Why not: the cause for the wire, and a sentence for people who repair."""

    cause: Cause
    reason: str


def _another_visit(case: Case) -> bool:
    return case.statement.transaction_id != case.transaction_id


def _unsigned(case: Case) -> bool:
    unsigned = case.statement.card_signing is CardSigning.NONE
    return unsigned and not case.trust.accept_without_card_signature


def _face_not_proven(case: Case) -> bool:
    statement = case.statement
    return statement.method is Method.FACE and (
        statement.comparison.decision is not MatchDecision.SAME_PERSON
        or not _live_enough(case)
        or statement.photo_authenticity
        not in (PhotoAuthenticity.VERIFIED, PhotoAuthenticity.UNVERIFIED)
    )


def _live_enough(case: Case) -> bool:
    not_looked_at = case.statement.pad is PadDecision.NOT_DONE
    return case.statement.pad is PadDecision.LIVE or (
        not_looked_at and case.trust.accept_without_liveness
    )


def _pin_not_proven(case: Case) -> bool:
    by_pin = case.statement.method in {Method.PIN, Method.PHONE}
    return by_pin and case.statement.card_signing is not CardSigning.PIN


def _phone_otherwise_proven(case: Case) -> bool:
    """A phone's holder is proven by the phone alone, and by a phone no other's."""
    statement = case.statement
    return (statement.card_kind in PHONES) is not (statement.method is Method.PHONE)


def _nobody_looked(case: Case) -> bool:
    return case.statement.method is Method.STAFF and not case.statement.staff_id


def _nobody_answers_for_it(case: Case) -> bool:
    return case.statement.reason is not None and case.statement.method is not Method.STAFF


def _reason_unfit(case: Case) -> bool:
    return not reason_fits(case.statement.profile, case.statement.reason)


def _unobtainable_without_reason(case: Case) -> bool:
    answers = {record.answer for record in case.statement.consents}
    return ConsentAnswer.UNOBTAINABLE in answers and case.statement.reason is None


def _granted(case: Case) -> bool:
    return any(record.answer is ConsentAnswer.GRANTED for record in case.statement.consents)


def _opens_records(case: Case) -> bool:
    """Medical data may be looked at after this visit: by consent, or because none can be had."""
    answers = {record.answer for record in case.statement.consents}
    return bool(answers & {ConsentAnswer.GRANTED, ConsentAnswer.UNOBTAINABLE})


def _opened_in_grace(case: Case) -> bool:
    return _opens_records(case) and not case.standing.clinical_consent_allowed


def _opened_without_a_clock(case: Case) -> bool:
    return _opens_records(case) and case.statement.clock_trust is ClockTrust.NONE


def _opened_where_none_is_asked(case: Case) -> bool:
    statement = case.statement
    return _opens_records(case) and (
        statement.purpose is Purpose.ELIGIBILITY or statement.profile is Profile.TREATMENT_PARLOUR
    )


def _granted_by_nobody(case: Case) -> bool:
    return _granted(case) and case.statement.reason is not None


def _granted_without_times(case: Case) -> bool:
    return any(
        record.at is None or record.until is None or record.until <= record.at
        for record in case.statement.consents
        if record.answer is ConsentAnswer.GRANTED
    )


def _answered_twice(case: Case) -> bool:
    items = [record.item for record in case.statement.consents]
    return len(items) != len(set(items))


REJECTED: Final = Cause.EVIDENCE_REJECTED
OBJECTIONS: Final[tuple[tuple[Callable[[Case], bool], Objection], ...]] = (
    (_another_visit, Objection(REJECTED, "the statement is another visit's")),
    (_unsigned, Objection(REJECTED, "the card did not sign, and the policy asks that it does")),
    (_face_not_proven, Objection(REJECTED, "method face without a live face that matched")),
    (_pin_not_proven, Objection(REJECTED, "a PIN without a signature opened by it")),
    (_phone_otherwise_proven, Objection(REJECTED, "a phone proven otherwise than by the phone")),
    (_nobody_looked, Objection(REJECTED, "method staff without the name of who looked")),
    (_reason_unfit, Objection(REJECTED, "the reason does not fit the profile")),
    (_nobody_answers_for_it, Objection(REJECTED, "no consent, and no staff who answer for it")),
    (_unobtainable_without_reason, Objection(REJECTED, "consent unobtainable without a reason")),
    (_answered_twice, Objection(REJECTED, "two answers to one consent item")),
    (_opened_in_grace, Objection(REJECTED, "records opened with an expired certificate")),
    (_opened_without_a_clock, Objection(REJECTED, "records opened without a trusted clock")),
    (_opened_where_none_is_asked, Objection(REJECTED, "records opened where none is asked for")),
    (_granted_by_nobody, Objection(REJECTED, "consent granted where nobody could be asked")),
    (_granted_without_times, Objection(REJECTED, "consent granted without its times")),
)


def objection_to(case: Case) -> Objection | None:
    """The first reason not to accept, in the order of the table; None when there is none.

    The certificate's own cause (`case.standing.cause`) comes before all of them.
    """
    if case.standing.cause is not None:
        return Objection(case.standing.cause, "the certificate cannot be used")
    return next((objection for applies, objection in OBJECTIONS if applies(case)), None)
