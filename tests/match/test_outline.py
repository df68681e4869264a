"""Where a card lies, by drawn cards of known corners: level by level, a halo, hostile frames."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.camera.frame import Pixels
from firmware.match.outline import find_corners
from firmware.simulator.printed_face import draw_licence
from firmware.simulator.tray_views import LADDER, TRAY_SIZE, View, corners_in_tray, frames_of

PIXELS_OFF = 6.0  # half a millimetre of the card


def grey_of(view: View) -> Pixels:
    return np.ascontiguousarray(frames_of(draw_licence(), view)(1)[:, :, 1])


def true_corners(view: View) -> np.ndarray:
    corners = corners_in_tray(view)
    return np.roll(corners, 2, axis=0) if view.upside_down else corners


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_corners_are_found(level: int, seed: int) -> None:
    view = LADDER[level - 1].view(seed)
    found = find_corners(grey_of(view))
    assert found is not None
    assert np.abs(found - true_corners(view)).max() < PIXELS_OFF


def test_a_lamps_halo_beside_the_card_moves_no_edge() -> None:
    view = replace(
        LADDER[2].view(3),
        glare=80.0,
        glare_at=(1.0, 0.6),
        light=0.6,
        upside_down=False,
    )
    found = find_corners(grey_of(view))
    assert found is not None
    assert np.abs(found - true_corners(view)).max() < PIXELS_OFF


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_even_frame_has_no_card(grey: int) -> None:
    assert find_corners(np.full((960, 1280), grey, np.uint8)) is None


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_any_frame_has_corners_or_none(height: int, width: int, seed: int) -> None:
    blocks = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    found = find_corners(np.kron(blocks, np.ones((9, 9), np.uint8)))
    assert found is None or (found.shape == (4, 2) and np.isfinite(found).all())


@pytest.mark.parametrize("level", range(5))
def test_a_view_keeps_to_its_level_and_its_seed(level: int) -> None:
    severity = LADDER[level]
    for seed in range(40):
        view = severity.view(seed)
        assert view == severity.view(seed) != severity.view(seed + 1)
        assert severity.blur_pixels[0] <= view.blur_pixels <= severity.blur_pixels[1]
        assert severity.jpeg_quality[0] <= view.jpeg_quality <= severity.jpeg_quality[1]
        if level < 3:  # beyond, a card may stick out of the picture
            corners = corners_in_tray(view)
            assert corners.min() >= 0
            assert (corners <= TRAY_SIZE).all()


def test_no_level_is_milder_than_the_one_before() -> None:
    for milder, worse in pairwise(LADDER):
        assert worse.size[0] <= milder.size[0]
        assert worse.light[0] <= milder.light[0]
        assert worse.jpeg_quality[0] <= milder.jpeg_quality[0]
        for name in ("blur_pixels", "motion_pixels", "noise", "glare", "fading", "scratches"):
            assert getattr(worse, name)[1] >= getattr(milder, name)[1]
        for name in ("turn_degrees", "tilt", "light_slope", "print_shift_mm"):
            assert getattr(worse, name) > getattr(milder, name)


def test_two_frames_of_a_view_differ_in_noise_alone() -> None:
    frame = frames_of(draw_licence(), LADDER[0].view(1))
    one, again, other = frame(1), frame(1), frame(2)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.abs(one.astype(int) - other).mean() < 5.0
