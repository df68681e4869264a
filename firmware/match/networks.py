"""What the three networks take and give: the port that `runtime` fills. It runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

# The photo on the chip is grey, so live pictures are compared in grey as well.
Grey: TypeAlias = NDArray[np.uint8]  # height × width, 0 … 255
Reals: TypeAlias = NDArray[np.float32]
DetectorOutputs: TypeAlias = Mapping[str, Reals]

DETECTOR_SIDE = 320  # pixels of the square that each network looks at
MESH_SIDE = 192
FACE_SIDE = 112


class FaceNetworks(Protocol):
    """Three networks of fixed input size; a call blocks for some milliseconds."""

    def detect(self, canvas: Grey) -> DetectorOutputs:
        """Raw outputs of YuNet for a 320 × 320 picture: cls, obj, bbox, kps at each stride."""

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        """Face mesh of a 192 × 192 view: 468 × 3 in its pixels, and how surely it is a face."""

    def embed(self, face: Grey) -> Reals:
        """128 values that describe an aligned 112 × 112 face; of any length."""


def grey_of(pixels: NDArray[np.uint8]) -> Grey:
    """A picture in grey: a frame of a camera (BGR), or one that is grey already."""
    if pixels.ndim == 2:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
