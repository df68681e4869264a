"""What the ledger says of each event, one function each. Pure.

No names, no numbers of persons, no biometrics: the fields here are all that is ever recorded.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from joserfc.jwk import OKPKey

from firmware.link.messages import DeviceHello, StartTransaction
from firmware.statement import Evidence, Statement, Unanswered
from hostdriver.api import VisitResult
from hostdriver.chain import STATEMENT, UNANSWERED, VISIT_BEGUN, Entry
from hostdriver.figures import PARTS


def driver_started(boot_id: UUID, version: str) -> Entry:
    """The driver runs."""
    return Entry("driver_started", {"boot_id": str(boot_id), "version": version})


def ledger_resumed(failed_at: datetime, lost: int) -> Entry:
    """Rows can be written again: since when they could not, and how many are not here."""
    return Entry("ledger_resumed", {"failed_at": _time(failed_at), "lost": lost})


def device_met(reader: str, hello: DeviceHello, device_key: OKPKey) -> Entry:
    """A device presented itself, with the key that is pinned for it."""
    return Entry(
        "device_met",
        {
            "reader": reader,
            "device_id": hello.device_id,
            "boot_id": str(hello.boot_id),
            "version": hello.version,
            "device_key": device_key.thumbprint(),
        },
    )


def visit_begun(start: StartTransaction, hashed_ref: str) -> Entry:
    """Reception asked for a visit."""
    return Entry(
        VISIT_BEGUN,
        {
            "transaction_id": str(start.transaction_id),
            "requester": start.requester,
            "client_ref": hashed_ref,
            "profile": start.profile,
            "purpose": start.purpose,
            "reason": start.reason,
        },
    )


def visit_not_begun(transaction_id: UUID, symbol: str) -> Entry:
    """The device or the gateway would not begin it."""
    return Entry("visit_not_begun", {"transaction_id": str(transaction_id), "symbol": symbol})


def statement_unanswered(device_id: str, unanswered: Unanswered) -> Entry:
    """The device made it, and it did not come, or the answer to it got lost."""
    return Entry(
        UNANSWERED,
        {
            "transaction_id": str(unanswered.transaction_id),
            "device_id": device_id,
            "counter": unanswered.counter,
        },
    )


def statement_made(statement: Statement, evidence: Evidence) -> tuple[Entry, ...]:
    """The statement, with the counter that betrays a missing one, then each consent."""
    transaction_id = str(statement.transaction_id)
    made = Entry(
        STATEMENT,
        {
            "transaction_id": transaction_id,
            "device_id": statement.device_id,
            "boot_id": str(statement.boot_id),
            "counter": statement.counter,
            "sha256": hashlib.sha256(evidence.statement.encode()).hexdigest(),
            "method": statement.method,
            "card_signing": statement.card_signing,
            "comparison": statement.comparison.decision,
            "model": statement.comparison.model,
            "operating_point": statement.comparison.operating_point,
            "pad": statement.pad,
            "photo_authenticity": statement.photo_authenticity,
            "card_kind": statement.card_kind,
            "helper": statement.helper,
            "profile": statement.profile,
            "reason": statement.reason,
            "staff_id": statement.staff_id,
            "signed_at": _time(statement.signed_at),
            "clock_trust": statement.clock_trust,
        },
    )
    consents = (
        Entry(
            "consent",
            {
                "transaction_id": transaction_id,
                "item": consent.item,
                "answer": consent.answer,
                "at": _time(consent.at),
                "until": _time(consent.until),
                "text_version": consent.text_version,
            },
        )
        for consent in statement.consents
    )
    return (made, *consents)


def visit_ended(transaction_id: UUID, result: VisitResult) -> Entry:
    """What the visit came to, and how long its parts took by the device's own count."""
    return Entry(
        "visit_ended",
        {
            "transaction_id": str(transaction_id),
            "outcome": result.outcome,
            "cause": result.cause,
            "method": result.method,
            "card_kind": result.card_kind,
            **{f"{part}_ms": result.timings_ms.get(part) for part in PARTS},
        },
    )


def eligibility_queried(inquiry_id: UUID, requester: str, said: str) -> Entry:
    """Somebody asked by insured-card data; `said` is the validity, or why there was no answer.

    Of what was asked nothing is kept here: it is all numbers and a birth date.
    """
    return Entry(
        "eligibility_queried",
        {"inquiry_id": str(inquiry_id), "requester": requester, "said": said},
    )


def result_taken(transaction_id: UUID) -> Entry:
    """The client acknowledged the result, and it was erased."""
    return Entry("result_taken", {"transaction_id": str(transaction_id)})


def result_expired(transaction_id: UUID) -> Entry:
    """Nobody acknowledged the result in its time, and it was erased."""
    return Entry("result_expired", {"transaction_id": str(transaction_id)})


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
