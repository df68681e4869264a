"""Who is compared with whom: sessions, several frames, the device's own rule, failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_faces import BrightSpots
from points import point_at

from firmware.match.compare import Comparer
from firmware.match.evaluation import trials as trials_module
from firmware.match.evaluation.face_folders import Picture
from firmware.match.evaluation.pairs import Pair
from firmware.match.evaluation.rates import fnmr_at_fmr, rates_at
from firmware.match.evaluation.trials import (
    SINGLE,
    Frames,
    Measured,
    Templates,
    by_rule,
    crossed,
    fused_frames,
    in_turn,
    listed,
    several_frames,
    single_frames,
)
from firmware.match.template import FaceTemplate
from firmware.words import MatchDecision

THREE = Frames(3, 2, fused_frames)


def at(*degrees: float) -> Templates:
    """Directions in the plane; NaN gave no template."""
    angles = np.radians(np.nan_to_num(degrees))
    there = ~np.isnan(degrees)
    values = np.stack([np.cos(angles), np.sin(angles)], axis=1) * there[:, None]
    return Templates(
        values.astype(np.float32), tuple(None if fit else "no_face" for fit in there.tolist())
    )


def pictures(*people: str) -> tuple[Picture, ...]:
    """ "Ana" or "Ana/monday"."""
    split = [person.partition("/") for person in people]
    return tuple(
        Picture(Path(f"{index}.jpg"), person, session or None)
        for index, (person, _, session) in enumerate(split)
    )


def test_single_frames_against_other_pictures_of_the_person() -> None:
    degrees = at(0, 10, 20, 90)
    trials = crossed(
        "x", m := Measured(pictures("a", "a", "a", "b"), degrees, degrees), single_frames(m)
    )
    assert sorted(trials.genuine.tolist()) == pytest.approx(
        sorted([np.cos(np.radians(10))] * 4 + [np.cos(np.radians(20))] * 2)
    )
    assert trials.impostor_pairs == trials.impostor.size == 6
    assert trials.people == ("a", "b")
    assert [trials.people[i] for i in trials.impostor_people[:, 0]] in (["a", "b"], ["b", "a"])
    assert trials.impostor[0] == pytest.approx(np.cos(np.radians(70)))


def test_pictures_of_one_session_are_no_genuine_pair() -> None:
    shown = pictures("a/monday", "a/monday", "a/tuesday", "b/monday")
    measured = Measured(shown, at(0, 1, 30, 90), at(0, 1, 30, 90))
    trials = crossed("x", measured, single_frames(measured))
    assert trials.genuine.size == 4
    assert trials.genuine.max() < np.cos(np.radians(28))


def test_what_gave_no_template_is_counted_as_failed() -> None:
    shown = pictures("a", "a", "b", "b")
    measured = Measured(shown, at(0, np.nan, 90, 91), at(0, 1, 90, np.nan))
    trials = crossed("x", measured, single_frames(measured))
    # a: 0 against 1 compared, the other way failed; b: 91 against 90 compared, the other failed.
    assert trials.genuine.size == 2
    assert trials.failed.tolist() == [1, 1]
    rates = rates_at(trials, 0.5)
    assert rates.gfrr
    assert (rates.gfrr.errors, rates.gfrr.of) == (2, 4)


def test_several_frames_never_hold_the_reference_and_skip_who_has_too_few() -> None:
    degrees = at(0, 90, 90, 90, 45, 45, 45)
    measured = Measured(pictures(*"aaaabbb"), degrees, degrees)
    attempts = several_frames(measured, THREE)
    assert [attempt.person for attempt in attempts] == ["a"] * 4
    assert [np.asarray(attempt.own).tolist() for attempt in attempts] == [[0], [1], [2], [3]]
    (alone,) = attempts[0].looks
    assert alone == pytest.approx(np.array([[0, 1]]), abs=1e-6)
    trials = crossed("x", measured, attempts)
    assert trials.genuine[0] == pytest.approx(0, abs=1e-6)
    assert (trials.genuine.size, trials.impostor_pairs) == (4, 4 * 3)


def test_unfit_frames_fall_out_and_too_few_fit_ones_are_a_failure() -> None:
    nan = float("nan")
    measured = Measured(pictures(*"aaaabbbb"), at(0, 0, 0, nan, 90, nan, nan, 90), at(*[0] * 8))
    attempts = several_frames(measured, THREE)
    assert [not attempt.looks for attempt in attempts] == [
        *[False] * 4,
        *[True, False, False, True],
    ]
    assert crossed("x", measured, attempts).failed.tolist() == [0, 2]


def test_frames_of_a_session_go_against_references_of_the_others() -> None:
    shown = pictures(*["a/1"] * 3, *["a/2"] * 3, "b/1")
    measured = Measured(shown, at(0, 0, 0, 60, 60, 60, 90), at(0, 0, 0, 60, 60, 60, 90))
    trials = crossed("x", measured, several_frames(measured, THREE))
    assert trials.genuine == pytest.approx(np.full(2 * 20 * 3, 0.5), abs=1e-6)


@pytest.mark.parametrize("degrees", [[70, 60, 20, 10, 5], [5, 70, 80, 80, 80], [50, 50, 10, 5, 5]])
def test_an_attempt_is_accepted_exactly_when_the_device_accepts_it(degrees: list[float]) -> None:
    rule = Comparer(BrightSpots(), "model", point_at(0.5)).rule
    values = at(*degrees).values
    card = at(0).values[0]
    score = float((by_rule(rule)(values) @ card).max())
    for threshold in (score - 0.001, score + 0.001):
        comparer = Comparer(BrightSpots(), "model", point_at(threshold))
        probes = [FaceTemplate(row) for row in values]
        decision = comparer.compare(FaceTemplate(card), probes).decision
        assert (decision is MatchDecision.SAME_PERSON) == (score >= threshold)


def test_a_look_that_was_given_up_is_not_mended_by_later_frames() -> None:
    tried = np.array([[0.1, 0.3, 0.1], [0.6, 0.2, 0.05], [0.7, 0.8, 0.9]], np.float32)
    assert in_turn(tried, 0.15).tolist() == pytest.approx([0.1, 0.8, 0.1])
    assert in_turn(tried, 0.0).tolist() == pytest.approx([0.7, 0.8, 0.9])


def test_of_several_looks_the_best_counts() -> None:
    measured = Measured(pictures(*["a"] * 6, "b"), at(0, 20, 40, 60, 80, 100, 0), at(*[0] * 7))
    one, three = (
        crossed("x", measured, several_frames(measured, Frames(2, 2, fused_frames, looks=looks)))
        for looks in (1, 3)
    )
    assert one.genuine.size == three.genuine.size == 6
    assert three.genuine.mean() > one.genuine.mean()


def test_listed_pairs_are_compared_as_they_are_written() -> None:
    measured = Measured(pictures(*"aaabb"), at(0, 10, 20, 90, float("nan")), at(1, 11, 21, 91, 91))
    pairs = (Pair(0, 1, True), Pair(0, 3, False), Pair(3, 4, True), Pair(2, 4, False))
    trials = listed("x", measured, pairs, SINGLE)
    assert trials.genuine.tolist() == pytest.approx([np.cos(np.radians(9))])
    assert trials.impostor.tolist() == pytest.approx([np.cos(np.radians(89))])
    assert trials.failed.tolist() == [0, 1]
    three = listed("x", measured, pairs, Frames(2, 2, fused_frames))
    assert three.genuine.tolist() == pytest.approx([np.cos(np.radians(14))])


def test_millions_of_strangers_keep_their_highest_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    values = random.normal(size=(400, 8)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    faces = Templates(values, (None,) * 400)
    measured = Measured(pictures(*(f"p{index // 2}" for index in range(400))), faces, faces)
    whole = crossed("x", measured, single_frames(measured))
    monkeypatch.setattr(trials_module, "MOST_KEPT", 5000)
    bounded = crossed("x", measured, single_frames(measured))
    assert whole.impostor.size == whole.impostor_pairs == bounded.impostor_pairs == 400 * 398
    assert bounded.impostor.size < 5000 < whole.impostor.size
    assert bounded.impostor.tolist() == whole.impostor[: bounded.impostor.size].tolist()
    assert rates_at(bounded, 0.95) == rates_at(whole, 0.95)
    assert fnmr_at_fmr(bounded, 1e-3) == fnmr_at_fmr(whole, 1e-3)
