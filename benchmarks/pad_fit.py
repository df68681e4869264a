"""Fit what models/pad/pad.toml says, on NUAA and on the generator's development seeds.

The seeds of the report are never used here. Written into the card: how heads and worn sheets answer
the light, the weights of both regressions, and thresholds; the evidence comes from `pad.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pad_presentations import Presented
from regression import regression

from firmware.match.pad import cues_in_light, cues_without_light, light_row
from firmware.match.pad_card import LightWeights, PadCard, PadPoint, Shapes
from firmware.match.pad_light import LightAnswers, light_answers
from firmware.match.pad_zones import INNER_ZONES

CLEAR: Final = 0.85
"""Shapes are learnt where the light was told so well."""
PAIRS: Final = ((2, 3), (5, 6), (7, 8), (9, 10), (13, 14), (15, 16), (17, 18), (19, 20), (21, 22))
"""Zones of which the left and the right one answer alike."""
LOOKS: Final = 7
"""Lit looks of the eight that are had."""
APCER: Final = 0.02
"""Of all attacks of the development seeds together, at the threshold."""
APCER_WITHOUT_LIGHT: Final = 0.02
TEXTURE: Final = -12.0
"""Only what no camera makes of a face is refused by texture alone: it does not carry from the
camera that it was learnt on to another (docs/PAD.md)."""


def fit(presented: Sequence[Presented], card: PadCard) -> PadCard:
    """The card with shapes, weights and thresholds from these presentations; texture as it was."""
    known = f"{len(presented)} presentations of the development seeds"
    answered = [(each, answers) for each in presented if (answers := answers_of(each)) is not None]
    living = [answers for each, answers in answered if each.species.living]
    worn = [answers for each, answers in answered if each.species == "worn_mask"]
    card = msgspec.structs.replace(card, shapes=Shapes(_shape(living), _shape(worn), known))
    rows = np.array([light_row(answers, card) for _, answers in answered])
    live = np.array([each.species.living for each, _ in answered])
    card = msgspec.structs.replace(card, light=_weights(rows, live, known))
    lit = np.array([cues_in_light(p.sightings, p.shown, card).score for p in presented])
    dark = np.array([cues_without_light(p.sightings, card).score for p in presented])
    attack = np.array([not each.species.living for each in presented])
    return msgspec.structs.replace(
        card,
        with_light=_point("light", lit[attack], APCER),
        without_light=_point("movement", dark[attack], APCER_WITHOUT_LIGHT),
    )


def answers_of(presented: Presented) -> LightAnswers | None:
    """How a presentation answered its lights."""
    return light_answers(
        presented.shown,
        [each.at_s for each in presented.sightings],
        [each.colours for each in presented.sightings],
        INNER_ZONES,
    )


def _shape(answers: Sequence[LightAnswers]) -> tuple[float, ...]:
    """The median answer of each zone over that of the inner face; both sides of a face alike."""
    rows = []
    for each in answers:
        zones = np.array(each.zones())
        if each.told() > CLEAR:
            rows.append(np.log(np.clip(zones / np.nanmedian(zones[:INNER_ZONES]), 0.03, 10)))
    shape = np.nanmedian(np.array(rows), axis=0)
    for pair in PAIRS:
        shape[list(pair)] = shape[list(pair)].mean()
    return tuple(round(float(value), 3) for value in np.exp(shape))


def _weights(rows: NDArray[np.floating], live: NDArray[np.bool_], fitted_on: str) -> LightWeights:
    """The regression's weights for measures as they are."""
    found = regression(rows, live)
    plain = found.weight / found.spread
    constant = found.constant - float((plain * found.mean).sum())
    return LightWeights(
        tuple(round(float(value), 4) for value in plain), round(constant, 4), fitted_on
    )


def _point(name: str, attacks: NDArray[np.floating], apcer: float) -> PadPoint:
    """The threshold above which so many of the attacks lie; unseen ones lie below."""
    scores = np.sort(np.nan_to_num(attacks, nan=-np.inf))
    allowed = int(apcer * len(scores))
    threshold = round(float(scores[len(scores) - 1 - allowed]) + 0.005, 2)
    return PadPoint(f"{name}-{LOOKS}-{threshold}", LOOKS, threshold, TEXTURE)
