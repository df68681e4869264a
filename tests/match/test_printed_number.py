"""What can be printed on a card: its grammar, its plausibility, the number that it makes."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.card.collation import Calendar, number_b
from firmware.match.lattice import LETTERS
from firmware.match.printed_number import code_letters, compose, date_letters, may_lack_a_digit
from firmware.simulator.people import birthday_after
from firmware.simulator.printed_face import PrintedFace, birth_text

TODAY = dt.date(2025, 11, 22)
SHOWA = "昭和55年2月17日"
EXPIRY = "2035年2月17日"


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        ([SHOWA, EXPIRY, "2285"], "55021720352285"),
        (["昭和64年1月7日", "2035年1月7日", "9999"], "64010720359999"),  # 昭和's last day
        (["平成元年1月8日", "2035年1月8日", "9999"], "01010820359999"),  # 平成's first
        (["平成1年1月8日", "2035年1月8日", "9999"], "01010820359999"),
        (["平成31年4月30日", "2030年4月30日", "0417"], "31043020300417"),  # 平成's last
        (["令和元年5月1日", "2028年5月1日", "0417"], "01050120280417"),  # 令和's first
        (["平成8年2月29日", "2033年2月28日", "9036"], "08022920339036"),
        (["1985年2月17日", "2027年9月30日", "2285"], "85021720272285"),
    ],
)
def test_a_number_is_composed_of_three_fields(texts: list[str], number: str) -> None:
    assert compose(texts, TODAY) == number


@pytest.mark.parametrize(
    "texts",
    [
        [SHOWA, EXPIRY, "228"],
        [SHOWA, EXPIRY, "228S"],
        [SHOWA, EXPIRY, "22851"],
        [SHOWA, EXPIRY, "２２８５"],
        [SHOWA, "2035年2月11日", "2285"],  # no birthday: 7 read as 1
        [SHOWA, "2085年2月17日", "2285"],  # no card lasts so long
        [SHOWA, "2019年2月17日", "2285"],  # expired years ago
        [SHOWA, "有効", "2285"],
        ["昭和55年13月17日", "2035年13月17日", "2285"],
        ["昭和65年2月17日", "2035年2月17日", "2285"],  # 昭和 had ended
        ["昭和64年1月8日", "2035年1月8日", "2285"],  # the day before, it had
        ["平成元年1月7日", "2035年1月7日", "2285"],  # 平成 had not begun
        ["平成31年5月1日", "2035年5月1日", "2285"],  # 平成 had ended
        ["令和元年4月30日", "2028年4月30日", "2285"],  # 令和 had not begun
        ["平和55年2月17日", EXPIRY, "2285"],
        ["令和8年2月17日", EXPIRY, "2285"],  # not yet born
        ["2025年11月20日", "2025年11月20日", "2285"],  # expired on the day of birth
        ["", "", ""],
    ],
)
def test_doubt_is_no_number(texts: list[str]) -> None:
    assert compose(texts, TODAY) is None


BORN = st.dates(dt.date(1912, 7, 30), TODAY)


@given(BORN, st.booleans(), st.integers(0, 9999))
def test_every_card_can_be_spelt_and_gives_its_number(
    born: dt.date, gregorian: bool, code: int
) -> None:
    expiry = birthday_after(born, max(born, dt.date(2024, 1, 1)), 5)
    face = PrintedFace("見本", "見本", born, expiry, f"{code:04d}", gregorian)
    birth = birth_text(face).removesuffix("生")
    day = f"{expiry.year}年{expiry.month}月{expiry.day}日"
    for text in (birth, day):
        for at in range(len(text)):
            assert text[at] in date_letters(text[:at])
        assert date_letters(text) == ""
    printed_in = Calendar.GREGORIAN if gregorian else Calendar.JAPANESE
    assert compose([birth, day, f"{code:04d}"], TODAY) == number_b(
        born, expiry.year, f"{code:04d}", printed_in
    )


@given(st.lists(st.integers(0, 9), max_size=30))
def test_every_walk_of_the_grammars_ends(choices: list[int]) -> None:
    for grammar in (date_letters, code_letters):
        text = ""
        for choice in choices:
            following = grammar(text)
            if not following:
                break
            assert set(following) <= set(LETTERS)
            text += following[choice % len(following)]
        assert len(text) <= len("昭和55年12月17日")


@pytest.mark.parametrize(
    ("birth", "beginning"),
    [
        ("昭和5年2月17日", "昭和5年"),  # may have been 昭和15年
        (SHOWA, ""),
        ("平成元年1月8日", ""),
        ("昭和55年2月7日", ""),  # month and day stand in the expiry too
        ("1985年2月17日", "1985年2月"),
        ("1985年12月7日", "1985年12月7日"),
        ("1985年2月7日", "1985年2月7日"),
        ("1985年12月17日", ""),
        ("", ""),
    ],
)
def test_a_digit_may_lack_only_where_one_stands_alone(birth: str, beginning: str) -> None:
    assert may_lack_a_digit(birth) == beginning
