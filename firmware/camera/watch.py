"""Whether a camera gives pictures at all: absent, frozen and black ones are told apart from life.

A lens pointed at nothing still gives noise: a picture equal to the last one byte for byte, or one
without any light, did not come from a sensor that works.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from firmware.camera.frame import Camera, Frame
from firmware.faults import CameraBlack, CameraFrozen, CameraUnavailable, Fault

STALE_AFTER_S: Final = 1.0
FIRST_FRAME_WITHIN_S: Final = 3.0
"""Assumed: a CSI camera needs about one second from start to its first frame."""
START_AGAIN_AFTER_S: Final = 2.0
BLACK: Final = 6
"""Grey level that no pixel of a black picture exceeds."""
FRAME_WAIT_S: Final = 0.01
SICK_WAIT_S: Final = 0.1
_STRIDE: Final = 8


class WatchedCamera:
    """A camera that tells once when it becomes ready or ceases to be, and is started again then.

    `tell` hears the fault's code, or None for a camera that is well.
    """

    def __init__(self, camera: Camera, tell: Callable[[str | None], None]) -> None:
        self._camera, self._tell = camera, tell
        self._told: str | None = "unknown"
        self._running = False
        self._fresh_until_s = self._start_again_at_s = 0.0
        self._last_print = 0
        self._doubt = CameraUnavailable.code
        self._pictures = 0

    @property
    def running(self) -> bool:
        """Whether it takes pictures at present."""
        return self._running

    @property
    def told(self) -> str | None:
        """What was told last; None is well."""
        return self._told

    @property
    def proven(self) -> bool:
        """Two different pictures came since the start: one does not tell a frozen camera."""
        return self._pictures > 1

    def look_again_in_s(self, now_s: float) -> float:
        """How long a caller may wait for the next picture: one is due at any moment from a camera
        that is well, and hardly one from a camera that gave none when it should have."""
        return FRAME_WAIT_S if now_s <= self._fresh_until_s else SICK_WAIT_S

    def overdue_s(self, now_s: float) -> float:
        """For how long a picture has been missing without that having been told: whoever asks
        `latest` as often as they should never lets this grow."""
        untold = self._running and self._told is None
        return max(0.0, now_s - self._fresh_until_s) if untold else 0.0

    def start(self, now_s: float) -> None:
        """Begin to take pictures; a second call changes nothing. Raises what the camera raises."""
        if self._running:
            return
        try:
            self._camera.start()
        except Fault as fault:
            self._say(fault.code)
            raise
        self._running, self._pictures = True, 0
        self._fresh_until_s = now_s + FIRST_FRAME_WITHIN_S
        self._start_again_at_s = self._fresh_until_s + START_AGAIN_AFTER_S

    def stop(self) -> None:
        """Rest; what was told stays true."""
        if self._running:
            self._running = False
            if self._told is None:  # from a frozen camera the same picture counts as none for ever
                self._last_print = 0
            self._camera.stop()

    def latest(self, now_s: float) -> Frame | None:
        """The newest picture that shows life, once. Doubts are told, never raised."""
        if not self._running:
            return None
        try:
            frame = self._camera.latest()
        except Fault as fault:
            self._say(fault.code)
            return None
        if frame is not None and self._shows_life(frame):
            self._fresh_until_s = now_s + STALE_AFTER_S
            self._start_again_at_s = self._fresh_until_s + START_AGAIN_AFTER_S
            self._doubt = CameraUnavailable.code
            self._pictures += 1
            self._say(None)
            return frame
        if frame is not None:
            self._doubt = CameraBlack.code if self._is_black(frame) else CameraFrozen.code
        if now_s > self._fresh_until_s:
            self._say(self._doubt)
        if now_s > self._start_again_at_s:
            self._start_again(now_s)
        return None

    def _start_again(self, now_s: float) -> None:
        self._camera.stop()
        self._start_again_at_s = now_s + START_AGAIN_AFTER_S
        try:
            self._camera.start()
        except Fault as fault:
            self._say(fault.code)

    def _shows_life(self, frame: Frame) -> bool:
        sample = frame.pixels[::_STRIDE, ::_STRIDE]
        last, self._last_print = self._last_print, zlib.crc32(sample.tobytes())
        return self._last_print != last and not self._is_black(frame)

    @staticmethod
    def _is_black(frame: Frame) -> bool:
        return int(frame.pixels[::_STRIDE, ::_STRIDE].max(initial=0)) <= BLACK

    def _say(self, code: str | None) -> None:
        if code != self._told:
            self._told = code
            self._tell(code)
