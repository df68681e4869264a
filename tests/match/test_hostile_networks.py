"""Networks that answer rubbish, from a broken runtime or for a crafted picture: nobody is seen."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
from drawn_faces import BrightSpots, Outputs
from points import point_at

from firmware.faults import MalformedPhoto
from firmware.match.compare import Comparer
from firmware.match.networks import Grey, Layout, Reals
from firmware.match.quality import QualityLimits
from firmware.match.template import FaceTemplate
from firmware.words import MatchDecision

NO_NUMBERS = (np.nan, np.inf, -np.inf, 3e38)
RUBBISH = [
    *((answer, value) for answer in ("detects", "embeds") for value in (*NO_NUMBERS, 0.0, -1.0)),
    *(("places", value) for value in NO_NUMBERS),
    *(("is_sure", value) for value in (np.nan, -1.0)),
]
ANYBODY = QualityLimits(  # lets every look pass that can be measured at all
    eyes_px=0.0,
    eyes_open=-1e9,
    eyes_light=-1e9,
    sharpness=0.0,
    face_share=1e9,
    presence=0.1,
    yaw_deg=1e9,
    pitch_deg=1e9,
    roll_deg=1e9,
    darkest_mean=0.0,
    dark_share=1.0,
    bright_share=1.0,
    brightest_mean=255.0,
    least_deviation=0.0,
)


@dataclass
class Spoilt:
    """`BrightSpots`, with one of its answers filled with one number."""

    detects: float | None = None
    places: float | None = None
    is_sure: float | None = None
    embeds: float | None = None
    layout = Layout.YUNET

    def detect(self, canvas: Grey) -> Outputs:
        outputs = BrightSpots().detect(canvas)
        if self.detects is None:
            return outputs
        return {name: np.full_like(values, self.detects) for name, values in outputs.items()}

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        points, presence = BrightSpots().landmarks(view)
        if self.places is not None:
            points = np.full_like(points, self.places)
        return points, presence if self.is_sure is None else self.is_sure

    def embed(self, face: Grey) -> Reals:
        return np.full(128, 1.0 if self.embeds is None else self.embeds, np.float32)


def decision(networks: Spoilt, limits: QualityLimits) -> MatchDecision:
    """Of five looks at one bright square, against the template that every good embedder gives."""
    picture = np.zeros((480, 640), np.uint8)
    picture[200:300, 400:500] = 255
    comparer = Comparer(networks, "rubbish", point_at(0.3), limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy says that these are no numbers
        looks = [comparer.look(picture) for _ in range(5)]
    probes = [look.template for look in looks if look.template is not None]
    reference = FaceTemplate(np.full(128, 128**-0.5, np.float32))
    return comparer.compare(reference, probes).decision


def test_without_rubbish_the_same_square_is_somebody() -> None:
    assert decision(Spoilt(), ANYBODY) is MatchDecision.SAME_PERSON


@pytest.mark.parametrize("limits", [QualityLimits(), ANYBODY], ids=["the limits", "any quality"])
@pytest.mark.parametrize(("answer", "value"), RUBBISH)
def test_rubbish_is_never_the_same_person(answer: str, value: float, limits: QualityLimits) -> None:
    networks = replace(Spoilt(), **{answer: value})
    assert decision(networks, limits) is not MatchDecision.SAME_PERSON


@pytest.mark.parametrize(("answer", "value"), RUBBISH)
def test_a_photo_under_rubbish_is_malformed_or_like_nobody(answer: str, value: float) -> None:
    picture = np.zeros((320, 240), np.uint8)
    picture[100:220, 60:180] = 255
    comparer = Comparer(replace(Spoilt(), **{answer: value}), "rubbish", point_at(0.3), ANYBODY)
    somebody = FaceTemplate(np.full(128, 128**-0.5, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        if answer != "embeds":
            with pytest.raises(MalformedPhoto):
                comparer.reference(picture)
            return
        reference = comparer.reference(picture)
    assert comparer.compare(reference, [somebody] * 5).decision is MatchDecision.NOT_SAME_PERSON
