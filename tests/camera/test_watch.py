"""Whether a camera is well: a scripted camera, and a clock that is a number."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.camera.frame import Frame, Pixels
from firmware.camera.opening import KINDS, NamedCamera
from firmware.camera.watch import (
    FIRST_FRAME_WITHIN_S,
    FRAME_WAIT_S,
    SICK_WAIT_S,
    STALE_AFTER_S,
    START_AGAIN_AFTER_S,
    WatchedCamera,
)
from firmware.faults import CameraUnavailable


class ScriptedCamera:
    """Gives the levels it was told, one frame each; None is no frame."""

    def __init__(self, *levels: int | None) -> None:
        self.levels = list(levels)
        self.starts = 0
        self.broken = False
        self._sequence = 0

    def start(self) -> None:
        if self.broken:
            raise CameraUnavailable("unplugged")
        self.starts += 1

    def latest(self) -> Frame | None:
        level = self.levels.pop(0) if self.levels else None
        if level is None:
            return None
        self._sequence += 1
        return Frame(np.full((96, 128, 3), level, np.uint8), self._sequence, 0.0)

    def stop(self) -> None:
        return


def test_the_first_frame_says_that_it_is_well_once() -> None:
    told: list[str | None] = []
    camera = WatchedCamera(ScriptedCamera(10, 11, 12), told.append)
    camera.start(0.0)
    assert [camera.latest(second / 10) is not None for second in range(3)] == [True] * 3
    assert told == [None]


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ([20, 20, 20, 20], "camera_frozen"),
        ([0, 1, 0, 1], "camera_black"),
        ([None] * 4, "camera_unavailable"),
    ],
)
def test_frozen_black_and_absent_frames_are_told_within_a_second(
    what: list[int | None], code: str
) -> None:
    told: list[str | None] = []
    camera = WatchedCamera(ScriptedCamera(20, *what), told.append)
    camera.start(0.0)
    assert camera.latest(0.0) is not None
    assert camera.latest(0.5) is None
    assert told == [None]
    assert camera.latest(STALE_AFTER_S + 0.01) is None
    assert told == [None, code]


def test_a_camera_that_never_gives_a_frame_is_told() -> None:
    told: list[str | None] = []
    camera = WatchedCamera(ScriptedCamera(), told.append)
    camera.start(0.0)
    camera.latest(FIRST_FRAME_WITHIN_S - 0.1)
    assert told == []
    camera.latest(FIRST_FRAME_WITHIN_S + 0.1)
    assert told == ["camera_unavailable"]


def test_a_camera_that_gives_nothing_is_asked_less_often_until_it_does() -> None:
    device = ScriptedCamera()
    camera = WatchedCamera(device, lambda _code: None)
    camera.start(0.0)
    assert camera.look_again_in_s(FIRST_FRAME_WITHIN_S - 0.1) == FRAME_WAIT_S
    for late_s in (FIRST_FRAME_WITHIN_S + 0.1, FIRST_FRAME_WITHIN_S + 10.0):
        assert camera.latest(late_s) is None
        assert camera.look_again_in_s(late_s) == SICK_WAIT_S > FRAME_WAIT_S
    device.levels = [30]
    assert camera.latest(20.0) is not None
    assert camera.look_again_in_s(20.1) == FRAME_WAIT_S


def test_a_stale_camera_is_started_again_and_told_well_again() -> None:
    told: list[str | None] = []
    device = ScriptedCamera(10)
    camera = WatchedCamera(device, told.append)
    camera.start(0.0)
    camera.latest(0.0)
    camera.latest(2.0)
    device.broken = True
    camera.latest(STALE_AFTER_S + START_AGAIN_AFTER_S + 0.1)
    assert device.starts == 1
    device.broken = False
    camera.latest(STALE_AFTER_S + 2 * START_AGAIN_AFTER_S + 0.2)
    assert device.starts == 2
    device.levels = [30]
    assert camera.latest(6.0) is not None
    assert told == [None, "camera_unavailable", None]


def test_a_camera_that_does_not_start_is_told_and_raised() -> None:
    told: list[str | None] = []
    device = ScriptedCamera()
    device.broken = True
    camera = WatchedCamera(device, told.append)
    with pytest.raises(CameraUnavailable):
        camera.start(0.0)
    assert told == ["camera_unavailable"]
    assert not camera.running


def test_a_resting_camera_gives_nothing_and_says_nothing() -> None:
    told: list[str | None] = []
    camera = WatchedCamera(ScriptedCamera(10, 11), told.append)
    camera.start(0.0)
    camera.latest(0.0)
    camera.stop()
    assert camera.latest(100.0) is None
    assert told == [None]


def test_a_frozen_camera_is_not_well_for_a_moment_after_each_rest() -> None:
    told: list[str | None] = []
    device = ScriptedCamera(20, 20, 20)
    camera = WatchedCamera(device, told.append)
    camera.start(0.0)
    for at_s in (0.0, 0.5, STALE_AFTER_S + 0.1):
        camera.latest(at_s)
    camera.stop()
    device.levels = [20, 20, 21]
    camera.start(30.0)
    assert camera.latest(30.0) is None
    assert camera.latest(30.0 + FIRST_FRAME_WITHIN_S + 0.1) is None
    assert told == [None, "camera_frozen"]
    assert camera.latest(34.0) is not None
    assert told == [None, "camera_frozen", None]


BAD_PIXELS = {
    "grey": np.full((480, 640), 90, np.uint8),
    "four channels": np.full((480, 640, 4), 90, np.uint8),
    "two bytes each": np.full((480, 640, 3), 90, np.uint16),
    "no numbers": np.full((480, 640, 3), np.nan, np.float32),
    "nothing": np.zeros((0, 0, 3), np.uint8),
    "a line": np.full((1, 640, 3), 90, np.uint8),
    "far too large": np.broadcast_to(np.uint8(90), (40_000, 40_000, 3)),
}


@pytest.mark.parametrize("pixels", BAD_PIXELS.values(), ids=BAD_PIXELS.keys())
def test_what_is_no_picture_is_no_frame_and_told(
    monkeypatch: pytest.MonkeyPatch, pixels: Pixels
) -> None:
    device = ScriptedCamera(10)
    monkeypatch.setitem(KINDS, "scripted", lambda _argument: device)
    told: list[str | None] = []
    camera = WatchedCamera(NamedCamera("scripted:"), told.append)
    camera.start(0.0)
    assert camera.latest(0.0) is not None
    monkeypatch.setattr(device, "latest", lambda: Frame(pixels, 2, 0.0))
    assert camera.latest(0.5) is None
    assert camera.latest(STALE_AFTER_S + 0.01) is None
    assert told == [None, "camera_unavailable"]
