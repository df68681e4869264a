"""Whether the firmware of today reads a card as it did when a trace of that was recorded. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from firmware.card import scripts
from firmware.card.apdu import INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.collation import number_b
from firmware.card.credential import CollationNumberB
from firmware.faults import CardFault, TraceMismatch
from firmware.testbench.reading import NONCE_BYTES, firmware_reads
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import Trace
from firmware.words import CardKind

# Nobody's, of the right length: a trace knows no more of the true one.
STAND_IN_NUMBER: Final = number_b(dt.date(1980, 1, 1), 2030, "0000")


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
    number = CollationNumberB.parse(STAND_IN_NUMBER) if _opens_the_face(trace) else None
    kind, ended = None, None

    def transmit(command: CommandApdu) -> ResponseApdu:
        return ResponseApdu.decode(card.process(command.encode()))

    try:
        kind = scripts.run(firmware_reads(number, {}, bytes(NONCE_BYTES)), transmit).kind
    except CardFault as fault:
        ended = str(fault)
    if mismatches:
        raise mismatches[0]
    if card.left_over:
        raise TraceMismatch(f"the last {card.left_over} exchanges were not asked for")
    if kind not in (None, trace.header.card_kind):
        raise TraceMismatch(f"the card is {kind}, and the header says {trace.header.card_kind}")
    return Checked(len(trace.exchanges), kind, ended)


def _opens_the_face(trace: Trace) -> bool:
    """Whether a VERIFY with data is in it: the reads have no other than that of 照合番号B."""
    return any(
        each.command.content[1] == INS_VERIFY and len(each.command.content) > 5
        for each in trace.exchanges
    )
