"""Card-verifiable certificates: the small signed key files of card faces and terminals.

`7F21{5F4E body, 5F37 signature}`; the body is issuer key id, subject key id and RSA key, 297 bytes,
and the issuer signs it with PKCS #1 v1.5 and SHA-256. Form from public readings of test cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware.card import tlv
from firmware.faults import MalformedResponse
from firmware.simulator.card_algorithms import PrivateKey, PublicKey, sign

EXPONENT: Final = 65537
MODULUS_BYTES: Final = 256
KEY_ID_BYTES: Final = 16
PUBLIC_KEY_BYTES: Final = 265
BODY_BYTES: Final = 2 * KEY_ID_BYTES + PUBLIC_KEY_BYTES


@dataclass(frozen=True, slots=True)
class KeyId:
    """Sixteen bytes that name a key: 7 digits, 08 05, 3 digits, 4 bytes."""

    value: bytes

    @classmethod
    def of(cls, authority: str, kind: str, number: int) -> KeyId:
        """`authority` has 7 digits (an issuer, or a municipality), `kind` 3."""
        return cls(authority.encode() + b"\x08\x05" + kind.encode() + number.to_bytes(4, "big"))


def encode_public_key(key: PublicKey) -> bytes:
    """RSA: `90` exponent, `91` modulus, 265 bytes, as in DF24 and in every certificate.

    ECDSA: `86` and the point, uncompressed, 99 bytes (ISO/IEC 7816-8; assumed of the next card).
    """
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return tlv.encode(0x90, numbers.e.to_bytes(3, "big")) + tlv.encode(
            0x91, numbers.n.to_bytes(MODULUS_BYTES, "big")
        )
    return tlv.encode(0x86, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def decode_public_key(encoded: bytes) -> rsa.RSAPublicKey:
    """The reverse; raises MalformedResponse for anything but RSA-2048 with exponent 65537."""
    exponent, modulus = tlv.expect(encoded, 0x90, 0x91)
    if int.from_bytes(exponent.value, "big") != EXPONENT or len(modulus.value) != MODULUS_BYTES:
        raise MalformedResponse("a public key of another kind than RSA-2048 with 65537")
    try:
        return rsa.RSAPublicNumbers(EXPONENT, int.from_bytes(modulus.value, "big")).public_key()
    except ValueError as cause:
        raise MalformedResponse("a modulus that is none") from cause


@dataclass(frozen=True, slots=True)
class CardVerifiableCertificate:
    """Body and signature as they stand in the file."""

    body: bytes
    signature: bytes

    @classmethod
    def issue(
        cls,
        issuer: KeyId,
        issuer_key: PrivateKey,
        subject: KeyId,
        subject_key: PublicKey,
    ) -> CardVerifiableCertificate:
        """Certify `subject_key` under `issuer_key`; the same inputs give the same bytes."""
        body = issuer.value + subject.value + encode_public_key(subject_key)
        return cls(body, sign(issuer_key, body))

    @property
    def body_object(self) -> bytes:
        """The body with its tag: 302 bytes."""
        return tlv.encode(0x5F4E, self.body)

    @property
    def signature_object(self) -> bytes:
        """The signature with its tag: 261 bytes."""
        return tlv.encode(0x5F37, self.signature)

    def encode(self) -> bytes:
        """The file EF 0004 of a card-face application."""
        return tlv.encode(0x7F21, self.body_object + self.signature_object)


def certified_key(body: bytes) -> rsa.RSAPublicKey:
    """The subject's key out of a body; raises MalformedResponse."""
    if len(body) != BODY_BYTES:
        raise MalformedResponse(f"a certificate body of {len(body)} bytes")
    return decode_public_key(body[2 * KEY_ID_BYTES :])
