"""How a cut-out field is made ready for the recogniser: four opinions on the same print.

A mistake seldom looks the same in all of them. Every figure below is measured on the fonts of the
development, see `benchmarks/ocr_cards.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.match.printed_card import PIXELS_PER_MM

Preparation = Callable[[Pixels], Pixels]
"""From a field as it was cut, grey, 12 pixels a millimetre, to a picture of one line."""

_SOFT_MM: Final = 0.067
_WIDER: Final = 1.3
_PAPER: Final = 0.75
"""From the darkest ink to the paper: what is lighter than this part of the way is paper."""
_INKED: Final = 0.02
"""The part of a field that print certainly covers."""
_STROKE_MM: Final = 3.0
"""Paper is found around every stroke of print within this square."""
_LETTERS_MM: Final = 2.8


def as_seen(field: Pixels) -> Pixels:
    """The field untouched."""
    return field


def softened_and_wide(field: Pixels) -> Pixels:
    """Softened a little against noise; wider, because the recogniser takes 44 for 4 in narrow type.

    More softening loses small letters, more width brings nothing further.
    """
    return _widened(cv2.GaussianBlur(field, (0, 0), _SOFT_MM * PIXELS_PER_MM), _WIDER)


def crisp(field: Pixels) -> Pixels:
    """Print as black as it goes on paper that is white everywhere, close around the line, and wide.

    The card's arcs, the lamp's slope and thin dirt go; the recogniser, which was taught clean
    print, is certain where it otherwise hesitates between 11 and 1.
    """
    return _widened(_around_the_line(_print_on_white(field), 5.0), 1.4)


def crisp_and_close(field: Pixels) -> Pixels:
    """The same with larger letters: nothing but the line is left."""
    return _widened(_around_the_line(_print_on_white(field), 4.0), 1.2)


PREPARATIONS: Final[tuple[Preparation, ...]] = (softened_and_wide, crisp, crisp_and_close, as_seen)
"""In the order in which they are asked; the first two differ most."""


def _print_on_white(field: Pixels) -> Pixels:
    side = round(_STROKE_MM * PIXELS_PER_MM) | 1
    closed = cv2.morphologyEx(field, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    paper = cv2.GaussianBlur(closed, (0, 0), side / 4).astype(np.float32)
    light = np.clip(field / np.maximum(paper, np.float32(1.0)), 0.0, 1.0)
    ink = np.float32(np.quantile(light, _INKED))
    rest = (light - ink) / max(float(1.0 - ink) * _PAPER, 1e-3)
    return np.asarray(255.0 * np.clip(rest, 0.0, 1.0), np.uint8)


def _around_the_line(field: Pixels, height_mm: float) -> Pixels:
    """The rows around those that hold most ink."""
    dark = 255.0 - field.mean(axis=1, dtype=np.float32)
    letters = np.ones(round(_LETTERS_MM * PIXELS_PER_MM), np.float32)
    middle = int(np.argmax(np.convolve(dark, letters, "valid"))) + len(letters) // 2
    rows = round(height_mm * PIXELS_PER_MM)
    first = min(max(middle - rows // 2, 0), max(field.shape[0] - rows, 0))
    return np.asarray(field[first : first + rows], np.uint8)


def _widened(line: NDArray[Any], times: float) -> Pixels:
    return np.asarray(cv2.resize(line, None, fx=times, fy=1.0), np.uint8)
