"""Cases about SELECT, READ BINARY and READ RECORD. Nothing is opened for any of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from firmware.card import files
from firmware.card import status_word as sw
from firmware.card.apdu import EXTENDED_LE_MAX, CommandApdu
from firmware.card.files import Aid, Key
from firmware.testbench.conformity.case import (
    DONE,
    PLASTIC,
    WITH_JPKI,
    Case,
    Confidence,
    Group,
    apdu,
    application,
    file,
    read,
    read_short_id,
    selected,
    send,
)
from firmware.testbench.conformity.checks import (
    Begins,
    Digits,
    Length,
    MoreThan,
    Refused,
    SameAs,
    Status,
)

A, B, C = Confidence.A, Confidence.B, Confidence.C
TOKEN: Final = selected(files.TOKEN_INFO)
LABEL: Final = b"JPKIAP"
JPKI_AID: Final = Aid.JPKI.value
_CA: Final = files.USER_AUTHENTICATION_CA_CERTIFICATE
NOT_FOUND: Final = Status((sw.FILE_NOT_FOUND,))
PAST_END: Final = Status((sw.WRONG_OFFSET,))

select: Callable[..., Case] = partial(Case, Group.SELECT)
binary: Callable[..., Case] = partial(Case, Group.READ_BINARY, kinds=WITH_JPKI)
record: Callable[..., Case] = partial(Case, Group.READ_RECORD, kinds=PLASTIC)


SELECT_CASES: Final[tuple[Case, ...]] = (
    select(1, "公的個人認証AP by its AID", A, (application(Aid.JPKI),), kinds=WITH_JPKI),
    select(2, "券面事項確認AP by its AID", A, (application(Aid.CARD_FACE),)),
    select(3, "券面事項入力補助AP by its AID", A, (application(Aid.CARD_TEXT),)),
    select(4, "共通カードAP by its AID", A, (application(Aid.COMMON),)),
    select(5, "住基AP by its AID", A, (application(Aid.RESIDENT_REGISTER),)),
    select(6, "the issuer security domain", B, (application(Aid.ISSUER_SECURITY_DOMAIN),)),
    select(
        7,
        "the beginning of an AID selects the application",
        B,
        (
            send(CommandApdu.select_application(JPKI_AID[:5]), DONE),
            file(files.TOKEN_INFO),
            read(0, 6, DONE, Begins(LABEL)),
        ),
        kinds=WITH_JPKI,
    ),
    select(
        8,
        "an AID that goes on differently is not found",
        A,
        (send(CommandApdu.select_application(JPKI_AID[:-1] + b"\x7f"), NOT_FOUND),),
        kinds=WITH_JPKI,
    ),
    select(
        9,
        "an AID with P2 00 and Le, as some clients send it",
        B,
        (send(CommandApdu(0x00, 0xA4, 0x04, 0x00, JPKI_AID, le=256), DONE),),
        kinds=WITH_JPKI,
    ),
    select(10, "an EF by its id", A, (file(files.TOKEN_INFO),), TOKEN[:1], WITH_JPKI),
    select(
        11,
        "an EF that is not there",
        A,
        (send(CommandApdu.select_ef(0x00FE), NOT_FOUND),),
        TOKEN[:1],
        WITH_JPKI,
    ),
    select(
        12,
        "an EF before any application",
        C,
        (send(CommandApdu.select_ef(files.TOKEN_INFO.ef_id), Refused()),),
        kinds=WITH_JPKI,
    ),
    select(
        13,
        "an EF with P1 09 is refused",
        B,
        (apdu("00A4090C020006", Refused()),),
        TOKEN[:1],
        WITH_JPKI,
    ),
    select(
        14,
        "the master file is refused after power-up",
        B,
        (apdu("00A40000", Status((sw.WRONG_P1_P2,))),),
    ),
    select(
        15,
        "the master file is taken later, and changes nothing",
        B,
        (
            apdu("00A40000", DONE),
            file(files.TOKEN_INFO),
            read(0, 6, DONE, Begins(LABEL)),
        ),
        TOKEN[:1],
    ),
    select(
        16,
        "another application's EF is not found",
        A,
        (send(CommandApdu.select_ef(_CA.ef_id), NOT_FOUND),),
        (application(Aid.CARD_FACE),),
    ),
)

READ_BINARY_CASES: Final[tuple[Case, ...]] = (
    binary(1, "the start of a file", A, (read(0, 32, DONE, Length(32), Begins(LABEL)),), TOKEN),
    binary(
        2,
        "from an offset",
        A,
        (
            read(0, 64, DONE, Length(64), name="start"),
            read(32, 32, DONE, Length(32), SameAs("start", 32)),
        ),
        TOKEN,
    ),
    binary(3, "the last byte of a file", B, (read(159, 1, DONE, Length(1)),), TOKEN),
    binary(4, "at the end of a file", B, (read(160, 1, PAST_END),), TOKEN),
    binary(5, "at the last offset there is", A, (read(0x7FFF, 1, PAST_END),), TOKEN),
    binary(6, "Le 00 is 256 bytes", A, (read(0, 256, DONE, Length(256)),), selected(_CA)),
    binary(
        7, "Le beyond the end brings what is left", B, (read(150, 256, DONE, Length(10)),), TOKEN
    ),
    binary(
        8,
        "twice is the same",
        A,
        (read(0, 160, DONE, Length(160), name="once"), read(0, 160, DONE, SameAs("once"))),
        TOKEN,
    ),
    binary(
        9,
        "by short EF id",
        B,
        (
            read(0, 160, DONE, Length(160), name="by id"),
            read_short_id(files.TOKEN_INFO, DONE, Length(160), SameAs("by id"), le=160),
        ),
        TOKEN,
    ),
    binary(
        10,
        "a short EF id selects the file for the reads that follow",
        B,
        (
            read_short_id(files.TOKEN_INFO, DONE, le=160, name="by short id"),
            read(100, 60, DONE, Length(60), SameAs("by short id", 100)),
        ),
        TOKEN[:1],
    ),
    binary(
        11,
        "by short EF id from an offset",
        B,
        (
            read_short_id(files.TOKEN_INFO, DONE, le=160, name="start"),
            apdu("00B0862020", DONE, Length(32), SameAs("start", 32)),
        ),
        TOKEN[:1],
    ),
    binary(12, "by the short EF id of no file", B, (apdu("00B09D0010", NOT_FOUND),), TOKEN[:1]),
    binary(13, "with no file selected", B, (read(0, 16, Status((sw.NO_CURRENT_EF,))),), TOKEN[:1]),
    binary(
        14,
        "of a PIN's file",
        B,
        (read(0, 16, Refused()),),
        selected(Key.USER_AUTHENTICATION_PIN),
    ),
    binary(
        15,
        "a certificate in one command of extended Le",
        B,
        (
            read_short_id(_CA, DONE, MoreThan(256), le=EXTENDED_LE_MAX, name="in one"),
            read(256, 256, DONE, Length(256), SameAs("in one", 256)),
        ),
        TOKEN[:1],
    ),
    binary(
        16,
        "extended Le of more than one block, and less than the file",
        B,
        (
            read(0, 256, DONE, name="start"),
            read(0, 300, DONE, Length(300), name="more"),
            read(0, 256, DONE, SameAs("more")),
        ),
        selected(_CA),
    ),
    binary(
        17,
        "as OpenSC reads: four bytes, then from the start again",
        A,
        (
            read(0, 4, DONE, Length(4), Begins(b"\x30\x82"), name="header"),
            read(0, 256, DONE, Begins(b"\x30\x82"), name="block"),
            read(0, 4, DONE, SameAs("block")),
        ),
        selected(_CA),
    ),
)

_SERIAL: Final = (Length(30), Begins(b"\x01\x1c"), Digits(2))
READ_RECORD_CASES: Final[tuple[Case, ...]] = (
    record(
        1,
        "card serial: record 1 of short EF id 1, a TLV of 28 digits",
        B,
        (apdu("00B2010C00", DONE, *_SERIAL),),
        (application(Aid.COMMON),),
    ),
    record(
        2,
        "record 1 of the selected file is the same",
        C,
        (
            apdu("00B2010C00", DONE, name="by short id"),
            apdu("00B2010400", DONE, SameAs("by short id")),
        ),
        (application(Aid.COMMON),),
    ),
    record(
        3,
        "a record that is not there",
        B,
        (apdu("00B2090C00", Status((sw.RECORD_NOT_FOUND,))),),
        (application(Aid.COMMON),),
    ),
    record(
        4,
        "READ BINARY of a file of records",
        C,
        (read(0, 16, Refused()),),
        selected(files.CARD_SERIAL),
    ),
    record(5, "READ RECORD of a file without records", C, (apdu("00B2010400", Refused()),), TOKEN),
    record(
        6,
        "a record by another rule than its number",
        C,
        (apdu("00B2010800", Refused()),),
        (application(Aid.COMMON),),
    ),
)

CASES: Final = (*SELECT_CASES, *READ_BINARY_CASES, *READ_RECORD_CASES)
