"""What patients put down by mistake, with a chip and none of our applications: one row each."""

from __future__ import annotations

from typing import Final

from firmware.card import status_word as sw
from firmware.card.apdu import ResponseApdu
from firmware.simulator.slot import CardReport


class OtherCard:
    """It is given power, answers every command with one status word, and holds nothing of ours."""

    def __init__(self, atr: bytes, answer: int) -> None:
        """`atr`: the answer to reset; `answer`: the status word."""
        self.atr, self._answer = atr, answer
        self._commands = 0

    def power_on(self) -> None:
        """Nothing to begin."""

    def power_off(self) -> None:
        """Nothing to forget."""

    def reset(self) -> None:
        """Nothing to keep."""

    def process(self, command: bytes) -> bytes:
        """The same to everything."""
        self._commands += 1
        return ResponseApdu(b"", self._answer).encode()

    def report(self) -> CardReport:
        """Commands alone; there is no key."""
        return CardReport(commands=self._commands)


CHIPS: Final[dict[str, tuple[bytes, int]]] = {
    # Type B as well, 106 kbit/s only; seen on a licence.
    "drivers_licence": (
        bytes.fromhex("3B 88 80 01 00 00 00 00 91 81 C1 00 D8"),
        sw.FILE_NOT_FOUND,
    ),
    # A storage card in the words of PC/SC part 3: FeliCa (11), and no commands of ISO 7816.
    "transit_card": (
        bytes.fromhex("3B 8F 80 01 80 4F 0C A0 00 00 03 06 11 00 3B 00 00 00 00 42"),
        sw.FUNCTION_NOT_SUPPORTED,
    ),
    # Type A without historical bytes.
    "blank_card": (bytes.fromhex("3B 80 80 01 01"), sw.UNKNOWN_INSTRUCTION),
    # Two chips answer at once: longer than an answer to reset may be (33 bytes), so the reader has
    # something that it cannot give power to. To pcscd that is a card that is present and mute.
    "two_cards": (2 * bytes.fromhex("3B 88 80 01") + bytes(28), sw.FILE_NOT_FOUND),
}
"""Answer to reset and status word, by patient."""


def other_card(patient_id: str) -> OtherCard:
    """A fresh one. `KeyError` where the patient has a card with an image."""
    return OtherCard(*CHIPS[patient_id])
