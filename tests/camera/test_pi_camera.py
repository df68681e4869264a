"""The Pi's camera against a picamera2 that has four buffers and blocks without one."""

from __future__ import annotations

import sys
from queue import Queue
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from firmware.camera.frame import Frame, Pixels
from firmware.camera.opening import open_camera
from firmware.camera.pi_camera import LORES_SIZE, MAIN_SIZE, RING
from firmware.faults import CameraUnavailable


class RingOfBuffers:
    """A stateful stand-in: as many requests may be out at once as there are buffers, never more."""

    def __init__(self, number: int) -> None:
        if number != 0:
            raise IndexError("list index out of range")
        self.free: Queue[int] = Queue()
        self.given = 0
        self.running = False
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

    def make_array(self, stream: str) -> Pixels:
        width, height = self._camera.configuration[stream]["size"]
        if stream == "lores":  # planar YUV of mid grey
            return np.full((height * 3 // 2, width), 128, np.uint8)
        return np.full((height, width, 3), 128, np.uint8)

    def release(self) -> None:
        self._camera.free.put(self._buffer)


CAMERAS: list[RingOfBuffers] = []


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
    frames: list[Frame] = []
    while len(frames) < 3 * RING:
        if (frame := camera.latest()) is not None:
            frames.append(frame)
    camera.stop()
    (device,) = CAMERAS
    assert frames[-1].pixels.shape == (size[1], size[0], 3)
    assert abs(int(frames[-1].pixels.mean()) - 128) <= 3
    assert device.free.qsize() == RING
    assert not device.running
    assert camera.latest() is None


@pytest.mark.usefixtures("picamera2")
def test_a_camera_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(CameraUnavailable, match="camera 1"):
        open_camera("pi:1")


def test_without_picamera2_the_fault_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraUnavailable, match="install python3-picamera2"):
        open_camera("pi:0")
