"""Which parts of a picture show what light falls on a face, and their colours in one look.

Zones lie on the face at mesh points, and beside it where another surface is, if the face is no
sheet. It judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.match.detect import CHIN, FOREHEAD, LEFT_EDGE, RIGHT_EDGE, Landmarks
from firmware.match.networks import Reals

FACE_ZONES: Final[tuple[tuple[int, ...], ...]] = (
    (1, 4),  # tip of the nose
    (6, 197),  # its bridge
    (129, 198),  # its wings, left and right as seen in the picture
    (358, 420),
    (151,),  # forehead: middle, left, right
    (69,),
    (299,),
    (50, 101),  # cheekbones
    (280, 330),
    (205,),  # beside the mouth
    (425,),
    (164,),  # under the nose
    (199,),  # chin
    (93, 137),  # before the ears
    (323, 366),
    (172, 138),  # corners of the jaw
    (397, 367),
)
"""Mesh points whose mean is the middle of a zone. No eyes and no lips: they move and shine."""
INNER_ZONES: Final = 13
"""So many of them are face in every pose; the others, before ears and jaw, come and go."""
BESIDE: Final = (
    (-0.78, -0.1),
    (0.78, -0.1),
    (-0.78, 0.5),
    (0.78, 0.5),
    (-0.5, -0.85),
    (0.5, -0.85),
)
"""Middles of the zones around a face: widths of it to the right, and heights down."""
ZONE_RADIUS: Final = 0.07
"""Half the side of a zone, in widths of the face."""
CORNER_PX: Final = 40
"""Side of the squares in the upper corners of the picture: a wall, and it stands still."""
BURNT: Final = 250
LINEAR: Final[Reals] = np.where(
    np.arange(256) <= 10,
    np.arange(256) / 255 / 12.92,
    ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4,
).astype(np.float32)
"""sRGB value → light."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ZoneColours:
    """Mean light of each zone, n × 3 (red, green, blue), 0 … 1; not a number where it is unseen."""

    face: Reals
    beside: Reals
    behind: Reals
    """3: the upper corners of the picture together. What changes there, the camera changed."""

    def __repr__(self) -> str:
        return f"ZoneColours({len(self.face)} + {len(self.beside)} zones)"


def zone_colours(pixels: Pixels, landmarks: Landmarks) -> ZoneColours:
    """The colours of all zones of one face. `pixels` are height × width × 3, BGR."""
    points = landmarks.points[:, :2]
    if not np.isfinite(points).all():
        return ZoneColours(_unseen(len(FACE_ZONES)), _unseen(len(BESIDE)), _unseen())
    across = points[RIGHT_EDGE] - points[LEFT_EDGE]
    down = points[CHIN] - points[FOREHEAD]
    middle = (points[LEFT_EDGE] + points[RIGHT_EDGE] + points[FOREHEAD] + points[CHIN]) / 4
    radius = max(2.0, ZONE_RADIUS * float(np.hypot(*across)))
    on_face = [points[list(group)].mean(axis=0) for group in FACE_ZONES]
    around = [middle + right * across + below * down for right, below in BESIDE]
    return ZoneColours(
        face=np.stack([_mean_light(pixels, place, radius) for place in on_face]),
        beside=np.stack([_mean_light(pixels, place, radius) for place in around]),
        behind=_mean_told(
            np.hstack([pixels[:CORNER_PX, :CORNER_PX], pixels[:CORNER_PX, -CORNER_PX:]])
        ),
    )


def _mean_light(pixels: Pixels, place: NDArray[np.floating], radius: float) -> Reals:
    """Red, green, blue of a square around a place."""
    height, width = pixels.shape[:2]
    left, top = (round(float(value) - radius) for value in place)
    side = round(2 * radius) + 1
    if left < 0 or top < 0 or left + side > width or top + side > height:
        return _unseen()
    return _mean_told(pixels[top : top + side, left : left + side])


def _mean_told(part: Pixels) -> Reals:
    """Pixels in which a channel is burnt out tell no colour."""
    square = part.reshape(-1, 3)
    told = square[(square < BURNT).all(axis=1)]
    if 2 * len(told) < len(square):
        return _unseen()
    return np.asarray(LINEAR[told].mean(axis=0)[::-1], np.float32)


def _unseen(*zones: int) -> Reals:
    return np.full((*zones, 3), np.nan, np.float32)
