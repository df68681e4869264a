"""What a visit learns of the certificate and of the clock, and what is then asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from firmware.transaction import events as e
from firmware.transaction.machine import step
from firmware.transaction.profiles import ASKS
from firmware.transaction.visit import Now, Request, Visit
from firmware.words import (
    CertificateWarning,
    ClockTrust,
    Language,
    Method,
    Profile,
    Purpose,
    Registration,
    State,
)

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SOON, IN_GRACE = CertificateWarning


def proven(profile: Profile) -> Visit:
    """A visit whose holder is proven, and whose registration is being asked for."""
    request = Request(
        transaction_id=UUID(int=1),
        purpose=Purpose.VISIT,
        profile=profile,
        methods=(Method.PIN,),
        items=ASKS[profile].items,
        questions=ASKS[profile].questions,
        language=Language.JA,
        looks=1,
        unverified_photo_allowed=False,
    )
    return Visit(state=State.IDENTITY_PROVEN, request=request, card_present=True, proofs=1)


def told(
    warning: CertificateWarning | None,
    trust: ClockTrust = ClockTrust.NTP,
    profile: Profile = Profile.CLINIC,
) -> Visit:
    """The visit after the gateway's report; grace comes with it as the gateway says it."""
    report = e.RegistrationReported(
        Registration.REGISTERED, None, warning is not IN_GRACE, certificate_warning=warning
    )
    return step(proven(profile), report, Now(NOON, trust))[0]


@pytest.mark.parametrize(
    ("warning", "asked_next"),
    [
        (None, State.ASKING_CONSENT),
        (SOON, State.ASKING_CONSENT),
        (IN_GRACE, State.ASKING_QUESTIONS),
    ],
)
def test_the_warning_is_kept_and_grace_asks_for_no_consent(
    warning: CertificateWarning | None, asked_next: State
) -> None:
    visit = told(warning)
    assert (visit.certificate_warning, visit.state) == (warning, asked_next)


def test_where_nothing_is_asked_the_warning_is_kept_until_the_patient_is_forgotten() -> None:
    visit = told(SOON, profile=Profile.TREATMENT_PARLOUR)
    assert (visit.certificate_warning, visit.state) == (SOON, State.SIGNING)
    assert visit.forgotten().certificate_warning is None


def test_a_second_report_stands_above_the_first() -> None:
    offered = step(
        proven(Profile.CLINIC),
        e.RegistrationReported(Registration.NOT_REGISTERED, None, True, SOON),
        Now(NOON, ClockTrust.NTP),
    )[0]
    registered = step(
        replace(offered, state=State.REGISTERING),
        e.RegistrationReported(Registration.REGISTERED, None, True),
        Now(NOON, ClockTrust.NTP),
    )[0]
    assert offered.certificate_warning is SOON
    assert registered.certificate_warning is None


@pytest.mark.parametrize("trust", ClockTrust)
def test_only_a_clock_that_nobody_vouches_for_keeps_consent_from_being_asked(
    trust: ClockTrust,
) -> None:
    visit = told(None, trust)
    untrusted = trust is ClockTrust.NONE
    assert visit.clock_forbids_consent is untrusted
    assert visit.state is (State.ASKING_QUESTIONS if untrusted else State.ASKING_CONSENT)


def test_where_no_consent_is_asked_for_the_clock_forbids_none() -> None:
    visit = told(None, ClockTrust.NONE, Profile.TREATMENT_PARLOUR)
    assert not visit.clock_trusted
    assert not visit.clock_forbids_consent
