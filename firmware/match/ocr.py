"""Printed digits → 照合番号B, or doubt.

A wrong reading costs one of the card's ten tries, and the number has no check digit; so a number is
believed only when frames that were prepared in several ways give it with a clear lead over every
other plausible number, and none gave another. Plausible means among other things that the day of
the expiry is the birthday, see `printed_number`. Anything else is None. How often that is right,
doubted or wrong on drawn cards: `benchmarks/results/ocr.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from statistics import geometric_mean
from typing import Final, Protocol

import cv2

from firmware.camera.frame import Frame, Pixels
from firmware.match.gaps import has_gap
from firmware.match.lattice import Grammar, Lattice, spellings
from firmware.match.preparations import PREPARATIONS, Preparation
from firmware.match.printed_card import BIRTH_DATE, EXPIRY, SECURITY_CODE, LyingCard, lying_cards
from firmware.match.printed_number import code_letters, compose, date_letters, may_lack_a_digit
from firmware.match.still import StillPicture

LEAST_CHANCE: Final = 0.10
"""Of a number as the recogniser saw it, all fields together: below, the print is not legible."""
LEAST_LEAD: Final = 500.0
"""How many times likelier than any other number it must be, in the preparations' geometric mean.
Measured on print with strokes across, in the fonts of the development: of 64 with the 6's top
scratched away, 54 led by up to 250."""
MOST_LEAD: Final = 3000.0
"""A reading counts for no more: one that is certain does not make up for one that is at a loss."""
ENOUGH: Final = 2
"""Preparations that must have given the number; the others are asked while these leave a doubt."""
SHORTER: Final = 0.1
"""The weight of a number in whose date a digit is missing that was read: it leaves print over, and
a scratch that passes for a digit would need room between two letters."""
_FAINT: Final = 1e-3
"""A spelling this unlikely cannot make a number that is believed."""


class TextReader(Protocol):
    """The recogniser's port."""

    def read(self, line: Pixels) -> Lattice:
        """What stands in a grey picture of one line."""


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """What one frame can be: plausible numbers, their chances, and how long their dates are."""

    chances: Mapping[str, float]  # at least one
    lengths: Mapping[str, int]  # of the birth date, in letters

    def __repr__(self) -> str:
        return f"Reading(chance {self.chance:.2g} of {len(self.chances)} numbers)"

    @property
    def number(self) -> str:
        """The likeliest."""
        return max(self.chances, key=lambda number: self.chances[number])

    @property
    def chance(self) -> float:
        """Of the likeliest."""
        return self.chances[self.number]

    @property
    def legible(self) -> bool:
        """Whether it says anything: another number, seen as well as this, is a contradiction."""
        return self.chance >= LEAST_CHANCE

    def lead_over(self, rival: str) -> float:
        """How many times likelier the likeliest number is than another one, `MOST_LEAD` at most."""
        chance = self.chances.get(rival, 0.0)
        if self.lengths.get(rival, 0) < self.lengths[self.number]:
            chance *= SHORTER
        return min(self.chance / max(chance, 1e-9), MOST_LEAD)


def common_lead(readings: Collection[Reading]) -> float:
    """The lead of a number that all these readings gave, over that which comes nearest in all."""
    rivals = {number for reading in readings for number in reading.chances}
    rivals -= {reading.number for reading in readings}
    leads = (geometric_mean(reading.lead_over(rival) for reading in readings) for rival in rivals)
    return min(leads, default=MOST_LEAD)


class PrintedNumberReading:
    """The readings of one card in the tray: fed frame by frame, until they are enough."""

    def __init__(self, reader: TextReader, today: date) -> None:
        self._reader, self._today = reader, today
        self._still = StillPicture()
        self._frames_read = 0
        self._numbers: set[str] = set()
        self._last: dict[Preparation, Reading] = {}

    def __repr__(self) -> str:
        return f"PrintedNumberReading({self._frames_read} frames)"

    def feed(self, frame: Frame) -> str | None:
        """The fourteen digits, once enough preparations gave them and they lead by enough.

        A card that lies still is read from the mean of its frames: what noise made doubtful
        becomes clear, what dirt made doubtful stays so. A print that was read in two ways stays
        doubtful too, however often one of them comes again.
        """
        prepare = PREPARATIONS[self._frames_read % len(PREPARATIONS)]
        self._frames_read += 1
        if self._still.add(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY)):
            self._last.clear()  # it was moved, or is another one
        reading = read_number_b(self._still.mean, self._reader, self._today, prepare)
        if reading is None or not reading.legible:
            return None
        self._numbers.add(reading.number)
        self._last[prepare] = reading
        return reading.number if self._agreed() else None

    def _agreed(self) -> bool:
        if len(self._numbers) > 1 or len(self._last) < ENOUGH:
            return False
        return common_lead(self._last.values()) >= LEAST_LEAD


def read_number_b(
    grey: Pixels, reader: TextReader, today: date, prepare: Preparation
) -> Reading | None:
    """照合番号B as a grey frame shows it, the card lying either way round; None without any."""
    best: Reading | None = None
    for card in lying_cards(grey):
        reading = _read_card(card, reader, today, prepare)
        if reading is not None and (best is None or reading.chance > best.chance):
            best = reading
        if best is not None and best.legible:
            break
    return best


def _read_card(
    card: LyingCard, reader: TextReader, today: date, prepare: Preparation
) -> Reading | None:
    expiries = _spelt(reader, prepare(card.cut(EXPIRY)), date_letters)
    if not expiries:  # most cards that lie the other way round end here
        return None
    births = _spelt(reader, prepare(card.cut(BIRTH_DATE)), date_letters)
    codes = _spelt(reader, prepare(card.cut(SECURITY_CODE)), code_letters)
    chances: defaultdict[str, float] = defaultdict(float)
    dates: dict[str, str] = {}  # of the births, the likeliest come last
    for birth, expiry, code in product(sorted(births, key=births.__getitem__), expiries, codes):
        number = compose([birth, expiry, code], today)
        if number is not None:
            chances[number] += births[birth] * expiries[expiry] * codes[code]
            dates[number] = birth
    if not chances:
        return None
    reading = Reading(chances, {number: len(date) for number, date in dates.items()})
    beginning = may_lack_a_digit(dates[reading.number])
    return None if beginning and has_gap(card.cut(BIRTH_DATE), beginning) else reading


def _spelt(reader: TextReader, line: Pixels, grammar: Grammar) -> dict[str, float]:
    words = spellings(reader.read(line), grammar)
    return {word: chance for word, chance in words.items() if chance >= _FAINT}
