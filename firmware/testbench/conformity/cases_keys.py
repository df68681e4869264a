"""Cases about keys that stay shut: their counters, what they guard, what they do not sign.

None presents a value: the empty VERIFY asks for the counter, and everything else is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from firmware.card import files
from firmware.card import status_word as sw
from firmware.card.apdu import INS_SIGN, CommandApdu
from firmware.card.files import Aid, Ef, Key
from firmware.testbench.conformity.case import (
    NOT_YET,
    PHONES,
    PLASTIC,
    WITH_JPKI,
    Case,
    Confidence,
    Group,
    Step,
    apdu,
    application,
    query,
    read,
    read_short_id,
    selected,
    send,
)
from firmware.testbench.conformity.checks import Refused, SameStatusAs, Status, TriesOf
from firmware.testbench.conformity.safe import worthless
from firmware.words import CardKind

A, B, C = Confidence.A, Confidence.B, Confidence.C
PIN: Final = Key.USER_AUTHENTICATION_PIN
PIN_SELECTED: Final = selected(PIN)

verify: Callable[..., Case] = partial(Case, Group.VERIFY)
access: Callable[..., Case] = partial(Case, Group.ACCESS)
sign: Callable[..., Case] = partial(Case, Group.SIGNATURE)

# By number of the case. The key that is blocked from birth is a trap, and nobody asks it.
_COUNTERS: Final[tuple[tuple[Key, Confidence, frozenset[CardKind]], ...]] = (
    (PIN, A, WITH_JPKI),
    (Key.SIGNATURE_PASSWORD, A, PLASTIC),
    (Key.JPKI_UNKNOWN, C, PLASTIC),
    (Key.BIRTH_DATE_CODE, B, PLASTIC),
    (Key.COLLATION_NUMBER_B, A, PLASTIC),
    (Key.COLLATION_NUMBER_A, A, PLASTIC),
    (Key.TEXT_PIN, A, PLASTIC),
    (Key.TEXT_COLLATION_NUMBER_A, B, PLASTIC),
    (Key.TEXT_COLLATION_NUMBER_B, B, PLASTIC),
    (Key.COMMON_PIN, B, PLASTIC),
    (Key.RESIDENT_REGISTER_PIN, C, PLASTIC),
)


def counter(number: int, key: Key, confidence: Confidence, kinds: frozenset[CardKind]) -> Case:
    """Three questions, one answer: asking costs nothing."""
    return verify(
        number,
        f"the tries of {key.aid.name} {key.ef_id:04X} are told, and telling costs none",
        confidence,
        (
            query(TriesOf(key), name="first"),
            query(SameStatusAs("first")),
            query(SameStatusAs("first")),
        ),
        selected(key),
        kinds,
    )


VERIFY_CASES: Final[tuple[Case, ...]] = (
    *(counter(number, *row) for number, row in enumerate(_COUNTERS, start=1)),
    verify(
        12,
        "the key can be named in P2 in place of SELECT",
        B,
        (query(TriesOf(PIN), name="selected"), apdu("00200098", SameStatusAs("selected"))),
        PIN_SELECTED,
        WITH_JPKI,
    ),
    verify(
        13,
        "the empty VERIFY with no file selected",
        B,
        (query(Status((sw.NO_CURRENT_EF,))),),
        (application(Aid.JPKI),),
        WITH_JPKI,
    ),
    verify(
        14,
        "the empty VERIFY of a certificate",
        B,
        (query(Refused()),),
        selected(files.USER_AUTHENTICATION_CA_CERTIFICATE),
        WITH_JPKI,
    ),
    verify(
        15,
        "the empty VERIFY with P1 01",
        C,
        (apdu("00200180", Refused()),),
        PIN_SELECTED,
        WITH_JPKI,
    ),
    verify(
        16,
        "the empty VERIFY with P2 00",
        C,
        (apdu("00200000", Refused()),),
        PIN_SELECTED,
        WITH_JPKI,
    ),
    verify(
        17,
        "reading, signing and failing to find cost no try",
        A,
        (
            query(TriesOf(PIN), name="before"),
            send(CommandApdu.compute_signature(worthless(0)), Refused()),
            send(CommandApdu.select_ef(0x00FE), Refused()),
            *PIN_SELECTED[1:],
            read(0, 16, Refused()),
            query(SameStatusAs("before")),
        ),
        PIN_SELECTED,
        WITH_JPKI,
    ),
)


def shut(number: int, ef: Ef, confidence: Confidence, kinds: frozenset[CardKind]) -> Case:
    """A file that nothing has opened: refused by its id and by its short id."""
    return access(
        number,
        f"{ef.aid.name} {ef.ef_id:04X}, {ef.name}, before any VERIFY",
        confidence,
        (read(0, 16, NOT_YET), read_short_id(ef, NOT_YET)),
        selected(ef),
        kinds,
    )


ACCESS_CASES: Final[tuple[Case, ...]] = (
    shut(1, files.SIGNATURE_CERTIFICATE, A, PLASTIC),
    shut(2, files.AGE_RECORD, B, PLASTIC),
    shut(3, files.CARD_FACE, A, PLASTIC),
    shut(4, files.BASIC_FOUR, A, PLASTIC),
    shut(5, files.TEXT_INTEGRITY, B, PLASTIC),
    shut(6, files.TEXT_PUBLIC_KEY, B, PLASTIC),
    shut(7, files.USER_AUTHENTICATION_CERTIFICATE, A, PHONES),
    access(
        8,
        "the file that nobody ever read",
        B,
        (apdu("00B0890010", Refused()),),
        (application(Aid.JPKI),),
    ),
)


def _refuses(command: CommandApdu, *words: int) -> tuple[Step, ...]:
    return (send(command, Status(words) if words else Refused()),)


_SIGN: Final = CommandApdu.compute_signature(worthless(0))
SIGNATURE_CASES: Final[tuple[Case, ...]] = (
    sign(
        1,
        "user authentication, without the PIN",
        A,
        _refuses(_SIGN, sw.SECURITY_NOT_SATISFIED),
        selected(files.USER_AUTHENTICATION_KEY),
        WITH_JPKI,
    ),
    sign(
        2,
        "digital signature, without the password",
        A,
        _refuses(_SIGN, sw.SECURITY_NOT_SATISFIED),
        selected(files.SIGNATURE_KEY),
    ),
    sign(
        3,
        "user authentication named in P2, without the PIN",
        B,
        _refuses(
            CommandApdu(0x80, INS_SIGN, 0x00, 0x97, worthless(0), le=256), sw.SECURITY_NOT_SATISFIED
        ),
        (application(Aid.JPKI),),
        WITH_JPKI,
    ),
    sign(4, "with no key selected", B, _refuses(_SIGN), (application(Aid.JPKI),), WITH_JPKI),
    sign(5, "with a PIN in place of a key", B, _refuses(_SIGN), PIN_SELECTED, WITH_JPKI),
    sign(
        6,
        "公的個人認証AP has no key of its own for 内部認証",
        C,
        _refuses(CommandApdu.internal_signature(worthless(0))),
        (application(Aid.JPKI),),
    ),
)

CASES: Final = (*VERIFY_CASES, *ACCESS_CASES, *SIGNATURE_CASES)
