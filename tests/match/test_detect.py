"""YuNet's raw outputs: a face written into them is read out again, and rubbish is no fault."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_faces import BrightSpots, draw, nothing_seen
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.match.detect import (
    STRIDES,
    Face,
    Landmarks,
    decode_faces,
    find_faces,
    letterbox,
    mesh_view,
    place_landmarks,
)
from firmware.match.networks import DETECTOR_SIDE, MESH_SIDE

BOX = np.array([100, 60, 180, 170], np.float32)
POINTS = np.array([[120, 100], [160, 102], [140, 120], [125, 145], [155, 146]], np.float32)


@pytest.mark.parametrize("stride", STRIDES)
def test_a_face_is_read_at_every_stride(stride: int) -> None:
    outputs = nothing_seen()
    draw(outputs, stride, BOX, POINTS, 0.9)
    (face,) = decode_faces(outputs, ratio=0.5)
    assert np.allclose(face.box, BOX * 2, atol=1e-2)
    assert np.allclose(face.points, POINTS * 2, atol=1e-2)
    assert face.score == pytest.approx(0.9)
    assert face.size == pytest.approx(220, abs=0.1)


def test_boxes_of_one_face_become_one_and_the_best_stays() -> None:
    outputs = nothing_seen()
    draw(outputs, 16, BOX, POINTS, 0.8)
    draw(outputs, 8, BOX + 3, POINTS + 3, 0.95)
    (face,) = decode_faces(outputs, ratio=1.0)
    assert np.allclose(face.box, BOX + 3, atol=1e-2)


def test_two_faces_come_the_largest_first() -> None:
    outputs = nothing_seen()
    draw(outputs, 8, BOX / 4, POINTS / 4, 0.95)
    draw(outputs, 32, BOX, POINTS, 0.7)
    large, small = decode_faces(outputs, ratio=1.0)
    assert large.size > small.size


def test_a_doubtful_face_is_none() -> None:
    outputs = nothing_seen()
    draw(outputs, 16, BOX, POINTS, 0.59)
    assert decode_faces(outputs, ratio=1.0) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 50.0, 1e6]))
def test_any_numbers_give_faces_or_none(seed: int, size: float) -> None:
    random = np.random.default_rng(seed)
    outputs = {
        name: (random.standard_normal(value.shape) * size).astype(np.float32)
        for name, value in nothing_seen().items()
    }
    for stride in STRIDES:  # few cells that are sure of themselves, as in life
        outputs[f"cls_{stride}"][0, 50:] = 0
    for face in decode_faces(outputs, ratio=1.0):
        assert np.isfinite(face.box).all()


@given(st.integers(1, 700), st.integers(1, 700))
def test_a_letterbox_keeps_the_ratio_and_its_size(height: int, width: int) -> None:
    canvas, ratio = letterbox(np.full((height, width), 200, np.uint8))
    assert canvas.shape == (DETECTOR_SIDE, DETECTOR_SIDE)
    assert ratio == pytest.approx(DETECTOR_SIDE / max(height, width))
    assert canvas.max() == 200


def test_the_mesh_looks_at_the_face_and_answers_in_the_picture() -> None:
    picture = np.zeros((480, 640), np.uint8)
    picture[200:300, 400:500] = 255
    (face,) = find_faces(BrightSpots(), picture)
    assert np.allclose(face.box, [400, 200, 500, 300], atol=3)
    landmarks = place_landmarks(BrightSpots(), picture, face)
    assert np.allclose(landmarks.points[0, :2], [449.5, 249.5], atol=1.5)
    # The square is 1.5 times the box, so the box fills 1 / 1.5² of it.
    assert landmarks.presence == pytest.approx(1 / 2.25, abs=0.03)


def test_the_mesh_sees_a_tilted_face_upright() -> None:
    tilted = np.array([[0, 0], [30, 30], [0, 40], [0, 0], [0, 0]], np.float32) + 100
    matrix = mesh_view(Face(np.array([80, 80, 160, 160], np.float32), 0.9, tilted))
    left, right = tilted[:2] @ matrix[:, :2].T + matrix[:, 2]
    assert left[1] == pytest.approx(right[1], abs=1e-3)
    assert matrix @ [120, 120, 1] == pytest.approx([MESH_SIDE / 2, MESH_SIDE / 2])


def test_landmarks_print_as_a_size() -> None:
    assert repr(Landmarks(np.ones((468, 3), np.float32), 1.0)) == "Landmarks(468 points)"
