"""Case: one numbered question to a card, as data: what is given, what is done, what is expected.

In the manner of BSI TR-03105: cases are rows, and a new one is a new row. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Literal

from firmware.card import status_word as sw
from firmware.card.apdu import SHORT_LE_MAX, CommandApdu
from firmware.card.files import TOKEN_LABELS, Aid, Ef, Key, SigningKey
from firmware.simulator.authorities import Role
from firmware.testbench.conformity.checks import Check, Status
from firmware.testbench.conformity.safe import ReadOnlyCommand
from firmware.words import CardKind


class Group(StrEnum):
    """What a case is about: the first part of its id."""

    SELECT = "SEL"
    READ_BINARY = "RDB"
    READ_RECORD = "RDR"
    VERIFY = "VFY"
    ACCESS = "ACC"
    SIGNATURE = "SIG"
    CHALLENGE = "CHL"
    DATA_OBJECTS = "DAT"
    JPKI = "JPK"
    CARD_FACE = "VIS"
    CARD_TEXT = "TXT"
    COMMON = "COM"
    STATE = "STA"
    ERRORS = "ERR"


class Confidence(StrEnum):
    """How well the fact behind a case is known. The card's specification is not public."""

    A = "A"
    B = "B"
    C = "C"

    @property
    def meaning(self) -> str:
        """In words."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    Confidence.A: "several independent public sources agree",
    Confidence.B: "one careful public source that measured cards",
    Confidence.C: "one weak source, or inferred",
}
_RULES: Final = {
    Group.SELECT: "SELECT of ISO/IEC 7816-4; names may be cut short in JICSAP 1.1",
    Group.READ_BINARY: "READ BINARY of ISO/IEC 7816-4; clients that read in blocks or at once",
    Group.READ_RECORD: "READ RECORD of ISO/IEC 7816-4; the card serial of 共通カードAP",
    Group.VERIFY: "VERIFY of ISO/IEC 7816-4; an empty one asks for the counter",
    Group.ACCESS: "what opens which file: firmware/card/files.py",
    Group.SIGNATURE: "80 2A of this card; PKCS #1 v1.5 and PSS",
    Group.CHALLENGE: "GET CHALLENGE of ISO/IEC 7816-4",
    Group.DATA_OBJECTS: "GET DATA of ISO/IEC 7816-4; objects of the card itself",
    Group.JPKI: "the files of 公的個人認証AP",
    Group.CARD_FACE: "the files of 券面事項確認AP and its own key",
    Group.CARD_TEXT: "the files of 券面事項入力補助AP and its own key",
    Group.COMMON: "INTERNAL AUTHENTICATE of 共通カードAP",
    Group.STATE: "what is selected and open, and for how long",
    Group.ERRORS: "ISO/IEC 7816-4; what drivers of other cards send to any card",
}
_SHOWN_BYTES: Final = 20  # of a command, before only its length is told


@dataclass(frozen=True, slots=True)
class Send:
    """One command that costs nothing."""

    command: ReadOnlyCommand

    def __str__(self) -> str:
        encoded = self.command.command.encode()
        if len(encoded) <= _SHOWN_BYTES:
            return encoded.hex().upper()
        return f"{encoded[:4].hex().upper()} with {len(self.command.command.data)} bytes"


@dataclass(frozen=True, slots=True)
class Whole:
    """A file as the firmware reads it: by its header, without the FF that pads it."""

    ef: Ef

    def __str__(self) -> str:
        return f"read {self.ef.aid.name} {self.ef.ef_id:04X}, the whole {self.ef.name}"


class Cut(Enum):
    """What the reader does to the card."""

    POWER = "power off and on"
    WARM_RESET = "warm reset"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Present:
    """VERIFY of the selected key, once; the value is the virtual holder's, or wrong for sure."""

    key: Key
    value: Literal["right", "wrong"]

    def __str__(self) -> str:
        return f"VERIFY of {self.key.aid.name} {self.key.ef_id:04X} with the {self.value} value"


@dataclass(frozen=True, slots=True)
class Sign:
    """A signature of the selected key, over whatever it is."""

    p1: int
    content: bytes

    def __str__(self) -> str:
        return f"sign with P1 {self.p1:02X} over {len(self.content)} bytes"


@dataclass(frozen=True, slots=True)
class Recall:
    """No command: the public key of an issuer, which only the simulated world gives away."""

    issuer: Role

    def __str__(self) -> str:
        return f"recall the key of {self.issuer}"


Harmless = Send | Whole | Cut
# Tries, a signature that means something, a key that is not published.
Spending = Present | Sign | Recall


@dataclass(frozen=True, slots=True)
class Step:
    """One act and what must come of it; `name` keeps the answer for the checks of later steps."""

    act: Harmless | Spending
    expected: tuple[Check, ...] = ()
    name: str = ""


PLASTIC: Final = frozenset({CardKind.MY_NUMBER_CARD})
PHONES: Final = frozenset({CardKind.PHONE_ANDROID, CardKind.PHONE_IOS})
WITH_JPKI: Final = frozenset(TOKEN_LABELS.values())
EVERY: Final = frozenset(CardKind)


@dataclass(frozen=True, slots=True)
class Case:
    """`given` is the precondition: where it does not come as expected, the case says nothing.

    It starts with nothing selected and no key open, after one command that wakes the chip up;
    `asleep` cases are that command themselves.
    """

    group: Group
    number: int
    purpose: str
    confidence: Confidence
    steps: tuple[Step, ...]
    given: tuple[Step, ...] = ()
    kinds: frozenset[CardKind] = PLASTIC
    asleep: bool = False

    @property
    def id(self) -> str:
        """`SEL.1`: for ever the same case; numbers of cases that went are not used again."""
        return f"{self.group}.{self.number}"

    @property
    def reference(self) -> str:
        """Where the expectation comes from, and how well that is known."""
        says = f"{self.confidence}, {self.confidence.meaning}"
        return f"{_RULES[self.group]} ({says})"

    @property
    def spends(self) -> bool:
        """Whether it needs a card of the simulated world: it uses secrets, or signs."""
        return any(isinstance(step.act, Spending) for step in (*self.given, *self.steps))


# --- short forms for the rows ---------------------------------------------------------------------
DONE: Final = Status((sw.SUCCESS,))
NOT_YET: Final = Status((sw.SECURITY_NOT_SATISFIED,))


def send(command: CommandApdu, *expected: Check, name: str = "") -> Step:
    """MalformedCommand for a command that may cost something."""
    return Step(Send(ReadOnlyCommand(command)), expected, name)


def apdu(encoded: str, *expected: Check, name: str = "") -> Step:
    """The same from hex."""
    return send(CommandApdu.decode(bytes.fromhex(encoded)), *expected, name=name)


def application(aid: Aid) -> Step:
    """SELECT by the whole AID."""
    return send(CommandApdu.select_application(aid.value), DONE)


def selected(target: Ef | Key | SigningKey) -> tuple[Step, Step]:
    """SELECT of application and file."""
    return application(target.aid), file(target)


def file(target: Ef | Key | SigningKey) -> Step:
    """SELECT of a file or key of the selected application."""
    return send(CommandApdu.select_ef(target.ef_id), DONE)


def read(offset: int, le: int, *expected: Check, name: str = "") -> Step:
    """READ BINARY of the selected file."""
    return send(CommandApdu.read_binary(offset, le), *expected, name=name)


def read_short_id(ef: Ef, *expected: Check, le: int = SHORT_LE_MAX, name: str = "") -> Step:
    """READ BINARY from the start, by short EF id."""
    return send(CommandApdu.read_by_short_id(ef.ef_id, le), *expected, name=name)


def query(*expected: Check, name: str = "") -> Step:
    """The empty VERIFY of the selected key."""
    return send(CommandApdu.query_retry_counter(), *expected, name=name)


def whole(ef: Ef, *expected: Check, name: str = "") -> Step:
    """A whole file."""
    return Step(Whole(ef), (DONE, *expected), name)
