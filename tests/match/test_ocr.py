"""The printed number: consensus with a told recogniser, and drawn cards with the real one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from written_lines import written

from firmware.camera.frame import Frame, Pixels
from firmware.match.errands import READ_PRINT_FRAMES
from firmware.match.gaps import has_gap
from firmware.match.lattice import Lattice
from firmware.match.ocr import (
    LEAST_LEAD,
    MOST_LEAD,
    PrintedNumberReading,
    Reading,
    common_lead,
    read_number_b,
)
from firmware.match.preparations import as_seen
from firmware.match.printed_card import BIRTH_DATE, PHOTO, lying_cards
from firmware.match.text_reader import PpOcrReader
from firmware.simulator import tray_views
from firmware.simulator.people import birthday_after
from firmware.simulator.printed_face import PrintedFace, draw_face, draw_licence
from firmware.simulator.tray_views import LADDER, View, worn

TODAY = dt.date(2025, 11, 22)
BIRTH, EXPIRY = "昭和55年2月17日", "2035年2月17日"
READ = "55021720352285"


class Readings:
    """A recogniser that sees what it is told to, one card after the other: a code, and a rival."""

    def __init__(self, *codes: str, rival: str = "", doubt: float = 0.0) -> None:
        self._codes = list(codes)
        self._rival, self._doubt = rival, doubt
        self._lines: list[Lattice] = []

    def read(self, line: Pixels) -> Lattice:
        if not self._lines:
            self._lines = [written(EXPIRY), written(BIRTH), self._code(self._codes.pop(0))]
        return self._lines.pop(0)

    def _code(self, code: str) -> Lattice:
        share = np.float32(self._doubt)
        return written(code) * (1 - share) + written(self._rival or code) * share


def frames_of(card: Pixels | None, view: View) -> Callable[[int], Frame]:
    picture = tray_views.frames_of(card, view)
    return lambda number: Frame(picture(number), number, float(number))


STRAIGHT = replace(LADDER[0].view(0), turn_degrees=0.0, tilt=(0.0, 0.0), upside_down=False)


def grey_of(frame: Frame) -> Pixels:
    return np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def straight_card() -> Callable[[int], Frame]:
    """A card with print in its fields, for a recogniser that is told what stands there."""
    face = PrintedFace("見本", "見本", dt.date(1980, 2, 17), dt.date(2035, 2, 17), "2285")
    return frames_of(draw_face(face, None), STRAIGHT)


def told(*codes: str, rival: str = "", doubt: float = 0.0) -> list[str | None]:
    """What a reading answers, frame by frame, to these security codes."""
    frame = straight_card()
    reading = PrintedNumberReading(Readings(*codes, rival=rival, doubt=doubt), TODAY)
    return [reading.feed(frame(number)) for number in range(len(codes))]


def test_one_reading_is_not_believed() -> None:
    assert told("2285") == [None]


def test_two_equal_readings_are_believed() -> None:
    assert told("2285", "2285") == [None, READ]


def test_readings_that_differ_once_are_never_believed_again() -> None:
    assert told("2285", "2286", "2285", "2285", "2286") == [None] * 5


def test_a_number_must_lead_clearly() -> None:
    believed, doubted = 1.0 / (1.2 * LEAST_LEAD), 1.0 / (0.8 * LEAST_LEAD)
    assert told("2285", "2285", rival="2286", doubt=believed)[-1] == READ
    assert told(*["2285"] * 6, rival="2286", doubt=doubted) == [None] * 6


def reading(**chances: float) -> Reading:
    """Of numbers whose names are as long as their dates."""
    return Reading(chances, {name: len(name) for name in chances})


def test_rivals_that_differ_from_one_preparation_to_the_next_do_not_add_up() -> None:
    steady = [reading(aa=0.9, bb=0.01), reading(aa=0.9, bb=0.01)]
    changing = [reading(aa=0.9, bb=0.01), reading(aa=0.9, cc=0.01)]
    assert common_lead(steady) == pytest.approx(90.0)
    assert common_lead(changing) == pytest.approx((90.0 * MOST_LEAD) ** 0.5)


def test_a_certain_reading_does_not_make_up_for_one_that_is_at_a_loss() -> None:
    assert common_lead([reading(aa=0.9), reading(aa=0.5, bb=0.4)]) < LEAST_LEAD
    assert common_lead([reading(aa=0.9), reading(aa=0.9)]) == MOST_LEAD


def test_only_a_rival_that_leaves_a_digit_over_counts_for_less() -> None:
    assert common_lead([reading(aaa=0.9, bb=0.01)]) == pytest.approx(900.0)
    assert common_lead([reading(aa=0.9, bbb=0.01)]) == pytest.approx(90.0)


def test_a_card_that_is_exchanged_begins_anew() -> None:
    frame = straight_card()
    other = replace(STRAIGHT, shift=(0.4, 0.4))
    face = PrintedFace("見本", "見本", dt.date(1980, 2, 17), dt.date(2035, 2, 17), "2285")
    moved = frames_of(draw_face(face, None), other)
    reading = PrintedNumberReading(Readings(*["2285"] * 3), TODAY)
    assert [reading.feed(seen) for seen in (frame(0), moved(1), moved(2))] == [None, None, READ]


def test_a_lost_digit_is_doubt() -> None:
    """A scratch took the 1 of the 17th: 2月7日 is a date as well."""
    face = PrintedFace("見本", "見本", dt.date(1980, 2, 17), dt.date(2035, 2, 17), "2285")
    card = draw_face(face, None)
    whole = next(lying_cards(grey_of(frames_of(card, STRAIGHT)(1)))).cut(BIRTH_DATE)
    date = "昭和55年2月17日"
    assert not has_gap(whole, date)
    without = [has_gap(hidden(whole, left), date) for left in range(30, 300, 6)]
    assert sum(without) > len(without) // 2
    beyond = hidden(whole, 240)
    assert has_gap(beyond, date)
    assert not has_gap(beyond, "昭和5")


def hidden(line: Pixels, left: int) -> Pixels:
    """The line with 1.6 mm of its print gone."""
    scratched = line.copy()
    scratched[:, left : left + 20] = np.quantile(line, 0.9)
    return scratched


def test_an_implausible_rival_is_none() -> None:
    # A digit that may be two, where only one of them makes a day that exists.
    read = read_number_b(grey_of(straight_card()(1)), Torn(), TODAY, as_seen)
    assert read is not None
    assert dict(read.chances) == {READ: pytest.approx(0.4, abs=1e-3)}


class Torn:
    """A recogniser torn between the 17th and the 11th in the birth date alone."""

    def __init__(self) -> None:
        torn = written(BIRTH) * np.float32(0.4) + written("昭和55年2月11日") * np.float32(0.6)
        self._lines = [written(EXPIRY), torn, written("2285")]

    def read(self, line: Pixels) -> Lattice:
        return self._lines.pop(0)


def test_an_illegible_frame_says_nothing() -> None:
    frame = straight_card()
    both_ways_round = ("", "")
    reading = PrintedNumberReading(Readings(*both_ways_round, "2285", "2285"), TODAY)
    assert [reading.feed(frame(number)) for number in range(3)] == [None, None, READ]


@pytest.mark.parametrize(
    "pixels",
    [
        tray_views.frames_of(None, STRAIGHT)(1),
        np.zeros((960, 1280, 3), np.uint8),
        np.full((960, 1280, 3), 255, np.uint8),
        np.zeros((7, 5, 3), np.uint8),
    ],
    ids=["empty tray", "black", "white", "tiny"],
)
def test_no_card_is_no_number(pixels: Pixels) -> None:
    frame = Frame(pixels, 1, 0.0)
    assert PrintedNumberReading(Readings("2285", "2285"), TODAY).feed(frame) is None
    assert read_number_b(grey_of(frame), Readings("2285", "2285"), TODAY, as_seen) is None


def test_a_turned_and_tilted_card_is_found_flat() -> None:
    view = replace(STRAIGHT, turn_degrees=5.0, tilt=(0.05, -0.04), shift=(0.5, -0.5))
    face = PrintedFace("見本", "見本", dt.date(1980, 2, 17), dt.date(2035, 2, 17), "2285")
    card = draw_face(face, np.full((300, 240, 3), 30, np.uint8))
    photo = next(lying_cards(grey_of(frames_of(card, view)(1)))).cut(PHOTO)
    inner = photo[12:-12, 12:-12]  # a millimetre of error is none
    assert np.quantile(inner, 0.99) < 80


CARDS = {
    "showa": PrintedFace(
        "試験　花子", "東京都千代田区架空", dt.date(1980, 2, 17), dt.date(2035, 2, 17), "2285"
    ),
    "heisei's first day": PrintedFace(
        "髙﨑　次郎", "大阪府大阪市模擬町", dt.date(1989, 1, 8), dt.date(2035, 1, 8), "0417"
    ),
    "leap day": PrintedFace(
        "模擬　さくら", "北海道札幌市見本条", dt.date(1996, 2, 29), dt.date(2033, 2, 28), "9036"
    ),
    "infant": PrintedFace(
        "架空　ひかり", "沖縄県那覇市仮名町", dt.date(2025, 1, 20), dt.date(2030, 1, 20), "7340"
    ),
    "foreign resident": PrintedFace(
        "ＳＡＭＰＬＥ", "愛知県名古屋市", dt.date(1985, 7, 30), dt.date(2027, 9, 30), "1168", True
    ),
    "old": PrintedFace(
        "例示　トメ", "福岡県福岡市例示", dt.date(1931, 11, 3), dt.date(2030, 11, 3), "5512"
    ),
}
NUMBERS = (
    "55021720352285",
    "01010820350417",
    "08022920339036",
    "07012020307340",
    "85073020271168",
    "06110320305512",
)


@pytest.fixture(scope="module")
def recogniser() -> PpOcrReader:
    return PpOcrReader()


@pytest.mark.stack
@pytest.mark.parametrize(
    ("seed", "name", "number"), list(zip(range(6), CARDS, NUMBERS, strict=True)), ids=list(CARDS)
)
def test_a_drawn_card_is_read(seed: int, name: str, number: str, recogniser: PpOcrReader) -> None:
    frame = frames_of(draw_face(CARDS[name], None), LADDER[0].view(seed))
    reading = PrintedNumberReading(recogniser, TODAY)
    assert reading.feed(frame(1)) is None
    assert reading.feed(frame(2)) == number


def read_in_six(card: Pixels | None, view: View, recogniser: PpOcrReader) -> str | None:
    frame = frames_of(None if card is None else worn(card, view), view)
    reading = PrintedNumberReading(recogniser, TODAY)
    numbers = (reading.feed(frame(number)) for number in range(READ_PRINT_FRAMES))
    return next((number for number in numbers if number is not None), None)


@pytest.mark.stack
@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(
    ("born", "digits"),
    [
        (dt.date(1989, 1, 7), "640107"),
        (dt.date(1989, 1, 8), "010108"),
        (dt.date(2019, 4, 30), "310430"),
        (dt.date(2019, 5, 1), "010501"),
    ],
    ids=str,
)
def test_births_at_the_borders_of_eras_are_read(
    level: int, born: dt.date, digits: str, recogniser: PpOcrReader
) -> None:
    face = PrintedFace("見本", "見本", born, birthday_after(born, dt.date(2024, 7, 1), 10), "6071")
    view = LADDER[level - 1].view(born.toordinal())
    number = f"{digits}{face.expiry.year}6071"
    assert read_in_six(draw_face(face, None), view, recogniser) == number


@pytest.mark.stack
@pytest.mark.parametrize("seed", range(3))
def test_a_hopeless_view_gives_no_number_or_the_right_one(
    seed: int, recogniser: PpOcrReader
) -> None:
    card = draw_face(CARDS["old"], None)
    for level in (4, 5):
        number = read_in_six(card, LADDER[level - 1].view(seed), recogniser)
        assert number in (None, "06110320305512")


@pytest.mark.stack
def test_a_card_with_an_altered_expiry_is_doubted(recogniser: PpOcrReader) -> None:
    altered = replace(CARDS["showa"], expiry=dt.date(2035, 2, 18))  # no birthday
    assert read_in_six(draw_face(altered, None), LADDER[0].view(1), recogniser) is None


@pytest.mark.stack
@pytest.mark.parametrize(
    "picture",
    [draw_licence(), *(np.full((756, 1198, 3), grey, np.uint8) for grey in (0, 128, 255))],
    ids=["licence", "black", "grey", "white"],
)
def test_another_card_is_doubted(picture: Pixels, recogniser: PpOcrReader) -> None:
    assert read_in_six(picture, LADDER[0].view(1), recogniser) is None
