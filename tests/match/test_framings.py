"""Where the simulation takes a portrait's face to lie, the landmarks find it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firmware.match.detect import CHIN, find_faces, place_landmarks
from firmware.match.networks import grey_of
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.simulator.portraits import FRAMINGS, portraits_of
from firmware.simulator.world import World

pytestmark = pytest.mark.stack
WITHIN = 0.04
"""Of the picture's width: networks differ by so much on one face."""


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_framing_is_where_the_landmarks_are(build_dir: Path, name: str) -> None:
    networks = OnnxNetworks(models_folder())
    portrait = portraits_of(World(build_dir / "simulation"))(name)
    grey = grey_of(portrait.pixels)
    landmarks = place_landmarks(networks, grey, find_faces(networks, grey)[0])
    left, right, nose, *corners = landmarks.five
    mouth = (corners[0] + corners[1]) / 2
    found = np.array([left, right, nose, mouth, landmarks.points[CHIN][:2]])
    framing = portrait.framing
    told = np.array(
        [framing.left_eye, framing.right_eye, framing.nose, framing.mouth, framing.chin]
    )
    height, width = grey.shape
    off = np.hypot(*((found - told * (width, height)).T)) / width
    assert off.max() < WITHIN, off
