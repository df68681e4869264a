"""Whether the firmware of today reads a card as it did when a trace of that was recorded. Pure."""

from __future__ import annotations

import msgspec

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.authenticity import PRESENCE_NONCE_BYTES
from firmware.card.credential import CollationNumberB
from firmware.faults import CardFault, TraceMismatch
from firmware.testbench.digits import digits_of
from firmware.testbench.reading import firmware_reads
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import Trace
from firmware.words import CardKind


class Checked(msgspec.Struct, frozen=True):
    """A trace that was played to its end."""

    exchanges: int
    kind: CardKind | None
    """Null when the dialogue ended before it was known."""
    ended: str | None
    """The fault that the recorded dialogue ends in, if it does."""


def check(trace: Trace) -> Checked:
    """Play the firmware's reads against a trace; `TraceMismatch` at the first difference."""
    mismatches: list[TraceMismatch] = []
    card = ReplayedCard(trace, mismatches.append)
    digits = digits_of(trace).number
    number = CollationNumberB.parse(digits) if digits else None
    kind, ended = None, None

    def transmit(command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.decode(card.process(command.encode()))

    try:
        kind = scripts.run(firmware_reads(number, {}, bytes(PRESENCE_NONCE_BYTES)), transmit).kind
    except CardFault as fault:
        ended = str(fault)
    if mismatches:
        raise mismatches[0]
    if card.left_over:
        raise TraceMismatch(f"the last {card.left_over} exchanges were not asked for")
    if kind not in (None, trace.header.card_kind):
        raise TraceMismatch(f"the card is {kind}, and the header says {trace.header.card_kind}")
    return Checked(len(trace.exchanges), kind, ended)
