"""What the firmware reads of a card, as one dialogue, and what a tester is told of it.

The same commands in the same order as in a visit without PIN and signature. Told are sizes and
verdicts: no name, no digit and no picture leaves here.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.card import authenticity, jpki, scripts
from firmware.card import status_word as sw
from firmware.card.apdu import Script
from firmware.card.authenticity import IssuerKeys, Judgement
from firmware.card.block_size import BlockSize
from firmware.card.card_face import read_card_face
from firmware.card.credential import CollationNumberB
from firmware.card.files import Aid, Key
from firmware.faults import CertificateMissing, MalformedResponse, UnexpectedStatus
from firmware.words import CardKind

# Cards on which a visit goes on; the others end it with their kind.
GOES_ON: Final = frozenset({CardKind.MY_NUMBER_CARD, CardKind.PHONE_ANDROID, CardKind.PHONE_IOS})

_JP2: Final = bytes.fromhex("0000000C 6A502020 0D0A870A")
_CODESTREAM: Final = bytes.fromhex("FF4FFF51")  # ISO/IEC 15444-1: SOC, then SIZ
_SIZ: Final = struct.Struct(">HHIIII")  # length, capabilities, right, bottom, left, top


class Photo(msgspec.Struct, frozen=True):
    """How the photo is stored; null sizes where its header cannot be read."""

    type: str
    bytes: int
    width: int | None
    height: int | None


class Face(msgspec.Struct, frozen=True):
    """The card face: its photo (null: it has none) and whether that is authentic."""

    photo: Photo | None
    authenticity: str
    reason: str


class Certificate(msgspec.Struct, frozen=True):
    """The user authentication certificate."""

    subject: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    sha256: str
    pem: str


class Reading(msgspec.Struct, frozen=True):
    """What `read --json` prints. `face` is null without a collation number."""

    kind: CardKind
    pin_tries_left: int | None = None
    certificate: Certificate | None = None
    certificate_problem: str | None = None
    face: Face | None = None


def firmware_reads(
    number: CollationNumberB | None, issuers: IssuerKeys, nonce: bytes
) -> Script[Reading]:
    """Kind, card face if `number` is given, tries of the PIN, certificate.

    Faults of `firmware.card` end it, VerifyRefused and RetryCounterLow among them.
    """
    block = BlockSize()
    kind = yield from jpki.identify(block)
    if kind not in GOES_ON:
        return Reading(kind)
    face = None
    if number is not None:
        face = yield from _read_face(number, issuers, nonce, block)
        yield from scripts.select_application(Aid.JPKI)
    tries = yield from scripts.query_tries_here(Key.USER_AUTHENTICATION_PIN)
    certificate, problem = yield from _read_certificate(block)
    return Reading(kind, tries, certificate, problem, face)


def _read_face(
    number: CollationNumberB, issuers: IssuerKeys, nonce: bytes, block: BlockSize
) -> Script[Face]:
    face = yield from read_card_face(number, block=block)
    judgement: Judgement = yield from authenticity.authenticate(face, issuers, nonce, block)
    photo = describe_photo(face.photo) if face.photo else None
    return Face(photo, judgement.verdict.value, judgement.reason.value)


def _read_certificate(block: BlockSize) -> Script[tuple[Certificate | None, str | None]]:
    """The certificate, or why there is none: both are ordinary."""
    try:
        return describe_certificate((yield from jpki.read_certificate(block))), None
    except CertificateMissing as missing:
        return None, str(missing)
    except UnexpectedStatus as refusal:
        if refusal.status_word != sw.SECURITY_NOT_SATISFIED:
            raise
        return None, "the card wants the PIN first"  # as an Android phone does


def describe_certificate(encoded: bytes) -> Certificate:
    """What stands in a certificate (DER); MalformedResponse if it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        return Certificate(
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            serial=f"{certificate.serial_number:X}",
            not_before=f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
            not_after=f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
            sha256=sha256(encoded).hexdigest(),
            pem=certificate.public_bytes(Encoding.PEM).decode(),
        )
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as cause:
        raise MalformedResponse("the certificate cannot be read") from cause


def describe_photo(photo: bytes) -> Photo:
    """Type and size as the photo's own header says them, believed unchecked and never decoded.

    The firmware refuses many photos (`firmware.match.jpeg2000`); a tester wants to see those too.
    """
    if photo.startswith(_JP2):
        return Photo("JP2", len(photo), *_size(photo, photo.find(_CODESTREAM)))
    if photo.startswith(_CODESTREAM):
        return Photo("JPEG 2000 codestream", len(photo), *_size(photo, 0))
    return Photo("unknown", len(photo), None, None)


def _size(photo: bytes, codestream: int) -> tuple[int | None, int | None]:
    siz = codestream + len(_CODESTREAM)
    if codestream < 0 or len(photo) < siz + _SIZ.size:
        return None, None
    _, _, right, bottom, left, top = _SIZ.unpack_from(photo, siz)
    return right - left, bottom - top
