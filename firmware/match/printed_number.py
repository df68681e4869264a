"""What can be printed on a card's face, and the number that it makes, or doubt.

Of the print it knows the letters' order and what is plausible; of pixels it knows nothing. Foreign
residents' birth dates are in the Gregorian calendar: an assumption, see `card.collation`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from firmware.card.collation import Calendar, Era, number_b, plausible, to_era
from firmware.faults import MalformedCredential
from firmware.match.lattice import LAST

_ERAS: Final = {
    "明治": Era.MEIJI,
    "大正": Era.TAISHO,
    "昭和": Era.SHOWA,
    "平成": Era.HEISEI,
    "令和": Era.REIWA,
}
_DATE: Final = r"(\d{1,2})月(\d{1,2})日"
_ERA_DATE: Final = re.compile(rf"^({'|'.join(_ERAS)})(元|\d{{1,2}})年{_DATE}", re.ASCII)
_GREGORIAN_DATE: Final = re.compile(rf"^(\d{{4}})年{_DATE}", re.ASCII)
_LONE_YEAR: Final = re.compile(r"^\D+\d年", re.ASCII)
_LONE_MONTH_OR_DAY: Final = re.compile(r".*(年\d月|月\d日)", re.ASCII)
_SECURITY_CODE: Final = re.compile(r"^\d{4}$", re.ASCII)


def compose(texts: list[str], today: date) -> str | None:
    """The number of three printed texts (birth date, expiry, security code); None for any doubt."""
    birth_text, expiry_text, code = texts
    expiry = _gregorian_date(expiry_text)
    if expiry is None or not _SECURITY_CODE.match(code):
        return None
    born, printed_in = _era_date(birth_text), Calendar.JAPANESE
    if born is None:
        born, printed_in = _gregorian_date(birth_text), Calendar.GREGORIAN
    if born is None or born > today or expiry <= born:
        return None
    if printed_in is Calendar.JAPANESE and not _is_birthday(expiry, born):
        return None
    try:
        number = number_b(born, expiry.year, code, printed_in)
    except MalformedCredential:
        return None
    return number if plausible(number, today) else None


def may_lack_a_digit(birth_text: str) -> str:
    """The beginning of a birth date up to the last place where a second digit may have been.

    Empty when none can be missing: of an era's date, month and day are found again in the expiry,
    so only its year can have lost one; of a Gregorian date only the year cannot.
    """
    fields = _LONE_YEAR if birth_text[:1] in _SECOND else _LONE_MONTH_OR_DAY
    found = fields.search(birth_text)
    return birth_text[: found.end()] if found else ""


def date_letters(beginning: str) -> str:
    """The grammar of a printed date up to its 日: 昭和55年2月17日, 令和元年5月1日, 2035年…"""
    if beginning.endswith(LAST):
        return ""
    for mark, following in (("月", "日"), ("年", "月")):
        if mark in beginning:
            return _up_to_two_digits(beginning.rpartition(mark)[2], following)
    return _year_letters(beginning)


def code_letters(beginning: str) -> str:
    """The grammar of a security code."""
    return "" if len(beginning) == 4 else "0123456789"


_SECOND: Final = {"明": "治", "大": "正", "昭": "和", "平": "成", "令": "和"}


def _year_letters(beginning: str) -> str:
    if not beginning:
        return "明大昭平令12"
    if beginning[0] in "12":
        return "年" if len(beginning) == 4 else "0123456789"
    if len(beginning) == 1:
        return _SECOND[beginning]
    year = beginning[2:]
    if year == "元":
        return "年"
    return ("元" if not year else "") + _up_to_two_digits(year, "年")


def _up_to_two_digits(so_far: str, following: str) -> str:
    if not so_far:
        return "0123456789"
    return following if len(so_far) == 2 else "0123456789" + following


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
