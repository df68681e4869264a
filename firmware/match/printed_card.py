"""The printed face of a My Number Card: where its fields stand, and how a frame is cut to them.

The fields' places are *assumed* from the published specimen and kept a good margin wide; they are
to be confirmed with a real card under a real tray camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels

CARD_WIDTH_MM: Final = 85.6  # ISO/IEC 7810 ID-1
CARD_HEIGHT_MM: Final = 53.98
PIXELS_PER_MM: Final = 12
SMALLEST_PART_OF_FRAME: Final = 0.15
ASPECT_TOLERANCE: Final = 0.15
_OUTLINE_WIDTH: Final = 480
"""The outline is looked for in a picture this wide: print is too fine there to break the edge."""


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle on the card, in millimetres from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


PHOTO: Final = Field(4.5, 18.5, 20.0, 26.0)
SECURITY_CODE: Final = Field(5.5, 45.6, 18.0, 5.4)
BIRTH_DATE: Final = Field(27.0, 19.6, 31.0, 5.4)
EXPIRY: Final = Field(27.0, 26.6, 31.0, 5.4)
"""The printed day; the box of the certificates' expiry below it is written by hand, and ignored."""


def upright_cards(pixels: Pixels) -> Iterator[Pixels]:
    """The card in a frame as a flat picture, first as it lies, then turned by half a circle.

    Each is 12 pixels a millimetre, BGR. Nothing is given when no card-shaped outline stands out.
    """
    corners = _find_corners(pixels)
    if corners is None:
        return
    width, height = round(CARD_WIDTH_MM * PIXELS_PER_MM), round(CARD_HEIGHT_MM * PIXELS_PER_MM)
    flat = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    card = cv2.warpPerspective(
        pixels, cv2.getPerspectiveTransform(corners, flat), (width, height), flags=cv2.INTER_CUBIC
    )
    yield card
    yield cv2.rotate(card, cv2.ROTATE_180)


def cut(card: Pixels, field: Field, wider_mm: float = 0.0) -> Pixels:
    """The part of a flat card that holds a field, with `wider_mm` more on each side."""
    top = max(0, round((field.top - wider_mm) * PIXELS_PER_MM))
    left = max(0, round((field.left - wider_mm) * PIXELS_PER_MM))
    bottom = round((field.top + field.height + wider_mm) * PIXELS_PER_MM)
    right = round((field.left + field.width + wider_mm) * PIXELS_PER_MM)
    return card[top:bottom, left:right]


def _find_corners(pixels: Pixels) -> NDArray[np.float32] | None:
    """The card's corners in the frame: upper left first, then clockwise; None when in doubt."""
    scale = _OUTLINE_WIDTH / pixels.shape[1]
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    _, bright = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # A tray is dark and the card's rim is light; the photo is a hole that the closing fills.
    whole = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    outlines, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    largest = cv2.convexHull(max(outlines, key=cv2.contourArea))
    if cv2.contourArea(largest) < SMALLEST_PART_OF_FRAME * grey.size:
        return None
    rim = cv2.approxPolyDP(largest, 0.03 * cv2.arcLength(largest, closed=True), closed=True)
    if len(rim) != 4:
        return None
    corners = _clockwise(rim.reshape(4, 2).astype(np.float32))
    if not _has_card_shape(corners):
        return None
    return corners / np.float32(scale)


def _clockwise(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    around = corners - corners.mean(axis=0)
    turned = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    first = int(np.argmin(turned.sum(axis=1)))
    return np.roll(turned, -first, axis=0)


def _has_card_shape(corners: NDArray[np.float32]) -> bool:
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    top, right, bottom, left = (float(side) for side in sides)
    if min(sides) <= 0:
        return False
    aspect = (top + bottom) / (right + left)
    wanted = CARD_WIDTH_MM / CARD_HEIGHT_MM
    return abs(aspect / wanted - 1.0) <= ASPECT_TOLERANCE
