"""A driver's licence (運転免許証): a chip of the same radio type with none of our applications."""

from __future__ import annotations

from firmware.card import status_word as sw
from firmware.card.apdu import ResponseApdu
from firmware.simulator.slot import CardReport

# Type B as well, 106 kbit/s only; seen on a licence.
ATR = bytes.fromhex("3B 88 80 01 00 00 00 00 91 81 C1 00 D8")


class DriversLicence:
    """What a patient puts down by mistake: it answers, and holds nothing that we look for."""

    def __init__(self) -> None:
        self.atr = ATR
        self._commands = 0

    def power_on(self) -> None:
        """Nothing to begin."""

    def power_off(self) -> None:
        """Nothing to forget."""

    def reset(self) -> None:
        """Nothing to keep."""

    def process(self, command: bytes) -> bytes:
        """6A82 to everything: whatever is looked for is not here."""
        self._commands += 1
        return ResponseApdu(b"", sw.FILE_NOT_FOUND).encode()

    def report(self) -> CardReport:
        """Commands alone; there is no key."""
        return CardReport(commands=self._commands)
