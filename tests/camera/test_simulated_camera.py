"""The simulated cameras: what the scene says is what they show, by a clock that is given."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from firmware.camera.frame import Frame, Pixels
from firmware.faults import CameraUnavailable, SimulationNotPrepared
from firmware.simulator.camera import (
    FACE_FRAMES_PER_S,
    SCENE_FILE,
    Scene,
    SimulatedCamera,
    person,
    set_scene,
    write_scene,
)
from firmware.simulator.tray_views import TRAY_SIZE
from firmware.words import PanelLight


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A scene with two portraits of its own: a red one and a blue one."""
    (tmp_path / "faces").mkdir()
    for name, colour in (("red", (0, 0, 220)), ("blue", (220, 0, 0))):
        cv2.imwrite(str(tmp_path / "faces" / f"{name}.png"), np.full((300, 240, 3), colour))
    set_scene(tmp_path)
    return tmp_path


def standing(portrait: bytes) -> bytes:
    """A scene file in which somebody stands who looks like that."""
    return msgspec.json.encode(Scene(person("red"))).replace(b'"red"', b'"%s"' % portrait)


def next_frame(camera: SimulatedCamera, clock: Clock) -> Frame:
    clock.now_s += 1.01 / FACE_FRAMES_PER_S
    frame = camera.latest()
    assert frame is not None
    return frame


def redness(pixels: Pixels) -> float:
    middle = pixels[200:400, 280:360].reshape(-1, 3).mean(axis=0)
    return float(middle[2] - middle[0])


def test_it_shows_who_stands_there_and_notices_who_comes(scene: Path) -> None:
    clock = Clock()
    camera = SimulatedCamera(f"face:{scene}", clock)
    camera.start()
    assert abs(redness(next_frame(camera, clock).pixels)) < 40
    set_scene(scene, live="red")
    assert redness(next_frame(camera, clock).pixels) > 150
    set_scene(scene, live="blue")
    assert redness(next_frame(camera, clock).pixels) < -150


def test_whoever_stands_there_is_seen_in_the_light_of_the_panel(scene: Path) -> None:
    clock = Clock()
    write_scene(scene, Scene(person("red")))
    camera = SimulatedCamera(f"face:{scene}", clock)
    camera.start()
    before = redness(next_frame(camera, clock).pixels)
    write_scene(scene, Scene(person("red"), PanelLight.DIM))
    dim = redness(next_frame(camera, clock).pixels)
    assert dim < before - 2
    write_scene(scene, Scene(person("red")))
    assert redness(next_frame(camera, clock).pixels) > dim + 2


def test_a_frame_is_given_once_and_a_late_reader_gets_no_backlog(scene: Path) -> None:
    clock = Clock()
    camera = SimulatedCamera(f"face:{scene}", clock)
    camera.start()
    first = camera.latest()
    assert first is not None
    assert first.sequence == 1
    assert camera.latest() is None
    clock.now_s += 10.0
    late = camera.latest()
    assert late is not None
    assert late.sequence == 1 + 10 * FACE_FRAMES_PER_S
    assert late.captured_at_s == clock.now_s
    assert camera.latest() is None


def test_no_two_frames_are_the_same_and_the_same_seed_plays_the_same(scene: Path) -> None:
    set_scene(scene, live="red", seed=5)
    played = []
    for _ in range(2):
        clock = Clock()
        camera = SimulatedCamera(f"face:{scene}", clock)
        camera.start()
        played.append([next_frame(camera, clock).pixels.tobytes() for _ in range(6)])
    assert played[0] == played[1]
    assert len(set(played[0])) == 6


def test_a_resting_camera_shows_nothing(scene: Path) -> None:
    clock = Clock()
    camera = SimulatedCamera(f"face:{scene}", clock)
    assert camera.latest() is None
    camera.start()
    next_frame(camera, clock)
    camera.stop()
    clock.now_s += 1.0
    assert camera.latest() is None


def test_the_tray_shows_a_light_card_on_a_dark_ground(scene: Path) -> None:
    views = {}
    for tray in (None, "drivers_licence"):
        set_scene(scene, tray=tray)
        camera = SimulatedCamera(f"tray:{scene}", Clock())
        camera.start()
        frame = camera.latest()
        assert frame is not None
        assert frame.pixels.shape == (TRAY_SIZE[1], TRAY_SIZE[0], 3)
        views[tray] = float(frame.pixels[300:660, 400:880].mean())
    assert views[None] < 60
    assert views["drivers_licence"] > 130


@pytest.mark.parametrize("argument", ["", "face", "face:", "sideways:/tmp"])
def test_an_argument_of_another_form_is_refused(argument: str) -> None:
    with pytest.raises(CameraUnavailable):
        SimulatedCamera(argument)


@pytest.mark.parametrize(
    ("lens", "content"),
    [
        ("face", standing(b"somebody_else")),
        ("face", standing(b"../../etc/passwd")),
        ("face", b'{"stands":{"body":null,"attack":true}}'),
        ("face", b'{"alive":"red"}'),
        ("face", b"no json"),
        ("tray", b'{"tray":"nobody_we_know"}'),
    ],
)
def test_a_scene_that_cannot_be_shown_is_a_fault(scene: Path, lens: str, content: bytes) -> None:
    (scene / SCENE_FILE).write_bytes(content)
    with pytest.raises(SimulationNotPrepared):
        SimulatedCamera(f"{lens}:{scene}").start()


def test_a_scene_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SimulationNotPrepared):
        SimulatedCamera(f"face:{tmp_path}").start()
