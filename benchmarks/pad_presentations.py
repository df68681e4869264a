"""Presentations of the generator as the device looks at them: sightings, and the lights asked for.

Only the frames that are looked at are rendered. Nobody is embedded: who it is is not the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from firmware.match.compare import Comparer
from firmware.match.model_card import OperatingPoint
from firmware.match.networks import DetectorOutputs, FaceNetworks, Grey, Layout, Reals, grey_of
from firmware.match.pad import Sighting, sighting
from firmware.match.pad_light import LightPlan, Lights
from firmware.simulator.portraits import FRAMINGS, PortraitOf
from firmware.simulator.presentation_species import Species, presentation
from firmware.simulator.stage import Stage
from firmware.words import PanelLight

DEVELOPMENT_SEEDS: Final = range(5_000)
"""From these the cues, their weights and the operating point were chosen."""
HELD_OUT_SEEDS: Final = range(5_000, 10_000)
"""A second sample that nothing was chosen from, to ask again what the report says."""
SCORED_SEEDS: Final = range(1_000_000, 1_010_000)
"""From these the report is made, and nothing else: nobody looks at one while choosing."""
TICK_S: Final = 0.01
FIRST_LOOK_S: Final = 0.3
BETWEEN_LOOKS_S: Final = (0.2, 0.45)
"""No sooner than `APART_S`; while the print is read, looks lie further apart."""
DELAYS_S: Final = (0.05, 0.35)
"""From asking for a light to a frame that shows it."""


@dataclass(frozen=True, slots=True)
class Presented:
    """One presentation: its fit looks, and what was asked of it."""

    species: Species
    seed: int
    shown: Lights
    sightings: tuple[Sighting, ...]


class NobodysFace:
    """Networks whose embedder is left out."""

    def __init__(self, networks: FaceNetworks) -> None:
        self._networks = networks

    @property
    def layout(self) -> Layout:
        return self._networks.layout

    def detect(self, canvas: Grey) -> DetectorOutputs:
        return self._networks.detect(canvas)

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        return self._networks.landmarks(view)

    def embed(self, face: Grey) -> Reals:
        return np.ones(1, np.float32)


def looker(networks: FaceNetworks, point: OperatingPoint) -> Comparer:
    """The device's own looking, without the embedder."""
    return Comparer(NobodysFace(networks), "none", point)


def present(
    species: Species,
    seed: int,
    portrait_of: PortraitOf,
    comparer: Comparer,
    *,
    looks: int,
) -> Presented:
    """Play one presentation until so many fit looks were had, or twice as many frames."""
    random = np.random.default_rng((seed, 7))
    portraits = sorted(FRAMINGS)
    stage = Stage(presentation(species, seed, portraits[seed % len(portraits)]), portrait_of)
    plan, delay_s = LightPlan(random.bytes), float(random.uniform(*DELAYS_S))
    sightings: list[Sighting] = []
    at_s, asked_s, frames = FIRST_LOOK_S, 0.0, 0
    while len(sightings) < looks and frames < 2 * looks:
        while asked_s <= at_s:
            plan.due(asked_s)
            asked_s += TICK_S
        pixels = stage.frame(at_s, _light(plan.shown, at_s - delay_s))
        look = comparer.look(grey_of(pixels))
        frames += 1
        if look.quality.fit and look.landmarks is not None:
            sightings.append(sighting(pixels, look.landmarks, at_s))
        at_s += float(random.uniform(*BETWEEN_LOOKS_S))
    return Presented(species, seed, tuple(plan.shown), tuple(sightings))


def _light(shown: Lights, at_s: float) -> PanelLight:
    return next((light for began_s, light in reversed(shown) if began_s <= at_s), PanelLight.OFF)
