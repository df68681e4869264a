"""Rates that can be counted by hand, and bounds that hold as often as they say."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.match.evaluation.intervals import exact_bounds, rounded_up
from firmware.match.evaluation.rates import (
    Crossed,
    Listed,
    Trials,
    det_curve,
    equal_error_rate,
    fnmr_at_fmr,
    rates_at,
    threshold_for,
)


def trials(scores: list[list[float]], failed: list[int] | None = None) -> Trials:
    """Person i's probe against person j's reference."""
    values = np.array(scores, np.float32)
    count = len(values)
    mine, theirs = np.nonzero(~np.eye(count, dtype=bool))
    order = np.argsort(-values[mine, theirs], kind="stable")
    return Trials(
        name="drawn",
        people=tuple(str(index) for index in range(count)),
        genuine=np.diagonal(values).copy(),
        genuine_person=np.arange(count, dtype=np.int32),
        failed=np.array(failed or [0] * count, np.int32),
        impostor=values[mine, theirs][order],
        impostor_people=np.stack([mine, theirs])[:, order].astype(np.int32),
        pairs=Crossed(np.ones(count), np.ones(count)),
        floor=float("-inf"),
    )


FOUR = trials([[0.9, 0.1, 0.2, 0.3], [0.1, 0.4, 0.1, 0.6], [0, 0, 0.8, 0], [0, 0, 0.1, 0.7]])


def test_rates_are_shares_of_comparisons() -> None:
    rates = rates_at(FOUR, 0.5)
    assert rates.fmr and rates.fnmr and rates.gfrr
    assert (rates.fmr.errors, rates.fmr.of) == (1, 12)
    assert (rates.fnmr.errors, rates.fnmr.of) == (1, 4)
    assert rates.gfrr.value == rates.fnmr.value == 0.25
    for share in (rates.fmr, rates.fnmr):
        assert 0 <= share.low < share.value < share.upper_95 <= share.high <= 1


def test_attempts_without_a_score_are_refusals_of_the_generalised_rate_alone() -> None:
    failing = trials(np.eye(4).tolist(), failed=[0, 0, 0, 4])
    rates = rates_at(failing, 0.5)
    assert rates.fnmr and rates.gfrr
    assert rates.fnmr.errors == 0
    assert (rates.gfrr.errors, rates.gfrr.of) == (4, 8)


def test_no_error_seen_is_no_proof_of_none() -> None:
    rates = rates_at(FOUR, 0.65)
    assert rates.fmr and rates.fmr.value == rates.fmr.low == 0
    # Six pairs of people: 1 - 0.05^(1/6).
    assert rates.fmr.upper_95 == pytest.approx(0.393, abs=0.001)
    below = rates_at(FOUR, 0.35).fnmr
    # Four people: 1 - 0.05^(1/4).
    assert below and below.upper_95 == pytest.approx(0.527, abs=0.001)


@pytest.mark.parametrize("fmr", [1 / 12, 0.25, 0.5])
def test_the_threshold_for_a_rate_keeps_it_and_is_the_lowest(fmr: float) -> None:
    threshold = threshold_for(FOUR, fmr)
    assert threshold is not None
    here, lower = rates_at(FOUR, threshold).fmr, rates_at(FOUR, threshold - 1e-5).fmr
    assert here and here.value <= fmr
    assert lower and lower.value > fmr


def test_too_few_strangers_leave_a_rate_open() -> None:
    assert threshold_for(FOUR, 1e-3) is None
    assert fnmr_at_fmr(FOUR, 1e-3) is None


def test_nobody_of_the_other_kind_is_no_rate() -> None:
    alone = FOUR.among({"2"})
    rates = rates_at(alone, 0.5)
    assert (rates.fmr, rates.fnmr and rates.fnmr.of) == (None, 1)


def test_some_people_are_measured_among_themselves() -> None:
    pair = FOUR.among({"1", "3"})
    rates = rates_at(pair, 0.5)
    assert rates.fmr and rates.fnmr
    assert (rates.fmr.errors, rates.fmr.of) == (1, 2)
    assert (rates.fnmr.errors, rates.fnmr.of) == (1, 2)


def test_listed_and_crossed_comparisons_come_to_the_same() -> None:
    written = Trials(
        *(FOUR.name, FOUR.people, FOUR.genuine, FOUR.genuine_person, FOUR.failed),
        *(FOUR.impostor, FOUR.impostor_people, Listed(FOUR.impostor_people), FOUR.floor),
    )
    assert rates_at(written, 0.5) == rates_at(FOUR, 0.5)
    assert fnmr_at_fmr(written, 0.25) == fnmr_at_fmr(FOUR, 0.25)
    some = {"0", "1", "3"}
    assert rates_at(written.among(some), 0.5) == rates_at(FOUR.among(some), 0.5)


def noisy(people: int, seed: int) -> Trials:
    """Each person has a likeness of his own to everybody: comparisons hang together."""
    random = np.random.default_rng(seed)
    plain = random.normal(0, 0.08, (people, 1)) + random.normal(0, 0.08, (1, people))
    scores = plain + random.normal(0, 0.08, (people, people)) + 0.55 * np.eye(people)
    return trials(scores.tolist())


def test_a_det_curve_falls_and_crosses_at_the_equal_error_rate() -> None:
    fmr, fnmr = det_curve(noisy(60, 4))
    assert all(np.diff(fmr) > 0)
    assert all(np.diff(fnmr) <= 0)
    rate = equal_error_rate(noisy(60, 4))
    assert rate is not None
    assert 0 < rate < 0.1


@pytest.mark.parametrize(("errors", "of"), [(0, 30), (1, 30), (7, 30), (29, 30), (30, 30)])
def test_exact_bounds_are_where_the_binomial_tails_are_half_the_doubt(errors: int, of: int) -> None:
    def at_most(p: float, most: int) -> float:
        return sum(comb(of, i) * p**i * (1 - p) ** (of - i) for i in range(most + 1))

    low, high = exact_bounds(errors, of, 0.95)
    assert low == 0 if errors == 0 else 1 - at_most(low, errors - 1) == pytest.approx(0.025)
    assert high == 1 if errors == of else at_most(high, errors) == pytest.approx(0.025)


def test_exact_bounds_of_many_trials_are_finite() -> None:
    low, high = exact_bounds(1500, 2_000_000, 0.95)
    assert low == pytest.approx(7.13e-4, rel=0.01)
    assert high == pytest.approx(7.89e-4, rel=0.01)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """A hundred worlds of forty people each out of one whose rates are known. The seeds are fixed:
    it comes to the same every time."""
    truth = noisy(1500, 1000)
    threshold = 0.40
    known = rates_at(truth, threshold)
    assert known.fmr and known.fnmr
    inside = np.zeros(2, int)
    for seed in range(100):
        rates = rates_at(noisy(40, seed), threshold, seed)
        assert rates.fmr and rates.fnmr
        inside += (
            rates.fmr.low <= known.fmr.value <= rates.fmr.high,
            rates.fnmr.low <= known.fnmr.value <= rates.fnmr.high,
        )
    assert inside.min() >= 92


def test_fnmr_at_a_rate_knows_how_unsure_the_threshold_is() -> None:
    world = noisy(120, 7)
    found = fnmr_at_fmr(world, 0.001)
    assert found is not None
    here = rates_at(world, found.threshold)
    assert here.fnmr and here.fmr
    assert here.fnmr.value == found.fnmr.value
    assert here.fmr.errors == found.strangers == 14
    assert found.fnmr.high - found.fnmr.low > here.fnmr.high - here.fnmr.low


def test_below_the_scores_that_were_kept_nothing_is_said() -> None:
    kept = Trials(
        *(FOUR.name, FOUR.people, FOUR.genuine, FOUR.genuine_person, FOUR.failed),
        *(FOUR.impostor[:3], FOUR.impostor_people[:, :3], FOUR.pairs, 0.15),
    )
    assert rates_at(kept, 0.25) == rates_at(FOUR, 0.25)
    with pytest.raises(ValueError, match="no score below"):
        rates_at(kept, 0.1)


@given(st.floats(1e-9, 1.0), st.integers(1, 6))
def test_a_rounded_bound_is_still_one(bound: float, digits: int) -> None:
    told = rounded_up(bound, digits)
    assert bound <= told <= bound * (1 + 10.0 ** (1 - digits))
    assert float(f"{told:.{digits - 1}e}") == told


def test_a_bound_goes_up_and_never_to_the_nearest() -> None:
    assert rounded_up(5.1403e-05, 2) == 5.2e-05
    assert rounded_up(0.0246, 3) == 0.0246
