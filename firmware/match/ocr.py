"""Printed digits → 照合番号B, or doubt.

A wrong reading costs one of the card's ten tries, and the number has no check digit; so a number is
believed only when frames that were prepared in two ways give it with a clear lead over the next
plausible number, and none gave another. Plausible means among other things that the day of the
expiry is the birthday, see `printed_number`. Anything else is None. How often that is right,
doubted or wrong on drawn cards: `benchmarks/results/ocr.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import product
from statistics import geometric_mean
from typing import Final, Protocol

import cv2
import numpy as np

from firmware.camera.frame import Frame, Pixels
from firmware.match.gaps import has_gap
from firmware.match.lattice import Grammar, Lattice, spellings
from firmware.match.printed_card import (
    BIRTH_DATE,
    EXPIRY,
    PIXELS_PER_MM,
    SECURITY_CODE,
    Field,
    LyingCard,
    lying_cards,
)
from firmware.match.printed_number import code_letters, compose, date_letters
from firmware.match.still import StillPicture

LEAST_CHANCE: Final = 0.10
"""Of a number as the recogniser saw it, all fields together: below, the print is not legible."""
LEAST_LEAD: Final = 200.0
"""How many times likelier than the next plausible number it must be, in the preparations' mean.
Measured on codes with a stroke across, in the fonts of the development: wrong ones, read alike in
both preparations, led by 33 at most; a slashed 0 that a scratch made a 6 led by 156."""
MOST_LEAD: Final = 3000.0
"""A reading counts for no more: one that is certain does not make up for one that is at a loss."""
_FAINT: Final = 1e-3
"""A spelling this unlikely cannot make a number that is believed."""


class TextReader(Protocol):
    """The recogniser's port."""

    def read(self, line: Pixels) -> Lattice:
        """What stands in a grey picture of one line."""


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """The likeliest plausible number of one frame."""

    number: str
    chance: float
    lead: float  # over the next one

    def __repr__(self) -> str:
        return f"Reading(chance {self.chance:.2g}, lead {self.lead:.2g})"

    @property
    def legible(self) -> bool:
        """Whether it says anything: another number, seen as well as this, is a contradiction."""
        return self.chance >= LEAST_CHANCE


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
        """The fourteen digits, once both preparations gave them and lead by enough.

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
        if len(self._numbers) > 1 or len(self._last) < len(PREPARATIONS):
            return False
        leads = [min(reading.lead, MOST_LEAD) for reading in self._last.values()]
        return geometric_mean(leads) >= LEAST_LEAD


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
    expiries = _spelt(reader, prepare(card, EXPIRY), date_letters)
    if not expiries:  # most cards that lie the other way round end here
        return None
    births = _spelt(reader, prepare(card, BIRTH_DATE), date_letters)
    codes = _spelt(reader, prepare(card, SECURITY_CODE), code_letters)
    chances: defaultdict[str, float] = defaultdict(float)
    for birth, expiry, code in product(births, expiries, codes):
        number = compose([birth, expiry, code], today)
        if number is not None:
            chances[number] += births[birth] * expiries[expiry] * codes[code]
    # A year without one of its digits is none, and of the expiry no more than the year is wanted.
    if not chances or has_gap(card.cut(BIRTH_DATE)):
        return None
    first, *others = sorted(chances, key=lambda number: chances[number], reverse=True)
    rival = chances[others[0]] if others else 0.0
    return Reading(first, chances[first], chances[first] / max(rival, 1e-9))


def _spelt(reader: TextReader, line: Pixels, grammar: Grammar) -> dict[str, float]:
    words = spellings(reader.read(line), grammar)
    return {word: chance for word, chance in words.items() if chance >= _FAINT}


def _as_seen(card: LyingCard, field: Field) -> Pixels:
    return card.cut(field)


def _softened_and_wide(card: LyingCard, field: Field) -> Pixels:
    """Softened a little against noise; wider, because the recogniser takes 44 for 4 in narrow type.

    Measured on the fonts of the development: more softening loses small letters, more width brings
    nothing further.
    """
    soft = cv2.GaussianBlur(card.cut(field), (0, 0), _SOFT_MM * PIXELS_PER_MM)
    return np.asarray(cv2.resize(soft, None, fx=_WIDER, fy=1.0), np.uint8)


_SOFT_MM: Final = 0.067
_WIDER: Final = 1.3
Preparation = Callable[[LyingCard, Field], Pixels]
PREPARATIONS: Final[tuple[Preparation, Preparation]] = (_softened_and_wide, _as_seen)
"""Two opinions on the same print: a mistake seldom looks the same in both."""
