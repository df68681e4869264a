"""Quality: every limit has its hint, and what is not a number is not fit."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from firmware.match.detect import CHIN, FOREHEAD, LEFT_EDGE, RIGHT_EDGE, Face, Landmarks
from firmware.match.quality import (
    EYES_AND_CHEEKS,
    LIDS,
    Measures,
    QualityLimits,
    eyes_light,
    judge,
    judge_faces,
    measure,
)
from firmware.words import Hint

GOOD = Measures(
    eyes_px=80,
    eyes_open=0.3,
    eyes_light=0.7,
    face_share=0.5,
    presence=1.0,
    yaw_deg=0,
    pitch_deg=4,
    roll_deg=0,
    sharpness=0.3,
    mean=120,
    deviation=40,
    dark_share=0,
    bright_share=0,
)
ROWS = [
    ({"presence": 0.4}, Hint.NO_FACE),
    ({"eyes_px": 20}, Hint.CLOSER),
    ({"face_share": 0.9}, Hint.FARTHER),
    ({"mean": 20}, Hint.MORE_LIGHT),
    ({"dark_share": 0.6}, Hint.MORE_LIGHT),
    ({"deviation": 5}, Hint.MORE_LIGHT),
    ({"mean": 240}, Hint.LESS_LIGHT),
    ({"bright_share": 0.7}, Hint.LESS_LIGHT),
    ({"yaw_deg": -40}, Hint.LOOK_HERE),
    ({"pitch_deg": 35}, Hint.LOOK_HERE),
    ({"roll_deg": 45}, Hint.LOOK_HERE),
    ({"eyes_open": 0.1}, Hint.LOOK_HERE),
    ({"eyes_light": 0.3}, Hint.LOOK_HERE),
    ({"sharpness": 0.001}, Hint.HOLD_STILL),
]
LIMITS = QualityLimits()


def face(size: float) -> Face:
    return Face(np.array([0, 0, size, size], np.float32), 0.9, np.zeros((5, 2), np.float32))


def landmarks(yaw_deg: float = 0, pitch_deg: float = 0) -> Landmarks:
    """A mesh of which only the points that quality looks at are in place."""
    points = np.full((468, 3), 50, np.float32)
    for x, (upper, lower, left, right) in zip((35, 70), LIDS, strict=True):
        points[[upper, lower]] = [x, 49, 0], [x, 51, 0]
        points[[left, right]] = [x - 5, 50, 0], [x + 5, 50, 0]
    points[LEFT_EDGE], points[FOREHEAD] = [20, 50, 0], [50, 20, 0]
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    points[RIGHT_EDGE] = [20 + 60 * np.cos(yaw), 50, 60 * np.sin(yaw)]
    points[CHIN] = [50, 20 + 60 * np.cos(pitch), 60 * np.sin(pitch)]
    return Landmarks(points, 0.9)


def noise(mean: int, spread: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(mean - spread, mean + spread, (112, 112), np.uint8)


def test_a_good_look_is_fit() -> None:
    assert judge(GOOD, LIMITS).fit


@pytest.mark.parametrize(("wrong", "hint"), ROWS, ids=str)
def test_each_limit_gives_its_hint(wrong: dict[str, float], hint: Hint) -> None:
    assert judge(replace(GOOD, **wrong), LIMITS).hint is hint


@pytest.mark.parametrize("name", [each.name for each in fields(Measures)])
def test_what_is_not_a_number_is_not_fit(name: str) -> None:
    assert not judge(replace(GOOD, **{name: math.nan}), LIMITS).fit


@pytest.mark.parametrize(
    ("sizes", "hint"),
    [([], Hint.NO_FACE), ([100], None), ([100, 50], None), ([100, 90], Hint.ONE_PERSON_ONLY)],
)
def test_one_face_or_clearly_the_nearest(sizes: list[float], hint: Hint | None) -> None:
    assert judge_faces([face(size) for size in sizes], LIMITS).hint is hint


def test_angles_and_distance_are_measured() -> None:
    frame = np.zeros((100, 200), np.uint8)
    measures = measure(frame, face(60), landmarks(yaw_deg=20, pitch_deg=-15), noise(120, 40))
    assert measures.eyes_px == pytest.approx(35)
    assert measures.face_share == pytest.approx(0.6)
    assert measures.yaw_deg == pytest.approx(20, abs=0.1)
    assert measures.pitch_deg == pytest.approx(-15, abs=0.1)
    assert measures.roll_deg == pytest.approx(0, abs=0.1)


def test_sharpness_does_not_depend_on_contrast_but_on_blur() -> None:
    frame = np.zeros((100, 100), np.uint8)
    strong = measure(frame, face(60), landmarks(), noise(120, 80)).sharpness
    weak = measure(frame, face(60), landmarks(), noise(120, 20)).sharpness
    smooth = np.tile(np.linspace(40, 200, 112).astype(np.uint8), (112, 1))
    assert strong == pytest.approx(weak, rel=0.1)
    assert measure(frame, face(60), landmarks(), smooth).sharpness < LIMITS.sharpness


def test_light_is_measured_where_there_is_face() -> None:
    aligned = np.full((112, 112), 255, np.uint8)
    aligned[28:100, 22:90] = 8
    measures = measure(np.zeros((100, 100), np.uint8), face(60), landmarks(), aligned)
    assert (measures.mean, measures.dark_share, measures.bright_share) == (8, 1, 0)


def test_eyes_are_as_open_as_the_wider_of_them() -> None:
    shut = landmarks()
    upper, lower, *_ = LIDS[0]
    shut.points[upper] = shut.points[lower]
    measures = measure(noise(120, 40), face(100), shut, noise(120, 40))
    assert measures.eyes_open == pytest.approx(0.2)


def test_dark_glasses_hide_both_eyes_a_shadow_one() -> None:
    aligned = np.full((112, 112), 100, np.uint8)
    for count, wanted in ((0, 1.0), (1, 1.0), (2, 0.2)):
        for eye, _ in EYES_AND_CHEEKS[:count]:
            aligned[eye] = 20
        assert eyes_light(aligned) == pytest.approx(wanted)
