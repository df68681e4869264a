"""Cases about what everybody may read and ask: certificates, basics, challenges, chip keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from firmware.card import authenticity, files
from firmware.card import status_word as sw
from firmware.card.apdu import INS_SIGN, CommandApdu
from firmware.card.files import Aid
from firmware.testbench.conformity.case import (
    DONE,
    PLASTIC,
    WITH_JPKI,
    Case,
    Confidence,
    Group,
    Step,
    apdu,
    application,
    file,
    read,
    send,
    whole,
)
from firmware.testbench.conformity.checks import (
    Begins,
    Check,
    Length,
    MoreThan,
    Objects,
    Refused,
    SameAs,
    Status,
    Unlike,
)
from firmware.testbench.conformity.safe import worthless
from firmware.testbench.conformity.signed import IssuedBy, SelfIssued
from firmware.words import CardKind

A, B, C = Confidence.A, Confidence.B, Confidence.C
JPKI: Final = (application(Aid.JPKI),)
FACE: Final = (application(Aid.CARD_FACE),)
TEXT: Final = (application(Aid.CARD_TEXT),)
COMMON: Final = (application(Aid.COMMON),)
SIGNATURE: Final = Length(256)
DER: Final = Begins(b"\x30\x82")
# A phone shows its certificate after its PIN alone.
FREE_CERTIFICATE: Final = frozenset({CardKind.MY_NUMBER_CARD, CardKind.NEXT_GENERATION})
_USER: Final = files.USER_AUTHENTICATION_CERTIFICATE
_USER_CA: Final = files.USER_AUTHENTICATION_CA_CERTIFICATE
_ISSUING: Final = (authenticity.CERTIFICATE_BODY, authenticity.CERTIFICATE_SIGNATURE)

jpki: Callable[..., Case] = partial(Case, Group.JPKI, given=JPKI)
face: Callable[..., Case] = partial(Case, Group.CARD_FACE, given=FACE)
text: Callable[..., Case] = partial(Case, Group.CARD_TEXT, given=TEXT)
common: Callable[..., Case] = partial(Case, Group.COMMON, given=COMMON)
challenge: Callable[..., Case] = partial(Case, Group.CHALLENGE)
objects: Callable[..., Case] = partial(Case, Group.DATA_OBJECTS)


def own_signature(number: int, *expected: Check, name: str = "") -> Step:
    """内部認証: the application's own key, which no PIN guards."""
    return send(
        CommandApdu.internal_signature(worthless(number)), DONE, SIGNATURE, *expected, name=name
    )


def internal(number: int, *expected: Check, name: str = "") -> Step:
    """INTERNAL AUTHENTICATE with the key of 共通カードAP."""
    command = CommandApdu(0x00, 0x88, 0x00, 0x99, worthless(number), le=256)
    return send(command, DONE, SIGNATURE, *expected, name=name)


JPKI_CASES: Final[tuple[Case, ...]] = (
    jpki(
        1,
        "token info: a label of 32 bytes in 160",
        A,
        (whole(files.TOKEN_INFO, Length(160), Begins(b"JPKIAP")),),
        kinds=WITH_JPKI,
    ),
    jpki(
        2,
        "which certificates there are: three bytes",
        B,
        (whole(files.CERTIFICATE_STATUS, Length(3)),),
    ),
    jpki(
        3,
        "the user authentication certificate is free on a card",
        A,
        (file(_USER), read(0, 4, DONE, Length(4))),
        kinds=FREE_CERTIFICATE,
    ),
    jpki(
        4,
        "the user authentication certificate is issued by the authority beside it",
        A,
        (whole(_USER_CA, DER, name="authority"), whole(_USER, DER, IssuedBy("authority"))),
        given=(*JPKI, file(_USER), read(0, 2, DONE, Begins(b"\x30\x82"))),
        kinds=FREE_CERTIFICATE,
    ),
    jpki(
        5,
        "the authority of user authentication signs itself",
        A,
        (whole(_USER_CA, SelfIssued()),),
        kinds=WITH_JPKI,
    ),
    jpki(
        6,
        "the authority of signatures signs itself, and is another",
        A,
        (
            whole(_USER_CA, name="authority of user authentication"),
            whole(
                files.SIGNATURE_CA_CERTIFICATE,
                SelfIssued(),
                Unlike("authority of user authentication"),
            ),
        ),
        kinds=WITH_JPKI,
    ),
    jpki(
        7,
        "the key that checks terminals is there, and is not read",
        B,
        (
            send(CommandApdu.select_ef(files.TERMINAL_CERTIFICATE_KEY_ID), DONE),
            read(0, 16, Refused()),
        ),
    ),
)

FACE_CASES: Final[tuple[Case, ...]] = (
    face(
        1,
        "basic information of the application",
        B,
        (whole(files.CARD_FACE_BASICS, Begins(b"\xff\x30")),),
    ),
    face(
        2,
        "the issuer's card-verifiable certificate",
        B,
        (whole(files.CARD_FACE_CERTIFICATE, Objects(authenticity.CERTIFICATE, _ISSUING)),),
    ),
    face(3, "内部認証 without a PIN", B, (own_signature(0),)),
    face(
        4,
        "内部認証 signs the challenge: another one, another signature",
        B,
        (
            own_signature(0, name="first"),
            own_signature(1, Unlike("first")),
            own_signature(0, SameAs("first")),
        ),
    ),
    face(
        5,
        "内部認証 with a P1 that is none",
        B,
        (send(CommandApdu(0x80, INS_SIGN, 0x06, 0x00, worthless(0), le=256), Refused()),),
    ),
)

TEXT_CASES: Final[tuple[Case, ...]] = (
    text(
        1,
        "basic information of the application",
        B,
        (whole(files.TEXT_BASICS, Objects(0xFF40, (0xDF41, 0xDF42, 0xDF43))),),
    ),
    text(
        2,
        "the issuer's card-verifiable certificate",
        B,
        (whole(files.TEXT_CERTIFICATE, Objects(authenticity.CERTIFICATE, _ISSUING)),),
    ),
    text(3, "内部認証 without a PIN", B, (own_signature(0),)),
    text(
        4,
        "内部認証 is of another key than the card face's",
        B,
        (
            application(Aid.CARD_FACE),
            own_signature(0, name="card face"),
            application(Aid.CARD_TEXT),
            own_signature(0, Unlike("card face")),
        ),
    ),
)

COMMON_CASES: Final[tuple[Case, ...]] = (
    common(1, "INTERNAL AUTHENTICATE without a PIN", B, (internal(0),)),
    common(
        2,
        "INTERNAL AUTHENTICATE signs the challenge",
        B,
        (internal(0, name="first"), internal(1, Unlike("first"))),
    ),
    common(
        3,
        "INTERNAL AUTHENTICATE in another application",
        B,
        (
            send(
                CommandApdu(0x00, 0x88, 0x00, 0x99, worthless(0), le=256),
                Status((sw.SECURITY_NOT_SATISFIED, sw.CONDITIONS_NOT_SATISFIED)),
            ),
        ),
        given=JPKI,
    ),
    common(
        4,
        "INTERNAL AUTHENTICATE with a key that is not there",
        C,
        (send(CommandApdu(0x00, 0x88, 0x00, 0x9D, worthless(0), le=256), Refused()),),
    ),
)

CHALLENGE_CASES: Final[tuple[Case, ...]] = (
    challenge(1, "eight bytes", B, (apdu("0084000008", DONE, Length(8)),), JPKI, PLASTIC),
    challenge(2, "256 bytes", B, (apdu("0084000000", DONE, Length(256)),), JPKI, PLASTIC),
    challenge(
        3,
        "another one each time",
        A,
        (apdu("0084000010", DONE, name="first"), apdu("0084000010", DONE, Unlike("first"))),
        JPKI,
        PLASTIC,
    ),
    challenge(
        4,
        "extended Le is refused",
        B,
        (
            send(
                CommandApdu(0x00, 0x84, 0x00, 0x00, le=257),
                Status((sw.CONDITIONS_NOT_SATISFIED,)),
            ),
        ),
        JPKI,
        PLASTIC,
    ),
)

DATA_OBJECT_CASES: Final[tuple[Case, ...]] = (
    objects(1, "card id", B, (apdu("00CA004500", DONE, MoreThan(0)),)),
    objects(2, "municipality", B, (apdu("00CA00F000", DONE, MoreThan(4)),)),
    objects(3, "expiry", B, (apdu("00CA00F200", DONE, MoreThan(3)),)),
    objects(
        4, "answer to reset of the contact interface", B, (apdu("00CA5F5100", DONE, MoreThan(1)),)
    ),
    objects(5, "an object that is not there", C, (apdu("00CA004300", Refused()),)),
)

CASES: Final = (
    *JPKI_CASES,
    *FACE_CASES,
    *TEXT_CASES,
    *COMMON_CASES,
    *CHALLENGE_CASES,
    *DATA_OBJECT_CASES,
)
