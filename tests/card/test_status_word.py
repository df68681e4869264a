"""Status words: the counter, the two that carry a length, a text for each."""

import pytest

from firmware.card import status_word as sw


@pytest.mark.parametrize("tries", range(16))
def test_the_counter_of_63cx(tries: int) -> None:
    assert sw.tries_left(0x63C0 + tries) == tries
    assert sw.tries_status(tries) == 0x63C0 + tries


@pytest.mark.parametrize("blocked", [0x6983, 0x6984, 0x63C0])
def test_blocked_is_no_tries(blocked: int) -> None:
    assert sw.tries_left(blocked) == 0
    assert sw.describe(blocked) == "blocked"


def test_no_other_word_is_a_counter() -> None:
    counters = {word for word in range(0x10000) if sw.tries_left(word) is not None}
    assert counters == {*range(0x63C0, 0x63D0), 0x6983, 0x6984}


def test_a_counter_never_leaves_its_digit() -> None:
    assert sw.tries_status(99) == 0x63CF
    assert sw.tries_status(-1) == 0x63C0


def test_lengths_in_61xx_and_6cxx() -> None:
    assert (sw.bytes_waiting(0x6110), sw.bytes_waiting(0x6100)) == (16, 256)
    assert (sw.exact_length(0x6C10), sw.exact_length(0x6C00)) == (16, 256)
    for word in (0x9000, 0x6282, 0x6B00, 0x6D00):
        assert sw.bytes_waiting(word) is None and sw.exact_length(word) is None


def test_every_word_has_a_text_of_its_own() -> None:
    names = [name for name in vars(sw) if name.isupper() and not name.startswith("_")]
    for word in (vars(sw)[name] for name in names):
        assert sw.describe(word) != "unknown status word"
    assert sw.describe(0x63C2) == "refused, 2 tries left"
    assert sw.describe(0x6110) == "16 more bytes"
    assert sw.describe(0x6C10) == "wrong Le, 16 is right"
    assert sw.describe(0x1234) == "unknown status word"
