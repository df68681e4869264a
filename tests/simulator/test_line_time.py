"""Bytes become seconds: by hand for the simplest frames, and never less for more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.simulator.line_time import Line, line_time_s

BIT_106_S = 128 / 13.56e6
GUARD_S = 176 * 16 / 13.56e6 + 10 * BIT_106_S  # TR0, TR1 and TR2 at their defaults
LENGTHS = st.integers(min_value=1, max_value=70_000)


def test_one_block_there_and_one_back_by_hand() -> None:
    """The largest answers that fit into one block."""
    bits = (5 + 3) * 10 + 22 + (253 + 3) * 10 + 22
    assert line_time_s(Line.CONTACTLESS_106, 5, 253) == pytest.approx(bits * BIT_106_S + GUARD_S)
    assert line_time_s(Line.CONTACT_9600, 5, 254) == pytest.approx(
        ((5 + 4 + 254 + 4) * 11 + 44) / 9600
    )


def test_a_block_more_is_acknowledged() -> None:
    """258 bytes of answer: two blocks back, an empty one there between them."""
    bits = (5 + 258 + 4 * 3) * 10 + 4 * 22
    assert line_time_s(Line.CONTACTLESS_106, 5, 258) == pytest.approx(
        bits * BIT_106_S + 2 * GUARD_S
    )


@given(st.sampled_from(list(Line)), LENGTHS, LENGTHS)
def test_more_bytes_take_longer(line: Line, command: int, answer: int) -> None:
    time_s = line_time_s(line, command, answer)
    assert 0 < time_s < line_time_s(line, command + 1, answer)
    assert time_s < line_time_s(line, command, answer + 1)


@given(LENGTHS, LENGTHS)
def test_a_faster_line_is_faster(command: int, answer: int) -> None:
    for kind in ("contactless", "contact_"):
        rates = [line for line in Line if line.startswith(kind)]  # slowest first
        times = [line_time_s(line, command, answer) for line in rates]
        assert times == sorted(times, reverse=True) and len(set(times)) == len(times)


def test_twice_the_rate_is_not_half_the_time() -> None:
    """The guard times stay: that is why few large commands beat many small ones."""
    slow, fast = (
        line_time_s(line, 5, 256) for line in (Line.CONTACTLESS_106, Line.CONTACTLESS_212)
    )
    assert slow / 2 < fast < slow
