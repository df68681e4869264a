"""Cards on which one signature is wrong: each row of `Broken` breaks one, and nothing else.

With them a reader shows that it checks. The files keep their lengths and their structure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from firmware.card import files, tlv
from firmware.card.files import Ef, SigningKey
from firmware.simulator.card_image import CardImage


class Broken(StrEnum):
    """Which signature is wrong."""

    FACE = "face"
    FACE_ISSUER = "face_issuer"
    FACE_CHIP = "face_chip"
    AGE_RECORD = "age_record"
    NUMBER_IMAGE = "number_image"
    TEXT_INTEGRITY = "text_integrity"
    TEXT_ISSUER = "text_issuer"
    TEXT_PUBLIC_KEY = "text_public_key"
    TEXT_CHIP = "text_chip"
    USER_CERTIFICATE = "user_certificate"
    USER_CA_CERTIFICATE = "user_ca_certificate"
    USER_KEY = "user_key"
    SIGNATURE_CERTIFICATE = "signature_certificate"
    SIGNATURE_CA_CERTIFICATE = "signature_ca_certificate"
    SIGNATURE_KEY = "signature_key"


@dataclass(frozen=True, slots=True)
class InFile:
    """A signature that stands in a file, under `tag`; without one it is the end of the DER."""

    ef: Ef
    tag: int | None = None


@dataclass(frozen=True, slots=True)
class ByKey:
    """A signature that the chip makes: it makes it with `other`, so it is another card's."""

    key: SigningKey
    other: SigningKey


ROWS: Final[dict[Broken, InFile | ByKey]] = {
    Broken.FACE: InFile(files.CARD_FACE, 0xDF28),
    Broken.FACE_ISSUER: InFile(files.CARD_FACE_CERTIFICATE, 0x5F37),
    Broken.FACE_CHIP: ByKey(files.CARD_FACE_CHIP_KEY, files.USER_AUTHENTICATION_KEY),
    Broken.AGE_RECORD: InFile(files.AGE_RECORD, 0xDF13),
    Broken.NUMBER_IMAGE: InFile(files.NUMBER_IMAGE, 0xDF43),
    Broken.TEXT_INTEGRITY: InFile(files.TEXT_INTEGRITY, 0xDF33),
    Broken.TEXT_ISSUER: InFile(files.TEXT_CERTIFICATE, 0x5F37),
    Broken.TEXT_PUBLIC_KEY: InFile(files.TEXT_PUBLIC_KEY, 0xDF52),
    Broken.TEXT_CHIP: ByKey(files.CARD_TEXT_CHIP_KEY, files.CARD_FACE_CHIP_KEY),
    Broken.USER_CERTIFICATE: InFile(files.USER_AUTHENTICATION_CERTIFICATE),
    Broken.USER_CA_CERTIFICATE: InFile(files.USER_AUTHENTICATION_CA_CERTIFICATE),
    Broken.USER_KEY: ByKey(files.USER_AUTHENTICATION_KEY, files.SIGNATURE_KEY),
    Broken.SIGNATURE_CERTIFICATE: InFile(files.SIGNATURE_CERTIFICATE),
    Broken.SIGNATURE_CA_CERTIFICATE: InFile(files.SIGNATURE_CA_CERTIFICATE),
    Broken.SIGNATURE_KEY: ByKey(files.SIGNATURE_KEY, files.USER_AUTHENTICATION_KEY),
}


def forged(image: CardImage, broken: Broken) -> CardImage:
    """The same card with that signature wrong; a card that does not have it stays as it is."""
    match ROWS[broken]:
        case InFile(ef=ef, tag=tag):
            if ef not in image.files:
                return image
            return replace(image, files={**image.files, ef: _spoilt(image.files[ef], tag)})
        case ByKey(key=key, other=other):
            if not {key, other} <= image.private_keys.keys():
                return image
            keys = {**image.private_keys, key: image.private_keys[other]}
            return replace(image, private_keys=keys)


def _spoilt(content: bytes, tag: int | None) -> bytes:
    """The last bit of the signature turned over; a file that was never written stays."""
    if content.startswith(b"\xff\xff"):
        return content
    whole = tlv.read_header(content)
    end = whole.total_length
    if tag is not None:
        parts = tlv.walk(content[whole.header_length : whole.total_length])
        signature = next(part for part in parts if part.tag == tag)
        end = whole.header_length + signature.offset + len(signature.encoded)
    return content[: end - 1] + bytes((content[end - 1] ^ 0x01,)) + content[end:]
