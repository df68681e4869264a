"""A SQLite database of synthetic insurers and insured persons, as an eligibility service. [shell]

It stands where the national service would stand and checks what it is given: the device's and the
card's signatures, its own challenge, the device's counter, the certificate, the list of suspended
and revoked ones, the registration. `records.py` keeps who was asked about, when, and the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from joserfc.jwk import OKPKey

from firmware.faults import MalformedStatement
from firmware.statement import Evidence, Statement, verify
from firmware.words import PHONES, Cause, Method, Registration
from hostdriver.eligibility.acceptance import Case, Objection, objection_to
from hostdriver.eligibility.answer import (
    Eligibility,
    MessageHeader,
    Validity,
    japan_date,
    japan_time,
    prescription_issue_select,
    with_consents,
)
from hostdriver.eligibility.gateway import (
    Capabilities,
    Confirmation,
    InsuredCardQuestion,
    RegistrationReport,
)
from hostdriver.eligibility.insured_card import find
from hostdriver.eligibility.insured_person import CertificateStatus, InsuredPerson
from hostdriver.eligibility.records import Inquiry, Records, changing, seed
from hostdriver.eligibility.trust import Standing, Trust, standing

__all__ = ["CertificateStatus", "InsuredPerson", "InsurersGateway", "seed"]

BY_CARD: Final = "1"  # ReferenceClassification
BY_INSURED_CARD_DATA: Final = "2"
WITHDRAWN_CAUSES: Final = {
    CertificateStatus.SUSPENDED: Cause.CERTIFICATE_SUSPENDED,
    CertificateStatus.REVOKED: Cause.CERTIFICATE_REVOKED,
}
MAY_REGISTER: Final = frozenset({Registration.NOT_REGISTERED, Registration.CANCELLED})
UNREGISTERED_CAUSES: Final = {
    Registration.NOT_REGISTERED: Cause.REGISTRATION_DECLINED,
    Registration.CANCELLED: Cause.REGISTRATION_DECLINED,
    Registration.NOT_EFFECTIVE: Cause.REGISTRATION_NOT_EFFECTIVE,
    Registration.REFUSED: Cause.USE_RESTRICTED,
}


class InsurersGateway:
    """The adapter `insurers`. Its verbs run in threads: SQLite waits for the disk."""

    def __init__(
        self,
        database: Path,
        trust: Trust,
        *,
        institution_code: str = "0000000000",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`database` is one that `seed` made; `institution_code` has 10 digits."""
        self._database, self._trust = database, trust
        self._institution_code, self._now = institution_code, now

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter can do; nothing before it has authorities and insured persons."""
        return Capabilities(
            "insurers",
            confirms_cards=True,
            registers=True,
            queries=True,
            synthetic=True,
            set_up=bool(self._trust.authorities) and self._database.exists(),
        )

    async def challenge(self, transaction_id: UUID) -> bytes:
        """32 fresh random bytes, good once, for this visit, for ten minutes."""
        return await asyncio.to_thread(self._challenge, transaction_id)

    async def registration(
        self, transaction_id: UUID, card_certificate: bytes, method: Method
    ) -> RegistrationReport:
        """Is the holder registered, and may the certificate be used today?"""
        return await asyncio.to_thread(self._registration, transaction_id, card_certificate, method)

    async def register(self, transaction_id: UUID, card_certificate: bytes) -> RegistrationReport:
        """Register the holder. An expired certificate cannot be registered, grace or not."""
        return await asyncio.to_thread(self._register, transaction_id, card_certificate)

    async def confirm(
        self, transaction_id: UUID, evidence: Evidence, device_key: OKPKey
    ) -> Confirmation:
        """Check everything, use up challenge and counter, answer eligibility."""
        return await asyncio.to_thread(self._confirm, transaction_id, evidence, device_key)

    async def query(self, question: InsuredCardQuestion) -> Eligibility:
        """What is on file under insured-card data; kept with who asked it, when."""
        return await asyncio.to_thread(self._query, question)

    def _challenge(self, transaction_id: UUID) -> bytes:
        with changing(self._database) as records:
            return records.issue_challenge(transaction_id, self._now())

    def _registration(
        self, transaction_id: UUID, certificate: bytes, method: Method
    ) -> RegistrationReport:
        now = self._now()
        worth = standing(certificate, self._trust, now)
        if method is Method.PHONE:
            worth = worth.on_a_phone
        with changing(self._database) as records:
            found = _looked_up(records, certificate, worth)
            records.note(_reported(now, "registration", transaction_id, certificate, found))
        return found.report

    def _register(self, transaction_id: UUID, certificate: bytes) -> RegistrationReport:
        now = self._now()
        worth = standing(certificate, self._trust, now)
        with changing(self._database) as records:
            found = _looked_up(records, certificate, worth)
            if found.report.registration in MAY_REGISTER:
                if worth.in_grace:
                    found = replace(found, report=_refusal(Cause.CERTIFICATE_EXPIRED))
                else:
                    records.put(_registered(found.person, certificate))
                    found = _looked_up(records, certificate, worth)
            records.note(_reported(now, "register", transaction_id, certificate, found))
        return found.report

    def _confirm(
        self, transaction_id: UUID, evidence: Evidence, device_key: OKPKey
    ) -> Confirmation:
        now, certificate = self._now(), evidence.card_certificate
        inquiry = Inquiry(now, "confirm", transaction_id, certificate, "accepted")
        try:
            statement = verify(evidence, device_key)
        except MalformedStatement as fault:
            with changing(self._database) as records:
                records.note(replace(inquiry, said=f"{Cause.EVIDENCE_REJECTED}: {fault}"))
            return Confirmation(False, Cause.EVIDENCE_REJECTED, None)
        inquiry = replace(inquiry, requester=statement.requester)
        worth = standing(certificate, self._trust, now)
        if statement.card_kind in PHONES:
            worth = worth.on_a_phone
        case = Case(statement, transaction_id, worth, self._trust)
        with changing(self._database) as records:
            person = records.holder(certificate)
            # Used up first, whatever the rest says: what was seen once is never looked at again.
            objection = _use_up(records, case, device_key, now)
            objection = objection or _withdrawn(records.status(certificate)) or objection_to(case)
            accepted = _fit(person) if objection is None else objection
            if isinstance(accepted, Objection):
                records.note(replace(inquiry, said=f"{accepted.cause}: {accepted.reason}"))
                return Confirmation(False, accepted.cause, None)
            records.note(replace(inquiry, person_id=accepted.person_id))
        answer = self._eligibility(accepted, statement, case.standing, now)
        return Confirmation(True, None, answer, case.standing.warning)

    def _query(self, question: InsuredCardQuestion) -> Eligibility:
        now = self._now()
        with changing(self._database) as records:
            persons = records.insured_with(question.asked)
            found = find(question.asked, persons, japan_date(now))
            records.note_query(now, question, found.person_id, found.validity)
        return Eligibility(
            validity=found.validity,
            message_header=self._header(now, BY_INSURED_CARD_DATA),
            processing_result_status="1",
            qualification_confirm_search_info=question.asked,
            result_list=found.results,
        )

    def _header(self, now: datetime, reference_classification: str) -> MessageHeader:
        return MessageHeader(
            process_execution_time=japan_time(now),
            qualification_confirmation_date=japan_date(now),
            medical_institution_code=self._institution_code,
            reference_classification=reference_classification,
            segment_of_result="1",
            character_code_identifier="0",
        )

    def _eligibility(
        self, person: InsuredPerson, statement: Statement, worth: Standing, now: datetime
    ) -> Eligibility:
        reminder = None
        if worth.expires_at is not None:
            reminder = f"電子証明書の有効期限: {japan_date(worth.expires_at)}"
        return Eligibility(
            validity=person.validity,
            message_header=self._header(now, BY_CARD),
            processing_result_status="1",
            processing_result_message=reminder,
            prescription_issue_select=prescription_issue_select(statement.answers),
            result_list=tuple(
                with_consents(result, statement.consents) for result in person.results
            ),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """The holder of a certificate, and what is said of them."""

    person: InsuredPerson | None
    report: RegistrationReport


def _looked_up(records: Records, certificate: bytes, worth: Standing) -> _Found:
    person = records.holder(certificate)
    return _Found(person, _report(person, records.status(certificate), worth))


def _report(
    person: InsuredPerson | None, status: CertificateStatus, worth: Standing
) -> RegistrationReport:
    withdrawn = _withdrawn(status)
    if withdrawn is not None:
        return _refusal(withdrawn.cause)
    if worth.cause is not None:
        return _refusal(worth.cause)
    if person is None:
        return _usable(Registration.NOT_REGISTERED, None, worth)
    if person.use_restricted:
        return _refusal(Cause.USE_RESTRICTED)
    # To be unregistered is no refusal yet: the panel offers to register.
    cause = None
    if person.registration not in MAY_REGISTER:
        cause = UNREGISTERED_CAUSES.get(person.registration)
    return _usable(person.registration, cause, worth)


def _reported(
    now: datetime, verb: str, transaction_id: UUID, certificate: bytes, found: _Found
) -> Inquiry:
    said = found.report.cause or found.report.registration
    person_id = found.person.person_id if found.person else None
    return Inquiry(now, verb, transaction_id, certificate, said, person_id)


def _usable(registration: Registration, cause: Cause | None, worth: Standing) -> RegistrationReport:
    return RegistrationReport(registration, cause, worth.clinical_consent_allowed, worth.warning)


def _registered(person: InsuredPerson | None, certificate: bytes) -> InsuredPerson:
    """The holder, registered from now on; one whom no insurer knows is registered as that."""
    if person is None:
        digest = sha256(certificate).digest()
        return InsuredPerson(
            person_id=digest.hex(), certificate_sha256=digest, validity=Validity.NONE
        )
    return msgspec.structs.replace(person, registration=Registration.REGISTERED)


def _use_up(records: Records, case: Case, device_key: OKPKey, now: datetime) -> Objection | None:
    statement = case.statement
    if not records.use_challenge(statement.gateway_challenge, case.transaction_id, now):
        return Objection(Cause.EVIDENCE_REJECTED, "the challenge is not an open one of this visit")
    if not records.count_up(device_key.thumbprint(), statement.counter):
        return Objection(Cause.EVIDENCE_REJECTED, "the device's counter did not grow")
    return None


def _withdrawn(status: CertificateStatus) -> Objection | None:
    if status is CertificateStatus.GOOD:
        return None
    return Objection(WITHDRAWN_CAUSES[status], "the certificate is on the list")


def _fit(person: InsuredPerson | None) -> InsuredPerson | Objection:
    """The person to answer about, or why there is none."""
    if person is None:
        return Objection(Cause.REGISTRATION_DECLINED, "nobody is registered with this card")
    if person.use_restricted:
        return Objection(Cause.USE_RESTRICTED, "the person's use is restricted")
    if person.registration is not Registration.REGISTERED:
        return Objection(UNREGISTERED_CAUSES[person.registration], "the card is not registered")
    return person


def _refusal(cause: Cause) -> RegistrationReport:
    return RegistrationReport(Registration.REFUSED, cause, clinical_consent_allowed=False)
