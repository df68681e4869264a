"""A face followed between frames: where it is expected, when the detector is asked, and that nobody
slips in between. Networks are drawn; the real ones are compared in `test_tracked_looks.py`."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_faces import BrightSpots, Outputs
from points import point_at

from firmware.match.compare import Comparer, Look
from firmware.match.detect import Face
from firmware.match.networks import Grey, Reals
from firmware.match.tracking import LOOKS_FOR_EACH_DETECTION, SURE, Track, TrackedLooks
from firmware.words import Hint

FIVE = np.array([[120, 100], [160, 102], [140, 120], [125, 145], [155, 146]], np.float32)
DETECTED = Face(np.array([100, 60, 180, 170], np.float32), 0.9, FIVE + 2)


def turned(points: Reals, degrees: float, scale: float, by: tuple[float, float]) -> Reals:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T + by).astype(np.float32)


@pytest.mark.parametrize("degrees", [0.0, 20.0])
@pytest.mark.parametrize("scale", [0.8, 1.0, 1.3])
def test_the_box_moves_and_grows_with_the_mesh(degrees: float, scale: float) -> None:
    now = turned(FIVE, degrees, scale, (30, -12))
    face = Track(DETECTED, FIVE, now, 1).expected()
    centre = turned(np.array([[140, 115]], np.float32), degrees, scale, (30, -12))
    assert (face.box[:2] + face.box[2:]) / 2 == pytest.approx(centre[0], abs=1e-2)
    assert face.size == pytest.approx(110 * scale, rel=1e-4)
    assert np.allclose(face.points, turned(FIVE + 2, degrees, scale, (30, -12)), atol=1e-2)


class CountingSpots(BrightSpots):
    """`BrightSpots` with a mesh of five different points, that doubts when it is told to."""

    def __init__(self) -> None:
        self.detections = 0
        self.presence: list[float] = []

    def detect(self, canvas: Grey) -> Outputs:
        self.detections += 1
        return super().detect(canvas)

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        rows, columns = np.nonzero(view > 200)
        if not rows.size:
            return np.zeros((468, 3), np.float32), 0.0
        side = np.arange(468, dtype=np.float32) % 7
        low = np.array([columns.min(), rows.min()])
        span = np.array([np.ptp(columns), np.ptp(rows)])
        flat = low + span * np.stack([side / 7, (np.arange(468) % 5) / 5], axis=1)
        points = np.hstack([flat, np.zeros((468, 1))]).astype(np.float32)
        return points, self.presence.pop(0) if self.presence else 0.99


def picture(left: int = 300, top: int = 200, size: int = 120) -> Grey:
    grey = np.zeros((480, 640), np.uint8)
    grey[top : top + size, left : left + size] = 255
    return grey


def tracked(networks: CountingSpots) -> TrackedLooks:
    return TrackedLooks(Comparer(networks, "drawn", point_at(0.5)))


def test_the_detector_is_asked_at_every_third_look() -> None:
    networks = CountingSpots()
    looks = tracked(networks)
    asked = []
    for step in range(3 * LOOKS_FOR_EACH_DETECTION):
        looks.look(picture(left=300 + 3 * step))
        asked.append(networks.detections)
    assert asked == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_followed_face_is_where_it_is() -> None:
    looks = tracked(CountingSpots())
    for step in range(LOOKS_FOR_EACH_DETECTION):
        left = 300 + 8 * step
        look = looks.look(picture(left=left))
        assert look.face is not None
        # It is looked for where it was before; the mesh then tells where it is.
        assert abs(look.face.box[0] - left) <= 12
        assert look.landmarks is not None
        assert look.landmarks.points[:, 0].min() == pytest.approx(left, abs=3)


@pytest.mark.parametrize("presence", [SURE - 0.01, 0.0, float("nan")])
def test_when_the_mesh_doubts_the_detector_looks_at_the_same_frame(presence: float) -> None:
    networks = CountingSpots()
    looks = tracked(networks)
    networks.presence = [0.99, presence]
    looks.look(picture())
    look = looks.look(picture(left=20, top=20))  # it went elsewhere
    assert networks.detections == 2
    assert look.face is not None
    assert look.face.box[0] == pytest.approx(20, abs=3)


def test_what_is_doubted_is_not_followed() -> None:
    networks = CountingSpots()
    networks.presence = [SURE - 0.01] * 3
    looks = tracked(networks)
    for _ in range(3):
        looks.look(picture())
    assert networks.detections == 3


def test_a_face_that_leaves_is_gone_at_once() -> None:
    looks = tracked(CountingSpots())
    looks.look(picture())
    assert looks.look(np.zeros((480, 640), np.uint8)).quality.hint is Hint.NO_FACE


def test_after_forgetting_the_detector_is_asked() -> None:
    networks = CountingSpots()
    looks = tracked(networks)
    looks.look(picture())
    looks.forget()
    looks.look(picture())
    assert networks.detections == 2


def test_the_small_picture_is_the_detectors_and_the_large_one_everybody_elses() -> None:
    seen: list[tuple[Look, Look]] = []
    for left in (0, 100, 300):
        large = picture(left=left)
        comparer = Comparer(CountingSpots(), "drawn", point_at(0.5))
        seen.append((comparer.look(large), comparer.look(large, large[::2, ::2])))
    for from_large, from_small in seen:
        assert from_large.face is not None
        assert from_small.face is not None
        assert np.allclose(from_small.face.box, from_large.face.box, atol=4)
        assert from_small.landmarks is not None
        assert from_small.landmarks.points.max() > 240  # in pixels of the large one
