"""A folder of images, a video file or a V4L2 device as a camera. [shell]

A source is an iterator of pictures; one thread walks it at the source's own pace and keeps only
the newest picture. A source that ends or fails gives no more frames, which its reader notices.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Final

import cv2

from firmware.camera.frame import Frame, NewestFrame, Pixels
from firmware.faults import CameraUnavailable

IMAGE_SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png"})
IMAGES_PER_S: Final = 15.0
DEFAULT_VIDEO_PER_S: Final = 25.0
JOIN_S: Final = 2.0
"""A read that hangs longer in the driver is left behind; the worker's deadline is the cure."""


class FileCamera:
    """Plays what `open_source` opens, from its beginning at each start.

    `open_source` gives the pictures and their rate in frames per second, 0 when the source waits
    by itself; it raises `CameraUnavailable`.
    """

    def __init__(self, open_source: Callable[[], tuple[Iterator[Pixels], float]]) -> None:
        self._open_source = open_source
        self._newest = NewestFrame()
        self._stopping = Event()
        self._reader: Thread | None = None

    def start(self) -> None:
        """Open the source and begin to read it."""
        if self._reader is not None:
            return
        pictures, frames_per_s = self._open_source()
        self._newest, self._stopping = NewestFrame(), Event()
        self._reader = Thread(
            target=_play,
            args=(pictures, frames_per_s, self._newest, self._stopping),
            name="camera reader",
            daemon=True,
        )
        self._reader.start()

    def latest(self) -> Frame | None:
        """The newest picture, once."""
        return self._newest.take()

    def stop(self) -> None:
        """End the reading thread and drop the last picture."""
        if self._reader is None:
            return
        self._stopping.set()
        self._reader.join(JOIN_S)
        self._reader = None
        self._newest = NewestFrame()


def _play(
    pictures: Iterator[Pixels], frames_per_s: float, newest: NewestFrame, stopping: Event
) -> None:
    period_s = 1.0 / frames_per_s if frames_per_s else 0.0
    due_s = time.monotonic()
    for pixels in pictures:
        newest.put(pixels, time.monotonic())
        due_s = max(due_s + period_s, time.monotonic() - period_s)  # late once is not late for ever
        if stopping.wait(max(0.0, due_s - time.monotonic()) if period_s else 0.0):
            return


def images_camera(folder: str, frames_per_s: float = IMAGES_PER_S) -> FileCamera:
    """The images of a folder in the order of their names, again and again."""

    def open_images() -> tuple[Iterator[Pixels], float]:
        directory = Path(folder)
        if not directory.is_dir():
            raise CameraUnavailable(f"{folder} is no folder of images")
        paths = sorted(path for path in directory.iterdir() if path.suffix in IMAGE_SUFFIXES)
        pictures = [picture for path in paths if (picture := _image(path)) is not None]
        if not pictures:
            raise CameraUnavailable(f"{folder} holds no readable image")
        # Copies: a frozen camera and a still picture must not share one buffer with the reader.
        return (picture.copy() for picture in itertools.cycle(pictures)), frames_per_s

    return FileCamera(open_images)


def video_camera(file: str) -> FileCamera:
    """A video file at its own rate, again and again."""

    def open_video() -> tuple[Iterator[Pixels], float]:
        capture = _opened(cv2.VideoCapture(file), file)
        return _rounds(capture), capture.get(cv2.CAP_PROP_FPS) or DEFAULT_VIDEO_PER_S

    return FileCamera(open_video)


def v4l2_camera(which: str) -> FileCamera:
    """A USB camera by its V4L2 index, or by a name under /dev that outlives a restart, as those in
    /dev/v4l/by-id do: indices are given anew each time. The driver waits for each frame."""
    if not (which.isascii() and which.isdecimal()) and not which.startswith("/dev/"):
        raise CameraUnavailable(f"v4l2:{which}: write a number, as in /dev/video0, or /dev/v4l/…")

    def open_device() -> tuple[Iterator[Pixels], float]:
        device = which if which.startswith("/") else f"/dev/video{which}"
        capture = _opened(cv2.VideoCapture(device, cv2.CAP_V4L2), device)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return _frames(capture), 0.0

    return FileCamera(open_device)


def _image(path: Path) -> Pixels | None:
    try:
        # imread gives None, and raises for a picture larger than its own limit.
        picture: Pixels | None = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return picture


def _opened(capture: cv2.VideoCapture, name: str) -> cv2.VideoCapture:
    if not capture.isOpened():  # OpenCV says this with a warning, never with an exception
        raise CameraUnavailable(f"{name} does not open as a camera")
    return capture


def _frames(capture: cv2.VideoCapture) -> Iterator[Pixels]:
    try:
        while True:
            read, pixels = capture.read()
            if not read:
                return
            yield pixels
    finally:
        capture.release()


def _rounds(capture: cv2.VideoCapture) -> Iterator[Pixels]:
    try:
        while True:
            read, pixels = capture.read()
            if not read:
                capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                read, pixels = capture.read()
            if not read:
                return
            yield pixels
    finally:
        capture.release()
