"""The panel's light on faces and sheets, by physics: what is told, and what must never be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from lit_faces import HEAD, SHEET, Question, lit, question, wall

from firmware.match.networks import Reals
from firmware.match.pad_light import COLOURS, LightAnswer, LightPlan, light_answer
from firmware.words import LIGHT_STAYS_S, PanelLight

SEEDS = range(20)


def answered(asked: Question, face: Reals, seed: int, beside: float = 0.0) -> LightAnswer:
    around = wall(asked, seed=seed, answer=beside)
    answer = light_answer(asked.shown, asked.times_s, face, around)
    assert answer is not None
    return answer


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("strength", [0.03, 0.1, 1.0])
def test_a_head_answers_every_light(seed: int, strength: float) -> None:
    asked = question(seed)
    answer = answered(asked, lit(asked, strength * HEAD, seed=seed), seed)
    assert answer.told > 0.8
    assert answer.strength == pytest.approx(strength, rel=0.25)
    assert answer.zones == pytest.approx(tuple(HEAD), abs=0.35)
    assert np.median(answer.beside) < 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sheet_answers_everywhere_the_same(seed: int) -> None:
    asked = question(seed)
    answer = answered(asked, lit(asked, 0.1 * SHEET, seed=seed), seed, beside=0.1)
    assert answer.told > 0.8
    assert max(answer.zones) - min(answer.zones) < 0.35
    assert np.median(answer.beside) > 0.75


@pytest.mark.parametrize("seed", SEEDS)
def test_what_shines_itself_hardly_answers(seed: int) -> None:
    asked = question(seed)
    answer = answered(asked, lit(asked, 0.003 * SHEET, seed=seed), seed)
    assert answer.strength < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_yesterdays_lights_are_no_answer(seed: int) -> None:
    asked, yesterday = question(seed), question(seed + 5000)
    face = lit(asked, 0.1 * HEAD, seed=seed, shown=yesterday.shown)
    assert answered(asked, face, seed).told < 0.8


@pytest.mark.parametrize("delay_s", [0.0, 0.1, 0.35, 0.6])
def test_the_delay_is_found(delay_s: float) -> None:
    asked = question(3)
    answer = answered(asked, lit(asked, 0.1 * HEAD, seed=3, delay_s=delay_s), 3)
    assert answer.told > 0.8


def test_zones_that_are_burnt_out_say_nothing() -> None:
    asked = question(4)
    face = lit(asked, 0.1 * HEAD, seed=4)
    face[:, 0] = np.nan
    answer = answered(asked, face, 4)
    assert np.isnan(answer.zones[0])
    assert answer.told > 0.8


def test_a_face_of_which_nothing_is_seen_answers_nothing() -> None:
    asked = question(5)
    face = np.full_like(lit(asked, HEAD, seed=5), np.nan)
    answer = answered(asked, face, 5)
    assert (answer.told, answer.strength) == (0.0, 0.0)


def test_without_lights_or_looks_there_is_no_answer() -> None:
    asked = question(6)
    face, beside = lit(asked, HEAD, seed=6), wall(asked, seed=6)
    assert light_answer([], asked.times_s, face, beside) is None
    assert light_answer(asked.shown, asked.times_s[:2], face[:2], beside[:2]) is None


def test_no_light_comes_twice_running_or_too_soon() -> None:
    plan = LightPlan(np.random.default_rng(7).bytes)
    for tick in range(3000):
        plan.due(tick / 100)
    times, lights = zip(*plan.shown, strict=True)
    steps = np.diff(times)
    assert steps.min() >= LIGHT_STAYS_S
    assert steps.max() <= 0.46
    assert all(one is not other for one, other in pairwise(lights))
    assert set(lights) == set(COLOURS)
    assert PanelLight.OFF not in lights


def test_each_visit_asks_something_else() -> None:
    asked = {tuple(light for _, light in question(seed).shown) for seed in range(50)}
    assert len(asked) == 50
