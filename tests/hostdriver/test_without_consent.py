"""Visits of emergency and disaster through the driver: what begins, what is recorded and told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from front_desk import Desk, Json, MoodyGateway, Site, fresh_nonce, settings
from signing_device import WITHIN_S, SigningDevice

from firmware.link.messages import ConfirmationAnswer, StartTransaction
from firmware.statement import ConsentRecord
from firmware.words import (
    CardSigning,
    ConsentAnswer,
    ConsentItem,
    Method,
    NoConsentReason,
    Outcome,
    Profile,
)
from hostdriver.driver import running

EMERGENCY = {"profile": "emergency", "reason": "unconscious"}
LOOKED_AT: dict[str, Any] = {
    "method": Method.STAFF,
    "card_signing": CardSigning.TERMINAL_AUTHORITY,
    "staff_id": "staff-1",
    "consents": tuple(
        ConsentRecord(item, ConsentAnswer.UNOBTAINABLE, datetime.now(UTC)) for item in ConsentItem
    ),
    "answers": {},
}


@pytest.fixture
async def hospital(tmp_path: Path) -> AsyncIterator[Site]:
    """A site whose device allows every profile."""
    chosen, gateway = settings(tmp_path), MoodyGateway()
    device = SigningDevice(Path(chosen.runtime_dir), profiles=tuple(Profile))
    async with device, running(chosen, gateway) as address:
        yield Site(address, gateway, device, chosen)


def recorded(site: Site, kind: str) -> list[Json]:
    """The facts of the ledger's rows of a kind."""
    path = Path(site.settings.state_dir) / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as ledger:
        rows = ledger.execute("SELECT facts FROM rows WHERE kind = ? ORDER BY sequence", (kind,))
        return [json.loads(facts) for (facts,) in rows]


async def visit(site: Site, desk: Desk, **lies: Any) -> tuple[StartTransaction, Json]:
    """An emergency visit to its end: the start as the device heard it, and the result."""
    accepting = asyncio.create_task(site.device.accept())
    begun = await desk.must("transaction.start", client_ref="e-1", nonce=fresh_nonce(), **EMERGENCY)
    start = await accepting
    evidence = await site.device.state_it(start, **{**LOOKED_AT, **lies})
    answer = await site.device.hear(ConfirmationAnswer)
    outcome = Outcome.VERIFIED if answer.accepted else Outcome.REFUSED
    await site.device.end(start, outcome, answer.cause, evidence)
    result = await desk.must(
        "transaction.result", transaction_id=begun["transaction_id"], wait_s=WITHIN_S
    )
    return start, result


async def test_reason_and_staff_are_on_record_and_consents_are_unobtainable(
    hospital: Site,
) -> None:
    async with hospital.client() as desk:
        start, result = await visit(hospital, desk)
    assert (start.profile, start.reason) == (Profile.EMERGENCY, NoConsentReason.UNCONSCIOUS)
    assert (result["outcome"], result["method"]) == ("verified", "staff")
    assert [consent["answer"] for consent in result["consents"]] == ["unobtainable"] * 3
    assert all(consent["at"] and consent["until"] is None for consent in result["consents"])

    (begun,) = recorded(hospital, "visit_begun")
    assert (begun["profile"], begun["reason"]) == ("emergency", "unconscious")
    (stated,) = recorded(hospital, "statement")
    assert (stated["profile"], stated["reason"]) == ("emergency", "unconscious")
    assert stated["staff_id"] == "staff-1"
    consents = recorded(hospital, "consent")
    assert [row["answer"] for row in consents] == ["unobtainable"] * 3


@pytest.mark.parametrize("stated", [None, NoConsentReason.CANNOT_COMMUNICATE])
async def test_a_statement_with_another_reason_is_of_another_visit(
    hospital: Site, stated: NoConsentReason | None
) -> None:
    async with hospital.client() as desk:
        _, result = await visit(hospital, desk, reason=stated)
    assert (result["outcome"], result["cause"]) == ("refused", "evidence_rejected")
    assert recorded(hospital, "statement") == []


@pytest.mark.parametrize(
    ("asked", "symbol"),
    [
        ({"profile": "emergency"}, "reason_required"),
        ({"profile": "disaster"}, "reason_required"),
        ({"profile": "clinic", "reason": "unconscious"}, "reason_not_allowed"),
        ({"reason": "unconscious"}, "reason_not_allowed"),
        ({"profile": "emergency", "reason": "disaster_area"}, "reason_not_allowed"),
        ({"profile": "emergency", "reason": "taro, born 1980"}, "invalid_params"),
        ({**EMERGENCY, "methods": ["face", "pin"]}, "method_not_allowed"),
    ],
)
async def test_what_does_not_fit_is_refused_and_begins_nothing(
    hospital: Site, asked: Json, symbol: str
) -> None:
    async with hospital.client() as desk:
        started = desk.refused("transaction.start", client_ref="e-1", nonce=fresh_nonce(), **asked)
        assert await started == symbol
    assert recorded(hospital, "visit_begun") == []


async def test_a_device_that_does_not_allow_the_profile_refuses_it_with_a_reason_too(
    site: Site,
) -> None:
    async with site.client() as desk:
        started = desk.refused(
            "transaction.start", client_ref="e-1", nonce=fresh_nonce(), **EMERGENCY
        )
        assert await started == "profile_not_allowed"
