"""The portraits that the simulation looks at, and where in each the face lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.faults import SimulationNotPrepared
from firmware.simulator.world import World

Reals = NDArray[np.float32]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Framing:
    """Where a face lies in its picture, in parts of width and height; left as one looks at it."""

    left_eye: Point
    right_eye: Point
    nose: Point
    mouth: Point
    chin: Point

    def mirrored(self) -> Framing:
        """The same face in a mirror."""
        flip = [(1 - x, y) for x, y in (self.right_eye, self.left_eye)]
        rest = [(1 - x, y) for x, y in (self.nose, self.mouth, self.chin)]
        return Framing(*flip, *rest)


# Measured with the landmarks of models/face-landmarks on the pictures that models/make_faces.py
# writes; the tests hold them to it.
FRAMINGS: Final[dict[str, Framing]] = {
    "person_a_1": Framing(
        (0.414, 0.372), (0.584, 0.350), (0.512, 0.435), (0.522, 0.510), (0.541, 0.618)
    ),
    "person_a_2": Framing(
        (0.372, 0.365), (0.571, 0.354), (0.446, 0.450), (0.482, 0.518), (0.489, 0.641)
    ),
    "person_b_1": Framing(
        (0.410, 0.346), (0.598, 0.333), (0.514, 0.419), (0.523, 0.476), (0.539, 0.593)
    ),
    "person_b_2": Framing(
        (0.412, 0.325), (0.609, 0.312), (0.531, 0.407), (0.527, 0.462), (0.547, 0.593)
    ),
    "person_c_1": Framing(
        (0.425, 0.378), (0.591, 0.365), (0.531, 0.442), (0.519, 0.505), (0.536, 0.634)
    ),
    "person_d_1": Framing(
        (0.401, 0.366), (0.598, 0.355), (0.523, 0.437), (0.517, 0.517), (0.536, 0.659)
    ),
}
AS_FOR_A_PASSPORT: Final = Framing(
    (0.40, 0.42), (0.60, 0.42), (0.50, 0.52), (0.50, 0.62), (0.50, 0.74)
)
"""How any other picture is taken to be framed."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Portrait:
    """A picture of a face, BGR, and where the face lies in it."""

    pixels: Pixels
    framing: Framing


PortraitOf = Callable[[str], Portrait]
"""The portrait of an id. Raises `SimulationNotPrepared`."""


def portraits_of(world: World) -> PortraitOf:
    """The portraits of a world."""

    def portrait(portrait_id: str) -> Portrait:
        return Portrait(
            read_portrait(world, portrait_id), FRAMINGS.get(portrait_id, AS_FOR_A_PASSPORT)
        )

    return portrait


def read_portrait(world: World, portrait_id: str) -> Pixels:
    """The picture, BGR. Raises `SimulationNotPrepared`."""
    path = world.portrait(portrait_id)
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SimulationNotPrepared(f"{path} is no portrait: run `make setup`")
    return np.asarray(picture, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face laid out in mm about the middle between its eyes, x right and y down."""

    to_mm: Reals
    """2 × 3: from pixels of the picture."""
    nose: Point
    mouth: Point
    chin: Point


def laid_out(portrait: Portrait, eyes_mm: float = 63.0) -> Face:
    """The face at the size at which its pupils lie `eyes_mm` apart, upright."""
    height, width = portrait.pixels.shape[:2]
    size = np.array([width, height], np.float32)
    framing = portrait.framing
    left, right = (
        np.array(eye, np.float32) * size for eye in (framing.left_eye, framing.right_eye)
    )
    across = right - left
    middle, length = (left + right) / 2, float(np.hypot(*across))
    cos, sin = across / length
    turn = np.array([[cos, sin], [-sin, cos]], np.float32) * np.float32(eyes_mm / length)

    def mm(point: Point) -> Point:
        x, y = turn @ (np.array(point, np.float32) * size - middle)
        return float(x), float(y)

    to_mm = np.column_stack([turn, -turn @ middle]).astype(np.float32)
    return Face(to_mm, mm(framing.nose), mm(framing.mouth), mm(framing.chin))
