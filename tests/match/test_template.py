"""Templates: unit vectors, averaged, opaque."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from firmware.match.networks import DetectorOutputs, Grey, Layout, Reals
from firmware.match.template import FaceTemplate, Opinion, compare, embed, fuse, join

FACE = np.arange(112 * 112, dtype=np.uint8).reshape(112, 112)


class FixedNetworks:
    """Networks that find nothing and embed everybody alike."""

    layout = Layout.YUNET

    def __init__(self, values: Reals) -> None:
        self._values = values

    def detect(self, canvas: Grey) -> DetectorOutputs:
        return {}

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        return np.zeros((468, 3), np.float32), 0.0

    def embed(self, face: Grey) -> Reals:
        return self._values


def vector(*values: float) -> Reals:
    return np.array(values, np.float32)


def template(*values: float) -> FaceTemplate:
    return embed(FixedNetworks(np.array(values, np.float32)), FACE)


def test_a_template_has_length_one_and_is_alike_to_itself() -> None:
    one = template(3, 4)
    assert one.values == pytest.approx([0.6, 0.8])
    assert compare(one, one) == pytest.approx(1)
    assert compare(one, template(-3, -4)) == pytest.approx(-1)


def test_fusing_takes_the_mean_of_directions_not_of_lengths() -> None:
    fused = fuse([template(100, 0), template(0, 1)])
    assert fused.values == pytest.approx([2**-0.5, 2**-0.5])


def test_fusing_keeps_the_lengths_that_join_gave() -> None:
    fused = fuse([template(1.2, 0), template(0, 0.8)])
    assert np.linalg.norm(fused.values) == pytest.approx(1.0)
    assert np.linalg.norm(fuse([template(1.2, 0), template(1.4, 0)]).values) == pytest.approx(1.3)


def test_joined_embedders_count_by_their_weights() -> None:
    one, other = Opinion(1.0, 10.0, 0.0), Opinion(0.5, 100.0, 0.0)
    joined = join([(vector(10, 0), one), (vector(0, 100), other)])
    assert np.linalg.norm(joined) == pytest.approx(1.0)
    assert joined == pytest.approx(np.array([1, 0, 0, 0.5]) / 1.25**0.5)


def test_a_short_output_is_left_a_little_longer_within_limits() -> None:
    opinion = Opinion(1.0, 10.0, 0.5)
    lengths = [np.linalg.norm(join([(vector(raw, 0), opinion)])) for raw in (10, 5, 2, 40)]
    assert lengths == pytest.approx([1.0, 2**0.5, 2**0.5, 2**-0.5])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_where_one_of_two_embedders_says_nothing_nobody_was_seen(value: float) -> None:
    opinion = Opinion(1.0, 10.0, 0.3)
    joined = join([(vector(10, 0), opinion), (vector(value, value), opinion)])
    assert joined.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_network_that_says_nothing_has_seen_nobody(value: float) -> None:
    nobody = template(value, value)
    assert compare(nobody, template(1, 1)) == 0
    assert compare(nobody, nobody) == 0


def test_a_template_prints_as_a_size(caplog: pytest.LogCaptureFixture) -> None:
    secret = template(0.123456, 0.654321)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("match").debug("%s %r", secret, [secret])
    assert repr(secret) == "FaceTemplate(2 values)"
    assert "0." not in caplog.text
