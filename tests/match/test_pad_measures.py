"""What is measured on one look for liveness: texture of a drawn face, colours of its zones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from firmware.camera.frame import Pixels
from firmware.match.detect import CHIN, FOREHEAD, LEFT_EDGE, RIGHT_EDGE, Landmarks
from firmware.match.pad_texture import SIDE, coloured_face, texture_of
from firmware.match.pad_zones import (
    BESIDE,
    FACE_ZONES,
    zone_colours,
)


def skin(seed: int = 1) -> Pixels:
    """Fine-grained skin whose reds and blues go against each other, as blood has it."""
    random = np.random.default_rng(seed)
    grey = 120 + cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE)), (0, 0), 12) * 400
    blood = cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE)), (0, 0), 8) * 100
    fine = random.normal(0, 4, (SIDE, SIDE))
    bgr = np.dstack([grey - blood + fine, grey + fine, grey + blood + fine])
    return bgr.clip(0, 255).astype(np.uint8)


def test_a_blurred_face_has_less_detail() -> None:
    sharp = skin()
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 3), np.uint8)
    assert texture_of(blurred).detail < texture_of(sharp).detail - 1


def test_a_tint_over_everything_lets_red_and_blue_go_together() -> None:
    face = skin()
    assert texture_of(face).chroma < -0.5
    grey = face.mean(axis=2, keepdims=True)
    magenta = (0.2 * face + 0.8 * grey * np.array([1.25, 0.8, 1.2])).clip(0, 255)
    assert texture_of(magenta.astype(np.uint8)).chroma > 0


def test_a_highlight_shines() -> None:
    face = skin()
    shiny = face.copy()
    cv2.circle(shiny, (112, 130), 14, (255, 255, 255), -1)
    assert texture_of(shiny).shine > texture_of(face).shine + 0.2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_face_of_one_colour_gives_numbers(value: int) -> None:
    plain = np.full((SIDE, SIDE, 3), value, np.uint8)
    assert np.isfinite(texture_of(plain).row).all()


def test_a_face_over_the_edge_of_the_picture_is_mirrored_in() -> None:
    five = np.array([[-20, 10], [10, 10], [-5, 30], [-18, 45], [8, 45]], np.float32)
    assert coloured_face(skin(), five).shape == (SIDE, SIDE, 3)


def landmarks(middle: tuple[float, float], width: float) -> Landmarks:
    """A mesh with every point in the middle but for the four at the edges."""
    points = np.zeros((468, 3), np.float32)
    points[:, :2] = middle
    points[LEFT_EDGE, 0] -= width / 2
    points[RIGHT_EDGE, 0] += width / 2
    points[FOREHEAD, 1] -= 0.65 * width
    points[CHIN, 1] += 0.65 * width
    return Landmarks(points, 1.0)


def test_zones_see_the_face_and_what_is_beside_it() -> None:
    frame = np.full((480, 640, 3), (0, 0, 128), np.uint8)
    cv2.ellipse(frame, (320, 240), (75, 98), 0, 0, 360, (128, 0, 0), -1)
    colours = zone_colours(frame, landmarks((320, 240), 150))
    assert colours.face.shape == (len(FACE_ZONES), 3)
    assert colours.beside.shape == (len(BESIDE), 3)
    assert colours.face[0] == pytest.approx((0, 0, 0.2158), abs=1e-3)  # blue, and linear
    assert colours.beside == pytest.approx(np.tile((0.2158, 0, 0), (len(BESIDE), 1)), abs=1e-3)


def test_what_is_burnt_out_or_out_of_the_picture_is_unseen() -> None:
    frame = np.full((480, 640, 3), 255, np.uint8)
    assert np.isnan(zone_colours(frame, landmarks((320, 240), 150)).face).all()
    frame[:] = 100
    cut_off = zone_colours(frame, landmarks((30, 240), 150))
    assert np.isnan(cut_off.beside[0]).all()
    assert np.isfinite(cut_off.beside[1]).all()


@pytest.mark.parametrize("place", [float("nan"), float("inf"), 1e9, -1e9])
def test_a_mesh_that_is_nowhere_sees_nothing(place: float) -> None:
    frame = np.full((480, 640, 3), 100, np.uint8)
    points = np.full((468, 3), place, np.float32)
    colours = zone_colours(frame, Landmarks(points, 1.0))
    assert np.isnan(colours.face).all()
    assert np.isnan(colours.beside).all()
