"""A trace played as a card, and the strictness of it: what was not asked then is not answered now.

Pure: `ReplayedCard` is a card for `firmware.simulator.slot`. It begins anew at each power-up, or
goes on where the trace says that power was given. A masked byte fits any byte, so that a PIN is
compared by its length; so is what is signed, since a fresh number is in it each time, unless the
trace's context tells the numbers.

A trace without a command of extended length may be of a reader that passes none: such a command is
then refused as by that reader, and the next one is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from firmware.card import status_word as sw
from firmware.card.apdu import INS_SIGN, CommandApdu, ResponseApdu, is_extended
from firmware.faults import MalformedCommand, TraceMismatch
from firmware.simulator.slot import CardReport
from firmware.testbench.trace import Exchange, Trace
from firmware.testbench.wording import told

_OFF_THE_TRACE: Final = ResponseApdu(b"", sw.NO_DIAGNOSIS).encode()
_NOT_PASSED: Final = ResponseApdu(b"", sw.WRONG_LENGTH).encode()


class ReplayedCard:
    """Answers as the trace says, in its order; anything else is 6F00 until the next power-up."""

    def __init__(
        self, trace: Trace, on_mismatch: Callable[[TraceMismatch], None] = lambda _mismatch: None
    ) -> None:
        self.atr = bytes.fromhex(trace.header.atr)
        self._trace, self._exchanges = trace, trace.exchanges
        context = trace.header.context
        self._passes_extended = any(is_extended(each.command.content) for each in self._exchanges)
        self._numbers_known = context is not None and bool(context.nonces)
        self._on_mismatch = on_mismatch
        self._next = 0
        self._strayed = False
        self._commands = 0

    @property
    def left_over(self) -> int:
        """Exchanges of the trace that nobody has asked for since power-up."""
        return len(self._exchanges) - self._next

    def power_on(self) -> None:
        """Back to the first exchange, unless the trace goes on with a power-up here."""
        self.power_off()

    def power_off(self) -> None:
        """Back to the first exchange, unless the trace goes on with a power-up here."""
        goes_on = self.left_over and self._exchanges[self._next].fresh and not self._strayed
        if not goes_on:
            self._next, self._strayed = 0, False

    def reset(self) -> None:
        """A warm reset, which keeps selection and open keys on cards, and so the place here."""

    def process(self, command: bytes) -> bytes:
        """The answer of the trace to its next command."""
        self._commands += 1
        if self._strayed:
            return _OFF_THE_TRACE
        if is_extended(command) and not self._passes_extended:
            return _NOT_PASSED
        mismatch = self._mismatch(command)
        if mismatch is not None:
            self._strayed = True
            self._on_mismatch(mismatch)
            return _OFF_THE_TRACE
        answer = self._exchanges[self._next].response.content
        self._next += 1
        return answer

    def report(self) -> CardReport:
        """Commands alone; a trace has no keys."""
        return CardReport(commands=self._commands)

    def _mismatch(self, command: bytes) -> TraceMismatch | None:
        n = self._next + 1
        if self._next == len(self._exchanges):
            return TraceMismatch(f"exchange {n}: {shown(command)} came, and the trace has ended")
        expected = self._exchanges[self._next]
        if fits(expected, command, numbers_known=self._numbers_known):
            return None
        words = next(islice(told(self._trace), self._next, None))[1]
        return TraceMismatch(
            f"exchange {n}: {shown(command)} came, and the trace has "
            f"{shown(expected.command.content)} ({words})"
        )


def fits(expected: Exchange, command: bytes, *, numbers_known: bool) -> bool:
    """Whether a command is the one of the trace, as far as that tells."""
    then = expected.command
    compared = frozenset(range(len(then.content))) - then.hidden
    if then.content[1] == INS_SIGN and not numbers_known:
        compared &= frozenset(range(4))
    return len(command) == len(then.content) and all(
        command[at] == then.content[at] for at in compared
    )


def shown(command: bytes) -> str:
    """A command for a message: its data only if it holds no secret."""
    try:
        return repr(CommandApdu.decode(command))
    except MalformedCommand:
        return f"a malformed command of {len(command)} bytes"
