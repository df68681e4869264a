"""EF 0002 of the card-face application → CardFace: photo, birth date, expiry, and what is signed.

Layout (public clients and test dumps agree): FF20 { DF21 offset table, DF22 birth date, DF23 sex,
DF24 the chip's public key, DF25 and DF26 name and address as images, DF27 photo, DF28 signature,
DF29 expiry, DF2A security code as an image }. Whether the signature is right, `authenticity` knows.
Name and address are hashed and dropped: nobody here has a use for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import rsa

from firmware.card import scripts, tlv
from firmware.card.apdu import Script
from firmware.card.block_size import BlockSize
from firmware.card.credential import CollationNumberB
from firmware.card.files import CARD_FACE, FIRST_GENERATION, Key
from firmware.faults import MalformedResponse

TAG = 0xFF20
OFFSETS, BIRTH_DATE, SEX, PUBLIC_KEY, NAME = 0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25
ADDRESS, PHOTO, SIGNATURE, EXPIRY, SECURITY_CODE = 0xDF26, 0xDF27, 0xDF28, 0xDF29, 0xDF2A
TAGS = tuple(range(OFFSETS, SECURITY_CODE + 1))
# The signature covers one hash of each group, so that a verifier can do without the photo.
SIGNED_GROUPS = ((BIRTH_DATE, SEX, PUBLIC_KEY), (NAME, ADDRESS), (PHOTO,))
KEY_EXPONENT, KEY_MODULUS = 0x90, 0x91
SEXES = frozenset("0129")  # JIS X 0303: not known, male, female, not applicable


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CardFace:
    """The card's face as the chip holds it.

    Dates are YYYYMMDD. `photo` is JPEG 2000 as it came, empty when the card has none.
    `signed_hashes` are the 96 bytes that `signature` is made over.
    """

    birth_date: str
    sex: str
    public_key: rsa.RSAPublicKey
    photo: bytes
    signature: bytes
    # Expiry stands after the signature and is not covered by it: never trust it alone.
    expiry: str
    signed_hashes: bytes

    def __repr__(self) -> str:
        return f"CardFace(photo of {len(self.photo)} bytes)"


def parse(content: bytes) -> CardFace:
    """Read the file (its padding cut off); MalformedResponse unless every object is right."""
    (outer,) = tlv.expect(content, TAG)
    objects = tlv.expect(outer.value, *TAGS)
    _check_offsets(objects, start=len(content) - len(outer.value))
    by_tag = {each.tag: each for each in objects}
    hashes = [
        sha256(b"".join(by_tag[tag].encoded for tag in group)).digest() for group in SIGNED_GROUPS
    ]
    sex = _digits(by_tag[SEX].value, 1)
    if sex not in SEXES:
        raise MalformedResponse("the sex is none of JIS X 0303")
    signature = by_tag[SIGNATURE].value
    if len(signature) != FIRST_GENERATION.signature_bytes:
        raise MalformedResponse("the signature has the wrong length")
    return CardFace(
        birth_date=_digits(by_tag[BIRTH_DATE].value, 8),
        sex=sex,
        public_key=parse_public_key(by_tag[PUBLIC_KEY].value),
        photo=by_tag[PHOTO].value,
        signature=signature,
        expiry=_digits(by_tag[EXPIRY].value, 8),
        signed_hashes=b"".join(hashes),
    )


def parse_public_key(value: bytes) -> rsa.RSAPublicKey:
    """`90` exponent and `91` modulus; MalformedResponse for any key but RSA-2048 with 65537."""
    exponent, modulus = (
        int.from_bytes(part.value, "big") for part in tlv.expect(value, KEY_EXPONENT, KEY_MODULUS)
    )
    right_exponent = exponent == FIRST_GENERATION.public_exponent
    right_size = modulus.bit_length() == FIRST_GENERATION.key_bits
    if not (right_exponent and right_size and modulus % 2):
        raise MalformedResponse("a public key of another size or exponent, or none at all")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def read_card_face(
    number: CollationNumberB,
    tries_kept: int = Key.COLLATION_NUMBER_B.tries_kept,
    block: BlockSize | None = None,
) -> Script[CardFace]:
    """Open the face with 照合番号B and read it; leaves the card-face application selected.

    Raises what `scripts.verify` raises; the number is wiped in any case.
    """
    yield from scripts.verify(Key.COLLATION_NUMBER_B, number, tries_kept)
    return parse((yield from scripts.read_transparent_file(CARD_FACE, block)))


def _check_offsets(objects: Sequence[tlv.Tlv], start: int) -> None:
    """The table says where each later object begins in the file, two bytes each."""
    table, rest = objects[0], objects[1:]
    expected = b"".join((start + each.offset).to_bytes(2, "big") for each in rest)
    if table.value != expected:
        raise MalformedResponse("the offset table points elsewhere")


def _digits(value: bytes, count: int) -> str:
    if len(value) != count or not value.isdigit():
        raise MalformedResponse(f"{count} digits expected")
    return value.decode("ascii")
