"""The printed face of a My Number Card: where its fields stand, and how they are cut from a frame.

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
from firmware.match.outline import CARD_HEIGHT_MM, CARD_WIDTH_MM, find_corners

PIXELS_PER_MM: Final = 12


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle on the card, in millimetres from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


PHOTO: Final = Field(4.5, 18.5, 20.0, 26.0)
SECURITY_CODE: Final = Field(4.9, 44.9, 13.2, 6.8)
BIRTH_DATE: Final = Field(26.4, 19.3, 31.6, 6.0)
EXPIRY: Final = Field(26.4, 26.3, 31.6, 6.0)
"""The printed day; the box of the certificates' expiry below it is written by hand, and ignored."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LyingCard:
    """A card in a grey frame, one way round; only what is asked for is made flat."""

    grey: Pixels
    corners: NDArray[np.float32]  # in the frame: upper left of the print first, then clockwise

    def cut(self, field: Field) -> Pixels:
        """A field as a flat picture, 12 pixels a millimetre."""
        on_card = np.array(
            [(0, 0), (CARD_WIDTH_MM, 0), (CARD_WIDTH_MM, CARD_HEIGHT_MM), (0, CARD_HEIGHT_MM)],
            np.float32,
        )
        flat = (on_card - np.array((field.left, field.top), np.float32)) * np.float32(PIXELS_PER_MM)
        size = (round(field.width * PIXELS_PER_MM), round(field.height * PIXELS_PER_MM))
        matrix = cv2.getPerspectiveTransform(self.corners, flat)
        return np.asarray(cv2.warpPerspective(self.grey, matrix, size, flags=cv2.INTER_CUBIC))


def lying_cards(grey: Pixels) -> Iterator[LyingCard]:
    """The card in a grey frame, first as it seems to lie, then turned by half a circle.

    Nothing is given when no card-shaped outline stands out.
    """
    corners = find_corners(grey)
    if corners is not None:
        yield LyingCard(grey, corners)
        yield LyingCard(grey, np.roll(corners, 2, axis=0))
