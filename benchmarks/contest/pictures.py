"""The pictures that every contestant is shown: the same pixels to each, in colour where there is.

Used in both environments, so it needs nothing but OpenCV and numpy.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

BORDER_GREY = 127
FRAME = (480, 640)  # what the face camera gives the vision worker


def colour_picture(path: str | Path) -> NDArray[np.uint8]:
    """A picture as OpenCV gives it, height × width × 3, BGR; a grey one three times the same."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{path} is no picture")
    return np.asarray(pixels, np.uint8)


def with_border(crop: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """The crop with room around it, a share of its height wide: some detectors want that."""
    width = round(share * crop.shape[0])
    grey = (BORDER_GREY, BORDER_GREY, BORDER_GREY)
    sides = (width, width, width, width)
    bordered = cv2.copyMakeBorder(crop, *sides, cv2.BORDER_CONSTANT, value=grey)
    return np.asarray(bordered, np.uint8)


def frame_with_face(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A camera's frame, 480 × 640 BGR, with the portrait in its middle, as high as the frame."""
    height, width = FRAME
    frame = np.full((height, width, 3), BORDER_GREY, np.uint8)
    across = min(width, round(portrait.shape[1] * height / portrait.shape[0]))
    left = (width - across) // 2
    scaled = cv2.resize(portrait, (across, height), interpolation=cv2.INTER_AREA)
    frame[:, left : left + across] = scaled
    return frame
