"""The sequential rule: three frames may accept, only five refuse; nothing is told in between."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from drawn_faces import BrightSpots
from points import point_at

from firmware.faults import MalformedPhoto
from firmware.match.compare import Comparer, Comparison, LookRule
from firmware.match.template import FaceTemplate
from firmware.words import Hint, MatchDecision, PadDecision

REFERENCE = FaceTemplate(np.array([1, 0], np.float32))
COMPARER = Comparer(BrightSpots(), "model", point_at(0.5))


def at(cosine: float) -> FaceTemplate:
    return FaceTemplate(np.array([cosine, (1 - cosine**2) ** 0.5], np.float32))


def compare(*cosines: float, pad: PadDecision = PadDecision.NOT_DONE) -> Comparison:
    return COMPARER.compare(REFERENCE, [at(cosine) for cosine in cosines], pad)


@pytest.mark.parametrize(
    ("cosines", "decision", "frames"),
    [
        ((), MatchDecision.TRY_AGAIN, 0),
        ((0.9, 0.9), MatchDecision.TRY_AGAIN, 2),
        ((0.9, 0.9, 0.9), MatchDecision.SAME_PERSON, 3),
        ((0.1, 0.1, 0.1), MatchDecision.TRY_AGAIN, 3),
        ((0.1, 0.1, 0.1, 0.1), MatchDecision.TRY_AGAIN, 4),
        ((0.1, 0.1, 0.1, 0.1, 0.1), MatchDecision.NOT_SAME_PERSON, 5),
        ((0.1, 0.1, 0.1, 0.99, 0.99), MatchDecision.SAME_PERSON, 5),
        # A sixth frame is one chance more than was measured.
        ((0.1, 0.1, 0.1, 0.1, 0.1, 0.99, 0.99, 0.99), MatchDecision.NOT_SAME_PERSON, 5),
        # Whoever was accepted with three stays so, whatever came after.
        ((0.9, 0.9, 0.9, 0.1, 0.1), MatchDecision.SAME_PERSON, 3),
    ],
)
def test_the_rule(cosines: tuple[float, ...], decision: MatchDecision, frames: int) -> None:
    comparison = compare(*cosines)
    assert (comparison.decision, comparison.frames) == (decision, frames)


@pytest.mark.parametrize(
    ("cosines", "decision", "frames"),
    [
        ((0.1, 0.1), MatchDecision.TRY_AGAIN, 2),
        ((0.1, 0.1, 0.1), MatchDecision.NOT_SAME_PERSON, 3),
        ((0.35, 0.35, 0.35), MatchDecision.TRY_AGAIN, 3),
        ((0.35, 0.35, 0.35, 0.0), MatchDecision.NOT_SAME_PERSON, 4),
        # Given up is given up: what comes later has no part in it.
        ((0.1, 0.1, 0.1, 0.99, 0.99), MatchDecision.NOT_SAME_PERSON, 3),
    ],
)
def test_a_hopeless_look_ends_at_once(
    cosines: tuple[float, ...], decision: MatchDecision, frames: int
) -> None:
    point = msgspec.structs.replace(point_at(0.5), hopeless=0.3)
    comparer = Comparer(BrightSpots(), "model", point)
    comparison = comparer.compare(REFERENCE, [at(cosine) for cosine in cosines])
    assert (comparison.decision, comparison.frames) == (decision, frames)


def test_asking_after_each_frame_is_the_same_as_asking_once() -> None:
    cosines = (0.3, 0.3, 0.45, 0.99, 0.99)
    asked = [compare(*cosines[:count]) for count in range(len(cosines) + 1)]
    first = next(each for each in asked if each.decision is not MatchDecision.TRY_AGAIN)
    assert first == compare(*cosines)


def test_a_face_that_is_not_live_is_refused_whoever_it_is() -> None:
    comparison = compare(0.99, 0.99, 0.99, pad=PadDecision.NOT_LIVE)
    assert comparison.decision is MatchDecision.NOT_LIVE


def test_a_comparison_names_model_and_point_and_hides_its_score() -> None:
    comparison = compare(0.9, 0.9, 0.9)
    assert (comparison.model_id, comparison.operating_point_id) == ("model", "for-tests")
    assert comparison.score == pytest.approx(0.9)
    assert "0.9" not in repr(comparison)


def test_a_rule_of_its_own() -> None:
    comparer = Comparer(BrightSpots(), "model", point_at(0.5), rule=LookRule(1, 1))
    assert comparer.compare(REFERENCE, [at(0.9)]).decision is MatchDecision.SAME_PERSON
    assert comparer.compare(REFERENCE, [at(0.1)]).decision is MatchDecision.NOT_SAME_PERSON


def test_an_empty_frame_gives_a_hint_and_no_template() -> None:
    look = COMPARER.look(np.zeros((480, 640), np.uint8))
    assert (look.quality.hint, look.template) == (Hint.NO_FACE, None)


def test_a_photo_without_a_face_is_no_photo() -> None:
    with pytest.raises(MalformedPhoto):
        COMPARER.reference(np.zeros((320, 240), np.uint8))


def test_an_unfit_frame_is_not_embedded() -> None:
    picture = np.zeros((480, 640), np.uint8)
    picture[200:300, 400:500] = 255  # a face without a mesh: every point in one
    look = COMPARER.look(picture)
    assert look.template is None
    assert not look.quality.fit
