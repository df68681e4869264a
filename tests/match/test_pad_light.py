"""The panel's light on heads and sheets, by physics: what is told, and what must never be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from lit_faces import HEAD, SHEET, Question, question, seen

from firmware.match.pad_light import COLOURS, LIGHTS_KEPT, LightAnswers, LightPlan, light_answers
from firmware.match.pad_zones import INNER_ZONES, ZoneColours
from firmware.words import LIGHT_STAYS_S, PanelLight

SEEDS = range(12)
LIKE_A_HEAD, LIKE_A_SHEET = tuple(HEAD), tuple(SHEET)


def answered(asked: Question, colours: list[ZoneColours]) -> LightAnswers:
    answers = light_answers(asked.shown, asked.times_s, colours, INNER_ZONES)
    assert answers is not None
    return answers


def told_by(answers: LightAnswers, shape: tuple[float, ...]) -> float:
    """The part of all changes that answers in these proportions explain."""
    return 1 - answers.left_by(shape) / answers.unanswered(len(shape))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("strength", [0.03, 0.1, 1.0])
def test_a_head_answers_as_a_head_does(seed: int, strength: float) -> None:
    asked = question(seed)
    answers = answered(asked, seen(asked, strength * HEAD, seed=seed))
    assert answers.told() > 0.8
    assert told_by(answers, LIKE_A_HEAD) > told_by(answers, LIKE_A_SHEET) + 0.01
    assert np.median(answers.zones()[:INNER_ZONES]) == pytest.approx(strength, rel=0.3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sheet_answers_as_a_sheet_does(seed: int) -> None:
    asked = question(seed)
    answers = answered(asked, seen(asked, 0.1 * SHEET, seed=seed, beside=0.1))
    assert answers.told() > 0.8
    assert told_by(answers, LIKE_A_SHEET) > told_by(answers, LIKE_A_HEAD) + 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_what_shines_itself_hardly_answers(seed: int) -> None:
    asked = question(seed)
    answers = answered(asked, seen(asked, 0.003 * SHEET, seed=seed))
    assert np.median(answers.zones()[:INNER_ZONES]) < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_yesterdays_lights_are_no_answer(seed: int) -> None:
    asked, yesterday = question(seed), question(seed + 5000)
    today = answered(asked, seen(asked, 0.1 * HEAD, seed=seed))
    old = answered(asked, seen(asked, 0.1 * HEAD, seed=seed, shown=yesterday.shown))
    assert told_by(old, LIKE_A_HEAD) < told_by(today, LIKE_A_HEAD) - 0.1


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.35, 0.6])
def test_the_delay_is_found(delay_s: float) -> None:
    asked = question(3)
    answers = answered(asked, seen(asked, 0.1 * HEAD, seed=3, delay_s=delay_s))
    assert answers.told() > 0.8
    assert answers.delay_s == pytest.approx(delay_s, abs=0.21)


def test_zones_that_are_burnt_out_say_nothing() -> None:
    asked = question(4)
    colours = seen(asked, 0.1 * HEAD, seed=4)
    colours[2].face[0] = np.nan
    answers = answered(asked, colours)
    assert np.isnan(answers.zones()[0])
    assert np.isfinite(answers.zones()[1:]).all()
    assert told_by(answers, LIKE_A_HEAD) > 0.7


def test_a_face_of_which_nothing_is_seen_answers_nothing() -> None:
    asked = question(5)
    colours = seen(asked, HEAD, seed=5)
    for look in colours:
        look.face[:] = np.nan
        look.behind[:] = np.nan
    answers = answered(asked, colours)
    assert (answers.told(), told_by(answers, LIKE_A_HEAD)) == (0.0, 0.0)


def test_no_shape_explains_more_than_answers_at_will() -> None:
    asked = question(7)
    answers = answered(asked, seen(asked, 0.1 * HEAD, seed=7))
    freely = answers.left_freely(len(HEAD))
    assert 0 < freely < answers.left_by(LIKE_A_HEAD) < answers.left_by(LIKE_A_SHEET)
    assert answers.left_by(LIKE_A_SHEET) < answers.unanswered(len(HEAD))


def test_without_lights_or_looks_there_is_no_answer() -> None:
    asked = question(6)
    colours = seen(asked, HEAD, seed=6)
    assert light_answers([], asked.times_s, colours, INNER_ZONES) is None
    assert light_answers(asked.shown, asked.times_s[:3], colours[:3], INNER_ZONES) is None


def test_a_white_balance_that_follows_the_lights_is_taken_out() -> None:
    asked = question(8)
    drift = 0.3 * np.random.default_rng(8).normal(size=(len(asked.times_s), 3))
    colours = seen(asked, 0.1 * HEAD, seed=8)
    for look, gains in zip(colours, np.exp(drift).astype(np.float32), strict=True):
        np.multiply(look.face, gains, out=look.face)
        np.multiply(look.beside, gains, out=look.beside)
        np.multiply(look.behind, gains, out=look.behind)
    answers = answered(asked, colours)
    assert told_by(answers, LIKE_A_HEAD) > told_by(answers, LIKE_A_SHEET) + 0.01


def test_no_light_comes_twice_running_or_too_soon() -> None:
    plan, asked = LightPlan(np.random.default_rng(7).bytes), []
    for tick in range(3000):
        light = plan.due(tick / 100)
        if light is not None:
            asked.append((tick / 100, light))
    assert tuple(plan.shown) == tuple(asked[-LIGHTS_KEPT:])
    times, lights = zip(*asked, strict=True)
    steps = np.diff(times)
    assert steps.min() >= LIGHT_STAYS_S
    assert steps.max() <= 0.46
    assert all(one is not other for one, other in pairwise(lights))
    assert set(lights) == set(COLOURS)
    assert PanelLight.OFF not in lights


def test_each_visit_asks_something_else() -> None:
    asked = {tuple(light for _, light in question(seed).shown) for seed in range(50)}
    assert len(asked) == 50
