"""A visit without consent: what is recorded for the patient, and who has to answer for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from firmware.faults import Fault
from firmware.transaction import events as e
from firmware.transaction.machine import step
from firmware.transaction.profiles import asks_for, methods_for
from firmware.transaction.stating import Facts, statement_of
from firmware.transaction.visit import Ending, Now, Request, Visit
from firmware.words import (
    NO_CONSENT_REASONS,
    CardKind,
    CardSigning,
    Cause,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Language,
    Method,
    NoConsentReason,
    Outcome,
    Profile,
    Purpose,
    Registration,
    State,
    reason_fits,
)

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
NOW = Now(NOON, ClockTrust.NTP)
FACTS = Facts("kazashi-1", UUID(int=2), 1, "desk", bytes(16), None, CardSigning.NONE, b"DER")


def proven(**changes: Any) -> Visit:
    """An emergency visit that the staff have vouched for, before the gateway's report."""
    asks = asks_for(Profile.EMERGENCY, changes.pop("purpose", Purpose.VISIT), None)
    request = Request(
        transaction_id=UUID(int=1),
        purpose=Purpose.VISIT,
        profile=Profile.EMERGENCY,
        methods=(Method.STAFF,),
        items=asks.items,
        questions=asks.questions,
        language=Language.JA,
        looks=1,
        unverified_photo_allowed=False,
        reason=NoConsentReason.UNCONSCIOUS,
    )
    known = Visit(
        state=State.IDENTITY_PROVEN,
        request=request,
        card_present=True,
        card_kind=CardKind.MY_NUMBER_CARD,
        method=Method.STAFF,
        staff_id="staff-1",
        proofs=1,
        started_at=NOON,
        proven_at=NOON,
    )
    return replace(known, **changes)


def told(visit: Visit, *, allowed: bool = True, now: Now = NOW) -> Visit:
    report = e.RegistrationReported(Registration.REGISTERED, None, allowed)
    return step(visit, report, now)[0]


def test_every_item_is_unobtainable_with_a_time_and_no_end() -> None:
    statement = statement_of(told(proven()), FACTS, NOW)
    assert [record.item for record in statement.consents] == list(ConsentItem)
    for record in statement.consents:
        assert record.answer is ConsentAnswer.UNOBTAINABLE
        assert (record.at, record.until, record.text_version) == (NOON, None, None)
    assert (statement.reason, statement.staff_id) == (NoConsentReason.UNCONSCIOUS, "staff-1")


@pytest.mark.parametrize(
    "visit",
    [
        told(proven(), allowed=False),
        told(proven(), now=Now(NOON, ClockTrust.NONE)),
        told(proven(purpose=Purpose.ELIGIBILITY)),
    ],
    ids=["in grace", "no clock", "eligibility only"],
)
def test_where_consent_would_not_be_asked_for_nothing_is_unobtainable(visit: Visit) -> None:
    assert visit.state is State.SIGNING
    answers = {record.answer for record in statement_of(visit, FACTS, NOW).consents}
    assert answers == {ConsentAnswer.NOT_ASKED}


@pytest.mark.parametrize("known", [Registration.NOT_REGISTERED, Registration.CANCELLED])
def test_nobody_registers_for_a_patient_who_cannot_choose(known: Registration) -> None:
    visit = step(proven(), e.RegistrationReported(known, None, True), NOW)[0]
    assert visit.ending == Ending(Outcome.REFUSED, Cause.REGISTRATION_DECLINED)


@pytest.mark.parametrize("changes", [{"staff_id": None}, {"method": Method.FACE}])
def test_nothing_is_stated_that_no_member_of_staff_answers_for(changes: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="nobody answers"):
        statement_of(replace(told(proven()), **changes), FACTS, NOW)


def test_nothing_is_stated_with_a_reason_that_does_not_fit() -> None:
    visit = told(proven())
    assert visit.request is not None
    for changes in ({"profile": Profile.CLINIC}, {"reason": None}):
        with pytest.raises(Fault, match="does not fit"):
            statement_of(replace(visit, request=replace(visit.request, **changes)), FACTS, NOW)


@pytest.mark.parametrize("profile", Profile)
def test_a_reason_is_needed_where_nobody_is_asked_and_nowhere_else(profile: Profile) -> None:
    without = profile in {Profile.EMERGENCY, Profile.DISASTER}
    assert reason_fits(profile, None) is not without
    fitting = {reason for reason in NoConsentReason if reason_fits(profile, reason)}
    assert fitting == set(NO_CONSENT_REASONS.get(profile, ()))
    assert bool(fitting) is without


def test_only_the_staff_look_is_left_where_nobody_can_be_asked() -> None:
    every = tuple(Method)
    assert methods_for(None, every) == every
    for reason in NoConsentReason:
        assert methods_for(reason, every) == (Method.STAFF,)
        assert methods_for(reason, (Method.FACE, Method.PIN)) == ()
