"""The Raspberry Pi's own camera through picamera2: the latest frame, never a backlog. [shell]

picamera2 comes from the system's packages, never from PyPI: libcamera's Python binding is bound to
the libcamera beside it. It is imported when a camera is made, so this module loads anywhere.
"""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import Any, Final

import cv2
import numpy as np

from firmware.camera.frame import Frame, NewestFrame, Pixels
from firmware.faults import CameraUnavailable

MAIN_SIZE: Final = (1280, 960)
LORES_SIZE: Final = (640, 480)
RING: Final = 4
"""Buffers in turn: one is being filled, one is read, two forgive a late read."""
JOIN_S: Final = 2.0


class PiCamera:
    """One CSI camera by its number; `0/lores` takes the small stream, for a slow board."""

    def __init__(self, argument: str) -> None:
        """Raises `CameraUnavailable` where picamera2 or the camera is missing."""
        number, _, stream = argument.partition("/")
        if not number.isdecimal() or stream not in ("", "main", "lores"):
            raise CameraUnavailable(f"pi:{argument}: write pi:0, or pi:0/lores")
        try:
            from picamera2 import Picamera2
        except ImportError as cause:
            raise CameraUnavailable("install python3-picamera2") from cause
        try:
            self._device: Any = Picamera2(int(number))
            self._device.configure(
                self._device.create_video_configuration(
                    main={"size": MAIN_SIZE, "format": "RGB888"},  # libcamera's name for B, G, R
                    lores={"size": LORES_SIZE, "format": "YUV420"},
                    buffer_count=RING,
                )
            )
        except (IndexError, RuntimeError) as cause:
            raise CameraUnavailable(f"camera {number}: {cause}") from cause
        self._stream = stream or "main"
        self._newest = NewestFrame()
        self._stopping = Event()
        self._reader: Thread | None = None

    def start(self) -> None:
        """Let the sensor stream, and read it."""
        if self._reader is not None:
            return
        try:
            self._device.start()
        except RuntimeError as cause:
            raise CameraUnavailable(str(cause)) from cause
        self._newest, self._stopping = NewestFrame(), Event()
        self._reader = Thread(
            target=self._read, args=(self._newest, self._stopping), name="pi camera", daemon=True
        )
        self._reader.start()

    def latest(self) -> Frame | None:
        """The newest picture, once."""
        return self._newest.take()

    def stop(self) -> None:
        """Stop the sensor and drop the last picture."""
        if self._reader is None:
            return
        self._stopping.set()
        self._reader.join(JOIN_S)
        self._reader = None
        self._newest = NewestFrame()
        self._device.stop()

    def _read(self, newest: NewestFrame, stopping: Event) -> None:
        while not stopping.is_set():
            request = self._device.capture_request()
            try:
                pixels = self._pixels(request)
            finally:
                request.release()  # at once: a buffer held is a buffer that the sensor lacks
            newest.put(pixels, time.monotonic())

    def _pixels(self, request: Any) -> Pixels:
        picture: Pixels = request.make_array(self._stream)  # a copy of the buffer
        if self._stream == "lores":
            width, height = LORES_SIZE
            bgr: Pixels = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_I420)
            return np.ascontiguousarray(bgr[:height, :width])  # rows may be padded
        return picture
