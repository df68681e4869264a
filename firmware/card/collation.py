"""照合番号B: its arithmetic, the eras, and what is plausible.

Fourteen digits: birth date YYMMDD, expiry year YYYY, security code (four digits under the photo).
No check digit exists, and a wrong number costs one of ten tries; so doubt refuses here.

YY is the year of the Japanese era (A: a published test card, born 1980-02-17, 昭和55, expiry 2035,
code 2285, opens with 55021720352285). Assumed for foreign residents, whose card prints the birth
date in the Gregorian calendar: YY is the last two digits of that year (C; to confirm with a trace).
What stands for an unknown month or day is not known: such a number is not plausible.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from enum import Enum

from firmware.card.files import FIRST_GENERATION
from firmware.faults import MalformedCredential

DIGITS = FIRST_GENERATION.collation_number_digits
FIRST_ISSUE_YEAR = 2016  # no card was issued before January 2016
LONGEST_VALIDITY_YEARS = 11  # the tenth birthday after issue, a renewal up to a year early


class Era(Enum):
    """Japanese eras by their first day; the day of a change counts to the new era."""

    MEIJI = date(1868, 1, 25)  # proclaimed in October, counted from New Year
    TAISHO = date(1912, 7, 30)
    SHOWA = date(1926, 12, 25)
    HEISEI = date(1989, 1, 8)
    REIWA = date(2019, 5, 1)

    @property
    def first_day(self) -> date:
        """The day from which the era's year 1 counts."""
        return self.value

    def year_of(self, gregorian_year: int) -> int:
        """The era's number of a Gregorian year, not asking whether the era still ran."""
        return gregorian_year - self.first_day.year + 1


class Calendar(Enum):
    """Which calendar the printed birth date, and so YY, is in."""

    JAPANESE = "japanese"
    GREGORIAN = "gregorian"  # foreign residents


@dataclass(frozen=True, slots=True)
class EraDate:
    """A date in the Japanese calendar."""

    era: Era
    year: int
    month: int
    day: int


def to_era(day: date) -> EraDate:
    """The era date of a Gregorian date; MalformedCredential before Meiji."""
    for era in reversed(Era):
        if day >= era.first_day:
            return EraDate(era, era.year_of(day.year), day.month, day.day)
    raise MalformedCredential("a date before the Meiji era")


def birth_digits(birth_date: date, printed_in: Calendar = Calendar.JAPANESE) -> str:
    """The six digits YYMMDD of a birth date, as they begin collation number B."""
    year = to_era(birth_date).year if printed_in is Calendar.JAPANESE else birth_date.year % 100
    return f"{year:02d}{birth_date.month:02d}{birth_date.day:02d}"


def number_b(
    birth_date: date,
    expiry_year: int,
    security_code: str,
    printed_in: Calendar = Calendar.JAPANESE,
) -> str:
    """The fourteen digits, built from what is printed. MalformedCredential for an odd part."""
    if not (_is_digits(security_code) and len(security_code) == 4):
        raise MalformedCredential("a security code has four digits")
    if not FIRST_ISSUE_YEAR <= expiry_year <= 9999:
        raise MalformedCredential("no card can expire in that year")
    return f"{birth_digits(birth_date, printed_in)}{expiry_year:04d}{security_code}"


def birth_dates(six_digits: str) -> frozenset[date]:
    """Every birth date that YYMMDD may stand for: one for each era that fits, and 19YY, 20YY."""
    if not (_is_digits(six_digits) and len(six_digits) == 6):
        return frozenset()
    year, month, day = int(six_digits[:2]), int(six_digits[2:4]), int(six_digits[4:])
    found: set[date] = set()
    for gregorian_year in (1900 + year, 2000 + year):
        if (born := _day(gregorian_year, month, day)) is not None:
            found.add(born)
    for era in Era:
        born = _day(era.first_day.year + year - 1, month, day)
        # The era must have run on that day: 昭和 ends with 64-01-07, 平成 begins with 01-01-08.
        if born is not None and born >= Era.MEIJI.first_day and to_era(born).era is era:
            found.add(born)
    return frozenset(found)


def plausible(digits: str, today: date | None = None) -> bool:
    """Whether fourteen digits may be a collation number B at all.

    The day must be in a calendar; the year says nothing, every YY being one of somebody alive.
    Expiry: with a trusted `today` from last year to eleven years ahead, else (the clock may wake
    in 1970) from the first cards to the end of the century.
    """
    if not (_is_digits(digits) and len(digits) == DIGITS and birth_dates(digits[:6])):
        return False
    if today is None:
        return FIRST_ISSUE_YEAR <= int(digits[6:10]) < 2100
    return today.year - 1 <= int(digits[6:10]) <= today.year + LONGEST_VALIDITY_YEARS


def agrees_with_chip(digits: str, birth_date: str, expiry: str) -> bool:
    """Whether a number read off the print fits the chip's YYYYMMDD birth date and expiry.

    The chip opened with these digits, so a difference means a card whose print was altered, or a
    format that we do not know.
    """
    if len(digits) != DIGITS or len(birth_date) != 8 or not _is_digits(birth_date):
        return False
    born = _day(int(birth_date[:4]), int(birth_date[4:6]), int(birth_date[6:]))
    return born in birth_dates(digits[:6]) and digits[6:10] == expiry[:4]


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _day(year: int, month: int, day: int) -> date | None:
    """The date, or None when the calendar has no such day."""
    if not (1 <= year <= 9999 and 1 <= month <= 12):
        return None
    return date(year, month, day) if 1 <= day <= calendar.monthrange(year, month)[1] else None
