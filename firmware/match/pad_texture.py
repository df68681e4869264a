"""What one picture of a face tells of being a picture of a picture: three plain measures.

A print or a screen that is photographed again has lost fine detail, and its inks or primaries no
longer let the reds and the blues of skin go against each other. It judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from firmware.camera.frame import Pixels
from firmware.match.align import TEMPLATE, similarity
from firmware.match.networks import Reals

SIDE: Final = 224
"""Twice the crop that is embedded: detail is measured finer than faces are compared."""
INNER: Final = (slice(56, 208), slice(40, 184))
"""Where in the view there is face, and no hair, wall or border."""


@dataclass(frozen=True, slots=True)
class Texture:
    """Measured on one look."""

    detail: float
    """Logarithm of the share of light's variance that is finer than 1/100 of the face."""
    chroma: float
    """How far Cr and Cb go together over the face, -1 … 1: skin has them against each other."""
    shine: float
    """The brightest hundredth over the brightest tenth, in tenth-to-tenth ranges."""

    @property
    def row(self) -> tuple[float, float, float]:
        return self.detail, self.chroma, self.shine


def texture(pixels: Pixels, five: Reals) -> Texture:
    """Measure the face with these five points (5 × 2) in a picture, BGR."""
    return texture_of(coloured_face(pixels, five))


def coloured_face(pixels: Pixels, five: Reals) -> Pixels:
    """The face upright with its eyes in place, 224 × 224, BGR."""
    matrix = similarity(five, TEMPLATE * (SIDE / 112))
    shrinks = float(np.hypot(matrix[0, 0], matrix[1, 0])) < 1
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    view = cv2.warpAffine(pixels, matrix, (SIDE, SIDE), flags=way, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(view, np.uint8)


def texture_of(face: Pixels) -> Texture:
    """Measure an upright face of 224 × 224."""
    light = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255
    fine = (light - cv2.GaussianBlur(light, (0, 0), 1.0))[INNER]
    half = cv2.resize(face, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
    inner = half[28:104, 20:92].astype(np.float32) / 255
    grey, red, blue = np.moveaxis(cv2.cvtColor(inner, cv2.COLOR_BGR2YCrCb), 2, 0)
    low, high, top = np.percentile(grey, (10, 90, 99))
    return Texture(
        detail=float(np.log(fine.var() / (light[INNER].var() + 1e-4) + 1e-6)),
        chroma=_correlation(red, blue),
        shine=float((top - high) / (high - low + 0.02)),
    )


def _correlation(one: Reals, other: Reals) -> float:
    one, other = one - one.mean(), other - other.mean()
    length = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / length if length > 1e-9 else 1.0  # no colour: no skin
