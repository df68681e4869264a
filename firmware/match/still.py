"""The mean of frames of something that lies still: the sensor's noise goes, the print stays."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels

_SMALL_WIDTH: Final = 160
_MOVED: Final = 24
"""Grey levels, in a picture so small that noise is none: an edge that moved a pixel is more."""


class StillPicture:
    """Grey frames of one size, averaged for as long as they show the same."""

    def __init__(self) -> None:
        self._sum: NDArray[np.float32] | None = None
        self._count = 0

    def __repr__(self) -> str:
        return f"StillPicture({self._count} frames)"

    @property
    def mean(self) -> Pixels:
        """The mean of the frames since the last movement; after `add`."""
        assert self._sum is not None
        return np.asarray(self._sum / self._count + 0.5, np.uint8)

    def add(self, grey: Pixels) -> bool:
        """Take one frame more; whether it shows something else than those before."""
        moved = self._sum is not None and self._differs(grey)
        if self._sum is None or moved:
            self._sum, self._count = np.zeros(grey.shape, np.float32), 0
        self._sum += grey
        self._count += 1
        return moved

    def _differs(self, grey: Pixels) -> bool:
        before = self.mean
        if before.shape != grey.shape:
            return True
        return int(cv2.absdiff(_small(before), _small(grey)).max()) > _MOVED


def _small(grey: Pixels) -> Pixels:
    height, width = grey.shape
    size = (_SMALL_WIDTH, max(1, round(height * _SMALL_WIDTH / width)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
