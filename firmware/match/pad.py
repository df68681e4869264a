"""Is what stands before the camera a living face: the cues of some looks → one decision.

Each cue is a number with a name, and each kind of attack is met by one of them at least
(docs/PAD.md). Life is never assumed: what was not seen is no reason to believe.

The rule is sequential: life may be told from some looks on, that there is none only after more of
them. The operating points were measured with this very rule, since each further look gives an
attack a further try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from firmware.camera.frame import Pixels
from firmware.match.detect import Landmarks
from firmware.match.networks import Reals
from firmware.match.pad_card import PadCard, PadPoint, TextureWeights
from firmware.match.pad_light import LightAnswers, Lights, light_answers
from firmware.match.pad_motion import runs_ahead
from firmware.match.pad_texture import Texture, texture
from firmware.match.pad_zones import INNER_ZONES, ZoneColours, zone_colours
from firmware.words import PadDecision

FEWEST_ZONES: Final = 11
"""Of the inner ones; where fewer are seen, a display or a lamp has burnt the others out."""
FLAT_BESIDE: Final = 0.5
"""What a sheet answers beside the face: it may end there, or go on."""
LEAST_STRENGTH: Final = 0.004
"""Of the room's light. Weaker answers are none: the screen is dark, covered, or drowned."""
SPARE_LOOKS: Final = 1
"""The first look may lie before the first light; the error rates were measured with it."""
UNSEEN: Final = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What one fit look leaves for this: places, colours and measures, no picture."""

    at_s: float
    points: Reals = field(repr=False)
    colours: ZoneColours
    texture: Texture = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cues:
    """What some looks say together; NaN: unseen. Higher speaks for a living face."""

    looks: int
    """Looks that were lit; without the light, all."""
    score: float
    """For a head: the log-odds of its answers to the light; without it, how far its nose runs
    ahead."""
    texture: float
    """Log-odds for a face, against a print."""


Try: TypeAlias = tuple[int, Cues]
"""So many looks, the oldest, and what they say."""


def sighting(pixels: Pixels, landmarks: Landmarks, at_s: float) -> Sighting:
    """Measure one look. `pixels` are height × width × 3, BGR; `at_s` is when they were taken."""
    return Sighting(
        at_s=at_s,
        points=landmarks.points,
        colours=zone_colours(pixels, landmarks),
        texture=texture(pixels, landmarks.five),
    )


def cues_in_light(sightings: Sequence[Sighting], shown: Lights, card: PadCard) -> Cues:
    """What looks say in the lights that were asked for. Oldest first."""
    answers = light_answers(
        shown,
        [each.at_s for each in sightings],
        [each.colours for each in sightings],
        INNER_ZONES,
    )
    passive = texture_score([each.texture for each in sightings], card.texture)
    if answers is None:
        return Cues(0, UNSEEN, passive)
    return Cues(answers.looks, light_score(answers, card), passive)


def cues_without_light(sightings: Sequence[Sighting], card: PadCard) -> Cues:
    """What looks say where the screen does not light the face: how points move, and texture."""
    ahead = runs_ahead([each.points for each in sightings])
    score = UNSEEN if ahead is None else ahead
    passive = texture_score([each.texture for each in sightings], card.texture)
    return Cues(len(sightings), score, passive)


def tries_in_light(sightings: Sequence[Sighting], shown: Lights, card: PadCard) -> Iterator[Try]:
    """Each try that the operating point allows, as looks come in; none while too few are lit."""
    return _in_turn(sightings, card.with_light, lambda some: cues_in_light(some, shown, card))


def tries_without_light(sightings: Sequence[Sighting], card: PadCard) -> Iterator[Try]:
    """The same where the screen does not light the face."""
    return _in_turn(sightings, card.without_light, lambda some: cues_without_light(some, card))


def _in_turn(
    sightings: Sequence[Sighting], point: PadPoint, cues: Callable[[Sequence[Sighting]], Cues]
) -> Iterator[Try]:
    for count in range(point.looks, min(most_looks(point), len(sightings)) + 1):
        seen = cues(sightings[:count])
        if seen.looks >= point.looks:
            yield count, seen
        if seen.looks >= point.at_most:
            return


def most_looks(point: PadPoint) -> int:
    """So many looks are tried, and no more: others after them would be tries nobody measured."""
    return point.at_most + SPARE_LOOKS


def decide(tries: Iterable[Try], point: PadPoint) -> tuple[PadDecision, int] | None:
    """The first decision that tries come to, and of how many looks; None while more are wanted."""
    for count, seen in tries:
        if seen.score >= point.threshold and seen.texture >= point.texture:
            return PadDecision.LIVE, count
        if seen.looks >= point.at_most or count >= most_looks(point):
            return PadDecision.NOT_LIVE, count
    return None


def light_score(answers: LightAnswers, card: PadCard) -> float:
    """Log-odds of these answers for being a head's; NaN where they tell nothing."""
    if not tell_something(answers):
        return UNSEEN
    return float(light_row(answers, card) @ np.array(card.light.weight) + card.light.constant)


def tell_something(answers: LightAnswers) -> bool:
    """Whether enough of the face was seen, and answered: else no surface is more like a head than
    another."""
    seen = int(np.isfinite(answers.errors[0, :INNER_ZONES]).sum())
    return seen >= FEWEST_ZONES and _strength(answers) >= LEAST_STRENGTH


def light_row(answers: LightAnswers, card: PadCard) -> Reals:
    """How well a head explains answers that tell something, and how much better than a sheet does,
    flat or bent.

    Once by the inner zones of the face alone, once with its sides and with what is beside it; once
    by shares of all changes, once by the logarithms of what is left over: those are the ratios of
    likelihoods under a noise of which nobody knows how strong it is, and count where it is.
    """
    head, sheet = card.shapes.head, card.shapes.sheet
    flat = (1.0,) * answers.on_face + (FLAT_BESIDE,) * (len(head) - answers.on_face)
    measures = [answers.told(), np.log(_strength(answers))]
    for zones in (INNER_ZONES, len(head)):
        by_head, by_flat, by_sheet = (answers.left_by(it[:zones]) for it in (head, flat, sheet))
        changes = answers.unanswered(zones)
        measures += [
            1 - by_head / changes,
            (by_flat - by_head) / changes,
            (by_sheet - by_head) / changes,
            np.log(by_flat / by_head),
            np.log(by_sheet / by_head),
            np.log(by_head / answers.left_freely(zones)),
        ]
    return np.array(measures, np.float32)


def _strength(answers: LightAnswers) -> float:
    """The median answer of the inner face."""
    return float(np.nanmedian(answers.zones()[:INNER_ZONES]))


def texture_score(textures: Sequence[Texture], weights: TextureWeights) -> float:
    """The mean log-odds of looks for being of a face, not of a print; NaN of none."""
    if not textures:
        return UNSEEN
    rows = np.array([each.row for each in textures])
    scaled = (rows - np.array(weights.mean)) / np.array(weights.spread)
    return float((scaled @ np.array(weights.weight)).mean() + weights.constant)
