"""Alignment: the similarity that was put in comes out again, and never a mirror image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.match.align import TEMPLATE, aligned_face, reference_views, similarity, warp
from firmware.match.networks import FACE_SIDE, Grey, Reals

angles = st.floats(-3.1, 3.1)
scales = st.floats(0.05, 20)
shifts = st.floats(-500, 500)


def moved(points: Reals, angle: float, scale: float, x: float, y: float) -> Reals:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    turned = points.astype(np.float64) @ np.array([[cos, sin], [-sin, cos]])
    return np.asarray(turned + np.array([x, y]), np.float32)


def chequered(side: int, square: int) -> Grey:
    rows, columns = np.indices((side, side)) // square
    return ((rows + columns) % 2 * 255).astype(np.uint8)


@given(angles, scales, shifts, shifts)
def test_a_known_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    source = moved(TEMPLATE, angle, scale, x, y)
    matrix = similarity(source, TEMPLATE)
    back = source @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(back, TEMPLATE, atol=0.05)
    assert np.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(1 / scale, rel=1e-3)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = TEMPLATE * np.array([-1, 1], np.float32)
    matrix = similarity(mirrored, TEMPLATE)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_noise_of_one_point_is_spread_by_least_squares() -> None:
    source = TEMPLATE.copy()
    source[2] += [3, 0]
    matrix = similarity(source, TEMPLATE)
    residual = source @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE
    assert np.abs(residual).max() < 3
    assert np.abs(residual.mean(axis=0)).max() < 1e-3


def test_five_points_in_one_place_give_numbers() -> None:
    assert np.isfinite(similarity(np.full((5, 2), 7, np.float32), TEMPLATE)).all()


def test_a_face_in_place_is_left_as_it_is() -> None:
    picture = chequered(FACE_SIDE, 8)
    assert np.abs(aligned_face(picture, TEMPLATE).astype(int) - picture).max() <= 1


@pytest.mark.parametrize("times", [4, 7])
def test_a_large_picture_is_averaged_not_sampled(times: int) -> None:
    """A pattern finer than the view must become grey; sampling it would leave black and white."""
    fine = chequered(FACE_SIDE * times, 1)
    view = warp(fine, similarity(TEMPLATE * times, TEMPLATE), FACE_SIDE)
    assert view[8:-8, 8:-8].std() < 20
    assert abs(float(view[8:-8, 8:-8].mean()) - 127.5) < 3


def test_reducing_first_does_not_shift_the_picture() -> None:
    times = 4
    coarse = chequered(FACE_SIDE, 16)
    large = np.kron(coarse, np.ones((times, times), np.uint8))
    matrix = np.array([[1 / times, 0, (1 / times - 1) / 2], [0, 1 / times, (1 / times - 1) / 2]])
    view = warp(large, matrix.astype(np.float32), FACE_SIDE)
    assert np.abs(view.astype(int) - coarse)[2:-2, 2:-2].max() <= 8


def test_a_reference_is_seen_as_it_is_and_in_the_mirror() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (112, 112), np.uint8)
    straight, mirrored = reference_views(photo, TEMPLATE)
    assert np.array_equal(straight[:, ::-1], mirrored)
    assert np.array_equal(straight, aligned_face(photo, TEMPLATE))
