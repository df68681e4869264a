"""What the gateway makes of statements without consent: accepted only when all of it agrees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from office import (
    EXPIRES,
    NOW,
    Office,
    confirmed,
    consent,
)

from firmware.words import (
    CardSigning,
    Cause,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Method,
    NoConsentReason,
    Profile,
    Purpose,
)
from hostdriver.eligibility.gateway import Confirmation

UNOBTAINABLE = tuple(
    msgspec.structs.replace(consent(item, ConsentAnswer.UNOBTAINABLE), at=NOW)
    for item in ConsentItem
)
EMERGENCY: dict[str, Any] = {
    "profile": Profile.EMERGENCY,
    "reason": NoConsentReason.UNCONSCIOUS,
    "method": Method.STAFF,
    "card_signing": CardSigning.TERMINAL_AUTHORITY,
    "staff_id": "staff-1",
    "consents": UNOBTAINABLE,
}


async def without_consent(office: Office, **changes: Any) -> Confirmation:
    return await confirmed(office, **{**EMERGENCY, **changes})


async def test_the_answer_says_three_and_no_times(office: Office) -> None:
    answer = await without_consent(office)
    assert answer.accepted
    assert answer.eligibility is not None
    (result,) = answer.eligibility.result_list
    for name in ("pharmacists", "diagnosis", "operation", "specific_health_checkups"):
        assert getattr(result, f"{name}_info_cons_flg") == "3"
        assert getattr(result, f"{name}_info_cons_time") is None
        assert getattr(result, f"{name}_info_available_time") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"method": Method.PIN, "card_signing": CardSigning.PIN},
        {"staff_id": None},
        {"reason": None},
        {"reason": NoConsentReason.DISASTER_AREA},
        {"profile": Profile.CLINIC},
        {"profile": Profile.CLINIC, "reason": None},
        {"consents": (consent(ConsentItem.MEDICATION, ConsentAnswer.GRANTED),)},
        {"purpose": Purpose.ELIGIBILITY},
        {"clock_trust": ClockTrust.NONE},
    ],
    ids=str,
)
async def test_what_does_not_agree_is_rejected(office: Office, changes: dict[str, Any]) -> None:
    assert await without_consent(office, **changes) == Confirmation(
        False, Cause.EVIDENCE_REJECTED, None
    )


async def test_a_certificate_in_grace_opens_no_records_without_consent_either(
    office: Office,
) -> None:
    office.now = EXPIRES + timedelta(days=1)
    assert not (await without_consent(office)).accepted
    nothing_opened = tuple(consent(item, ConsentAnswer.NOT_ASKED) for item in ConsentItem)
    assert (await without_consent(office, consents=nothing_opened, counter=2)).accepted
