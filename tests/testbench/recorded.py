"""Dialogues with virtual cards, recorded as on a reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from personalised import NUMBER_B, Terminal

from firmware.card import scripts
from firmware.card.apdu import CommandApdu, ResponseApdu
from firmware.card.credential import CollationNumberB
from firmware.testbench.reading import Reading, firmware_reads
from firmware.testbench.record import Recorder
from firmware.testbench.trace import Trace
from firmware.words import CardKind

NONCE = bytes(range(32))
RECORDED_AT = dt.datetime(2026, 4, 1, 9, 30, tzinfo=dt.UTC)


class Bench:
    """A virtual card on a reader that records; its clock goes on 2 ms with each command."""

    def __init__(self, patient_id: str = "valid") -> None:
        self.terminal = Terminal(patient_id)
        self._recorder = Recorder(self._clock)
        self._now_s = 100.0

    def _clock(self) -> float:
        self._now_s += 0.002
        return self._now_s

    def transmit(self, command: CommandApdu) -> ResponseApdu:
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

    def trace(self, *, synthetic_holder: bool = False) -> Trace:
        return self._recorder.trace(
            reader="Drawn Reader 00 00",
            atr=self.terminal.card.atr,
            kind=CardKind.MY_NUMBER_CARD,
            recorded_at=RECORDED_AT,
            synthetic_holder=synthetic_holder,
        )


def reading_of(patient_id: str = "valid", *, synthetic_holder: bool = False) -> Trace:
    """The firmware's reads of that card, face included."""
    bench = Bench(patient_id)
    bench.read(None if patient_id == "drivers_licence" else NUMBER_B)
    return bench.trace(synthetic_holder=synthetic_holder)


def answering(process: Callable[[bytes], bytes]) -> Callable[[CommandApdu], ResponseApdu]:
    """A card's bytes as what a script is run on."""
    return lambda command: ResponseApdu.decode(process(command.encode()))
