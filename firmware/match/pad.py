"""Is what stands before the camera a living face: the cues of some looks → one decision.

Each cue is a number with a name, and each kind of attack is met by one of them at least
(docs/PAD.md). Life is never assumed: what was not seen is no reason to believe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

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
LEAST_TOLD: Final = 0.2
"""Of the changes of colour, explained by the lights that were asked for."""
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


def judge(seen: Cues, point: PadPoint) -> PadDecision | None:
    """The decision at an operating point; None before there were looks enough."""
    if seen.looks < point.looks:
        return None
    alive = seen.score >= point.threshold and seen.texture >= point.texture
    return PadDecision.LIVE if alive else PadDecision.NOT_LIVE


def light_score(answers: LightAnswers, card: PadCard) -> float:
    """Log-odds of these answers for being a head's; NaN where too little of the face was seen, or
    nothing answered: then no surface is more like a head than another."""
    if int(np.isfinite(answers.errors[0, :INNER_ZONES]).sum()) < FEWEST_ZONES:
        return UNSEEN
    if not (_strength(answers) >= LEAST_STRENGTH and answers.told() >= LEAST_TOLD):
        return UNSEEN
    return float(light_row(answers, card) @ np.array(card.light.weight) + card.light.constant)


def light_row(answers: LightAnswers, card: PadCard) -> Reals:
    """How well a head explains the answers, and how much better than a sheet, flat or bent.

    Once by the inner zones of the face alone, once with its sides and with what is beside it.
    """
    head, sheet = card.shapes.head, card.shapes.sheet
    flat = (1.0,) * answers.on_face + (FLAT_BESIDE,) * (len(head) - answers.on_face)
    inner = [answers.told_by(shape[:INNER_ZONES]) for shape in (head, flat, sheet)]
    whole = [answers.told_by(shape) for shape in (head, flat, sheet)]
    return np.array(
        [
            answers.told(),
            inner[0],
            inner[0] - inner[1],
            inner[0] - inner[2],
            whole[0] - whole[1],
            whole[0] - whole[2],
            np.log(max(_strength(answers), LEAST_STRENGTH)),
        ],
        np.float32,
    )


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
