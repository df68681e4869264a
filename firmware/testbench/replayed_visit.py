"""A whole visit on a trace: is it the same as it was, to the byte. Pure."""

from __future__ import annotations

from typing import Final

from firmware.card.apdu import INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.files import Aid, Key
from firmware.faults import MalformedTrace, TraceMismatch
from firmware.testbench.check import STAND_IN_NUMBER
from firmware.testbench.following import Heard, followed
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import Trace
from firmware.testbench.visiting import BenchVisit, Digits, Visited

STAND_IN_PIN: Final = b"0000"


class OnTheTrace:
    """A replayed card as the card worker's desk has one."""

    def __init__(self, card: ReplayedCard, reader: str) -> None:
        self._card, self.reader = card, reader

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """The trace's answer; 6F00 off it."""
        return ResponseApdu.decode(self._card.process(command.encode()))

    def begin_transaction(self) -> None:
        """Nobody else is there."""

    def end_transaction(self) -> None:
        """Nobody else was there."""

    def close(self) -> None:
        """It stays where it is, so that what was not asked for can be counted."""


def replay_visit(trace: Trace) -> Visited:
    """Play the visit of the trace's context; `TraceMismatch` at the first difference.

    `MalformedTrace` for a trace without such a context.
    """
    context = trace.header.context
    if context is None:
        raise MalformedTrace("no context is in its header: it was not recorded with --visit")
    mismatches: list[TraceMismatch] = []
    card = ReplayedCard(trace, mismatches.append)
    visit = BenchVisit(
        lambda: OnTheTrace(card, trace.header.reader), context, _digits_of(trace), masked=trace.hidden > 0
    )
    visited = visit.play()
    if mismatches:
        raise mismatches[0]
    if card.left_over:
        raise TraceMismatch(f"the last {card.left_over} exchanges were not asked for")
    return visited


def _digits_of(trace: Trace) -> Digits:
    """What the patient typed then; in its place, where the trace does not tell, other digits.

    It does not tell what it hides, and what was never presented because too few tries were left.
    """
    heard = (
        Heard(each.at_ms, each.command, ResponseApdu.decode(each.response.content), each.fresh)
        for each in trace.exchanges
    )
    typed: dict[tuple[Aid | None, int | None], bytes] = {}
    for said, command, place in followed(heard):
        if command is not None and command.ins == INS_VERIFY:
            told = b"" if said.command.hidden else command.data
            at = (place.aid, place.ef_id)
            typed[at] = typed.get(at) or told
    number, pin = (
        typed.get((key.aid, key.ef_id))
        for key in (Key.COLLATION_NUMBER_B, Key.USER_AUTHENTICATION_PIN)
    )
    return Digits(
        number=number or STAND_IN_NUMBER.encode() if number is not None else None,
        pin=pin or STAND_IN_PIN if pin is not None else None,
    )
