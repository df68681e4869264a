"""A card that answers whatever bytes it is told to, and a whole visit at the desk before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from firmware.card import jpki
from firmware.card.apdu import INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.desk import CardDesk
from firmware.card.files import Key
from firmware.card.requests import (
    CardMessage,
    CardProblem,
    CertificateRead,
    IdentifyCard,
    PinVerified,
    QueryPinTries,
    ReadCardFace,
    ReadCertificate,
    ReleaseCard,
    SignStatement,
    StatementSigned,
    VerifyPin,
)
from firmware.faults import CardRemoved
from firmware.statement import to_be_signed
from firmware.words import CardSigning

VISIT: Final = UUID(int=9)
PAYLOAD: Final = b"a statement"
NUMBER_B: Final = b"80021720300101"  # plausible, and nobody's
PIN: Final = b"0000"
MOST_COMMANDS: Final = 2000  # the largest file in the smallest blocks that are put up with
MOST_STEPS: Final = 32
LAST_TRY_TOO: Final = 0x80  # in a step of the plan: the patient confirmed the last try
LONG: Final = 0xFF


def pack(parts: list[bytes]) -> bytes:
    """Several byte strings as one: a length of one byte, or FF and two bytes, before each."""
    return b"".join(
        (bytes((len(part),)) if len(part) < LONG else b"\xff" + len(part).to_bytes(2, "big")) + part
        for part in parts
    )


def unpack(content: bytes) -> Iterator[bytes]:
    """What `pack` packed; anything can be unpacked."""
    at = 0
    while at < len(content):
        size = content[at]
        at += 1
        if size == LONG:
            size = int.from_bytes(content[at : at + 2], "big")
            at += 2
        yield content[at : at + size]
        at += size


class Answers:
    """A connection to a card that says what the fuzzer wants, and is gone after that."""

    reader = "nobody's reader"

    def __init__(self, answers: Iterator[bytes]) -> None:
        self._answers = answers
        self._told: int | None = None  # tries left, by the answer to the empty VERIFY just before
        self.commands = self.spent = self.tries_kept = 0

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """The next answer; asserts that no try is risked which nobody allowed."""
        self.commands += 1
        assert self.commands <= MOST_COMMANDS, "a card keeps the reader busy for ever"
        verify = command.ins == INS_VERIFY
        if verify and command.data:
            assert self._told is not None, "a try was risked that nobody had counted"
            assert self._told > self.tries_kept, "a try was risked that was to be kept"
            self.spent += 1
        if (answer := next(self._answers, None)) is None:
            raise CardRemoved("the fuzzer has no more to say")
        response = ResponseApdu.decode(answer)
        self._told = _tries(response.status_word) if verify and not command.data else None
        return response

    def begin_transaction(self) -> None:
        """Nobody else is at this card."""

    def end_transaction(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """The next connection goes on with the same answers."""


def _tries(status_word: int) -> int | None:
    """Read apart from `status_word.py`, so that a fault there is seen here."""
    if status_word == 0x9000:
        return max(key.initial_tries for key in Key)
    return status_word & 0x0F if status_word >> 4 == 0x63C else None


def play(plan: bytes, card: Answers) -> None:
    """A visit of one request for each byte of `plan`: typed replies, and only allowed tries."""
    desk = CardDesk(lambda: card, lambda _visit, _photo: None, {}, None)
    certificate = b""
    for step in plan[:MOST_STEPS]:
        risked = 0 if step & LAST_TRY_TOO else Key.USER_AUTHENTICATION_PIN.tries_kept
        asked: CardMessage = (
            IdentifyCard(),
            ReadCardFace(VISIT, NUMBER_B),
            QueryPinTries(),
            VerifyPin(PIN, risked),
            ReadCertificate(),
            SignStatement(PAYLOAD, CardSigning.PIN, certificate),
            ReleaseCard(),
            ReadCardFace(VISIT, None),
            SignStatement(PAYLOAD, CardSigning.TERMINAL_AUTHORITY, certificate),
        )[(step & ~LAST_TRY_TOO) % 9]
        by_face = isinstance(asked, ReadCardFace)
        card.tries_kept = Key.COLLATION_NUMBER_B.tries_kept if by_face else risked
        before = card.spent
        answer = desk.answer(asked)
        spends = isinstance(asked, VerifyPin | ReadCardFace)
        assert card.spent - before <= spends, "a request spent a try that is not its own"
        match answer:
            case PinVerified():
                assert card.spent > before, "verified, and nothing was presented"
            case StatementSigned(signature):
                digest = jpki.StatementDigest(hashlib.sha256(to_be_signed(PAYLOAD)).digest())
                jpki.verify_signature(certificate, digest, signature)
            case CertificateRead(content):
                certificate = content or certificate
            case CardProblem(code, reason):
                assert code and reason
            case _:
                assert isinstance(answer, CardMessage)
