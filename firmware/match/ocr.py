"""Printed digits → 照合番号B, or doubt.

A wrong reading costs one of the card's ten tries, and the number has no check digit; so a number is
believed only when two frames, prepared in two ways, give the same one; when the day of the expiry
is the birthday, as it must be on a card with a Japanese birth date; and when both dates are
plausible today. Anything else is None.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Protocol

import cv2
import numpy as np

from firmware.camera.frame import Frame, Pixels
from firmware.card.collation import Calendar, Era, number_b, plausible, to_era
from firmware.faults import MalformedCredential
from firmware.match.printed_card import (
    BIRTH_DATE,
    EXPIRY,
    SECURITY_CODE,
    Field,
    cut,
    upright_cards,
)

LEAST_CONFIDENCE: Final = 0.80
"""Mean over a field's characters, as the recogniser states it. `benchmarks/ocr.py` prints what
the readings below it are worth."""

_ERAS: Final = {
    "明治": Era.MEIJI,
    "大正": Era.TAISHO,
    "昭和": Era.SHOWA,
    "平成": Era.HEISEI,
    "令和": Era.REIWA,
    # Measured: the recogniser is Chinese, and takes 令 for these. No other era looks like them, and
    # the era is not part of the number: it only says whether the date is plausible.
    "今和": Era.REIWA,
    "合和": Era.REIWA,
}
_DATE: Final = r"(\d{1,2})月(\d{1,2})日"
_ERA_DATE: Final = re.compile(rf"^({'|'.join(_ERAS)})(元|\d{{1,2}})年{_DATE}", re.ASCII)
_GREGORIAN_DATE: Final = re.compile(rf"^(\d{{4}})年{_DATE}", re.ASCII)
_SECURITY_CODE: Final = re.compile(r"^\d{4}$", re.ASCII)


class TextReader(Protocol):
    """The recogniser's port."""

    def read(self, lines: list[Pixels]) -> list[tuple[str, float]]:
        """Text and confidence (0–1) of each picture of one line, BGR."""


class PrintedNumberReading:
    """The readings of one card in the tray: fed frame by frame, until two of them agree."""

    def __init__(self, reader: TextReader, today: date) -> None:
        self._reader, self._today = reader, today
        self._frames_read = 0
        self._seen: tuple[set[str], set[str]] = (set(), set())

    def __repr__(self) -> str:
        return f"PrintedNumberReading({self._frames_read} frames)"

    def feed(self, frame: Frame) -> str | None:
        """The fourteen digits once another frame, prepared in the other way, gave the same."""
        preparation = self._frames_read % 2
        self._frames_read += 1
        number = read_number_b(frame.pixels, self._reader, self._today, softened=preparation == 1)
        if number is None:
            return None
        self._seen[preparation].add(number)
        believed = self._seen[0] & self._seen[1]
        # Two numbers that were each read twice contradict each other: that is doubt as well.
        return number if believed == {number} and len(self._seen[0] | self._seen[1]) == 1 else None


def read_number_b(
    pixels: Pixels, reader: TextReader, today: date, *, softened: bool = False
) -> str | None:
    """照合番号B as one frame shows it: fourteen plausible digits, or None.

    `softened` cuts the fields wider and evens their light: a second opinion on the same print.
    """
    for card in upright_cards(pixels):
        crops = [_prepared(card, field, softened) for field in (BIRTH_DATE, EXPIRY, SECURITY_CODE)]
        readings = reader.read(crops)
        if min(confidence for _, confidence in readings) < LEAST_CONFIDENCE:
            continue
        number = compose([text for text, _ in readings], today)
        if number is not None:
            return number
    return None


def compose(texts: list[str], today: date) -> str | None:
    """The number of three printed texts (birth date, expiry, security code); None for any doubt."""
    birth_text, expiry_text, code = (text.replace(" ", "") for text in texts)
    expiry = _gregorian_date(expiry_text)
    if expiry is None or not _SECURITY_CODE.match(code):
        return None
    born, printed_in = _era_date(birth_text), Calendar.JAPANESE
    if born is None:
        born, printed_in = _gregorian_date(birth_text), Calendar.GREGORIAN
    if born is None or born > today:
        return None
    if printed_in is Calendar.JAPANESE and not _is_birthday(expiry, born):
        return None
    try:
        number = number_b(born, expiry.year, code, printed_in)
    except MalformedCredential:
        return None
    return number if plausible(number, today) else None


def _prepared(card: Pixels, field: Field, softened: bool) -> Pixels:
    if not softened:
        return cut(card, field)
    grey = cv2.cvtColor(cut(card, field, wider_mm=0.4), cv2.COLOR_BGR2GRAY)
    even = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(2, 4)).apply(
        cv2.GaussianBlur(grey, (3, 3), 0)
    )
    return np.ascontiguousarray(cv2.cvtColor(even, cv2.COLOR_GRAY2BGR))


def _era_date(text: str) -> date | None:
    found = _ERA_DATE.match(text)
    if found is None:
        return None
    era, year_text, month, day = found.groups()
    year = 1 if year_text == "元" else int(year_text)
    born = _day(_ERAS[era].first_day.year + year - 1, int(month), int(day))
    # 平成35年 and 昭和64年2月 never were: a digit was misread.
    if born is None or to_era(born).era is not _ERAS[era]:
        return None
    return born


def _gregorian_date(text: str) -> date | None:
    found = _GREGORIAN_DATE.match(text)
    return None if found is None else _day(*(int(part) for part in found.groups()))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _is_birthday(day: date, born: date) -> bool:
    """A card ends on a birthday; which day a birthday of 29 February falls on is left open."""
    if (born.month, born.day) == (2, 29):
        return (day.month, day.day) in ((2, 28), (2, 29), (3, 1))
    return (day.month, day.day) == (born.month, born.day)
