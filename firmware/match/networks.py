"""What the three networks take and give: the port that `runtime` fills. It runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import NamedTuple, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

# The photo on the chip is grey, so live pictures are compared in grey as well.
Grey: TypeAlias = NDArray[np.uint8]  # height × width, 0 … 255
Reals: TypeAlias = NDArray[np.float32]
DetectorOutputs: TypeAlias = Mapping[str, Reals]

DETECTOR_SIDE = 320  # pixels of the square that YuNet looks at
MESH_SIDE = 192  # and of those that the other networks look at
FACE_SIDE = 112


class Layout(StrEnum):
    """How a detector says where faces are; its card names it."""

    YUNET = auto()
    BLAZEFACE = auto()


class Candidates(NamedTuple):
    """What a detector took for faces, many times each: n × 4 corners, n scores, n × 5 × 2 points.

    In pixels of what it looked at. The points: eyes, tip of the nose, corners of the mouth.
    """

    boxes: Reals
    scores: Reals
    points: Reals


class FaceNetworks(Protocol):
    """Three networks of fixed input size; a call blocks for some milliseconds."""

    @property
    def layout(self) -> Layout:
        """How the detector's outputs are read, and the side of the picture that it takes."""

    def detect(self, canvas: Grey) -> DetectorOutputs:
        """Raw outputs of the detector for a square picture of its layout's side."""

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        """Face mesh of a 192 × 192 view: 468 × 3 in its pixels, and how surely it is a face."""

    def embed(self, face: Grey) -> Reals:
        """Values that describe an aligned 112 × 112 face; of those longer than 2, the direction."""


def grey_of(pixels: NDArray[np.uint8]) -> Grey:
    """A picture in grey: a frame of a camera (BGR), or one that is grey already."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
