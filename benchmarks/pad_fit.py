"""Fit what models/pad/pad.toml says, on NUAA and on the generator's development seeds.

The seeds of the report are never used here. Written into the card: how heads and worn sheets answer
the light, the weights of both regressions, and thresholds; the evidence comes from `pad.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from pad_presentations import Presented
from regression import regression

from firmware.match.pad import (
    Try,
    light_row,
    tell_something,
    tries_in_light,
    tries_without_light,
)
from firmware.match.pad_card import ZONES, LightWeights, PadCard, PadPoint, Shapes
from firmware.match.pad_light import LEAST_LEFT, LightAnswers, light_answers
from firmware.match.pad_zones import INNER_ZONES
from firmware.simulator.presentation_species import Species

SHARES: Final = np.geomspace(0.03, 3.0, 100)
"""What a zone may answer in proportion; a wall behind a head answers less than can be told."""
SWEEPS: Final = 20
"""Five are enough."""
PAIRS: Final = ((2, 3), (5, 6), (7, 8), (9, 10), (13, 14), (15, 16), (17, 18), (19, 20), (21, 22))
"""Zones of which the left and the right one answer alike."""
LOOKS: Final = 7
"""Lit looks that may tell life."""
AT_MOST: Final = 11
"""Lit looks before it is told that there is none: with one to spare and half a second from each to
the next they are had in six seconds, and a comparison has eight."""
APCER: Final = 0.01
"""Of all attacks of the development seeds together, at the threshold."""
APCER_WITHOUT_LIGHT: Final = 0.02
TEXTURE: Final = -12.0
"""Only what no camera makes of a face is refused by texture alone: it does not carry from the
camera that it was learnt on to another (docs/PAD.md)."""


def fit(presented: Sequence[Presented], card: PadCard) -> PadCard:
    """The card with shapes, weights and thresholds from these presentations; texture as it was."""
    known = f"{len(presented)} presentations of the development seeds"
    card = msgspec.structs.replace(
        card,
        with_light=PadPoint("light", LOOKS, AT_MOST, 0.0, TEXTURE),
        without_light=PadPoint("movement", LOOKS, LOOKS, 0.0, TEXTURE),
    )
    answered = [(each.species, answers) for each in presented if (answers := _answers(each))]
    living = [answers[-1] for species, answers in answered if species.living]
    worn = [answers[-1] for species, answers in answered if species is Species.WORN_MASK]
    card = msgspec.structs.replace(card, shapes=Shapes(_shape(living), _shape(worn), known))
    rows = np.array([light_row(each, card) for _, answers in answered for each in answers])
    live = np.array([species.living for species, answers in answered for _ in answers])
    card = msgspec.structs.replace(card, light=_weights(rows, live, known))
    attacks = [each for each in presented if not each.species.living]
    lit = [best(tries_in_light(each.sightings, each.shown, card)) for each in attacks]
    dark = [best(tries_without_light(each.sightings, card)) for each in attacks]
    return msgspec.structs.replace(
        card,
        with_light=_at(card.with_light, lit, APCER),
        without_light=_at(card.without_light, dark, APCER_WITHOUT_LIGHT),
    )


def best(tries: Iterable[Try]) -> float:
    """The highest score of all tries; minus infinity if none saw anything."""
    scores = [seen.score for _, seen in tries]
    return float(np.max(np.nan_to_num(scores, nan=-np.inf), initial=-np.inf))


def _answers(presented: Presented) -> list[LightAnswers]:
    """How a presentation answered its lights, at each number of looks that may decide."""
    told = []
    for count in range(LOOKS, len(presented.sightings) + 1):
        some = presented.sightings[:count]
        times_s, colours = [each.at_s for each in some], [each.colours for each in some]
        answers = light_answers(presented.shown, times_s, colours, INNER_ZONES)
        if answers is not None and tell_something(answers):
            told.append(answers)
    return told


def _shape(answers: Sequence[LightAnswers]) -> tuple[float, ...]:
    """The likeliest shape of what answered so, both sides of it alike.

    Likeliest under a noise of unknown strength: the mean logarithm of the squares that are left is
    least. Found zone by zone, until none moves any more; the median of the inner face is one.
    """
    alone = set(range(ZONES)).difference(*PAIRS)
    groups = [*PAIRS, *((zone,) for zone in sorted(alone))]
    left = [
        np.array([sum(one.left_at(zone, SHARES) for zone in group) for one in answers])
        for group in groups
    ]
    chosen = [int(np.abs(np.log(SHARES)).argmin())] * len(groups)
    for _ in range(SWEEPS):
        before = tuple(chosen)
        for mine, _ in enumerate(groups):
            others = sum(left[each][:, chosen[each]] for each in range(len(groups)) if each != mine)
            least = (others[:, None] + left[mine]).min(axis=2)
            chosen[mine] = int(np.log(np.maximum(least, LEAST_LEFT)).mean(axis=0).argmin())
        if tuple(chosen) == before:
            break
    shape = np.zeros(ZONES)
    for group, choice in zip(groups, chosen, strict=True):
        shape[list(group)] = SHARES[choice]
    return tuple(round(float(share), 3) for share in shape / np.median(shape[:INNER_ZONES]))


def _weights(rows: NDArray[np.floating], live: NDArray[np.bool_], fitted_on: str) -> LightWeights:
    """The regression's weights for measures as they are."""
    found = regression(rows, live)
    plain = found.weight / found.spread
    constant = found.constant - float((plain * found.mean).sum())
    return LightWeights(
        tuple(round(float(value), 4) for value in plain), round(constant, 4), fitted_on
    )


def _at(point: PadPoint, attacks: Sequence[float], apcer: float) -> PadPoint:
    """The point with the threshold that so many of the attacks reach; unseen ones do not."""
    scores = np.sort(attacks)
    allowed = int(apcer * len(scores))
    threshold = round(float(scores[len(scores) - 1 - allowed]) + 0.005, 2)
    name = f"{point.id}-{point.looks}-{point.at_most}-{threshold}"
    return msgspec.structs.replace(point, id=name, threshold=threshold)
