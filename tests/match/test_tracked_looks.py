"""Following a face changes no decision: the real networks on portraits that sway in a camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from firmware.match.compare import Comparer, Look
from firmware.match.looking import MOMENT_S
from firmware.match.networks import Grey, grey_of
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.template import FaceTemplate, compare, fuse
from firmware.match.tracking import TrackedLooks
from firmware.simulator.camera import SimulatedCamera, set_scene

pytestmark = pytest.mark.stack

LOOKS = 20
TOLERANCE = 0.04
"""Of the score of five looks. From one frame to the next the score of one look moves by more."""


@pytest.fixture(scope="module")
def comparer() -> Comparer:
    networks = OnnxNetworks(models_folder())
    return Comparer(networks, networks.embedder_card.model_id, networks.operating_point)


def frames_of(folder: Path, live: str, seed: int) -> list[Grey]:
    """What the camera sees at each look; its clock is a number."""
    now_s = 0.0
    set_scene(folder, live=live, seed=seed)
    camera = SimulatedCamera(f"face:{folder}", lambda: now_s)
    camera.start()
    frames = []
    for _ in range(LOOKS):
        now_s += MOMENT_S
        frame = camera.latest()
        assert frame is not None
        frames.append(grey_of(frame.pixels))
    return frames


def fives(looks: list[Look]) -> list[list[FaceTemplate]]:
    """The templates of each five looks in a row."""
    templates = [look.template for look in looks if look.template is not None]
    return [templates[at : at + 5] for at in range(0, LOOKS, 5)]


@pytest.mark.parametrize(
    ("live", "photo"),
    [
        ("person_a_2", "person_a_1"),
        ("person_b_2", "person_b_1"),
        ("person_c_1", "person_a_1"),
        ("person_d_1", "person_b_1"),
    ],
)
def test_the_scores_are_the_same_as_with_a_detector_at_each_look(
    comparer: Comparer, tmp_path: Path, build_dir: Path, live: str, photo: str
) -> None:
    portrait = cv2.imread(str(build_dir / "simulation" / "faces" / f"{photo}.png"))
    reference = comparer.reference(grey_of(np.asarray(portrait, np.uint8)))
    frames = frames_of(tmp_path, live, seed=3)
    smaller = [np.asarray(cv2.resize(each, (320, 240)), np.uint8) for each in frames]
    tracked = TrackedLooks(comparer)
    with_detector = [comparer.look(frame) for frame in frames]
    followed = [tracked.look(*each) for each in zip(frames, smaller, strict=True)]
    assert [look.quality.hint for look in followed] == [None] * LOOKS
    for some, others in zip(fives(with_detector), fives(followed), strict=True):
        scores = [compare(fuse(each), reference) for each in (some, others)]
        assert scores[1] == pytest.approx(scores[0], abs=TOLERANCE)
        decisions = [comparer.compare(reference, each).decision for each in (some, others)]
        assert decisions[0] is decisions[1]
