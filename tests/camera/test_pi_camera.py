"""The Pi's camera against a picamera2 that has four buffers and blocks without one."""

from __future__ import annotations

import sys
from collections import Counter
from queue import Queue
from threading import Event
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from firmware.camera.frame import Camera, Frame, Pixels
from firmware.camera.opening import open_camera
from firmware.camera.pi_camera import LORES_SIZE, MAIN_SIZE, RING
from firmware.faults import CameraUnavailable


class RingOfBuffers:
    """A stateful stand-in: as many requests may be out at once as there are buffers, never more."""

    camera_controls: ClassVar[dict[str, object]] = {"ExposureTime": (1, 66666, 20000)}

    def __init__(self, number: int) -> None:
        if number != 0:
            raise IndexError("list index out of range")
        self.free: Queue[int] = Queue()
        self.given = 0
        self.copies: Counter[str] = Counter()
        self.running = self.broken = False
        self.configuration: dict[str, Any] = {}
        CAMERAS.append(self)

    def create_video_configuration(self, **streams: Any) -> dict[str, Any]:
        return streams

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration
        for buffer in range(configuration["buffer_count"]):
            self.free.put(buffer)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def capture_request(self) -> Request:
        buffer = self.free.get(timeout=60)  # a camera that leaks requests ends here
        self.given += 1
        return Request(self, buffer)


class Request:
    def __init__(self, camera: RingOfBuffers, buffer: int) -> None:
        self._camera, self._buffer = camera, buffer
        self._released = False

    def make_array(self, stream: str) -> Pixels:
        assert not self._released, "its buffer is being filled again"
        if self._camera.broken:
            raise RuntimeError("the buffer cannot be mapped")
        self._camera.copies[stream] += 1
        width, height = self._camera.configuration[stream]["size"]
        if stream == "lores":  # planar YUV of mid grey, in rows longer than the picture
            return np.full((height * 3 // 2, width + PADDING), 128, np.uint8)
        return np.full((height, width, 3), 128, np.uint8)

    def release(self) -> None:
        assert not self._released
        self._released = True
        self._camera.free.put(self._buffer)


CAMERAS: list[RingOfBuffers] = []
PADDING = 64


def some_frames(camera: Camera, count: int) -> list[Frame]:
    never, frames = Event(), []
    for _ in range(30_000):
        if (frame := camera.latest()) is not None:
            frames.append(frame)
        if len(frames) == count:
            return frames
        never.wait(0.001)
    raise AssertionError("the camera gives no frames")


@pytest.fixture
def picamera2(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("picamera2")
    module.Picamera2 = RingOfBuffers  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    CAMERAS.clear()


@pytest.mark.usefixtures("picamera2")
@pytest.mark.parametrize(("spec", "size"), [("pi:0", MAIN_SIZE), ("pi:0/lores", LORES_SIZE)])
def test_every_request_goes_back_to_the_ring(spec: str, size: tuple[int, int]) -> None:
    camera = open_camera(spec)
    camera.start()
    frames = some_frames(camera, 3 * RING)
    camera.stop()
    (device,) = CAMERAS
    assert frames[-1].pixels.shape == (size[1], size[0], 3)
    assert abs(int(frames[-1].pixels.mean()) - 128) <= 3
    assert device.free.qsize() == RING
    assert not device.running
    assert camera.latest() is None


@pytest.mark.usefixtures("picamera2")
def test_a_frame_is_copied_once_and_only_if_somebody_takes_it() -> None:
    camera = open_camera("pi:0")
    camera.start()
    (device,) = CAMERAS
    taken = len(some_frames(camera, 5))
    assert device.copies == {"main": taken, "lores": taken}
    never = Event()
    until = device.given + 10 * RING  # the sensor goes on, and nobody looks
    while device.given < until:
        never.wait(0.001)
    assert device.copies["main"] == taken
    (newest,) = some_frames(camera, 1)
    assert newest.sequence >= until - 1
    camera.stop()


@pytest.mark.usefixtures("picamera2")
@pytest.mark.parametrize("spec", ["pi:0", "pi:0/lores"])
def test_a_frame_brings_a_small_grey_one_of_the_same_view(spec: str) -> None:
    camera = open_camera(spec)
    camera.start()
    (frame,) = some_frames(camera, 1)
    camera.stop()
    assert frame.luma is not None
    assert frame.luma.shape == (LORES_SIZE[1], LORES_SIZE[0])
    assert frame.luma.mean() == 128


@pytest.mark.usefixtures("picamera2")
def test_a_buffer_that_cannot_be_read_is_a_fault_and_goes_back() -> None:
    camera = open_camera("pi:0")
    camera.start()
    (device,) = CAMERAS
    some_frames(camera, 1)
    device.broken = True
    with pytest.raises(CameraUnavailable, match="mapped"):
        some_frames(camera, 1)
    camera.stop()
    assert device.free.qsize() == RING


@pytest.mark.usefixtures("picamera2")
@pytest.mark.parametrize(
    ("spec", "dioptres"), [("pi:0", 2), ("pi:0@10", 10), ("pi:0/lores@40", 2.5)]
)
def test_a_lens_with_a_motor_is_set_once(
    monkeypatch: pytest.MonkeyPatch, spec: str, dioptres: float
) -> None:
    motor = {"AfMode": (0, 2, 0), "LensPosition": (0.0, 32.0, 1.0)}
    monkeypatch.setattr(RingOfBuffers, "camera_controls", motor)
    open_camera(spec)
    (device,) = CAMERAS
    assert device.configuration["controls"] == {"AfMode": 0, "LensPosition": dioptres}


@pytest.mark.usefixtures("picamera2")
def test_a_lens_without_a_motor_is_left_alone() -> None:
    open_camera("pi:0")
    (device,) = CAMERAS
    assert device.configuration["controls"] == {}


@pytest.mark.usefixtures("picamera2")
@pytest.mark.parametrize(
    "spec", ["pi:", "pi:x", "pi:0/raw", "pi:0@0", "pi:0@", "pi:0@x", "pi:0@10/lores", "pi:1 "]
)
def test_a_name_that_means_no_camera_is_a_fault(spec: str) -> None:
    with pytest.raises(CameraUnavailable, match="write pi:0"):
        open_camera(spec)
    assert CAMERAS == []


@pytest.mark.usefixtures("picamera2")
def test_a_camera_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(CameraUnavailable, match="camera 1"):
        open_camera("pi:1")


def test_without_picamera2_the_fault_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraUnavailable, match="install python3-picamera2"):
        open_camera("pi:0")
