"""A throw-away hierarchy, a device, and evidence made with them as a device would."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc.jwk import OKPKey

from firmware.statement import (
    RSA_PKCS1_SHA256,
    Comparison,
    ConsentRecord,
    Evidence,
    Statement,
    freeze,
    sign,
    to_be_signed,
)
from firmware.words import (
    CardKind,
    CardSigning,
    Cause,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Language,
    MatchDecision,
    Method,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Question,
)
from hostdriver.eligibility.answer import ResultOfQualificationConfirmation
from hostdriver.eligibility.gateway import Confirmation
from hostdriver.eligibility.insurers import InsuredPerson, InsurersGateway, seed
from hostdriver.eligibility.trust import Trust

NOW = datetime(2026, 1, 5, 0, 30, 12, tzinfo=UTC)  # 09:30:12 in Japan
VISIT = UUID("6b1f8a55-9d53-4f57-9d2a-000000000001")
OTHER_VISIT = UUID("6b1f8a55-9d53-4f57-9d2a-000000000002")
EXPIRES = datetime(2029, 4, 1, 14, 59, 59, tzinfo=UTC)


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """One RSA key per name and test run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def usage(*on: str) -> x509.KeyUsage:
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{name: name in on for name in names})


@dataclass(frozen=True)
class Profiled:
    """What a test certificate says; the defaults are those of a good user authentication one."""

    holder: str = "holder"
    issuer: str = "authority"
    issuer_name: str = "JPKI-TEST for user authentication"
    not_before: datetime = datetime(2024, 4, 1, tzinfo=UTC)
    not_after: datetime = EXPIRES
    serial: int = 4711
    key_usage: tuple[str, ...] = ("digital_signature",)
    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    is_authority: bool = False
    hash_algorithm: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    critical_unknown: bool = False

    def make(self) -> x509.Certificate:
        subject = self.issuer_name if self.holder == self.issuer else "00000000000001A"
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(self.issuer_name))
            .public_key(key(self.holder).public_key())
            .serial_number(self.serial)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
            .add_extension(usage(*self.key_usage), critical=True)
        )
        if self.is_authority:
            builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        if self.purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(self.purposes), critical=False)
        if self.critical_unknown:
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
            builder = builder.add_extension(unknown, critical=True)
        return builder.sign(key(self.issuer), self.hash_algorithm)

    def der(self) -> bytes:
        return self.make().public_bytes(serialization.Encoding.DER)


def named(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


AUTHORITY = Profiled(
    holder="authority",
    not_after=datetime(2034, 1, 1, tzinfo=UTC),
    key_usage=("key_cert_sign", "crl_sign"),
    purposes=(),
    is_authority=True,
)


@cache
def good_certificate() -> bytes:
    return Profiled().der()


@cache
def device_key(name: str = "device") -> OKPKey:
    return OKPKey.generate_key("Ed25519")


def consent(item: ConsentItem, answer: ConsentAnswer) -> ConsentRecord:
    given = answer in (ConsentAnswer.GRANTED, ConsentAnswer.EXPIRED)
    return ConsentRecord(
        item=item,
        answer=answer,
        at=NOW - timedelta(seconds=7) if given else None,
        until=NOW + timedelta(hours=24, seconds=-7) if given else None,
        text_version="2026-01",
    )


ALL_GRANTED = tuple(consent(item, ConsentAnswer.GRANTED) for item in ConsentItem)
ALL_REFUSED = tuple(consent(item, ConsentAnswer.REFUSED) for item in ConsentItem)


def statement(challenge: bytes | None, certificate: bytes, **changes: Any) -> Statement:
    good = Statement(
        version=1,
        device_id="kazashi-1",
        boot_id=UUID(int=1),
        counter=1,
        transaction_id=VISIT,
        requester="reception-1",
        requester_nonce=bytes(range(32)),
        gateway_challenge=challenge,
        profile=Profile.CLINIC,
        purpose=Purpose.VISIT,
        method=Method.PIN,
        card_signing=CardSigning.PIN,
        comparison=Comparison(MatchDecision.NOT_DONE),
        pad=PadDecision.NOT_DONE,
        photo_authenticity=PhotoAuthenticity.NOT_DONE,
        card_kind=CardKind.MY_NUMBER_CARD,
        card_certificate_sha256=hashlib.sha256(certificate).digest(),
        consents=ALL_GRANTED,
        answers={Question.PRESCRIPTION_FORM: "paper"},
        language=Language.JA,
        helper=False,
        staff_id=None,
        started_at=NOW - timedelta(seconds=20),
        proven_at=NOW - timedelta(seconds=10),
        signed_at=NOW - timedelta(seconds=1),
        clock_trust=ClockTrust.NTP,
    )
    return msgspec.structs.replace(good, **changes)


def evidence_of(stated: Statement, certificate: bytes, holder: str = "holder") -> Evidence:
    """Signed by the card (unless it is stated that it did not) and by the device."""
    payload = freeze(stated)
    unsigned = stated.card_signing is CardSigning.NONE
    signature = key(holder).sign(to_be_signed(payload), padding.PKCS1v15(), hashes.SHA256())
    return Evidence(
        statement=sign(payload, device_key()),
        card_certificate=certificate,
        card_signature=None if unsigned else signature,
        card_signature_algorithm=None if unsigned else RSA_PKCS1_SHA256,
    )


INSURANCE = ResultOfQualificationConfirmation(
    insured_card_classification="01",
    insurer_number="  000001",
    insured_card_symbol="0123",
    insured_identification_number="0004321",
    insured_branch_number="00",
    name="見本●子",
    name_kana="ﾐﾎﾝ ｻﾝｺ",
    sex1="2",
    birthdate="19520401",
)


def person(certificate: bytes | None, **changes: Any) -> InsuredPerson:
    digest = None if certificate is None else hashlib.sha256(certificate).digest()
    good = InsuredPerson(person_id="sample", certificate_sha256=digest, results=(INSURANCE,))
    return msgspec.structs.replace(good, **changes)


@dataclass
class Office:
    """The insurers' office of one test: its database, its gateway, its clock."""

    database: Path
    now: datetime = NOW
    trust: Trust = field(default_factory=lambda: Trust((AUTHORITY.make(),)))

    @property
    def gateway(self) -> InsurersGateway:
        return InsurersGateway(self.database, self.trust, now=lambda: self.now)

    def knows(self, *persons: InsuredPerson) -> None:
        seed(self.database, persons)

    def accepts_unsigned(self) -> None:
        self.trust = replace(self.trust, accept_without_card_signature=True)


async def confirmed(
    office: Office, certificate: bytes | None = None, **changes: Any
) -> Confirmation:
    """One visit's evidence, made with a fresh challenge and confirmed."""
    certificate = certificate or good_certificate()
    challenge = await office.gateway.challenge(VISIT)
    evidence = evidence_of(statement(challenge, certificate, **changes), certificate)
    return await office.gateway.confirm(VISIT, evidence, device_key())


def refused(confirmation: Confirmation, cause: Cause = Cause.EVIDENCE_REJECTED) -> bool:
    return confirmation == Confirmation(False, cause, None)
