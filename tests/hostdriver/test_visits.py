"""Whole visits between a client, the driver, a signing device and a gateway."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from front_desk import (
    NAME,
    NONCE,
    Site,
    begin,
    open_site,
    result_of,
)
from joserfc.jwk import OKPKey
from signing_device import TIMINGS_MS, WITHIN_S, evidence_of, statement_for

from firmware.link.messages import (
    AskRegistration,
    AskToRegister,
    ConfirmationAnswer,
    EvidenceReady,
    RegistrationAnswer,
)
from firmware.statement import Evidence, verify
from firmware.words import Cause, Method, Outcome, Profile, Registration, State
from hostdriver.settings import LimitSettings

RESULT_FIELDS = {
    *("outcome", "cause", "method", "card_kind", "consents", "answers", "eligibility"),
    *("certificate_warning", "clock_trust", "evidence", "device_key", "fallback"),
    *("patient_text", "staff_text", "timings_ms"),
}


async def test_a_verified_visit_returns_everything_that_was_signed(site: Site) -> None:
    async with site.client() as desk:
        playing = asyncio.create_task(site.device.verify_one())
        begun = await desk.must("transaction.start", client_ref="a-1", nonce=NONCE)
        assert (await playing).accepted
        result = await result_of(desk, begun["transaction_id"])

    assert result.keys() == RESULT_FIELDS
    assert (result["outcome"], result["cause"], result["fallback"]) == ("verified", None, [])
    assert (result["method"], result["card_kind"]) == ("pin", "my_number_card")
    assert [(c["item"], c["answer"]) for c in result["consents"]] == [("medication", "granted")]
    assert result["consents"][0].keys() == {"item", "answer", "at", "until"}
    assert result["answers"] == {"prescription_form": "electronic"}
    assert result["timings_ms"] == TIMINGS_MS
    insurance = result["eligibility"]["ResultList"][0]
    assert result["eligibility"]["validity"] == "valid"
    assert (insurance["InsurerNumber"], insurance["Name"]) == ("  000001", NAME)


async def test_the_evidence_in_a_result_can_be_checked_again(site: Site) -> None:
    async with site.client() as desk:
        playing = asyncio.create_task(site.device.verify_one())
        begun = await desk.must("transaction.start", client_ref="a-1", nonce=NONCE)
        await playing
        result = await result_of(desk, begun["transaction_id"])
    said = result["evidence"]
    lines = said["card_certificate"].strip().splitlines()
    evidence = Evidence(
        statement=said["statement"],
        card_certificate=base64.b64decode("".join(lines[1:-1])),
        card_signature=base64.b64decode(said["card_signature"]),
        card_signature_algorithm=said["card_signature_algorithm"],
    )
    statement = verify(evidence, OKPKey.import_key(result["device_key"]))
    assert str(statement.transaction_id) == begun["transaction_id"]
    assert statement.requester_nonce == base64.b64decode(NONCE)
    assert statement.requester == "front desk"


async def test_progress_and_the_end_are_pushed_in_order(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await site.device.enter(start, State.ASKING_PIN, tries_left=3)
        await site.device.end(start, Outcome.CANCELLED, Cause.CANCELLED_BY_PATIENT)
        await result_of(desk, transaction_id)
        told = [event for event in desk.events if event["event"] != "reader_status"]
    assert [event["sequence"] for event in told] == [1, 2, 3]
    assert [event["state"] for event in told[:2]] == ["waiting_for_card", "asking_pin"]
    assert told[1]["tries_left"] == 3
    assert (told[2]["event"], told[2]["outcome"]) == ("finished", "cancelled")
    assert {event["transaction_id"] for event in told} == {transaction_id}
    times = [event["monotonic_s"] for event in told]
    assert times == sorted(times)


# --- verified needs two words
@pytest.mark.parametrize("cause", [Cause.CERTIFICATE_REVOKED, Cause.USE_RESTRICTED])
async def test_the_gateways_no_stands_above_the_devices_yes(site: Site, cause: Cause) -> None:
    site.gateway.refusal = cause
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        evidence = await site.device.state_it(start)
        answer = await site.device.hear(ConfirmationAnswer)
        assert (answer.accepted, answer.cause) == (False, cause)
        await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("refused", cause)
    assert result["eligibility"] is None
    assert result["evidence"] is not None
    assert result["fallback"]


async def test_a_device_that_says_verified_without_evidence_is_refused(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await site.device.end(start, Outcome.VERIFIED)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("refused", "evidence_rejected")
    assert (result["evidence"], result["eligibility"]) == (None, None)


async def test_a_device_that_says_verified_before_the_gateway_did_is_not_believed(
    site: Site,
) -> None:
    site.gateway.confirms = asyncio.Event()
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        evidence = await site.device.state_it(start)
        await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
        result = await result_of(desk, transaction_id)
    assert result["outcome"] != "verified"
    assert result["eligibility"] is None


async def test_the_devices_no_stands_above_the_gateways_yes(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        evidence = await site.device.state_it(start)
        assert (await site.device.hear(ConfirmationAnswer)).accepted
        await site.device.end(start, Outcome.FAILED, Cause.DEVICE_FAULT, evidence)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("failed", "device_fault")
    assert result["eligibility"] is None


LIES: dict[str, dict[str, Any]] = {
    "another nonce": {"requester_nonce": bytes(16)},
    "another challenge": {"gateway_challenge": bytes(16)},
    "no challenge": {"gateway_challenge": None},
    "another requester": {"requester": "somebody else"},
    "another profile": {"profile": Profile.PHARMACY},
    "another device": {"device_id": "device-2"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_statement_of_another_visit_never_reaches_the_gateway(
    site: Site, lie: dict[str, Any]
) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        evidence = await site.device.state_it(start, **lie)
        answer = await site.device.hear(ConfirmationAnswer)
        assert (answer.accepted, answer.cause) == (False, Cause.EVIDENCE_REJECTED)
        await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("refused", "evidence_rejected")
    assert result["evidence"] is None
    assert site.gateway.confirmed == []


async def test_a_statement_signed_with_another_key_is_refused(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await site.device.state_it(start, key=OKPKey.generate_key("Ed25519"))
        assert not (await site.device.hear(ConfirmationAnswer)).accepted
        await site.device.end(start, Outcome.VERIFIED)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("refused", "evidence_rejected")


async def test_only_the_first_evidence_of_a_visit_counts(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await site.device.state_it(start)
        assert (await site.device.hear(ConfirmationAnswer)).accepted
        other = evidence_of(statement_for(start, site.device.hello, 2, method=Method.FACE))
        await site.device.say(EvidenceReady(start.transaction_id, other))
        await site.device.end(start, Outcome.VERIFIED, evidence=other)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("refused", "evidence_rejected")
    assert len(site.gateway.confirmed) == 1


# --- upstream
async def test_upstream_down_after_identity_returns_evidence_and_ways_out(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        site.gateway.up = False
        evidence = await site.device.state_it(start)
        answer = await site.device.hear(ConfirmationAnswer)
        assert (answer.accepted, answer.cause) == (False, Cause.UPSTREAM_UNAVAILABLE)
        await site.device.end(start, Outcome.REFUSED, Cause.UPSTREAM_UNAVAILABLE, evidence)
        result = await result_of(desk, transaction_id)
    assert (result["outcome"], result["cause"]) == ("failed", "upstream_unavailable")
    assert result["evidence"]["statement"] == evidence.statement
    assert "no_full_charge" in [way["id"] for way in result["fallback"]]


async def test_upstream_down_before_the_visit_refuses_the_start(site: Site) -> None:
    site.gateway.up = False
    async with site.client() as desk:
        answer = await desk.ask("transaction.start", client_ref="a-1", nonce=NONCE)
        data = answer["error"]["data"]
        assert data["symbol"] == "upstream_unavailable"
        assert data["fallback"]
        site.gateway.up = True
        await begin(site, desk)  # and the reference is free again


async def test_registration_is_asked_and_answered(site: Site) -> None:
    async with site.client() as desk:
        start, _ = await begin(site, desk)
        await site.device.say(AskRegistration(start.transaction_id, b"certificate", Method.PIN))
        assert (await site.device.hear(RegistrationAnswer)).registration == "registered"
        site.gateway.up = False
        await site.device.say(AskToRegister(start.transaction_id, b"certificate"))
        answer = await site.device.hear(RegistrationAnswer)
    assert answer.registration is Registration.REFUSED
    assert answer.cause is Cause.UPSTREAM_UNAVAILABLE


# --- whose visit it is
async def test_the_same_reference_takes_the_visit_over(site: Site) -> None:
    async with site.client() as first:
        start, transaction_id = await begin(site, first)
        async with site.client() as second:
            again = await second.must("transaction.start", client_ref="a-1", nonce="A" * 22 + "==")
            assert again["transaction_id"] == transaction_id
            assert again["taken_over"] is True
            assert base64.b64decode(again["nonce"]) == start.requester_nonce
            first.hang_up()
            await site.device.end(start, Outcome.FAILED, Cause.CARD_REMOVED)
            assert (await result_of(second, transaction_id))["cause"] == "card_removed"


async def test_a_stranger_gets_nothing_of_anothers_visit(site: Site) -> None:
    async with site.client("front desk") as owner, site.client("stranger") as stranger:
        start, transaction_id = await begin(site, owner)
        of_it = {"transaction_id": transaction_id}
        assert (
            await stranger.refused("transaction.start", client_ref="a-1", nonce=NONCE)
            == "already_taken"
        )
        for verb in ("status", "cancel", "result", "ack"):
            assert await stranger.refused(f"transaction.{verb}", **of_it) == "already_taken"
        assert (
            await stranger.refused("transaction.start", client_ref="b", nonce=NONCE)
            == "reader_busy"
        )
        await site.device.end(start, Outcome.FAILED, Cause.CARD_REMOVED)
        await result_of(owner, transaction_id)
        assert await stranger.refused("transaction.result", **of_it) == "already_taken"
        assert [e for e in stranger.events if e["event"] != "reader_status"] == []


async def test_an_acknowledged_result_is_gone(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        of_it = {"transaction_id": transaction_id}
        assert await desk.refused("transaction.result", **of_it) == "not_finished"
        assert await desk.refused("transaction.ack", **of_it) == "not_finished"
        await site.device.end(start, Outcome.FAILED, Cause.CARD_REMOVED)
        first = await result_of(desk, transaction_id)
        assert await desk.must("transaction.result", **of_it) == first
        assert await desk.must("transaction.ack", **of_it) == {"acknowledged": True}
        assert await desk.refused("transaction.result", **of_it) == "transaction_unknown"


async def test_two_starts_at_once_are_one_visit(site: Site) -> None:
    async with site.client() as first, site.client() as second:
        accepting = asyncio.create_task(site.device.accept())
        started = [
            desk.must("transaction.start", client_ref="a-1", nonce=NONCE)
            for desk in (first, second)
        ]
        answers = await asyncio.gather(*started)
        await accepting
    assert len({answer["transaction_id"] for answer in answers}) == 1
    assert sorted(answer["taken_over"] for answer in answers) == [False, True]


async def test_a_result_that_nobody_takes_expires(tmp_path: Path) -> None:
    limits = LimitSettings(result_kept_s=0.05, reconnect_s=0.02)
    async with open_site(tmp_path, limits=limits) as site, site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await site.device.end(start, Outcome.FAILED, Cause.CARD_REMOVED)
        assert (await desk.next_event("finished"))["cause"] == "card_removed"
        async with asyncio.timeout(WITHIN_S):
            while (await desk.must("health"))["visits_held"]:
                pass
        unknown = desk.refused("transaction.result", transaction_id=transaction_id)
        assert await unknown == "transaction_unknown"


async def test_a_result_outlives_its_connection(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        evidence = await site.device.state_it(start)
        assert (await desk.next_event("progress"))["state"] == "waiting_for_card"
        assert (await desk.next_event("progress"))["state"] == "confirming"
        desk.hang_up()
    await site.device.hear(ConfirmationAnswer)
    await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
    async with site.client() as back:
        assert (await result_of(back, transaction_id))["outcome"] == "verified"


async def test_a_client_that_dies_before_confirming_cancels_its_visit(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        desk.hang_up()
    assert (await site.device.stop_one(start)).transaction_id == start.transaction_id
    async with site.client() as back:
        result = await result_of(back, transaction_id)
    assert (result["outcome"], result["cause"]) == ("cancelled", "cancelled_by_reception")


async def test_cancel_works_until_the_point_of_no_return(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk, "a")
        stopping = asyncio.create_task(site.device.stop_one(start))
        of_it = {"transaction_id": transaction_id}
        assert (await desk.must("transaction.cancel", **of_it))["cancelling"] is True
        assert (await stopping).cause is Cause.CANCELLED_BY_RECEPTION
        assert (await result_of(desk, transaction_id))["outcome"] == "cancelled"

        start, transaction_id = await begin(site, desk, "b")
        site.gateway.confirms = asyncio.Event()
        desk.events.clear()
        evidence = await site.device.state_it(start)
        await desk.next_event("progress")
        answer = await desk.must("transaction.cancel", transaction_id=transaction_id)
        assert answer == {"cancelling": False, "state": "confirming"}
        site.gateway.confirms.set()
        await site.device.hear(ConfirmationAnswer)  # and no Cancel before it
        await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
        assert (await result_of(desk, transaction_id))["outcome"] == "verified"
