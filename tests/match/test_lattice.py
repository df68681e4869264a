"""The spelling out of what a recogniser saw: chances, letters twice, marks that are no letters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_lines import written

from firmware.match.lattice import ALIKE, LETTERS, STRAY, Lattice, lattice_of, spellings
from firmware.match.printed_number import code_letters, date_letters


@pytest.mark.parametrize("text", ["昭和44年11月22日", "平成元年1月8日", "2035年12月31日"])
def test_a_clear_line_is_spelt_out(text: str) -> None:
    assert spellings(written(text), date_letters) == {text: pytest.approx(1.0)}


def test_what_follows_a_date_is_free() -> None:
    assert spellings(written("2035年2月17日年99"), date_letters) == {
        "2035年2月17日": pytest.approx(1.0)
    }


@pytest.mark.parametrize("text", ["", "228", "22851", "2年85"])
def test_a_code_has_four_digits_and_nothing_after(text: str) -> None:
    assert spellings(written(text), code_letters) == {}


def test_the_same_digit_twice_needs_something_in_between() -> None:
    letters, nothing = written("123")[1::2], written("")
    held = np.concatenate([letters[:1], letters])  # the first digit over two steps
    assert spellings(held, code_letters) == {}
    apart = np.concatenate([letters[:1], nothing, letters])
    assert spellings(apart, code_letters) == {"1123": pytest.approx(1.0)}


def test_chances_of_rivals_are_kept_apart() -> None:
    line = written("2285")
    step = int(np.argmax(line[:, 1 + LETTERS.index("8")]))
    line[step] = 0.0
    line[step, 1 + LETTERS.index("8")], line[step, 1 + LETTERS.index("3")] = 0.7, 0.3
    assert spellings(line, code_letters) == {
        "2285": pytest.approx(0.7),
        "2235": pytest.approx(0.3),
    }


def test_a_stray_mark_costs_but_does_not_end_a_line() -> None:
    classes = len("".join(ALIKE.values())) + 2
    columns, at = [], 1
    for alike in ALIKE.values():
        columns.append(list(range(at, at + len(alike))))
        at += len(alike)
    seen = np.zeros((3, classes), np.float32)
    seen[0, columns[LETTERS.index("昭")][1]] = 1.0  # taken for something alike
    seen[1, -1] = 1.0  # none of ours
    seen[2, 0] = 1.0
    lattice = lattice_of(seen, columns, [0])
    assert lattice[0, 1 + LETTERS.index("昭")] == pytest.approx(1.0)
    assert lattice[1, 0] == pytest.approx(STRAY)
    assert lattice[2, 0] == pytest.approx(1.0)


@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_any_lattice_has_chances_of_one_at_most(steps: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    lattice: Lattice = random.dirichlet(np.full(1 + len(LETTERS), 0.1), steps).astype(np.float32)
    for grammar in (date_letters, code_letters):
        words = spellings(lattice, grammar)
        assert sum(words.values()) <= 1.0 + 1e-4
        assert all(grammar(word) == "" for word in words)
