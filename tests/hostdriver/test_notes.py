"""What reception is told besides the outcome: of the certificate's expiry, and of the clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from front_desk import NONCE, Json, Site
from signing_device import WITHIN_S

from firmware.link.messages import AskRegistration, ConfirmationAnswer, RegistrationAnswer
from firmware.words import Cause, CertificateWarning, ClockTrust, Method, Outcome
from hostdriver import texts
from hostdriver.rendering import result_table


async def visited(site: Site, outcome: Outcome = Outcome.VERIFIED, **stated: Any) -> Json:
    """A visit's result; its device states what it is told, then says how it ended."""
    async with site.client() as desk:
        accepted = asyncio.create_task(site.device.accept())
        begun = await desk.must("transaction.start", client_ref="a-1", nonce=NONCE)
        start = await accepted
        await site.device.say(AskRegistration(start.transaction_id, b"certificate", Method.PIN))
        report = await site.device.hear(RegistrationAnswer)
        assert report.certificate_warning is site.gateway.warning
        if outcome is Outcome.VERIFIED:
            await site.device.state_it(start, **stated)
            assert (await site.device.hear(ConfirmationAnswer)).accepted
            await site.device.end(start, outcome)
        else:
            await site.device.end(start, outcome, Cause.CARD_REMOVED)
        result: Json = await desk.must(
            "transaction.result", transaction_id=begun["transaction_id"], wait_s=WITHIN_S
        )
    return result


@pytest.mark.parametrize("warning", CertificateWarning)
async def test_device_and_reception_hear_the_gateways_warning(
    site: Site, warning: CertificateWarning
) -> None:
    site.gateway.warning = warning
    result = await visited(site)
    assert (result["outcome"], result["certificate_warning"]) == ("verified", warning)
    assert result["staff_text"].endswith(texts.CERTIFICATE_NOTES[warning])
    assert f"certificate         {warning}" in result_table(result)


async def test_a_good_certificate_and_a_good_clock_are_not_spoken_of(site: Site) -> None:
    result = await visited(site)
    assert (result["certificate_warning"], result["clock_trust"]) == (None, "ntp")
    assert result["staff_text"] == texts.text_of(None).staff
    assert "clock" not in result_table(result)


async def test_a_visit_that_broke_is_not_warned_of(site: Site) -> None:
    site.gateway.warning = CertificateWarning.EXPIRES_SOON
    result = await visited(site, Outcome.FAILED)
    assert (result["certificate_warning"], result["clock_trust"]) == (None, None)
    assert result["staff_text"] == texts.text_of(Cause.CARD_REMOVED).staff


async def test_reception_learns_why_no_consent_was_asked(site: Site) -> None:
    site.gateway.warning = CertificateWarning.IN_GRACE
    result = await visited(site, clock_trust=ClockTrust.NONE, consents=())
    assert result["clock_trust"] == "none"
    notes = texts.CERTIFICATE_NOTES[CertificateWarning.IN_GRACE], texts.CLOCK_NOTE
    assert result["staff_text"].endswith("".join(notes))
    assert "clock               not trusted" in result_table(result)


def test_every_warning_has_a_note_for_the_staff() -> None:
    assert texts.CERTIFICATE_NOTES.keys() == set(CertificateWarning)
    assert all(note.endswith("。") for note in texts.CERTIFICATE_NOTES.values())
