"""Colours of zones as physics has them: a face or a sheet in the panel's light, no picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware.match.networks import Reals
from firmware.match.pad_light import LightPlan, Lights
from firmware.match.pad_zones import BESIDE, FACE_ZONES, LINEAR, ZoneColours
from firmware.words import LIGHT_RGB

HEAD: Final = np.array(
    [1.3, 1.2, 1.0, 1.0, 1.05, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.1, 1.1] + [0.6] * 4
)
"""What a head answers in each zone, over the whole: the nose most, the ears least."""
SHEET: Final = np.ones(len(FACE_ZONES))
TICK_S: Final = 0.01


@dataclass(frozen=True)
class Question:
    """The lights that were asked for, and when the looks were."""

    shown: Lights
    times_s: list[float]


def question(seed: int, looks: int = 8, every_s: float = 0.3) -> Question:
    """Lights drawn by a seed over some looks."""
    random = np.random.default_rng(seed)
    plan = LightPlan(random.bytes)
    times = [0.7 + look * every_s for look in range(looks)]
    for tick in range(round((times[-1] + 0.1) / TICK_S)):
        plan.due(tick * TICK_S)
    return Question(plan.shown, times)


def lit(
    asked: Question,
    answers: NDArray[np.floating],
    *,
    seed: int,
    shown: Lights | None = None,
    delay_s: float = 0.2,
    noise: float = 0.004,
) -> Reals:
    """looks × zones × 3: zones of any colour, each answering so, under shadows that come and go.

    `shown`: the lights that really fell on it; None: those that were asked for.
    """
    random = np.random.default_rng((seed, 1))
    fell = asked.shown if shown is None else shown
    began = np.array([at for at, _ in fell])
    which = np.searchsorted(began, np.array(asked.times_s) - delay_s, side="right") - 1
    lights = LINEAR[[LIGHT_RGB[fell[max(each, 0)][1]] for each in which]]
    looks, zones = len(which), len(answers)
    skin = random.uniform(0.2, 0.6, (zones, 3))
    shadow = random.uniform(0.8, 1.2, (looks, zones, 1))
    room = np.array([1.0, 0.95, 0.85])
    light = room + answers[None, :, None] * lights[:, None, :]
    grain = 1 + noise * random.normal(size=(looks, zones, 3))
    return np.asarray(skin * shadow * light * grain, np.float32)


def seen(
    asked: Question,
    answers: NDArray[np.floating],
    *,
    seed: int,
    beside: float = 0.0,
    shown: Lights | None = None,
    delay_s: float = 0.2,
) -> list[ZoneColours]:
    """What each look sees: a face, what is beside it, and a wall in the corners."""
    face = lit(asked, answers, seed=seed, shown=shown, delay_s=delay_s)
    around = lit(asked, np.full(len(BESIDE), beside), seed=seed + 1000, delay_s=delay_s)
    wall = lit(asked, np.zeros(1), seed=seed + 2000, delay_s=delay_s)[:, 0]
    return [ZoneColours(*look) for look in zip(face, around, wall, strict=True)]
