"""A visit's facts put into the statement that device and card sign. Pure; called once per visit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from firmware.faults import Fault
from firmware.statement import Statement
from firmware.transaction.consent import complete
from firmware.transaction.visit import Now, Visit
from firmware.words import CardSigning, Method, reason_fits


@dataclass(frozen=True, slots=True)
class Facts:
    """What the statement says beside the visit."""

    device_id: str
    boot_id: UUID
    counter: int
    requester: str
    requester_nonce: bytes
    gateway_challenge: bytes | None
    card_signing: CardSigning
    card_certificate: bytes


def statement_of(visit: Visit, facts: Facts, now: Now) -> Statement:
    """The statement of a visit whose every answer is given. `Fault` for any other visit."""
    request, method, card_kind = visit.request, visit.method, visit.card_kind
    if request is None or method is None or card_kind is None or visit.proofs != 1:
        raise Fault("there is nothing to state: identity is not proven")
    if visit.started_at is None or visit.proven_at is None:
        raise Fault("there is nothing to state: the visit has no times")
    if not reason_fits(request.profile, request.reason):
        raise Fault("there is nothing to state: the reason does not fit the profile")
    if visit.without_consent and (method is not Method.STAFF or visit.staff_id is None):
        raise Fault("there is nothing to state: nobody answers for a visit without consent")
    if visit.items_open or visit.questions_open:
        raise Fault("there is nothing to state yet: answers are missing")
    return Statement(
        version=1,
        device_id=facts.device_id,
        boot_id=facts.boot_id,
        counter=facts.counter,
        transaction_id=request.transaction_id,
        requester=facts.requester,
        requester_nonce=facts.requester_nonce,
        gateway_challenge=facts.gateway_challenge,
        profile=request.profile,
        purpose=request.purpose,
        method=method,
        card_signing=facts.card_signing,
        comparison=visit.comparison,
        pad=visit.pad,
        photo_authenticity=visit.photo_authenticity,
        card_kind=card_kind,
        card_certificate_sha256=hashlib.sha256(facts.card_certificate).digest(),
        consents=complete(visit.consents),
        answers=dict(visit.answers),
        language=visit.language,
        helper=visit.helper,
        staff_id=visit.staff_id,
        started_at=visit.started_at,
        proven_at=visit.proven_at,
        signed_at=now.wall,
        clock_trust=now.trust,
        reason=request.reason,
    )
