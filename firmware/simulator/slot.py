"""What lies on the reader, and the mishaps that befall it: the port between cards and players.

Pure. A mishap waits for one command, happens once, and is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Final, Protocol

import msgspec

from firmware.card.apdu import INS_SIGN, INS_VERIFY

INSTRUCTIONS: Final = {"SELECT": 0xA4, "READ BINARY": 0xB0, "VERIFY": INS_VERIFY, "SIGN": INS_SIGN}
"""The commands that a tester may single out for a mishap, by name."""


@dataclass(frozen=True, slots=True)
class CardReport:
    """What a tester may ask a virtual card and no reader could: its counters, never its secrets."""

    commands: int = 0  # received since the card was made
    verifies_sent: int = 0  # VERIFY with data, each of which can cost a try
    tries_left: Mapping[str, int] = field(default_factory=dict)  # by name of the key


class Card(Protocol):
    """Every virtual card, and every other thing with a chip that patients put down."""

    atr: bytes

    def power_on(self) -> None:
        """The reader gives power."""

    def power_off(self) -> None:
        """The reader takes it away, or the card leaves the field."""

    def reset(self) -> None:
        """A warm reset."""

    def process(self, command: bytes) -> bytes:
        """Answer one command; never raises."""
        ...

    def report(self) -> CardReport:
        """The counters."""
        ...


class Mishap(msgspec.Struct, frozen=True, kw_only=True, tag_field="mishap", omit_defaults=True):
    """Befalls a coming command, after `after` others; with `ins`, only such commands count."""

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    ins: Annotated[int, msgspec.Meta(ge=0, le=0xFF)] | None = None


class Pull(Mishap, frozen=True, kw_only=True, tag="remove"):
    """The card is pulled away instead of answering; it has not seen the command."""


class PowerLoss(Mishap, frozen=True, kw_only=True, tag="reset"):
    """The chip loses power for an instant and all open keys with it, and then answers."""


class OddStatus(Mishap, frozen=True, kw_only=True, tag="status_word"):
    """This status word and no data; the card has not seen the command."""

    status_word: Annotated[int, msgspec.Meta(ge=0x6000, le=0x9FFF)]


class Silence(Mishap, frozen=True, kw_only=True, tag="mute"):
    """No answer, until the card is removed or reset; it has not seen the command."""


class CutShort(Mishap, frozen=True, kw_only=True, tag="truncate"):
    """Only the first `length` bytes of the answer arrive."""

    length: Annotated[int, msgspec.Meta(ge=0)] = 1


AnyMishap = Pull | PowerLoss | OddStatus | Silence | CutShort


class NoAnswer(Enum):
    """What a player hears in place of bytes."""

    PULLED = "pulled"
    MUTE = "mute"


class Slot:
    """A card on the reader, with the mishaps that have been arranged for it."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self._arranged: list[AnyMishap] = []

    def arrange(self, mishap: AnyMishap) -> None:
        """Let it happen to a coming command."""
        self._arranged.append(mishap)

    def exchange(self, command: bytes) -> bytes | NoAnswer:
        """One command to the card, through whatever befalls it."""
        match self._due(command):
            case Pull():
                self.card.power_off()
                return NoAnswer.PULLED
            case Silence():
                return NoAnswer.MUTE
            case OddStatus(status_word=status_word):
                return status_word.to_bytes(2, "big")
            case PowerLoss():
                self.card.power_off()
                self.card.power_on()
                return self.card.process(command)
            case CutShort(length=length):
                return self.card.process(command)[:length]
            case None:
                return self.card.process(command)

    def _due(self, command: bytes) -> AnyMishap | None:
        """The first mishap whose turn it is; all the others that count this command move up."""
        ins = command[1] if len(command) > 1 else None
        due: AnyMishap | None = None
        waiting: list[AnyMishap] = []
        for mishap in self._arranged:
            counts = mishap.ins is None or mishap.ins == ins
            if counts and mishap.after == 0 and due is None:
                due = mishap
            elif counts and mishap.after > 0:
                waiting.append(msgspec.structs.replace(mishap, after=mishap.after - 1))
            else:
                waiting.append(mishap)
        self._arranged = waiting
        return due
