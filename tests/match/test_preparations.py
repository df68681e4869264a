"""Preparations of print for the recogniser: paper white, print black, the line found and kept."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from firmware.camera.frame import Pixels
from firmware.match.preparations import PREPARATIONS, Preparation, as_seen, crisp, crisp_and_close
from firmware.match.printed_card import BIRTH_DATE, PIXELS_PER_MM

HEIGHT = round(BIRTH_DATE.height * PIXELS_PER_MM)
WIDTH = round(BIRTH_DATE.width * PIXELS_PER_MM)


def line_of_print(*, middle_mm: float, ink: int = 40, paper: int = 200) -> Pixels:
    """Upright bars, 2.6 mm high, where letters would stand."""
    field = np.full((HEIGHT, WIDTH), paper, np.uint8)
    top = round((middle_mm - 1.3) * PIXELS_PER_MM)
    for left in range(20, 300, 12):
        field[top : top + round(2.6 * PIXELS_PER_MM), left : left + 4] = ink
    return field


@pytest.mark.parametrize("prepare", [crisp, crisp_and_close])
@pytest.mark.parametrize(("ink", "paper"), [(20, 240), (40, 90), (120, 200)])
def test_print_becomes_black_on_white_whatever_the_light(
    prepare: Preparation, ink: int, paper: int
) -> None:
    line = prepare(line_of_print(middle_mm=3.0, ink=ink, paper=paper))
    assert (line.min(), line.max()) == (0, 255)


def test_a_slope_of_light_goes() -> None:
    slope = np.linspace(0.4, 1.0, WIDTH, dtype=np.float32)
    line = crisp((line_of_print(middle_mm=3.0) * slope).astype(np.uint8))
    third = line.shape[1] // 3
    assert line[:, :third].mean() == pytest.approx(line[:, third : 2 * third].mean(), abs=20)
    assert line[:, -20:].min() > 230  # no print there


def test_dirt_that_is_much_lighter_than_print_goes() -> None:
    field = line_of_print(middle_mm=3.0)
    dirty = field.copy()
    cv2.line(dirty, (310, 20), (360, 50), 170, 2)
    assert crisp(dirty)[:, -60:].min() > 200
    assert as_seen(dirty)[:, -70:].min() < 200


@pytest.mark.parametrize("prepare", [crisp, crisp_and_close])
@pytest.mark.parametrize("middle_mm", [2.2, 3.0, 3.8])
def test_the_line_is_kept_whole_wherever_it_stands(prepare: Preparation, middle_mm: float) -> None:
    line = prepare(line_of_print(middle_mm=middle_mm))
    rows = np.flatnonzero(line.min(axis=1) < 64)
    assert len(rows) / PIXELS_PER_MM == pytest.approx(2.6, abs=0.3)


@pytest.mark.parametrize("prepare", PREPARATIONS)
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_field_without_print_is_a_line_too(prepare: Preparation, grey: int) -> None:
    line = prepare(np.full((HEIGHT, WIDTH), grey, np.uint8))
    assert line.dtype == np.uint8
    assert line.shape[1] >= WIDTH


def test_noise_of_any_kind_is_a_line_too() -> None:
    random = np.random.default_rng(5)
    for prepare in PREPARATIONS:
        line = prepare(random.integers(0, 256, (HEIGHT, WIDTH), np.uint8))
        assert line.ndim == 2
