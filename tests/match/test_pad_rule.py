"""When looks decide whether a face is alive, and that what tells nothing never speaks for life."""

from __future__ import annotations

import numpy as np
import pytest
from lit_faces import HEAD, Question, question, seen

from firmware.match.pad import (
    UNSEEN,
    Cues,
    Sighting,
    Try,
    decide,
    light_row,
    light_score,
    tries_in_light,
    tries_without_light,
)
from firmware.match.pad_card import PadCard, PadPoint
from firmware.match.pad_light import ANSWERS, LightAnswers
from firmware.match.pad_texture import Texture
from firmware.match.pad_zones import BESIDE, FACE_ZONES
from firmware.match.runtime import PAD, models_folder, read_pad_card
from firmware.words import PadDecision

POINT = PadPoint("by-hand", looks=3, at_most=5, threshold=1.0, texture=-10.0)
ZONES = len(FACE_ZONES) + len(BESIDE)
MESH = np.zeros((468, 3), np.float32)


@pytest.fixture(scope="module")
def card() -> PadCard:
    return read_pad_card(models_folder() / PAD)


def tries(*scores: float, texture: float = 0.0) -> list[Try]:
    """Tries from three looks on, of which all were lit."""
    return [(looks, Cues(looks, score, texture)) for looks, score in enumerate(scores, 3)]


def sightings(asked: Question, strength: float) -> list[Sighting]:
    looks = seen(asked, strength * HEAD, seed=1)
    return [
        Sighting(at_s, MESH, colours, Texture(-5.5, -0.7, 0.6))
        for at_s, colours in zip(asked.times_s, looks, strict=True)
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (tries(), None),
        (tries(1.0), (PadDecision.LIVE, 3)),
        (tries(0.9), None),
        (tries(0.9, 0.9, 1.0), (PadDecision.LIVE, 5)),
        (tries(0.9, 0.9, 0.9), (PadDecision.NOT_LIVE, 5)),
        (tries(0.9, 2.0, -9.0), (PadDecision.LIVE, 4)),
        (tries(UNSEEN, UNSEEN), None),
        (tries(UNSEEN, UNSEEN, UNSEEN), (PadDecision.NOT_LIVE, 5)),
        (tries(9.0, 9.0, 9.0, texture=-11.0), (PadDecision.NOT_LIVE, 5)),
        (tries(9.0, 9.0, 9.0, texture=UNSEEN), (PadDecision.NOT_LIVE, 5)),
    ],
)
def test_life_is_told_early_and_its_absence_late(
    given: list[Try], told: tuple[PadDecision, int] | None
) -> None:
    assert decide(given, POINT) == told


def test_the_tries_go_from_the_fewest_looks_to_the_most_lit_ones(card: PadCard) -> None:
    asked = question(3, looks=20)
    point = card.with_light
    counts = [
        (count, cues.looks)
        for count, cues in tries_in_light(sightings(asked, 0.1), asked.shown, card)
    ]
    assert counts == [(count, count) for count in range(point.looks, point.at_most + 1)]


def test_one_look_before_the_first_light_costs_no_try(card: PadCard) -> None:
    asked = question(3, looks=20)
    later = [(at_s, light) for at_s, light in asked.shown if at_s >= asked.times_s[0]]
    point = card.with_light
    lit = [cues.looks for _, cues in tries_in_light(sightings(asked, 0.1), later, card)]
    assert lit[-1] >= point.at_most - 1
    assert min(lit) >= point.looks


def test_without_the_light_there_is_one_try(card: PadCard) -> None:
    asked = question(3, looks=20)
    counts = [count for count, _ in tries_without_light(sightings(asked, 0.1), card)]
    assert counts == [card.without_light.looks] == [card.without_light.at_most]


def answers_of(best: int, left: float) -> LightAnswers:
    """Each zone is explained best by the same answer, but for so many squares."""
    steps = np.abs(np.arange(len(ANSWERS)) - best)[:, None]
    return LightAnswers(11, 0.2, np.repeat(steps * 0.01 + left, ZONES, axis=1), len(FACE_ZONES))


@pytest.mark.parametrize("left", [0.0, 1e-300, 1e-12, 1.0])
def test_answers_that_leave_nothing_over_give_numbers(card: PadCard, left: float) -> None:
    assert np.isfinite(light_row(answers_of(40, left), card)).all()


@pytest.mark.parametrize("left", [0.0, 1e-12, 1.0])
def test_what_the_lights_explain_nothing_of_has_no_score(card: PadCard, left: float) -> None:
    nothing = answers_of(0, left)
    assert nothing.told() == 0.0
    assert np.isnan(light_score(nothing, card))


def test_colours_that_stay_as_they_are_have_no_score(card: PadCard) -> None:
    still = LightAnswers(11, 0.2, np.zeros((len(ANSWERS), ZONES)), len(FACE_ZONES))
    assert np.isnan(light_score(still, card))
