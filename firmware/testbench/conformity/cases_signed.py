"""Cases about what the card signs and what of it is signed: of a card of the simulated world only.

Every signature is verified, with the public key that stands where a reader would look for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Final

from firmware.card import files
from firmware.card import status_word as sw
from firmware.card.files import Ef, Key, SigningKey
from firmware.card.jpki import digest_info
from firmware.simulator.authorities import Role
from firmware.testbench.conformity.case import (
    DONE,
    NOT_YET,
    Case,
    Confidence,
    Group,
    Recall,
    Step,
    application,
    file,
    whole,
)
from firmware.testbench.conformity.cases_contents import own_signature
from firmware.testbench.conformity.cases_secret import PASSWORD, PIN_OPEN, opened, signature
from firmware.testbench.conformity.checks import (
    Begins,
    Check,
    Length,
    Objects,
    Refused,
    Status,
)
from firmware.testbench.conformity.safe import worthless, worthless_digest
from firmware.testbench.conformity.signed import (
    FaceSigned,
    HashOfFields,
    IssuedBy,
    IssuingCertificateSigned,
    RecordSigned,
    Signs,
    SignsPss,
    as_issuers_key,
    in_certificate,
    in_issuing_certificate,
    in_object,
)

A, B = Confidence.A, Confidence.B

sign: Callable[..., Case] = partial(Case, Group.SIGNATURE)
face: Callable[..., Case] = partial(Case, Group.CARD_FACE)
text: Callable[..., Case] = partial(Case, Group.CARD_TEXT)


def readable(ef: Ef) -> Ef:
    """The same file, for a reader that may: nobody's number stands in it."""
    return replace(ef, off_limits=False)


# --- signatures -----------------------------------------------------------------------------------
CERTIFICATE: Final = "certificate"
_AUTHENTICATE: Final = files.USER_AUTHENTICATION_KEY
_BY_CARD: Final = in_certificate(CERTIFICATE)
_DIGEST: Final = worthless_digest(0)
_MESSAGE: Final = b"a message that the card hashes itself"
_SHA: Final = sha256(_MESSAGE).digest()
SIGNING_READY: Final = (
    *PIN_OPEN,
    whole(files.USER_AUTHENTICATION_CERTIFICATE, name=CERTIFICATE),
    file(_AUTHENTICATE),
)


def form(number: int, purpose: str, p1: int, content: bytes, signs: Check) -> Case:
    """One P1 of the signature command, its signature verified."""
    step = signature(content, DONE, Length(256), signs, p1=p1)
    return sign(number, purpose, A if p1 == 0 else B, (step,), SIGNING_READY)


def closed(key: SigningKey) -> tuple[Step, ...]:
    """The key refuses, although another is open."""
    return (file(key), signature(worthless(0), NOT_YET))


SIGNATURE_CASES: Final = (
    form(21, "P1 00 signs a DigestInfo", 0x00, worthless(0), Signs(worthless(0), _BY_CARD)),
    form(22, "P1 00 pads whatever it gets: one byte", 0x00, b"\x5a", Signs(b"\x5a", _BY_CARD)),
    form(23, "P1 00 takes 245 bytes", 0x00, bytes(245), Signs(bytes(245), _BY_CARD)),
    sign(
        24, "P1 00 does not take 246 bytes", B, (signature(bytes(246), Refused()),), SIGNING_READY
    ),
    form(25, "P1 01 signs the bare hash of a message", 0x01, _MESSAGE, Signs(_SHA, _BY_CARD)),
    form(26, "P1 02 signs a hash of 32 bytes", 0x02, _DIGEST, Signs(worthless(0), _BY_CARD)),
    form(27, "P1 03 hashes and signs", 0x03, _MESSAGE, Signs(digest_info(_SHA), _BY_CARD)),
    form(28, "P1 04 signs a hash with PSS", 0x04, _DIGEST, SignsPss(_DIGEST, _BY_CARD)),
    form(29, "P1 05 hashes and signs with PSS", 0x05, _MESSAGE, SignsPss(_SHA, _BY_CARD)),
    sign(
        30,
        "a P1 that is none",
        B,
        (signature(worthless(0), Status((sw.WRONG_P1_P2,)), p1=0x06),),
        SIGNING_READY,
    ),
    sign(31, "the PIN does not open the signature key", A, closed(files.SIGNATURE_KEY), PIN_OPEN),
    sign(
        32, "the password does not open the other key", A, closed(_AUTHENTICATE), opened(PASSWORD)
    ),
    sign(
        33,
        "the signature key signs with the key of its own certificate",
        A,
        (
            whole(files.SIGNATURE_CA_CERTIFICATE, name="authority"),
            whole(readable(files.SIGNATURE_CERTIFICATE), IssuedBy("authority"), name=CERTIFICATE),
            file(files.SIGNATURE_KEY),
            signature(worthless(0), DONE, Signs(worthless(0), _BY_CARD)),
        ),
        opened(PASSWORD),
    ),
)

# --- what is in the files -------------------------------------------------------------------------
ISSUER: Final = "issuing certificate"
_BY_ISSUER: Final = in_issuing_certificate(ISSUER)
_FACE_ISSUER: Final = whole(files.CARD_FACE_CERTIFICATE, name=ISSUER)
_TEXT_ISSUER: Final = whole(files.TEXT_CERTIFICATE, name=ISSUER)


def certified(of_group: Callable[..., Case], number: int, ef: Ef, issuer: Role) -> Case:
    """The municipality's certificate, by the one public key that is not on the card."""
    return of_group(
        number,
        "the issuer's certificate is signed by the key above it",
        B,
        (
            Step(Recall(issuer), name="issuer"),
            whole(ef, IssuingCertificateSigned(as_issuers_key("issuer"))),
        ),
        (application(ef.aid),),
    )


FACE_CASES: Final = (
    certified(face, 26, files.CARD_FACE_CERTIFICATE, Role.VISUAL_ISSUER),
    face(
        21,
        "the face is whole and signed by the issuer's key",
        B,
        (_FACE_ISSUER, whole(files.CARD_FACE, FaceSigned(_BY_ISSUER))),
        opened(Key.COLLATION_NUMBER_B),
    ),
    face(
        22,
        "the age record is whole and signed by the issuer's key",
        B,
        (
            _FACE_ISSUER,
            whole(
                files.AGE_RECORD,
                Objects(0xFF10, (0xDF11, 0xDF12, 0xDF13)),
                RecordSigned(0xDF13, _BY_ISSUER),
            ),
        ),
        opened(Key.BIRTH_DATE_CODE),
    ),
    face(
        23,
        "the image of the number is whole and signed by the issuer's key",
        B,
        (
            _FACE_ISSUER,
            whole(
                readable(files.NUMBER_IMAGE),
                Objects(0xFF40, (0xDF41, 0xDF42, 0xDF43)),
                RecordSigned(0xDF43, _BY_ISSUER),
            ),
        ),
        opened(Key.COLLATION_NUMBER_A),
    ),
    face(
        24,
        "内部認証 is of the key in the face: the chip is there",
        B,
        (
            whole(files.CARD_FACE, name="face"),
            own_signature(0, Signs(worthless(0), in_object("face", 0xDF24))),
        ),
        opened(Key.COLLATION_NUMBER_B),
    ),
    face(
        25,
        "内部認証 is of the key in the age record as well",
        B,
        (
            whole(files.AGE_RECORD, name="age record"),
            own_signature(1, Signs(worthless(1), in_object("age record", 0xDF12))),
        ),
        opened(Key.BIRTH_DATE_CODE),
    ),
)

TEXT_CASES: Final = (
    certified(text, 26, files.TEXT_CERTIFICATE, Role.TEXT_ISSUER),
    text(
        21,
        "基本4情報: a table of offsets, name, address, birth date, sex",
        A,
        (whole(files.BASIC_FOUR, Objects(0xFF20, (0xDF21, 0xDF22, 0xDF23, 0xDF24, 0xDF25))),),
        opened(Key.TEXT_COLLATION_NUMBER_B),
    ),
    text(
        22,
        "the integrity record has the hash of 基本4情報, and is signed by the issuer's key",
        A,
        (
            _TEXT_ISSUER,
            whole(files.BASIC_FOUR, name="basic four"),
            whole(
                files.TEXT_INTEGRITY,
                Objects(0xFF30, (0xDF31, 0xDF32, 0xDF33)),
                HashOfFields(0xDF32, "basic four"),
                RecordSigned(0xDF33, _BY_ISSUER),
            ),
        ),
        opened(Key.TEXT_COLLATION_NUMBER_B),
    ),
    text(
        23,
        "the application's public key is signed by the issuer's key",
        B,
        (
            _TEXT_ISSUER,
            whole(
                files.TEXT_PUBLIC_KEY,
                Objects(0xFF50, (0xDF51, 0xDF52)),
                RecordSigned(0xDF52, _BY_ISSUER),
            ),
        ),
        opened(Key.TEXT_COLLATION_NUMBER_B),
    ),
    text(
        24,
        "内部認証 is of the application's public key: the chip is there",
        B,
        (
            whole(files.TEXT_PUBLIC_KEY, name="public key"),
            own_signature(0, Signs(worthless(0), in_object("public key", 0xDF51))),
        ),
        opened(Key.TEXT_COLLATION_NUMBER_B),
    ),
    text(
        25,
        "the number is twelve digits and two bytes FF",
        A,
        (whole(readable(files.NUMBER_TEXT), Length(17), Begins(b"\xff\x10\x0c")),),
        opened(Key.TEXT_PIN),
    ),
)

CASES: Final = (*SIGNATURE_CASES, *FACE_CASES, *TEXT_CASES)
