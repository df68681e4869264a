"""The printed number: its grammar with plain text, and six drawn cards with the real recogniser."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from firmware.camera.frame import Frame, Pixels
from firmware.match import ocr
from firmware.match.ocr import PrintedNumberReading, compose, read_number_b
from firmware.match.printed_card import upright_cards
from firmware.match.text_reader import PpOcrReader
from firmware.simulator import tray_views
from firmware.simulator.printed_face import PrintedFace, draw_face, draw_licence
from firmware.simulator.tray_views import LADDER, View

TODAY = dt.date(2025, 11, 22)
SHOWA = "昭和55年2月17日生"
EXPIRY = "2035年2月17日末飞有効"


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        ([SHOWA, EXPIRY, "2285"], "55021720352285"),
        (["令和元年5月1日生", "2028年5月1日まで有効", "0417"], "01050120280417"),
        (["平成31年4月30日生", "2030年4月30日まで", "0417"], "31043020300417"),
        (["昭和64年1月7日生", "2035年1月7日", "9999"], "64010720359999"),
        (["平成8年2月29日生", "2033年2月28日", "9036"], "08022920339036"),
        (["1985年2月17日生", "2027年9月30日まで有効", "2285"], "85021720272285"),
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
        ["昭和55年13月17日生", "2035年13月17日", "2285"],
        ["昭和65年2月17日生", "2035年2月17日", "2285"],  # 昭和 had ended
        ["平成元年1月7日生", "2035年1月7日", "2285"],  # 平成 had not begun
        ["平和55年2月17日生", EXPIRY, "2285"],
        ["令和8年2月17日生", EXPIRY, "2285"],  # not yet born
        ["", "", ""],
    ],
)
def test_doubt_is_no_number(texts: list[str]) -> None:
    assert compose(texts, TODAY) is None


class Readings:
    """A recogniser that says what it is told to, one card after the other."""

    def __init__(self, *codes: str, confidence: float = 0.99) -> None:
        self._codes = list(codes)
        self._confidence = confidence

    def read(self, lines: list[Pixels]) -> list[tuple[str, float]]:
        texts = [SHOWA, EXPIRY, self._codes.pop(0)]
        return [(text, self._confidence) for text in texts[: len(lines)]]


def frames_of(card: Pixels | None, view: View) -> Callable[[int], Frame]:
    picture = tray_views.frames_of(card, view)
    return lambda number: Frame(picture(number), number, float(number))


STRAIGHT = replace(LADDER[0].view(0), turn_degrees=0.0, tilt=(0.0, 0.0), upside_down=False)


def told(*codes: str) -> list[str | None]:
    """What a reading answers, frame by frame, to these security codes."""
    frame = frames_of(draw_licence(), STRAIGHT)
    reading = PrintedNumberReading(Readings(*codes), TODAY)
    return [reading.feed(frame(number)) for number in range(len(codes))]


def test_one_reading_is_not_believed() -> None:
    assert told("2285") == [None]


def test_two_equal_readings_are_believed() -> None:
    assert told("2285", "2285") == [None, "55021720352285"]


def test_readings_that_differ_once_are_never_believed_again() -> None:
    assert told("2285", "2286", "2285", "2285", "2286") == [None] * 5


def test_a_reading_that_is_not_sure_is_none() -> None:
    picture = frames_of(draw_licence(), STRAIGHT)(1).pixels
    unsure = Readings("2285", "2285", confidence=ocr.LEAST_CONFIDENCE - 0.01)
    assert read_number_b(picture, unsure, TODAY) is None


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
    assert read_number_b(pixels, Readings("2285", "2285"), TODAY) is None


def test_a_turned_and_tilted_card_is_found_flat() -> None:
    view = replace(STRAIGHT, turn_degrees=5.0, tilt=(0.05, -0.04), shift=(0.5, -0.5))
    face = PrintedFace("見本", "見本", dt.date(1980, 2, 17), dt.date(2035, 2, 17), "2285")
    card = draw_face(face, np.full((300, 240, 3), (200, 30, 30), np.uint8))
    flat = next(upright_cards(frames_of(card, view)(1).pixels))
    assert flat[380, 170, 0] > 120  # the middle of the photo, blue as it was drawn
    assert flat[380, 170, 2] < 80


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


@pytest.mark.stack
def test_another_card_is_doubted(recogniser: PpOcrReader) -> None:
    frame = frames_of(draw_licence(), LADDER[0].view(3))
    reading = PrintedNumberReading(recogniser, TODAY)
    assert [reading.feed(frame(number)) for number in range(2)] == [None, None]
