"""The question that the screen's light puts to a face, and which kind of surface answered it.

The panel lights the room with colours that nobody could know before. Where its light falls on a
surface, each channel grows by what falls on it over what lay there already; the colour of the
surface cancels. So each zone has one number, its answer: the screen's light there over the room's.
Over a sheet it is the same everywhere; over a head the nose and the lip below it answer more than
the forehead, ears and jaw hardly, and a wall behind the head not at all.

Only colours are compared, never brightness: movement, shadow and exposure change all channels
alike. What a camera's tone curve makes of that goes with a zone's brightness, and is taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from firmware.match.networks import Reals
from firmware.match.pad_zones import LINEAR, ZoneColours
from firmware.words import LIGHT_RGB, PanelLight

COLOURS: Final = (PanelLight.BLUE, PanelLight.GREEN, PanelLight.YELLOW, PanelLight.MAGENTA)
"""The lights that differ in colour; their brightness says nothing here."""
SHORTEST_STEP_S: Final = 0.36
STEP_SPREAD_S: Final = 0.09
"""A light stays for 0.36 to 0.45 s, which makes less than three changes a second."""
LIGHTS_KEPT: Final = 64
"""Half a minute of them: no look is older."""
FEWEST_LOOKS: Final = 4
DELAYS_S: Final = tuple(step * 0.05 for step in range(13))
"""From asking for a light to its standing in a frame: page, screen, exposure, camera."""
LEAST_LEFT: Final = 1e-9
"""Squares below this are rounding: a camera's noise leaves a million times as much."""
ANSWERS: Final = np.concatenate([[0.0], np.geomspace(0.002, 4.0, 77)])
"""Answers that are tried: 0.002 of the room's light cannot be told from none."""

Lights: TypeAlias = Sequence[tuple[float, PanelLight]]
"""Each light that was asked for, and when: monotonic seconds."""
Doubles: TypeAlias = NDArray[np.float64]


class LightPlan:
    """Colours and their times, drawn as they fall due. `random` gives so many random bytes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._due_s = float("-inf")
        self._shown: list[tuple[float, PanelLight]] = []

    @property
    def shown(self) -> Lights:
        """The newest lights that were asked for."""
        return self._shown

    def due(self, now_s: float) -> PanelLight | None:
        """The next light if it is time for one; never the same twice running."""
        if now_s < self._due_s:
            return None
        choice, length = self._random(2)
        last = self._shown[-1][1] if self._shown else None
        others = [colour for colour in COLOURS if colour is not last]
        light = others[choice % len(others)]
        self._due_s = now_s + SHORTEST_STEP_S + STEP_SPREAD_S * length / 255
        self._shown = [*self._shown[1 - LIGHTS_KEPT :], (now_s, light)]
        return light


@dataclass(frozen=True, slots=True, eq=False)
class LightAnswers:
    """How zones answered: for each answer that was tried, what it leaves unexplained."""

    looks: int
    """Looks that were lit."""
    delay_s: float
    """The delay that explains the face best."""
    errors: Doubles
    """`ANSWERS` × zones, those of the face first; NaN where a zone was unseen once."""
    on_face: int

    def told(self) -> float:
        """The part of the face's changes that is explained if each zone answers as it likes."""
        return _explained(self.errors[:, : self.on_face])

    def unanswered(self, zones: int) -> float:
        """Squares that the first so many zones leave if nothing answered: all their changes."""
        return _sum_of_seen(self.errors[0, :zones])

    def left_freely(self, zones: int) -> float:
        """Squares that these leave if each answers as it likes."""
        return _sum_of_seen(self.errors[:, :zones].min(axis=0))

    def zones(self) -> tuple[float, ...]:
        """The answer of each zone; NaN where it was unseen."""
        best = np.where(np.isfinite(self.errors[0]), self.errors.argmin(axis=0), -1)
        return tuple(float(ANSWERS[one]) if one >= 0 else float("nan") for one in best)

    def left_by(self, shape: Sequence[float]) -> float:
        """Squares that the first zones leave if they answer in these proportions.

        One strength for all, the one that explains most.
        """
        left = sum(self.left_at(zone, np.array([share])) for zone, share in enumerate(shape))
        return max(float(np.min(left)), LEAST_LEFT)

    def left_at(self, zone: int, shares: Doubles) -> Doubles:
        """shares × strengths: squares that a zone leaves if it answers so; none if it was unseen.

        The strengths are those of `ANSWERS` that are not nothing.
        """
        column = self.errors[:, zone]
        if not np.isfinite(column[0]):
            return np.zeros((len(shares), len(_LOGS)))
        asked = _LOGS + np.log(shares)[:, None]
        return np.asarray(np.interp(asked, _LOGS, column[1:], left=column[0]))


_LOGS: Final = np.log(ANSWERS[1:])


def light_answers(
    shown: Lights, times_s: Sequence[float], colours: Sequence[ZoneColours], inner: int
) -> LightAnswers | None:
    """Fit the answers of all zones, over looks at these times; None while too few were lit.

    The delay is that which explains the first `inner` zones of the face best.
    """
    if not shown or len(times_s) < FEWEST_LOOKS:
        return None
    face = np.stack([each.face for each in colours])
    zones = np.concatenate([face, np.stack([each.beside for each in colours])], axis=1)
    behind = np.stack([each.behind for each in colours])
    best: LightAnswers | None = None
    most = -1.0
    for delay_s in DELAYS_S:
        lights, lit = _lights(shown, np.asarray(times_s) - delay_s)
        if lit.sum() < FEWEST_LOOKS:
            continue
        part = zones[lit][:, :inner], behind[lit], lights[lit]
        if (told := _explained(_errors(*part))) > most:
            most = told
            errors = _errors(zones[lit], behind[lit], lights[lit])
            best = LightAnswers(int(lit.sum()), delay_s, errors, face.shape[1])
    return best


def _lights(shown: Lights, at_s: Doubles) -> tuple[Doubles, NDArray[np.bool_]]:
    """The light (n × 3, linear) at each time, and where one had been asked for."""
    which = np.searchsorted([at for at, _ in shown], at_s, side="right") - 1
    colours = LINEAR[[LIGHT_RGB[light] for _, light in shown]].astype(np.float64)
    return colours[np.maximum(which, 0)], which >= 0


def _errors(zones: Reals, behind: Reals, lights: Doubles) -> Doubles:
    """answers × zones: squares left over. `zones` are looks × zones × 3, `behind` looks × 3.

    What the colour of the room behind does, the camera's white balance did to the whole picture.
    """
    logs = np.log(np.maximum(zones.astype(np.float64), 1e-5))
    brightness = logs.mean(axis=2)
    room = _without_brightness(np.log(np.maximum(behind.astype(np.float64), 1e-5)))
    balance = room if np.isfinite(room).all() else np.zeros_like(room)
    colours = _without_brightness(logs) - balance[:, None]
    expected = _without_brightness(np.log1p(ANSWERS[:, None, None] * lights))
    course = _courses(brightness)
    # |colours - expected|² without what lies along the course, by its three terms: far less work.
    rest = colours - np.einsum("tzk,szk,szc->tzc", course, course, colours, optimize=True)
    along = np.tensordot(expected, course, axes=(1, 0))
    expectation = (expected**2).sum(axis=(1, 2))[:, None] - (along**2).sum(axis=(1, 3))
    both = np.tensordot(expected, rest, axes=((1, 2), (0, 2)))
    left = (colours * rest).sum(axis=(0, 2)) - 2 * both + expectation
    return np.asarray(np.maximum(left, 0.0))


def _without_brightness(logs: Doubles) -> Doubles:
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True))


def _courses(brightness: Doubles) -> Doubles:
    """looks × zones × 2: what is taken out of each zone, its mean and what goes with brightness."""
    mean = np.full_like(brightness, len(brightness) ** -0.5)
    change = brightness - brightness.mean(axis=0)
    length = np.sqrt((change**2).sum(axis=0))
    return np.stack([mean, change / np.maximum(length, 1e-6)], axis=2)


def _explained(errors: Doubles) -> float:
    return 1 - _sum_of_seen(errors.min(axis=0)) / _sum_of_seen(errors[0])


def _sum_of_seen(squares: Doubles) -> float:
    return max(float(squares[np.isfinite(squares)].sum()), LEAST_LEFT)
