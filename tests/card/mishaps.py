"""A virtual card in a slot, as the desk's connection: every mishap that a slot knows, and a reset.

What a reader's driver makes of each is here as `firmware.card.pcsc` tells it: a pulled card is
`CardRemoved`, an answer of nothing too; but one that is pulled at an extended command is told as a
reader that does not pass it. A card that falls silent costs the worker its life; here that is
`WorkerKilled`, which no desk catches.
"""

from __future__ import annotations

from typing import Final

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.faults import CardRemoved, CardReset, ExtendedLengthRefused
from firmware.simulator.slot import (
    AnyMishap,
    Card,
    CardReport,
    CutShort,
    NoAnswer,
    OddStatus,
    PowerLoss,
    Pull,
    Silence,
    Slot,
)

ODD_WORDS: Final = (
    *(0x6F00, 0x6982, 0x6983, 0x6984, 0x63C0, 0x63C1, 0x63CF, 0x6300, 0x6700, 0x6986, 0x6A82),
    *(0x6A86, 0x6B00, 0x6101, 0x6100, 0x6C01, 0x6C00, 0x6282, 0x9000),
)
CUTS: Final = (0, 1, 2, 3, 100, 1000)


class WorkerKilled(Exception):
    """The deadline passed: the process that waited for the card is gone."""


class Disturbed:
    """The card on its reader. `sent` is all that went out, also what the card never saw."""

    reader = "Drawn Reader 00 00"

    def __init__(self, card: Card) -> None:
        self.slot = Slot(card)
        self.sent: list[CommandApdu] = []
        self.is_gone = False
        self.is_held = False
        self._reset_at: int | None = None

    def arrange(self, mishap: AnyMishap) -> None:
        """Let a mishap befall a coming command."""
        self.slot.arrange(mishap)

    def arrange_reset(self, after: int) -> None:
        """Let another program reset the card before a coming command, if it is let in."""
        self._reset_at = len(self.sent) + after

    def report(self) -> CardReport:
        return self.slot.card.report()

    def connected(self) -> Disturbed:
        if self.is_gone:
            raise CardRemoved("nothing lies there")
        self.slot.card.power_on()
        return self

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if self.is_gone:
            raise CardRemoved("taken away")
        if self._reset_at == len(self.sent):
            self._reset_at = None
            if not self.is_held:
                self.slot.card.power_off()
                self.slot.card.power_on()
                raise CardReset("by another program")
        self.sent.append(command)
        answer = self.slot.exchange(command.encode())
        if answer is NoAnswer.MUTE:
            raise WorkerKilled
        if answer is NoAnswer.PULLED:
            self.is_gone = True
            if command.is_extended:
                raise ExtendedLengthRefused("or taken away")
        if not isinstance(answer, bytes) or not answer:
            raise CardRemoved("taken away")
        return ResponseApdu.decode(answer)

    def begin_transaction(self) -> None:
        self.is_held = True

    def end_transaction(self) -> None:
        self.is_held = False

    def close(self) -> None:
        self.is_held = False
        self.slot.card.power_off()

    @property
    def verifies_sent(self) -> int:
        return sum(command.is_secret for command in self.sent)


def every_mishap(after: int) -> dict[str, AnyMishap]:
    """One of each kind, for the command after so many others."""
    return {
        "pull": Pull(after=after),
        "power loss": PowerLoss(after=after),
        "silence": Silence(after=after),
        **{f"{word:04X}": OddStatus(after=after, status_word=word) for word in ODD_WORDS},
        **{f"cut at {length}": CutShort(after=after, length=length) for length in CUTS},
    }
