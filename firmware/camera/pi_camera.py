"""The Raspberry Pi's own camera through picamera2: the latest frame, never a backlog. [shell]

picamera2 comes from the system's packages, never from PyPI: libcamera's Python binding is bound to
the libcamera beside it. It is imported when a camera is made, so this module loads anywhere.

Two streams of one view: BGR for whoever compares and shows, and a small YUV whose first plane is
grey. The thread that reads the sensor copies nothing. It holds the newest buffer; whoever takes the
frame copies it, so of thirty frames a second only the six or seven that are looked at are copied.

A lens with a motor is set once and stays: one that searches blurs what it is asked for. picamera2
itself moves none, and libcamera rests at a metre.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from threading import Event, Lock, Thread
from typing import Any, Final

import cv2
import numpy as np

from firmware.camera.frame import Frame, Pixels
from firmware.faults import CameraUnavailable

MAIN_SIZE: Final = (1280, 960)
LORES_SIZE: Final = (640, 480)
RING: Final = 4
"""Buffers in turn: one is being filled, one is the newest, one is copied, one forgives delay."""
JOIN_S: Final = 2.0
FACE_CM: Final = 50
"""Where faces are. Camera Module 3 (4.74 mm, f/1.8) then smears what is 37 to 65 cm away over 1.2
pixels of the small picture at most, by the rule of thin lenses."""
MANUAL_FOCUS: Final = 0
"""libcamera's AfModeManual."""
ARGUMENT: Final = re.compile(
    r"(?P<number>[0-9]{1,2})(/(?P<stream>main|lores))?(@(?P<focus_cm>[1-9][0-9]{0,3}))?"
)


class NewestRequest:
    """Room for one buffer between the sensor's thread and its reader: an older one goes back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: tuple[Any, int, float] | None = None
        self._taken = 0
        self._closed = False

    def put(self, request: Any, captured_at_s: float) -> None:
        """Hold this buffer in place of the one before it."""
        with self._lock:
            self._taken += 1
            older, self._held = self._held, (request, self._taken, captured_at_s)
        _release(older)
        if self._closed:
            self.close()

    def take(self) -> tuple[Any, int, float] | None:
        """The buffer, its number and its time; whoever takes it gives it back to the ring."""
        with self._lock:
            held, self._held = self._held, None
        return held

    def close(self) -> None:
        """Give back what is held, and whatever still comes."""
        self._closed = True
        _release(self.take())


def _focus(can: Mapping[str, Any], focus_cm: int) -> dict[str, float]:
    """What sets a lens to that distance; nothing where it has no motor."""
    return {"AfMode": MANUAL_FOCUS, "LensPosition": 100 / focus_cm} if "AfMode" in can else {}


def _release(held: tuple[Any, int, float] | None) -> None:
    if held is not None:
        held[0].release()


class PiCamera:
    """One CSI camera by its number; `0/lores` takes the small stream, for a slow board, and `1@10`
    sets a lens that has a motor to 10 cm."""

    def __init__(self, argument: str) -> None:
        """Raises `CameraUnavailable` where picamera2 or the camera is missing."""
        asked = ARGUMENT.fullmatch(argument)
        if asked is None:
            raise CameraUnavailable(f"pi:{argument}: write pi:0, pi:0/lores or pi:1@10")
        number = int(asked["number"])
        try:
            from picamera2 import Picamera2
        except ImportError as cause:
            raise CameraUnavailable("install python3-picamera2") from cause
        try:
            self._device: Any = Picamera2(number)
            self._device.configure(
                self._device.create_video_configuration(
                    main={"size": MAIN_SIZE, "format": "RGB888"},  # libcamera's name for B, G, R
                    lores={"size": LORES_SIZE, "format": "YUV420"},
                    buffer_count=RING,
                    controls=_focus(
                        self._device.camera_controls, int(asked["focus_cm"] or FACE_CM)
                    ),
                )
            )
        except (IndexError, RuntimeError) as cause:
            raise CameraUnavailable(f"camera {number}: {cause}") from cause
        self._stream = asked["stream"] or "main"
        self._newest = NewestRequest()
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
        self._newest, self._stopping = NewestRequest(), Event()
        self._reader = Thread(
            target=self._read, args=(self._newest, self._stopping), name="pi camera", daemon=True
        )
        self._reader.start()

    def latest(self) -> Frame | None:
        """The newest picture, once: the only copy that is made of it."""
        held = self._newest.take()
        if held is None:
            return None
        request, sequence, captured_at_s = held
        try:
            pixels, luma = self._pictures(request)
        except RuntimeError as cause:
            raise CameraUnavailable(str(cause)) from cause
        finally:
            request.release()  # at once: a buffer held is a buffer that the sensor lacks
        return Frame(pixels, sequence, captured_at_s, luma)

    def stop(self) -> None:
        """Stop the sensor and drop the last picture."""
        if self._reader is None:
            return
        self._stopping.set()
        self._reader.join(JOIN_S)
        self._reader = None
        self._newest.close()
        self._device.stop()

    def _read(self, newest: NewestRequest, stopping: Event) -> None:
        while not stopping.is_set():
            newest.put(self._device.capture_request(), time.monotonic())

    def _pictures(self, request: Any) -> tuple[Pixels, Pixels]:
        """The picture and its luma."""
        width, height = LORES_SIZE
        planes: Pixels = request.make_array("lores")
        luma = planes[:height, :width]  # rows may be padded
        if self._stream == "main":
            return request.make_array("main"), luma
        bgr: Pixels = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
        return np.ascontiguousarray(bgr[:height, :width]), luma
