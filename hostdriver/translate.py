"""From the link's words to the socket's, one function each. Pure: facts in, values out.

Here stands the one rule that says `verified`: see `settle`.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from joserfc.jwk import OKPKey

from firmware.faults import MalformedStatement
from firmware.link.endpoint import LinkFigures
from firmware.link.messages import (
    DeviceHello,
    Progress,
    ReaderStatus,
    Refused,
    StartTransaction,
    TransactionEnded,
)
from firmware.statement import ConsentRecord, Evidence, Statement, verify
from firmware.words import CardKind, Cause, ClockTrust, Method, Outcome, Question, reason_fits
from hostdriver.api import (
    Consent,
    Device,
    Line,
    Reader,
    SignedEvidence,
    Trouble,
    VisitResult,
)
from hostdriver.eligibility.gateway import Confirmation
from hostdriver.envelope import Error, ErrorData, Failure
from hostdriver.errors import ERRORS
from hostdriver.events import ProgressEvent
from hostdriver.faults import Refusal
from hostdriver.figures import PARTS
from hostdriver.texts import fallback_for, notes_for, text_of

BROKEN: Final = frozenset({Cause.UPSTREAM_UNAVAILABLE, Cause.LEDGER_UNAVAILABLE})
"""Nobody said no: something on our side did not work."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was made of a visit's evidence. `statement` is there if every signature held and it
    speaks of this very visit; `cause` says why it was not accepted."""

    evidence: Evidence
    statement: Statement | None
    confirmation: Confirmation | None
    cause: Cause | None

    @property
    def accepted(self) -> bool:
        """Whether the gateway took it."""
        return (
            self.statement is not None
            and self.confirmation is not None
            and self.confirmation.accepted
            and self.cause is None
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a visit ended: as the device says, or as the driver has to say in its place."""

    outcome: Outcome
    cause: Cause | None
    method: Method | None = None
    card_kind: CardKind | None = None
    consents: tuple[ConsentRecord, ...] = ()
    answers: dict[Question, str] = field(default_factory=dict)
    evidence: Evidence | None = None
    timings_ms: dict[str, int] = field(default_factory=dict)


def ending(message: TransactionEnded) -> Ending:
    """The device's word on how a visit ended."""
    return Ending(
        outcome=message.outcome,
        cause=message.cause,
        method=message.method,
        card_kind=message.card_kind,
        consents=message.consents,
        answers=message.answers,
        evidence=message.evidence,
        timings_ms={part: message.timings_ms[part] for part in PARTS if part in message.timings_ms},
    )


def checked_statement(
    evidence: Evidence, start: StartTransaction, device: DeviceHello, device_key: OKPKey
) -> Statement:
    """The statement, if its signatures hold and it answers this very start.

    Raises `MalformedStatement`. Chain, dates and policy are the gateway's business.
    """
    statement = verify(evidence, device_key)
    asked = (
        start.transaction_id,
        start.requester,
        start.requester_nonce,
        start.gateway_challenge,
        start.profile,
        start.purpose,
        start.reason,
        device.device_id,
        device.boot_id,
    )
    stated = (
        statement.transaction_id,
        statement.requester,
        statement.requester_nonce,
        statement.gateway_challenge,
        statement.profile,
        statement.purpose,
        statement.reason,
        statement.device_id,
        statement.boot_id,
    )
    if stated != asked:
        raise MalformedStatement("the statement speaks of another visit")
    return statement


def settle(ended: Ending, judged: Judgement | None) -> tuple[Outcome, Cause | None]:
    """What the visit came to. `verified` needs the device's word and the gateway's."""
    if judged is not None and judged.cause in BROKEN:
        return Outcome.FAILED, judged.cause
    if ended.outcome is not Outcome.VERIFIED:
        cause = ended.cause or Cause.DEVICE_FAULT
        return (Outcome.FAILED if cause in BROKEN else ended.outcome), cause
    if judged is None or not judged.accepted:
        return Outcome.REFUSED, (judged and judged.cause) or Cause.EVIDENCE_REJECTED
    if ended.cause is not None or ended.evidence not in (None, judged.evidence):
        return Outcome.REFUSED, Cause.EVIDENCE_REJECTED
    return Outcome.VERIFIED, None


def visit_result(
    ended: Ending, judged: Judgement | None, device_key: OKPKey, day: date
) -> VisitResult:
    """The result that reception gets. What was signed stands above what was only said."""
    outcome, cause = settle(ended, judged)
    stated = judged.statement if judged else None
    told = stated or ended
    text = text_of(cause)
    confirmed = judged.confirmation if judged and outcome is Outcome.VERIFIED else None
    warning = confirmed.certificate_warning if confirmed else None
    eligibility = confirmed.eligibility if confirmed else None
    validity = eligibility.validity if eligibility else None
    clock_trust = stated.clock_trust if stated else None
    return VisitResult(
        outcome=outcome,
        cause=cause,
        method=told.method,
        card_kind=told.card_kind,
        consents=tuple(Consent(c.item, c.answer, c.at, c.until) for c in told.consents),
        answers=told.answers,
        eligibility=eligibility,
        certificate_warning=warning,
        clock_trust=clock_trust,
        evidence=signed_evidence(judged.evidence) if judged and stated else None,
        device_key=public_jwk(device_key),
        fallback=fallback_for(cause, day, validity),
        patient_text=text.patient,
        staff_text="".join((text.staff, *notes_for(warning, clock_trust, validity))),
        timings_ms=ended.timings_ms,
    )


def signed_evidence(evidence: Evidence) -> SignedEvidence:
    """Evidence for a vendor: the certificate as PEM."""
    return SignedEvidence(
        statement=evidence.statement,
        card_certificate=ssl.DER_cert_to_PEM_cert(evidence.card_certificate),
        card_signature=evidence.card_signature,
        card_signature_algorithm=evidence.card_signature_algorithm,
    )


def public_jwk(key: OKPKey) -> dict[str, str]:
    """A public key as a JWK, with its thumbprint as `kid`."""
    parts = key.as_dict(private=False)
    return {name: str(parts[name]) for name in ("kty", "crv", "x")} | {"kid": key.thumbprint()}


def progress_event(
    message: Progress, sequence: int, at: datetime, monotonic_s: float
) -> ProgressEvent:
    """A visit's progress, under the driver's own count and clocks."""
    return ProgressEvent(
        at=at,
        monotonic_s=monotonic_s,
        transaction_id=message.transaction_id,
        sequence=sequence,
        state=message.state,
        card_kind=message.card_kind,
        method=message.method,
        tries_left=message.tries_left,
    )


def reader(
    name: str,
    hello: DeviceHello | None,
    device_key: OKPKey | None,
    status: ReaderStatus | None,
    problem: str | None,
    *,
    figures: LinkFigures | None,
) -> Reader:
    """How a reader stands."""
    cause = status.cause if status else None
    return Reader(
        name=name,
        connected=hello is not None,
        state=status.state if status else None,
        card_reader=status.card_reader if status else None,
        camera=status.camera if status else False,
        problem=problem or (cause.value if cause else None),
        device=device(hello, device_key, status) if hello and device_key else None,
        line=line(figures) if figures else None,
    )


def line(figures: LinkFigures) -> Line:
    """A cable's figures."""
    took_s = figures.round_trip_s
    return Line(
        sent=figures.sent,
        resent=figures.resent,
        heard=figures.heard,
        dropped=figures.dropped,
        again=figures.again,
        round_trip_ms=None if took_s is None else round(took_s * 1000, 1),
    )


def device(hello: DeviceHello, device_key: OKPKey, status: ReaderStatus | None) -> Device:
    """A device as it presented itself, with the key that is pinned for it; its clock as by now."""
    now = status.clock_trust if status else None
    return Device(
        device_id=hello.device_id,
        boot_id=hello.boot_id,
        version=hello.version,
        device_key=public_jwk(device_key),
        profiles=hello.profiles,
        methods=hello.methods,
        languages=hello.languages,
        clock_trust=now or hello.clock_trust,
    )


def refuse_what_it_cannot(start: StartTransaction, hello: DeviceHello) -> None:
    """Say no before the device has to. Raises `Refusal`."""
    if start.profile not in hello.profiles:
        raise Refusal("profile_not_allowed", start.profile)
    for method in start.methods or ():
        if method not in hello.methods:
            raise Refusal("method_not_allowed", method)
    if not reason_fits(start.profile, start.reason):
        symbol = "reason_required" if start.reason is None else "reason_not_allowed"
        raise Refusal(symbol, start.profile)
    if start.reason is not None and Method.STAFF not in (start.methods or hello.methods):
        raise Refusal("method_not_allowed", f"{start.profile} needs {Method.STAFF}")
    if start.language is not None and start.language not in hello.languages:
        raise Refusal("language_not_available", start.language)


def trouble(
    symbol: str, reader_name: str | None, since: datetime | None, detail: str = ""
) -> Trouble:
    """A problem, with what the staff can do about it and what the system says of it."""
    staff_text = ERRORS[symbol].staff if symbol in ERRORS else text_of(Cause(symbol)).staff
    return Trouble(symbol, reader_name, since, staff_text + (f"({detail})" if detail else ""))


def troubles(
    readers: tuple[tuple[Reader, datetime], ...], ledger_fails_since: datetime | None
) -> tuple[Trouble, ...]:
    """Why a visit could not begin now, or its consents not be recorded; empty when all is well.

    Each reader comes with the time since when it stands as it does.
    """
    found = [
        trouble(reader.problem, reader.name, since) for reader, since in readers if reader.problem
    ]
    found += [
        trouble(Cause.CLOCK_UNTRUSTED.value, reader.name, None)
        for reader, _ in readers
        if reader.device and reader.device.clock_trust is ClockTrust.NONE
    ]
    found += [
        trouble(Cause.CAMERA_UNAVAILABLE.value, reader.name, None)
        for reader, _ in readers
        if reader.device and Method.FACE in reader.device.methods and not reader.camera
    ]
    if ledger_fails_since is not None:
        found.append(trouble("ledger_unavailable", None, ledger_fails_since))
    return tuple(found)


def refusal(message: Refused) -> Refusal:
    """The device's refusal in the socket's words, with its own beside them where they differ."""
    if message.symbol in ERRORS:
        return Refusal(message.symbol, message.reason)
    broken = message.symbol in {cause.value for cause in Cause}
    symbol = "reader_unavailable" if broken else "reader_refused"
    return Refusal(symbol, f"{message.symbol}, {message.reason}")


def failure(request_id: str | int | None, refused: Refusal, day: date) -> Failure:
    """The error object for a refusal, with the ways out that hold on `day`."""
    row = ERRORS[refused.symbol]
    message = f"{row.message}: {refused.detail}" if refused.detail else row.message
    data = ErrorData(
        symbol=refused.symbol,
        staff_text=row.staff,
        patient_text=row.patient,
        fallback=fallback_for(row.cause, day) if row.cause else (),
    )
    return Failure(request_id, Error(row.code, message, data))
