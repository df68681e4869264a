"""Is this card's face signed by its issuer, and is the signed key in this chip.

Three questions, and each alone proves nothing: does the municipality's key sign the face, does an
issuer that we were told of certify that key, does this chip hold the private half of the key in
the face. Without the second the key is the forger's, without the third the file is a copy.

The issuers' keys are not published and not on the card: they come as configuration, by the 16-byte
id that certificates name. From test dumps of the card (one source, itself tested).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from firmware.card import scripts, tlv
from firmware.card.apdu import Script
from firmware.card.block_size import BlockSize
from firmware.card.card_face import CardFace, parse_public_key
from firmware.card.files import CARD_FACE_CERTIFICATE, FIRST_GENERATION
from firmware.card.jpki import digest_info
from firmware.faults import MalformedCommand, MalformedResponse
from firmware.words import PhotoAuthenticity

CERTIFICATE, CERTIFICATE_BODY, CERTIFICATE_SIGNATURE = 0x7F21, 0x5F4E, 0x5F37
KEY_ID_BYTES = 16
BODY_BYTES = 297  # two key ids and a public key of 265 bytes
MIN_NONCE_BYTES = 16
PRESENCE_NONCE_BYTES = 32  # what is drawn
PRESENCE_TAG = b"kazashi-presence-v1\x00"  # so that this signature can stand for nothing else

IssuerKeys = Mapping[bytes, rsa.RSAPublicKey]


class Reason(StrEnum):
    """Why the photo is judged as it is."""

    ALL_CHECKED = "all_checked"
    NO_ISSUER_KEYS = "no_issuer_keys"  # none is configured
    ISSUER_UNKNOWN = "issuer_unknown"  # some are, and not this one
    FACE_SIGNATURE_WRONG = "face_signature_wrong"
    ISSUER_SIGNATURE_WRONG = "issuer_signature_wrong"
    CHIP_KEY_WRONG = "chip_key_wrong"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a photo, and why."""

    verdict: PhotoAuthenticity
    reason: Reason


@dataclass(frozen=True, slots=True, eq=False)
class IssuingCertificate:
    """The card-verifiable certificate of the municipality's data-signing key (EF 0004)."""

    issuer_id: bytes
    subject_id: bytes
    public_key: rsa.RSAPublicKey
    body: bytes
    signature: bytes


def parse_certificate(content: bytes) -> IssuingCertificate:
    """7F21 { 5F4E body, 5F37 signature }; MalformedResponse for anything else."""
    (outer,) = tlv.expect(content, CERTIFICATE)
    body, signature = tlv.expect(outer.value, CERTIFICATE_BODY, CERTIFICATE_SIGNATURE)
    if len(body.value) != BODY_BYTES:
        raise MalformedResponse("the certificate's body has the wrong length")
    if len(signature.value) != FIRST_GENERATION.signature_bytes:
        raise MalformedResponse("the certificate's signature has the wrong length")
    return IssuingCertificate(
        issuer_id=body.value[:KEY_ID_BYTES],
        subject_id=body.value[KEY_ID_BYTES : 2 * KEY_ID_BYTES],
        public_key=parse_public_key(body.value[2 * KEY_ID_BYTES :]),
        body=body.value,
        signature=signature.value,
    )


def judge(
    face: CardFace, certificate: IssuingCertificate, chip_present: bool, issuers: IssuerKeys
) -> Judgement:
    """Join the three answers. What is proven wrong is forged, even when no issuer is configured."""
    if not _signs(certificate.public_key, face.signed_hashes, face.signature):
        return Judgement(PhotoAuthenticity.FORGED, Reason.FACE_SIGNATURE_WRONG)
    if not chip_present:
        return Judgement(PhotoAuthenticity.FORGED, Reason.CHIP_KEY_WRONG)
    if not issuers:
        return Judgement(PhotoAuthenticity.UNVERIFIED, Reason.NO_ISSUER_KEYS)
    issuer = issuers.get(certificate.issuer_id)
    if issuer is None:
        return Judgement(PhotoAuthenticity.UNVERIFIED, Reason.ISSUER_UNKNOWN)
    if not _signs(issuer, sha256(certificate.body).digest(), certificate.signature):
        return Judgement(PhotoAuthenticity.FORGED, Reason.ISSUER_SIGNATURE_WRONG)
    return Judgement(PhotoAuthenticity.VERIFIED, Reason.ALL_CHECKED)


def prove_presence(public_key: rsa.RSAPublicKey, nonce: bytes) -> Script[bool]:
    """Have the chip sign a fresh nonce (≥ 16 bytes) and check it with the key from its face.

    The card-face application must be selected. False when the signature is another key's.
    """
    if len(nonce) < MIN_NONCE_BYTES:
        raise MalformedCommand(f"a nonce of {len(nonce)} bytes")
    digest = sha256(PRESENCE_TAG + nonce).digest()
    signature = yield from scripts.internal_signature(digest_info(digest))
    return _signs(public_key, digest, signature)


def authenticate(
    face: CardFace, issuers: IssuerKeys, nonce: bytes, block: BlockSize | None = None
) -> Script[Judgement]:
    """The whole check, right after `read_card_face`: the certificate, the nonce, the judgement."""
    content = yield from scripts.read_transparent_file(CARD_FACE_CERTIFICATE, block)
    certificate = parse_certificate(content)
    chip_present = yield from prove_presence(face.public_key, nonce)
    return judge(face, certificate, chip_present, issuers)


def _signs(key: rsa.RSAPublicKey, digest: bytes, signature: bytes) -> bool:
    """PKCS #1 v1.5 over a DigestInfo of SHA-256 whose digest may be longer than 32 bytes.

    The face's digest is three hashes, 96 bytes, which an ordinary verification refuses. So the
    padding is taken off, and what was inside must equal the expected bytes to the last one.
    """
    try:
        recovered = key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except InvalidSignature:
        return False
    return recovered == digest_info(digest)
