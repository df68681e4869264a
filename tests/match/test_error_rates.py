"""The arithmetic of the benchmark: rates that can be counted by hand, and the shipped rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from accuracy import Looks, series, single_frames
from drawn_faces import BrightSpots
from error_rates import Trials, det_curve, rates_at, threshold_for
from face_sets import Picture
from numpy.typing import NDArray
from points import point_at

from firmware.match.compare import Comparer
from firmware.match.template import FaceTemplate
from firmware.words import MatchDecision


def trials(scores: list[list[float]]) -> Trials:
    """Person i's probe against person j's reference."""
    values = np.array(scores, np.float32)
    same = np.eye(len(scores), dtype=bool)
    people = np.arange(len(scores))
    return Trials("drawn", values, same, ~same, people, people)


FOUR = trials([[0.9, 0.1, 0.2, 0.3], [0.1, 0.4, 0.1, 0.6], [0, 0, 0.8, 0], [0, 0, 0.1, 0.7]])


def test_rates_are_shares_of_pairs() -> None:
    rates = rates_at(FOUR, 0.5)
    assert (rates.people, rates.impostor_pairs, rates.genuine_pairs) == (4, 12, 4)
    assert rates.fmr == pytest.approx(1 / 12)
    assert rates.fnmr == pytest.approx(1 / 4)
    assert rates.fmr < rates.fmr_upper_95 <= 1
    assert rates.fnmr < rates.fnmr_upper_95 <= 1


def test_no_error_seen_is_no_proof_of_none() -> None:
    rates = rates_at(FOUR, 0.65)
    assert rates.fmr == 0
    # Six pairs of people: 1 - 0.05^(1/6).
    assert rates.fmr_upper_95 == pytest.approx(0.393, abs=0.001)
    # Four people: 1 - 0.05^(1/4).
    assert rates_at(FOUR, 0.35).fnmr_upper_95 == pytest.approx(0.527, abs=0.001)


@pytest.mark.parametrize("fmr", [0.0, 1 / 12, 0.25, 0.5])
def test_the_threshold_for_a_rate_keeps_it_and_is_the_lowest(fmr: float) -> None:
    threshold = threshold_for(FOUR, fmr)
    assert rates_at(FOUR, threshold).fmr <= fmr
    assert rates_at(FOUR, threshold - 1e-5).fmr > fmr


def test_a_det_curve_falls() -> None:
    random = np.random.default_rng(4)
    noisy = trials((random.normal(0, 0.2, (60, 60)) + 0.6 * np.eye(60)).tolist())
    fmr, fnmr = det_curve(noisy)
    assert all(np.diff(fmr) >= 0)
    assert all(np.diff(fnmr) <= 0)


def template(degrees: float) -> FaceTemplate:
    angle = np.radians(degrees)
    return FaceTemplate(np.array([np.cos(angle), np.sin(angle)], np.float32))


def looks(session: str, degrees: list[float], person: str = "p") -> Looks:
    made = Looks()
    for index, each in enumerate(degrees):
        made.pictures.append(Picture(Path(f"{person}{session}{index}"), person, session))
        made.templates.append(template(each))
    return made


@pytest.mark.parametrize("degrees", [[70, 60, 20, 10, 5], [5, 70, 80, 80, 80], [50, 50, 10]])
def test_a_series_is_accepted_exactly_when_the_device_accepts_it(degrees: list[float]) -> None:
    cards = looks("card", [0.0])
    score = float(series("s", looks("", degrees), cards, per_session=0).scores[0, 0])
    probes = [template(each) for each in degrees]
    for threshold in (score - 0.001, score + 0.001):
        comparer = Comparer(BrightSpots(), "model", point_at(threshold))
        decision = comparer.compare(cards.templates[0], probes).decision
        assert (decision is MatchDecision.SAME_PERSON) == (score >= threshold)


def test_pictures_of_one_session_are_no_genuine_pair() -> None:
    live, cards = looks("monday", [0, 5]), looks("monday", [1])
    cards.pictures.append(Picture(Path("later"), "p", "tuesday"))
    cards.templates.append(template(9))
    counted: NDArray[np.bool_] = single_frames("x", live, cards).genuine
    assert counted.tolist() == [[False, True], [False, True]]
