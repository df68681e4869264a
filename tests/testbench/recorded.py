"""Dialogues with virtual cards, recorded as on a reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from personalised import NUMBER_B, PIN, Terminal

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.credential import CollationNumberB
from firmware.faults import ExtendedLengthRefused
from firmware.testbench.digits import Digits
from firmware.testbench.reading import Reading, firmware_reads
from firmware.testbench.record import Recorder
from firmware.testbench.trace import Context, Trace
from firmware.testbench.visit_context import draw_context
from firmware.testbench.visiting import BenchVisit, Visited
from firmware.words import Method

NONCE = bytes(range(32))
RECORDED_AT = dt.datetime(2026, 4, 1, 9, 30, tzinfo=dt.UTC)


class Bench:
    """A virtual card on a reader that records; its clock goes on 2 ms with each command.

    `passes_extended`: whether the reader passes commands of extended length.
    """

    reader = "Drawn Reader 00 00"

    def __init__(
        self,
        patient_id: str = "valid",
        *,
        synthetic_holder: bool = False,
        passes_extended: bool = True,
    ) -> None:
        self._passes_extended = passes_extended
        self.terminal = Terminal(patient_id)
        self._recorder = Recorder(self._clock, synthetic_holder=synthetic_holder)
        self._now_s = 100.0
        self.closed = False
        self._context: Context | None = None

    def _clock(self) -> float:
        self._now_s += 0.002
        return self._now_s

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        if command.is_extended and not self._passes_extended:
            raise ExtendedLengthRefused("as some readers do")
        response = self.terminal.send(command)
        self._recorder.hear(command, response)
        return response

    def send(self, command: str) -> ResponseApdu:
        """Hex, with blanks where they help."""
        return self.transmit(CommandApdu.decode(bytes.fromhex(command)))

    def read(self, number: str | None = NUMBER_B) -> Reading:
        """What the firmware reads."""
        parsed = None if number is None else CollationNumberB.parse(number)
        return scripts.run(firmware_reads(parsed, {}, NONCE), self.transmit)

    def begin_transaction(self) -> None:
        """Nobody else is there."""

    def end_transaction(self) -> None:
        """Nobody else was there."""

    def close(self) -> None:
        self.closed = True
        self.terminal.card.power_off()

    def visit(self, method: Method, *, number: str | None = NUMBER_B, pin: str = PIN) -> Visited:
        """A whole visit, its context kept for the trace."""
        self._context = draw_context(5, RECORDED_AT, method)
        digits = Digits(
            number.encode() if number else None, pin.encode() if method is Method.PIN else None
        )
        return BenchVisit(lambda: self, self._context, digits).play()

    def trace(self) -> Trace:
        return self._recorder.trace(
            reader=self.reader,
            atr=self.terminal.card.atr,
            recorded_at=RECORDED_AT,
            context=self._context,
        )


def reading_of(patient_id: str = "valid", *, synthetic_holder: bool = False) -> Trace:
    """The firmware's reads of that card, face included."""
    bench = Bench(patient_id, synthetic_holder=synthetic_holder)
    bench.read(None if patient_id == "drivers_licence" else NUMBER_B)
    return bench.trace()


def answering(process: Callable[[bytes], bytes]) -> Callable[[CommandApdu], ResponseApdu]:
    """A card's bytes as what a script is run on."""
    return lambda command: ResponseApdu.decode(process(command.encode()))
