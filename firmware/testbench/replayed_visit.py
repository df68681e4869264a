"""A whole visit on a trace: is it the same as it was, to the byte. Pure."""

from __future__ import annotations

from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.faults import MalformedTrace, TraceMismatch
from firmware.testbench.digits import digits_of
from firmware.testbench.replay import ReplayedCard
from firmware.testbench.trace import Trace
from firmware.testbench.visiting import BenchVisit, Visited


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
        lambda: OnTheTrace(card, trace.header.reader),
        context,
        digits_of(trace),
        masked=trace.hidden > 0,
    )
    visited = visit.play()
    if mismatches:
        raise mismatches[0]
    if card.left_over:
        raise TraceMismatch(f"the last {card.left_over} exchanges were not asked for")
    return visited
