"""Digits in the pad: typed by position, taken once, wiped, and printed nowhere."""

from __future__ import annotations

import pickle
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from firmware.card.credential import Pin
from firmware.panel.pin_pad import KEYS, ORDERED, SHAPES, PadKind, PinPad, shuffled


def typed(*positions: int, keys: bytes = ORDERED, length: int = 4) -> PinPad:
    pad = PinPad(length, keys)
    for position in positions:
        pad.press(position)
    return pad


def test_positions_become_digits_and_are_taken_once() -> None:
    pad = typed(0, 1, 2, 9)
    assert pad.full
    assert pad.take() == b"1230"
    assert (pad.count, pad.take()) == (0, b"")


def test_what_is_taken_is_a_pin() -> None:
    assert Pin.parse(typed(0, 1, 2, 3).take()).reveal() == b"1234"


def test_a_full_pad_and_a_strange_key_change_nothing() -> None:
    pad = typed(0, 0, 0, 0)
    assert not pad.press(1)
    assert pad.take() == b"1111"
    assert not pad.press(KEYS)
    assert not pad.press(-1)
    assert not pad.delete()
    assert pad.count == 0


def test_wiping_overwrites_the_only_buffer() -> None:
    pad = typed(4, 4, 4)
    buffer = pad._buffer
    pad.delete()
    assert bytes(buffer) == b"55\0\0"
    pad.wipe()
    assert bytes(buffer) == bytes(4)
    pad.press(4)
    assert pad._buffer is buffer, "a second buffer would leave a copy"
    pad.take()
    assert bytes(buffer) == bytes(4)


def test_it_prints_as_a_count() -> None:
    pad = typed(6, 6)
    assert repr(pad) == str(pad) == "PinPad(2 of 4 digits)"
    assert b"77" not in pickle.dumps(repr(pad))


@given(st.integers(), st.lists(st.integers(0, KEYS - 1), max_size=4))
def test_a_shuffled_pad_types_what_its_picture_shows(seed: int, positions: list[int]) -> None:
    keys = shuffled(Random(seed))
    assert sorted(keys) == sorted(ORDERED)
    pad = typed(*positions, keys=keys)
    labels = [part.split("</text>")[0][-1] for part in pad.drawn().split("<text")[1:]]
    assert pad.take().decode() == "".join(labels[position] for position in positions)


def test_pads_have_the_lengths_of_what_they_ask_for() -> None:
    assert {kind: SHAPES[kind].length for kind in PadKind} == {
        PadKind.PIN: 4,
        PadKind.STAFF: 4,
        PadKind.PRINT: 14,
    }
