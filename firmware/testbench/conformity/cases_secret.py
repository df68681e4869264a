"""Cases that present PINs and numbers: to a card of the simulated world and to no other.

They leave every counter as they found it, but `BLOCKING_CASE`: it blocks the PIN of 共通カードAP,
which nothing else here needs, and runs last.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from firmware.card import files
from firmware.card import status_word as sw
from firmware.card.files import Aid, Ef, Key
from firmware.testbench.conformity.case import (
    DONE,
    NOT_YET,
    Case,
    Confidence,
    Cut,
    Group,
    Present,
    Sign,
    Step,
    application,
    file,
    query,
    read,
    selected,
)
from firmware.testbench.conformity.checks import (
    Blocked,
    Check,
    Length,
    Refused,
    Status,
    Tries,
)
from firmware.testbench.conformity.safe import worthless

A, B, C = Confidence.A, Confidence.B, Confidence.C
PIN, PASSWORD = Key.USER_AUTHENTICATION_PIN, Key.SIGNATURE_PASSWORD
_OPENED: Final = Status((sw.SUCCESS,))

verify: Callable[..., Case] = partial(Case, Group.VERIFY)
access: Callable[..., Case] = partial(Case, Group.ACCESS)
sign: Callable[..., Case] = partial(Case, Group.SIGNATURE)
state: Callable[..., Case] = partial(Case, Group.STATE)
face: Callable[..., Case] = partial(Case, Group.CARD_FACE)
text: Callable[..., Case] = partial(Case, Group.CARD_TEXT)


def right(key: Key) -> Step:
    """The holder's own value is taken."""
    return Step(Present(key, "right"), (_OPENED,))


def wrong(key: Key, *expected: Check) -> Step:
    """A value that is not the holder's."""
    return Step(Present(key, "wrong"), expected)


def fresh(key: Key) -> tuple[Step, ...]:
    """The key selected, with all its tries."""
    return (*selected(key), query(Tries(key.initial_tries, or_open=True)))


def opened(key: Key) -> tuple[Step, ...]:
    """The key open, its application selected."""
    return (*fresh(key), right(key))


def signature(content: bytes, *expected: Check, p1: int = 0x00) -> Step:
    """By the selected key."""
    return Step(Sign(p1, content), expected)


PIN_OPEN: Final = opened(PIN)


# --- VERIFY ---------------------------------------------------------------------------------------
# By number of the case, from 21.
_KEYS: Final = (
    (PIN, A),
    (PASSWORD, A),
    (Key.BIRTH_DATE_CODE, B),
    (Key.COLLATION_NUMBER_B, A),
    (Key.COLLATION_NUMBER_A, A),
    (Key.TEXT_PIN, A),
    (Key.TEXT_COLLATION_NUMBER_A, A),
    (Key.TEXT_COLLATION_NUMBER_B, A),
    (Key.RESIDENT_REGISTER_PIN, C),
)


def one_try(number: int, key: Key, confidence: Confidence) -> Case:
    """A wrong value costs one, the right one gives it back."""
    full, one_less = key.initial_tries, key.initial_tries - 1
    return verify(
        number,
        f"{key.aid.name} {key.ef_id:04X}: a wrong value costs one of {full} tries, "
        "the right one restores it",
        confidence,
        (
            wrong(key, Tries(one_less)),
            query(Tries(one_less)),
            right(key),
            query(Tries(full, or_open=True)),
        ),
        fresh(key),
    )


_BLOCKED: Final = Key.COMMON_PIN
_REFUSED_AS_BLOCKED: Final = Status((sw.KEY_LOCKED, sw.AUTHENTICATION_BLOCKED))
VERIFY_CASES: Final = tuple(one_try(number, *row) for number, row in enumerate(_KEYS, start=21))
BLOCKING_CASE: Final = verify(
    40,
    "the last try blocks the key, and then the right value is refused as well",
    A,
    (
        *(wrong(_BLOCKED, Tries(left)) for left in reversed(range(_BLOCKED.initial_tries))),
        query(Blocked()),
        wrong(_BLOCKED, _REFUSED_AS_BLOCKED),
        Step(Present(_BLOCKED, "right"), (_REFUSED_AS_BLOCKED,)),
        query(Blocked()),
    ),
    (*selected(_BLOCKED), query(Tries(_BLOCKED.initial_tries))),
)


# --- what a key opens -----------------------------------------------------------------------------
def opens(number: int, key: Key, ef: Ef, confidence: Confidence) -> Case:
    """The file can be read once the key is open."""
    return access(
        number,
        f"{key.aid.name} {key.ef_id:04X} opens {ef.ef_id:04X}, {ef.name}",
        confidence,
        (file(ef), read(0, 16, DONE, Length(16))),
        opened(key),
    )


def does_not_open(number: int, key: Key, ef: Ef, confidence: Confidence) -> Case:
    """The file stays shut although the key is open."""
    return access(
        number,
        f"{key.aid.name} {key.ef_id:04X} does not open {ef.ef_id:04X}, {ef.name}",
        confidence,
        (file(ef), read(0, 16, NOT_YET)),
        opened(key),
    )


ACCESS_CASES: Final = (
    opens(21, Key.COLLATION_NUMBER_B, files.CARD_FACE, A),
    opens(22, Key.COLLATION_NUMBER_A, files.CARD_FACE, A),
    opens(23, Key.BIRTH_DATE_CODE, files.AGE_RECORD, B),
    opens(24, Key.COLLATION_NUMBER_A, files.NUMBER_IMAGE, A),
    opens(25, Key.TEXT_PIN, files.BASIC_FOUR, A),
    opens(26, Key.TEXT_COLLATION_NUMBER_B, files.BASIC_FOUR, A),
    opens(27, Key.TEXT_PIN, files.NUMBER_TEXT, A),
    opens(28, Key.TEXT_COLLATION_NUMBER_A, files.NUMBER_TEXT, A),
    opens(29, PASSWORD, files.SIGNATURE_CERTIFICATE, A),
    does_not_open(31, Key.COLLATION_NUMBER_B, files.NUMBER_IMAGE, A),
    does_not_open(32, Key.BIRTH_DATE_CODE, files.CARD_FACE, B),
    does_not_open(33, Key.TEXT_COLLATION_NUMBER_B, files.NUMBER_TEXT, B),
    does_not_open(34, Key.TEXT_COLLATION_NUMBER_A, files.BASIC_FOUR, B),
    does_not_open(35, PIN, files.SIGNATURE_CERTIFICATE, A),
)

# --- how long a key stays open --------------------------------------------------------------------
_AUTHENTICATE: Final = files.USER_AUTHENTICATION_KEY
_AGAIN: Final = file(_AUTHENTICATE)
STATE_CASES: Final = (
    state(
        21,
        "loss of power closes the key",
        A,
        (Step(Cut.POWER), application(Aid.JPKI), _AGAIN, signature(worthless(0), Refused())),
        PIN_OPEN,
    ),
    state(
        22,
        "a warm reset leaves the key open",
        B,
        (Step(Cut.WARM_RESET), _AGAIN, signature(worthless(0), DONE, Length(256))),
        PIN_OPEN,
    ),
    state(
        23,
        "SELECT of the application closes the key",
        B,
        (application(Aid.JPKI), _AGAIN, signature(worthless(0), NOT_YET)),
        PIN_OPEN,
    ),
    state(
        24,
        "SELECT of another application closes the key",
        C,
        (application(Aid.CARD_FACE), *selected(_AUTHENTICATE), signature(worthless(0), NOT_YET)),
        PIN_OPEN,
    ),
    state(
        25,
        "a wrong value closes the key that was open",
        C,
        (wrong(PIN, Tries(2)), _AGAIN, signature(worthless(0), NOT_YET), file(PIN), right(PIN)),
        PIN_OPEN,
    ),
)

CASES: Final = (
    *VERIFY_CASES,
    *ACCESS_CASES,
    *STATE_CASES,
)
