"""What a camera gives: one frame, and the port that every camera fills.

It knows nothing of what is in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
LEAST_SIDE: Final = 16
MOST_PIXELS: Final = 64_000_000
"""No sensor that a Pi takes has more."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frame:
    """One picture: `pixels` are height × width × 3, BGR; `captured_at_s` is monotonic time.

    `luma` is the same view smaller and in grey, height × width, where the camera gives it for
    nothing: to find faces takes no more.
    """

    pixels: Pixels
    sequence: int
    captured_at_s: float
    luma: Pixels | None = None

    def __repr__(self) -> str:
        height, width = self.pixels.shape[:2]
        return f"Frame({self.sequence}, {width}×{height})"


def is_picture(pixels: Pixels) -> bool:
    """Whether what a camera's driver gave is height × width × 3 bytes of a sensible size."""
    return (
        pixels.dtype == np.uint8
        and pixels.ndim == 3
        and pixels.shape[2] == 3
        and min(pixels.shape[:2]) >= LEAST_SIDE
        and pixels.size <= 3 * MOST_PIXELS
    )


class Camera(Protocol):
    """The port of a lens. Every call returns at once: the camera is read by its own thread."""

    def start(self) -> None:
        """Begin to take pictures; a second call changes nothing. Raises `CameraUnavailable`."""

    def latest(self) -> Frame | None:
        """The newest frame, once; None while there is none newer. Never a backlog."""

    def stop(self) -> None:
        """Rest, and drop the last frame. It may be started again."""


class NewestFrame:
    """Room for one frame between a camera's thread and its reader: an older one is overwritten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._frame: Frame | None = None
        self._taken = 0

    def put(self, pixels: Pixels, captured_at_s: float) -> None:
        """Keep this picture in place of the one before it."""
        with self._lock:
            self._taken += 1
            self._frame = Frame(pixels, self._taken, captured_at_s)

    def take(self) -> Frame | None:
        """The picture kept, which is then no longer kept."""
        with self._lock:
            frame, self._frame = self._frame, None
            return frame
