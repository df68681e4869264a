"""The JPKI application: what kind of card it is, its certificate, and its signature.

Whether a certificate is trusted, valid or revoked is not known here: the gateway asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from firmware.card import scripts, tlv
from firmware.card import status_word as sw
from firmware.card.apdu import Script
from firmware.card.block_size import BlockSize
from firmware.card.files import (
    FIRST_GENERATION,
    TOKEN_INFO,
    TOKEN_LABEL_BYTES,
    TOKEN_LABELS,
    USER_AUTHENTICATION_CERTIFICATE,
    USER_AUTHENTICATION_KEY,
    Aid,
)
from firmware.faults import (
    CardReset,
    CertificateMissing,
    MalformedCommand,
    MalformedResponse,
    SignatureWrong,
    UnexpectedStatus,
)
from firmware.words import CardKind

# Answers to SELECT of somebody else's card: a licence, a transit card, an empty chip.
_NO_SUCH_APPLICATION = frozenset(
    {sw.FILE_NOT_FOUND, sw.FUNCTION_NOT_SUPPORTED, sw.UNKNOWN_INSTRUCTION, sw.UNKNOWN_CLASS}
)
_SHA256_OID = bytes.fromhex("608648016503040201")


@dataclass(frozen=True, slots=True)
class StatementDigest:
    """SHA-256 of the domain tag and a statement (`firmware.statement`), and of nothing else.

    The card signs any bytes it is given; this type keeps a caller's bytes from reaching it by
    accident. MalformedCommand unless it is 32 bytes.
    """

    value: bytes

    def __post_init__(self) -> None:
        if len(self.value) != FIRST_GENERATION.hash_bytes:
            raise MalformedCommand(f"a digest of {len(self.value)} bytes")


def digest_info(digest: bytes) -> bytes:
    """DER DigestInfo (PKCS #1) with the OID of SHA-256: what the card pads and signs."""
    algorithm = tlv.encode(0x30, tlv.encode(0x06, _SHA256_OID) + tlv.encode(0x05, b""))
    return tlv.encode(0x30, algorithm + tlv.encode(0x04, digest))


def card_kind(label: bytes) -> CardKind:
    """What a token label (the first 32 bytes of EF 0006) stands for."""
    text = label[:TOKEN_LABEL_BYTES].decode("ascii", "replace").rstrip(" ")
    return TOKEN_LABELS.get(text, CardKind.UNKNOWN)


def identify(block: BlockSize | None = None) -> Script[CardKind]:
    """Select JPKI and read the token label; a card without the application is UNKNOWN.

    Leaves JPKI selected. Never by ATR: chips of several makers carry this card.
    """
    try:
        yield from scripts.select_application(Aid.JPKI)
    except UnexpectedStatus as answer:
        if answer.status_word in _NO_SUCH_APPLICATION:
            return CardKind.UNKNOWN
        raise
    return card_kind((yield from scripts.read_start(TOKEN_INFO, TOKEN_LABEL_BYTES, block)))


def read_certificate(block: BlockSize | None = None) -> Script[bytes]:
    """The user authentication certificate, DER; JPKI must be selected.

    CertificateMissing when the card has none. UnexpectedStatus 6982 on an Android phone before
    its PIN was verified. CardReset when JPKI is not selected any more.
    """
    try:
        certificate = yield from scripts.read_transparent_file(
            USER_AUTHENTICATION_CERTIFICATE, block
        )
    except UnexpectedStatus as answer:
        if answer.status_word == sw.FILE_NOT_FOUND:
            yield from _jpki_is_selected()
            raise CertificateMissing("there is no such file") from answer
        raise
    if not certificate:
        raise CertificateMissing("the file was never written")
    return certificate


def _jpki_is_selected() -> Script[None]:
    """CardReset unless JPKI's own file answers: a chip that lost power for an instant has no file
    of any name, and must not be told from a card without certificates by that alone."""
    try:
        label = yield from scripts.read_start(TOKEN_INFO, TOKEN_LABEL_BYTES)
    except UnexpectedStatus as answer:
        raise CardReset("JPKI is not selected any more") from answer
    if card_kind(label) is CardKind.UNKNOWN:
        raise CardReset("another application is selected than JPKI")


def sign(digest: StatementDigest) -> Script[bytes]:
    """Sign with the user authentication key: 256 bytes, RSASSA-PKCS1-v1_5 with SHA-256.

    JPKI must be selected, and the key open: by the PIN, or by a terminal authority.
    """
    return (
        yield from scripts.compute_signature(USER_AUTHENTICATION_KEY, digest_info(digest.value))
    )


def public_key(certificate: bytes) -> rsa.RSAPublicKey:
    """The key in a DER certificate; MalformedResponse for anything but RSA of the card's size."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as cause:
        raise MalformedResponse("the certificate cannot be read") from cause
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size != FIRST_GENERATION.key_bits:
        raise MalformedResponse("the certificate holds another kind of key")
    return key


def verify_signature(certificate: bytes, digest: StatementDigest, signature: bytes) -> None:
    """SignatureWrong unless the certificate's key made this signature of this digest.

    It also catches a card that was swapped after its certificate was read.
    """
    try:
        public_key(certificate).verify(
            signature, digest.value, padding.PKCS1v15(), Prehashed(hashes.SHA256())
        )
    except InvalidSignature as cause:
        raise SignatureWrong("the signature is not of the card's certificate") from cause
