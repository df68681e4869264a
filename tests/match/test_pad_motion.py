"""Points of a turning body and of a turning sheet, projected."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.match.networks import Reals
from firmware.match.pad_motion import runs_ahead

TURNS_DEG = (-6.0, -2.0, 3.0, 7.0)
AWAY = 6.0  # widths of a face from the lens


def cloud(relief: float) -> Reals:
    """468 points across a face one wide; `relief` deep, with a nose in the middle."""
    random = np.random.default_rng(1)
    flat = random.uniform(-0.5, 0.5, (468, 2))
    nose = np.exp(-(flat**2).sum(axis=1) / 0.02)
    bowl = (flat**2).sum(axis=1)
    return np.column_stack([flat, relief * (bowl - nose)]).astype(np.float32)


def seen(points: Reals, turn_deg: float, mesh: Reals, seed: int) -> Reals:
    """Where a mesh would put the points of a body turned so, in pixels; its depth is a guess."""
    angle = np.radians(turn_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    place = 900 * turned[:, :2] / (AWAY + turned[:, 2:])
    noise = np.random.default_rng(seed).normal(0, 0.3, place.shape)
    return np.column_stack([320 + place + noise, 150 * mesh[:, 2]]).astype(np.float32)


def looks(relief: float) -> list[Reals]:
    body, mesh = cloud(relief), cloud(0.3)  # a mesh tells depth of a flat picture too
    return [seen(body, turn, mesh, seed) for seed, turn in enumerate(TURNS_DEG)]


def test_a_nose_runs_ahead_of_a_turning_head_and_not_of_a_sheet() -> None:
    head, sheet = runs_ahead(looks(0.3)), runs_ahead(looks(0.0))
    assert head is not None
    assert sheet is not None
    assert head > 5 * sheet > 0.0


def test_a_head_held_still_tells_nothing() -> None:
    body = cloud(0.3)
    still = runs_ahead([seen(body, 0.0, body, seed) for seed in range(5)])
    moved = runs_ahead(looks(0.3))
    assert still is not None
    assert moved is not None
    assert still < 0.1 * moved


@pytest.mark.parametrize("number", [0, 1, 2])
def test_few_looks_tell_nothing(number: int) -> None:
    assert runs_ahead(looks(0.3)[:number]) is None


def test_points_in_one_place_are_no_runs_ahead() -> None:
    assert runs_ahead([np.zeros((468, 3), np.float32)] * 4) == 0.0


def test_rounding_is_no_relief() -> None:
    flat = looks(0.3)
    for points in flat:
        points[:, 2] = 33.0 + 0.3 * points[:, 0]  # a sheet to the mesh itself, turned
    assert runs_ahead(flat) == pytest.approx(0.0, abs=1e-3)
