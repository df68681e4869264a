"""The mean of still frames: noise goes, a movement begins anew, sizes may change."""

from __future__ import annotations

import numpy as np

from firmware.camera.frame import Pixels
from firmware.match.still import StillPicture


def scene(edge: int = 400, noise: float = 9.0, seed: int = 1) -> Pixels:
    """A bright card right of an edge, under noise."""
    picture = np.full((960, 1280), 40.0)
    picture[:, edge:] = 220.0
    return np.clip(
        picture + np.random.default_rng(seed).normal(0, noise, picture.shape), 0, 255
    ).astype(np.uint8)


def test_noise_goes_as_frames_come() -> None:
    still = StillPicture()
    assert not any(still.add(scene(seed=seed)) for seed in range(6))
    assert still.mean[:, :300].std() < 9.0 / 2


def test_a_movement_begins_anew() -> None:
    still = StillPicture()
    assert not still.add(scene())
    assert still.add(scene(edge=404, noise=0.0))
    assert np.array_equal(still.mean, scene(edge=404, noise=0.0))
    assert not still.add(scene(edge=404, seed=2))


def test_a_frame_of_another_size_is_another_picture() -> None:
    still = StillPicture()
    still.add(scene())
    assert still.add(np.zeros((7, 5), np.uint8))
    assert still.mean.shape == (7, 5)
