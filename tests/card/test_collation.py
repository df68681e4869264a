"""照合番号B: eras, both calendars, and what is implausible."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.card.collation import (
    Calendar,
    Era,
    EraDate,
    agrees_with_chip,
    birth_dates,
    number_b,
    plausible,
    to_era,
)
from firmware.faults import MalformedCredential

TODAY = date(2026, 8, 1)
BIRTHS = st.dates(date(1906, 8, 1), TODAY)  # the oldest person in the country is younger
B = "55021720352285"  # of a published test card: born 1980-02-17, expiry 2035, code 2285


@pytest.mark.parametrize(
    "day, era, year",
    [
        (date(1912, 7, 29), Era.MEIJI, 45),
        (date(1912, 7, 30), Era.TAISHO, 1),
        (date(1926, 12, 24), Era.TAISHO, 15),
        (date(1926, 12, 25), Era.SHOWA, 1),
        (date(1980, 2, 17), Era.SHOWA, 55),
        (date(1989, 1, 7), Era.SHOWA, 64),
        (date(1989, 1, 8), Era.HEISEI, 1),
        (date(2019, 4, 30), Era.HEISEI, 31),
        (date(2019, 5, 1), Era.REIWA, 1),
        (date(2026, 1, 1), Era.REIWA, 8),
    ],
)
def test_eras_change_in_mid_year(day: date, era: Era, year: int) -> None:
    assert to_era(day) == EraDate(era, year, day.month, day.day)


def test_there_is_no_era_before_meiji() -> None:
    assert to_era(Era.MEIJI.first_day).year == 1
    with pytest.raises(MalformedCredential):
        to_era(Era.MEIJI.first_day - timedelta(days=1))


def test_the_published_number() -> None:
    assert number_b(date(1980, 2, 17), 2035, "2285") == B
    assert plausible(B, TODAY)


def test_a_foreign_residents_number_counts_gregorian_years() -> None:
    number = number_b(date(1980, 2, 17), 2030, "0001", Calendar.GREGORIAN)
    assert number == "80021720300001"
    assert plausible(number, TODAY)


@pytest.mark.parametrize(
    "year, code",
    [(2015, "2285"), (10000, "2285"), (2035, "228"), (2035, "22a5"), (2035, "２２８５")],
)
def test_odd_parts_make_no_number(year: int, code: str) -> None:
    with pytest.raises(MalformedCredential):
        number_b(date(1980, 2, 17), year, code)


@given(BIRTHS, st.integers(TODAY.year, TODAY.year + 10), st.integers(0, 9999))
def test_every_number_that_can_be_printed_is_plausible(born: date, year: int, code: int) -> None:
    for printed_in in Calendar:
        number = number_b(born, year, f"{code:04d}", printed_in)
        assert plausible(number, TODAY) and plausible(number)
        assert born in birth_dates(number[:6])
        assert agrees_with_chip(number, born.strftime("%Y%m%d"), f"{year}0101")


def test_six_digits_may_be_several_dates() -> None:
    assert birth_dates("010601") == {
        date(1868, 6, 1),  # 明治元年
        date(1901, 6, 1),
        date(2001, 6, 1),
        date(1989, 6, 1),  # 平成元年
        date(2019, 6, 1),  # 令和元年
    }  # not 大正元年 (from 30 July), not 昭和元年 (from 25 December)
    assert date(1989, 1, 7) in birth_dates("640107")
    assert date(1989, 1, 8) not in birth_dates("640108")  # 昭和 had ended


@pytest.mark.parametrize(
    "digits",
    [
        "",
        B[:-1],
        B + "1",
        "5502172035228a",
        "５５０２１７２０３５２２８５",
        "55021720 52285",
        "55001720352285",  # month 00
        "55131720352285",
        "55020020352285",  # day 00
        "55023020352285",
        "55043120352285",
        "55021700002285",  # expiry
        "55021720152285",
    ],
)
def test_implausible_by_itself(digits: str) -> None:
    assert not plausible(digits)
    assert not plausible(digits, TODAY)


def test_the_29th_of_february_needs_a_leap_year() -> None:
    assert plausible("55022920352285", TODAY)  # 昭和55 is 1980
    assert birth_dates("550229") == {date(1980, 2, 29)}
    assert not plausible("53022920352285", TODAY)  # neither 1978, 1953 nor 2053


@pytest.mark.parametrize("expiry, expected", [(2024, 0), (2025, 1), (2037, 1), (2038, 0)])
def test_the_expiry_year_has_a_window(expiry: int, expected: bool) -> None:
    assert plausible(f"550217{expiry}2285", TODAY) is bool(expected)


@pytest.mark.parametrize(
    "birth_date, expiry",
    [
        ("19800218", "20350217"),
        ("19800217", "20340217"),
        ("1980021", "20350217"),
        ("198002ab", "2035"),
        ("19800000", "20350217"),
        ("00000217", "20350217"),
    ],
)
def test_print_and_chip_may_disagree(birth_date: str, expiry: str) -> None:
    assert agrees_with_chip(B, "19800217", "20350217")
    assert not agrees_with_chip(B, birth_date, expiry)


@given(st.text(max_size=20))
def test_any_text_has_an_answer(text: str) -> None:
    assert plausible(text, TODAY) in (True, False)
    assert agrees_with_chip(text, text, text) in (True, False)


@given(st.text("0123456789", min_size=14, max_size=14))
def test_a_trusted_clock_only_narrows(digits: str) -> None:
    assert plausible(digits) or not plausible(digits, TODAY)
