"""What a visit states, frozen to bytes, signed and verified: all that may leave the device.

It knows nothing of cards, pixels or screens. The order must not be swapped: answers first, then
`freeze`, then the card signs `to_be_signed(payload)`, then the device signs `payload`. Verifiers
work on the received bytes and never write them anew.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from firmware.faults import MalformedStatement
from firmware.words import (
    CardKind,
    CardSigning,
    ClockTrust,
    ConsentAnswer,
    ConsentItem,
    Language,
    MatchDecision,
    Method,
    NoConsentReason,
    PadDecision,
    PhotoAuthenticity,
    Profile,
    Purpose,
    Question,
)

DOMAIN_TAG = b"kazashi-statement-v1\x00"
JWS_TYPE = "kazashi-statement+json"
JWS_ALGORITHM = "Ed25519"  # RFC 9864: fully specified, in place of EdDSA
RSA_PKCS1_SHA256 = "rsa-pkcs1-sha256"
MAX_PAYLOAD_BYTES = 16 * 1024
MOST_UNANSWERED = 64
"""One is lost on a bad day. With more than these, the oldest are not named any more."""

Nonce = Annotated[bytes, msgspec.Meta(min_length=16, max_length=64)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class ConsentRecord(msgspec.Struct, frozen=True):
    """One consent item: what was answered, when, until when, and to which wording."""

    item: ConsentItem
    answer: ConsentAnswer
    at: Time | None = None
    until: Time | None = None
    text_version: str | None = None


class Comparison(msgspec.Struct, frozen=True):
    """What the match decided and by which model; there is no field for a score."""

    decision: MatchDecision
    model: str | None = None
    operating_point: str | None = None


class Statement(msgspec.Struct, frozen=True):
    """Everything that the device states of one visit. One is made per visit."""

    version: Literal[1]
    device_id: str
    boot_id: UUID
    counter: int
    transaction_id: UUID
    requester: str
    requester_nonce: Nonce
    gateway_challenge: Nonce | None
    profile: Profile
    purpose: Purpose
    method: Method
    card_signing: CardSigning
    comparison: Comparison
    pad: PadDecision
    photo_authenticity: PhotoAuthenticity
    card_kind: CardKind
    card_certificate_sha256: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    consents: tuple[ConsentRecord, ...]
    answers: dict[Question, str]
    language: Language
    helper: bool
    staff_id: str | None
    started_at: Time
    proven_at: Time
    signed_at: Time
    clock_trust: ClockTrust
    reason: NoConsentReason | None = None
    """Why no consent could be obtained: of emergency and disaster, and of no other profile."""


class Unanswered(msgspec.Struct, frozen=True):
    """A statement that the device made, and of which no answer came: nobody may have it."""

    counter: Annotated[int, msgspec.Meta(ge=1)]
    transaction_id: UUID


class Evidence(msgspec.Struct, frozen=True):
    """A signed statement and what is needed to check it: one link message, one gateway argument."""

    statement: str
    """Compact JWS over the frozen payload."""
    card_certificate: bytes
    """User authentication certificate, DER."""
    card_signature: bytes | None
    """The card's signature over `to_be_signed(payload)`."""
    card_signature_algorithm: str | None


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(Statement)


def freeze(statement: Statement) -> bytes:
    """The payload: the bytes that card and device sign. Call it once per visit."""
    return _ENCODER.encode(statement)


def to_be_signed(payload: bytes) -> bytes:
    """What the card signs the SHA-256 of: the domain tag, then the payload."""
    return DOMAIN_TAG + payload


def sign(payload: bytes, device_key: OKPKey) -> str:
    """The device's compact JWS over a frozen payload."""
    header = {"alg": JWS_ALGORITHM, "typ": JWS_TYPE, "kid": device_key.thumbprint()}
    return jws.serialize_compact(header, payload, device_key, algorithms=[JWS_ALGORITHM])


def verify(evidence: Evidence, device_key: OKPKey) -> Statement:
    """The statement, after every signature over it held.

    `device_key` is the key pinned at pairing, never one taken from the evidence. The certificate's
    chain and dates are the gateway's business. Raises `MalformedStatement`.
    """
    payload = _verified_payload(evidence.statement, device_key)
    try:
        statement = _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise MalformedStatement(f"not a statement: {cause}") from cause
    if statement.card_certificate_sha256 != hashlib.sha256(evidence.card_certificate).digest():
        raise MalformedStatement("the statement names another certificate")
    if statement.card_signing is CardSigning.NONE:
        if evidence.card_signature is not None:
            raise MalformedStatement("a card signature that the statement does not speak of")
    else:
        _verify_card_signature(evidence, payload)
    return statement


def verify_card_signature(
    certificate: bytes, signature: bytes, algorithm: str, payload: bytes
) -> None:
    """Check the card's signature over a frozen payload. Raises `MalformedStatement`."""
    if algorithm != RSA_PKCS1_SHA256:
        raise MalformedStatement(f"unknown card signature algorithm {algorithm!r}")
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as cause:
        raise MalformedStatement(f"the card certificate cannot be read: {cause}") from cause
    if not isinstance(key, rsa.RSAPublicKey):
        raise MalformedStatement("the card's key is not RSA")
    try:
        key.verify(signature, to_be_signed(payload), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as cause:
        raise MalformedStatement("the card's signature does not hold") from cause


def _verify_card_signature(evidence: Evidence, payload: bytes) -> None:
    signature, algorithm = evidence.card_signature, evidence.card_signature_algorithm
    if signature is None or algorithm is None:
        raise MalformedStatement("the statement speaks of a card signature, and there is none")
    verify_card_signature(evidence.card_certificate, signature, algorithm, payload)


def _verified_payload(compact: str, device_key: OKPKey) -> bytes:
    if len(compact) > 2 * MAX_PAYLOAD_BYTES:
        raise MalformedStatement("the statement is too long")
    try:
        token = jws.deserialize_compact(compact, device_key, algorithms=[JWS_ALGORITHM])
    except (JoseError, ValueError, TypeError) as cause:
        raise MalformedStatement(f"the device's signature does not hold: {cause}") from cause
    if token.protected.get("typ") != JWS_TYPE:
        raise MalformedStatement("the signed object is not a statement")
    return token.payload
