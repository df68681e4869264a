"""Calibration on people who are drawn: what is wanted holds for those who had no part in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware.match.compare import LookRule
from firmware.match.evaluation.calibration import (
    WANTED_FMR,
    calibrate,
    lowest_that_recovered,
    whole_looks,
)
from firmware.match.evaluation.face_folders import Picture
from firmware.match.evaluation.rates import rates_at
from firmware.match.evaluation.trials import Attempt, Measured, Templates, crossed
from firmware.match.networks import Reals

RULE = LookRule()
LOOKS = 3
# Of half as many, 10⁵ pairs of people: fewer could not show so small a share.
PEOPLE = 1000


def unit(values: Reals) -> Reals:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), np.float32)


def drawn(people: int, pictures: int, seed: int, session: str | None = None) -> Measured:
    """Everybody has a direction of his own, and each picture of him some noise."""
    random = np.random.default_rng(seed)
    faces = np.repeat(random.standard_normal((people, 32)), pictures, axis=0)
    rows = [unit(faces + 0.4 * random.standard_normal(faces.shape)) for _ in range(2)]
    names = [
        Picture(Path(f"P{person}_{number}.jpg"), f"P{person}", session)
        for person in range(people)
        for number in range(pictures)
    ]
    nothing_refused = (None,) * len(names)
    return Measured(
        tuple(names), Templates(rows[0], nothing_refused), Templates(rows[1], nothing_refused)
    )


def test_the_threshold_keeps_to_what_is_wanted_on_either_half_and_on_strangers() -> None:
    measured = drawn(PEOPLE, 3, seed=1)
    found = calibrate(crossed("drawn", measured, whole_looks(measured, RULE)), LOOKS)
    assert found.bounded
    assert sum(half.people for half in found.halves) == PEOPLE
    for half in found.halves:
        assert half.visit_fmr <= half.visit_fmr_upper_95 <= WANTED_FMR
        assert half.threshold <= found.threshold
    others = drawn(PEOPLE, 3, seed=2)
    fmr = rates_at(crossed("others", others, whole_looks(others, RULE)), found.threshold).fmr
    assert fmr is not None
    assert LOOKS * fmr.value <= WANTED_FMR


def test_of_few_people_no_bound_is_claimed() -> None:
    measured = drawn(12, 60, seed=4)
    found = calibrate(crossed("few", measured, whole_looks(measured, RULE)), LOOKS)
    assert not found.bounded
    assert found.halves == ()
    with pytest.raises(ValueError, match="too few"):
        nobody = drawn(3, 4, seed=5)
        calibrate(crossed("nobody", nobody, whole_looks(nobody, RULE)), LOOKS)


def test_whoever_has_too_few_pictures_is_only_a_reference() -> None:
    assert whole_looks(drawn(5, RULE.at_least - 1, seed=6), RULE) == []
    assert len({look.person for look in whole_looks(drawn(5, RULE.at_least, seed=6), RULE)}) == 5


def test_pictures_of_one_session_are_never_ones_own_reference() -> None:
    for look in whole_looks(drawn(5, 8, seed=7, session="1"), RULE):
        assert np.asarray(look.own).size == 0


def test_the_lowest_try_that_a_later_one_mended() -> None:
    cards = Templates(np.array([[1.0, 0.0]], np.float32), (None,))
    measured = Measured((Picture(Path("A_1.jpg"), "A"),), cards, cards)

    def look(*scores: float) -> Attempt:
        return Attempt("A", (np.array([[score, 0.0] for score in scores], np.float32),), (0,))

    mended = look(0.3, 0.2, 0.6)
    assert lowest_that_recovered(measured, [mended], 0.5) == pytest.approx(0.2)
    # Neither one that was accepted at once nor one that never was has mended anything.
    others = [look(0.7, 0.1, 0.1), look(0.1, 0.2, 0.3)]
    assert lowest_that_recovered(measured, others, 0.5) == 1.0
    assert lowest_that_recovered(measured, [*others, mended], 0.5) == pytest.approx(0.2)
