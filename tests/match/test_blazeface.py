"""The second detector's raw outputs: a face written at an anchor is read out again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.match.blazeface import SIDE, candidates
from firmware.match.detect import decode_faces
from firmware.match.networks import Layout, Reals

BOX = np.array([40, 30, 80, 90], np.float32)
SIX = np.array([[50, 50], [70, 51], [60, 62], [61, 75], [42, 55], [78, 56]], np.float32)
# The anchors: sixteen by sixteen cells of 8 pixels with two each, then 8 × 8 of 16 with six.
ANCHORS = 16 * 16 * 2 + 8 * 8 * 6


def nothing() -> dict[str, Reals]:
    return {
        "regressors": np.zeros((1, ANCHORS, 16), np.float32),
        "classificators": np.full((1, ANCHORS, 1), -100, np.float32),
    }


def draw(outputs: dict[str, Reals], anchor: int, centre: tuple[float, float], logit: float) -> None:
    """Write the face at an anchor whose centre is known: offsets and sizes in pixels."""
    values = outputs["regressors"][0, anchor].reshape(8, 2)
    values[0], values[1] = (BOX[:2] + BOX[2:]) / 2 - centre, BOX[2:] - BOX[:2]
    values[2:] = SIX - centre
    outputs["classificators"][0, anchor] = logit


@pytest.mark.parametrize(
    ("anchor", "centre"),
    [
        (0, (4.0, 4.0)),
        (1, (4.0, 4.0)),
        (2 * (16 * 7 + 5), (44.0, 60.0)),
        (512, (8.0, 8.0)),
        (512 + 6 * (8 * 3 + 2) + 5, (40.0, 56.0)),
    ],
)
def test_a_face_is_read_at_every_kind_of_anchor(anchor: int, centre: tuple[float, float]) -> None:
    outputs = nothing()
    draw(outputs, anchor, centre, 3.0)
    (face,) = decode_faces(outputs, 0.5, Layout.BLAZEFACE)
    assert np.allclose(face.box, BOX * 2)
    assert np.allclose(face.points, SIX[[0, 1, 2, 3, 3]] * 2)
    assert face.score == pytest.approx(0.9526, abs=1e-4)


def test_many_anchors_of_one_face_become_one_and_the_best_stays() -> None:
    outputs = nothing()
    draw(outputs, 0, (4.0, 4.0), 1.0)
    draw(outputs, 512, (8.0, 8.0), 5.0)
    (face,) = decode_faces(outputs, 1.0, Layout.BLAZEFACE)
    assert face.score == pytest.approx(0.9933, abs=1e-4)


def test_less_likely_than_not_is_no_face() -> None:
    outputs = nothing()
    draw(outputs, 0, (4.0, 4.0), -0.01)
    assert decode_faces(outputs, 1.0, Layout.BLAZEFACE) == []


@given(st.sampled_from([np.nan, np.inf, -np.inf, 3e38]), st.integers(0, ANCHORS - 1))
def test_rubbish_is_no_fault(value: float, anchor: int) -> None:
    outputs = nothing()
    outputs["classificators"][0, anchor] = value
    outputs["regressors"][0, anchor] = 1.0
    found = candidates(outputs)
    assert len(found.boxes) <= 1
    assert np.all((found.boxes >= -SIDE) & (found.boxes <= 2 * SIDE))
