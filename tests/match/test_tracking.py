"""A face followed between frames: where it is expected, when the detector is asked, and that nobody
slips in between. Networks are drawn; the real ones are compared in `test_tracked_looks.py`."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_faces import BrightSpots, Outputs
from points import point_at

from firmware.match.compare import Comparer, Look
from firmware.match.detect import Face
from firmware.match.networks import Grey, Reals
from firmware.match.tracking import (
    LOOKS_FOR_EACH_DETECTION,
    PATCH_SHARE,
    PATCH_SIDE,
    SURE,
    Track,
    TrackedLooks,
)
from firmware.words import Hint

SIZE = 120
SPOTS = np.random.default_rng(3).integers(205, 256, (8, 8)).astype(np.float32)
FACE = np.asarray(cv2.resize(SPOTS, (SIZE, SIZE)), np.float32).clip(205, 255).astype(np.uint8)


def picture(left: int = 300, top: int = 200, face: Grey = FACE) -> Grey:
    grey = np.zeros((480, 640), np.uint8)
    grey[top : top + face.shape[0], left : left + face.shape[1]] = face
    return grey


def track_of(left: int, top: int) -> Track:
    box = np.array([left, top, left + SIZE, top + SIZE], np.float32)
    margin = round(SIZE * (1 - PATCH_SHARE) / 2)
    inner = FACE[margin : SIZE - margin, margin : SIZE - margin]
    patch = cv2.resize(inner, (PATCH_SIDE, PATCH_SIDE), interpolation=cv2.INTER_AREA)
    return Track(Face(box, 0.9, box.reshape(2, 2)[[0] * 5]), np.asarray(patch, np.uint8), 1)


@pytest.mark.parametrize("shift", [(0, 0), (12, -9), (-30, 30), (33, 21)])
def test_a_face_is_expected_where_it_moved_to(shift: tuple[int, int]) -> None:
    face = track_of(300, 200).found_in(picture(300 + shift[0], 200 + shift[1]))
    assert face is not None
    assert face.box[:2] == pytest.approx([300 + shift[0], 200 + shift[1]], abs=2.5)
    assert face.size == pytest.approx(SIZE)
    assert face.points[0] == pytest.approx(face.box[:2])


def test_a_face_that_looks_otherwise_went_too_far_or_is_gone_is_not_expected() -> None:
    track = track_of(300, 200)
    assert track.found_in(picture(face=FACE[::-1, ::-1])) is None
    assert track.found_in(picture(left=10)) is None
    assert track.found_in(np.zeros((480, 640), np.uint8)) is None


@pytest.mark.parametrize("place", [(0, 0), (520, 200), (300, 360)])
def test_at_the_edge_of_the_picture_nothing_is_expected(place: tuple[int, int]) -> None:
    assert track_of(*place).found_in(picture(*place)) is None


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


def tracked(networks: CountingSpots) -> TrackedLooks:
    return TrackedLooks(Comparer(networks, "drawn", point_at(0.5)))


def test_the_detector_is_asked_at_every_third_look() -> None:
    networks = CountingSpots()
    looks = tracked(networks)
    asked = []
    for step in range(3 * LOOKS_FOR_EACH_DETECTION):
        looks.look(picture(left=250 + 3 * step))
        asked.append(networks.detections)
    assert asked == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_followed_face_is_where_it_is() -> None:
    looks = tracked(CountingSpots())
    for step in range(LOOKS_FOR_EACH_DETECTION):
        left = 250 + 15 * step
        look = looks.look(picture(left=left))
        assert look.face is not None
        assert look.face.box[0] == pytest.approx(left, abs=4)
        assert look.landmarks is not None
        assert look.landmarks.points[:, 0].min() == pytest.approx(left, abs=3)


@pytest.mark.parametrize("presence", [SURE - 0.01, 0.0, float("nan")])
def test_when_the_mesh_doubts_the_detector_looks_at_the_same_frame(presence: float) -> None:
    networks = CountingSpots()
    looks = tracked(networks)
    networks.presence = [0.99, presence]
    looks.look(picture())
    look = looks.look(picture(left=310))
    assert networks.detections == 2
    assert look.face is not None
    assert look.face.box[0] == pytest.approx(310, abs=3)


def test_when_the_face_went_elsewhere_the_detector_looks_at_the_same_frame() -> None:
    networks = CountingSpots()
    looks = tracked(networks)
    looks.look(picture())
    look = looks.look(picture(left=20, top=20))
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
