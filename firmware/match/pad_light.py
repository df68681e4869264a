"""The question that the screen's light puts to a face, and how far the face answered it.

The panel lights the room with colours that nobody could know before. Where light of the screen
falls on a surface, each channel grows by what falls on it over what lay there already; the colour
of the surface cancels. So each zone tells one number, its answer: how strong the screen's light is
against the room's. Over a sheet it hardly changes, over a face it does, and a wall behind the head
has next to none.

Only colours are compared, never brightness: movement, shadow and automatic exposure change all
three channels alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware.match.networks import Reals
from firmware.match.pad_zones import LINEAR
from firmware.words import LIGHT_RGB, PanelLight

COLOURS: Final = (PanelLight.BLUE, PanelLight.GREEN, PanelLight.YELLOW, PanelLight.MAGENTA)
"""The lights that differ in colour; their brightness says nothing here."""
SHORTEST_STEP_S: Final = 0.36
STEP_SPREAD_S: Final = 0.09
"""A light stays for 0.36 to 0.45 s, which makes less than three changes a second."""
DELAYS_S: Final = tuple(step * 0.05 for step in range(13))
"""From asking for a light to its standing in a frame: page, screen, exposure, camera."""
ANSWERS: Final = np.concatenate([[0.0], np.geomspace(0.002, 4.0, 77)])
"""Answers that are tried: 0.002 of the room's light cannot be told from none."""


class LightPlan:
    """Colours and their times, drawn as they fall due. `random` gives so many random bytes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._due_s = float("-inf")
        self._last: PanelLight | None = None
        self.shown: list[tuple[float, PanelLight]] = []
        """Each light that was asked for, and when."""

    def due(self, now_s: float) -> PanelLight | None:
        """The next light if it is time for one; never the same twice running."""
        if now_s < self._due_s:
            return None
        choice, length = self._random(2)
        others = [colour for colour in COLOURS if colour is not self._last]
        light = others[choice % len(others)]
        self._due_s = now_s + SHORTEST_STEP_S + STEP_SPREAD_S * length / 255
        self._last = light
        self.shown.append((now_s, light))
        return light


@dataclass(frozen=True, slots=True)
class LightAnswer:
    """How a face answered. Each number is a ratio; `NaN` where nothing was seen."""

    looks: int
    colours: int
    """How many different lights the looks saw, at the delay that fits best."""
    delay_s: float
    told: float
    """The part of all change in colour on the face that the lights explain, 0 … 1."""
    strength: float
    """The answer of the face as a whole."""
    zones: tuple[float, ...]
    """The answer of each zone of the face, over that of the whole."""
    beside: tuple[float, ...]
    """The answer of each zone beside the face, over that of the whole face."""


def light_answer(
    shown: Sequence[tuple[float, PanelLight]],
    times_s: Sequence[float],
    face: Reals,
    beside: Reals,
) -> LightAnswer | None:
    """Fit the answers of zones: `face` and `beside` are looks × zones × 3 (red, green, blue).

    None while fewer than three looks were lit. The delay is the one that explains the face best.
    """
    best: tuple[float, float, NDArray[np.float64], NDArray[np.bool_]] | None = None
    on_face, around = _colours(face), _colours(beside)
    for delay_s in DELAYS_S:
        lights, lit = _lights(shown, np.asarray(times_s) - delay_s)
        if lit.sum() < 3:
            continue
        told, _ = _fit_all(on_face[lit], lights[lit])
        if best is None or told > best[0]:
            best = told, delay_s, lights, lit
    if best is None:
        return None
    told, delay_s, lights, lit = best
    _, strength = _fit_all(on_face[lit], lights[lit])
    over = max(strength, float(ANSWERS[1]))
    return LightAnswer(
        looks=int(lit.sum()),
        colours=len({tuple(light) for light in lights[lit].tolist()}),
        delay_s=delay_s,
        told=told,
        strength=strength,
        zones=tuple(each / over for each in _fit_each(on_face[lit], lights[lit])),
        beside=tuple(each / over for each in _fit_each(around[lit], lights[lit])),
    )


def _lights(
    shown: Sequence[tuple[float, PanelLight]], at_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The light (n × 3, linear) at each time, and where one had been asked for."""
    began = np.array([at for at, _ in shown])
    which = np.searchsorted(began, at_s, side="right") - 1
    colours = np.array([LINEAR[list(LIGHT_RGB[light])] for _, light in shown]).reshape(-1, 3)
    lit = which >= 0
    lights = np.zeros((len(at_s), 3))
    lights[lit] = colours[which[lit]]
    return lights, lit


def _colours(zones: Reals) -> NDArray[np.float64]:
    """looks × zones × 3 → logarithms without brightness."""
    logs = np.log(np.maximum(zones.astype(np.float64), 1e-5))
    return np.asarray(logs - logs.mean(axis=2, keepdims=True))


def _expected(lights: NDArray[np.float64]) -> NDArray[np.float64]:
    """answers × looks × 3: what each answer would change, without its mean over the looks."""
    logs = np.log1p(ANSWERS[:, None, None] * lights)
    logs = logs - logs.mean(axis=2, keepdims=True)
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def _errors(colours: NDArray[np.float64], lights: NDArray[np.float64]) -> NDArray[np.float64]:
    """answers × zones: squares left over; a zone that was unseen once is all NaN."""
    changes = colours - colours.mean(axis=0)
    expected = _expected(lights)
    cross = np.einsum("tzc,atc->az", changes, expected)
    own = (expected**2).sum(axis=(1, 2))
    return np.asarray((changes**2).sum(axis=(0, 2)) - 2 * cross + own[:, None])


def _fit_all(colours: NDArray[np.float64], lights: NDArray[np.float64]) -> tuple[float, float]:
    """(part explained, answer) with one answer for all zones."""
    errors = _errors(colours, lights)
    seen = np.isfinite(errors[0])
    if not seen.any():
        return 0.0, 0.0
    total = errors[:, seen].sum(axis=1)
    best = int(total.argmin())
    return 1 - float(total[best]) / max(float(total[0]), 1e-12), float(ANSWERS[best])


def _fit_each(colours: NDArray[np.float64], lights: NDArray[np.float64]) -> list[float]:
    errors = _errors(colours, lights)
    answers = []
    for zone in range(errors.shape[1]):
        column = errors[:, zone]
        seen = bool(np.isfinite(column[0]))
        answers.append(_lowest(column) if seen else float("nan"))
    return answers


def _lowest(errors: NDArray[np.float64]) -> float:
    """The answer with the least error, between the steps that were tried."""
    at = int(errors.argmin())
    if at in (0, len(errors) - 1):
        return float(ANSWERS[at])
    x, y = ANSWERS[at - 1 : at + 2], errors[at - 1 : at + 2]
    slope_1, slope_2 = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    curve = (slope_2 - slope_1) / (x[2] - x[0])
    return float((x[0] + x[1]) / 2 - slope_1 / (2 * curve)) if curve > 0 else float(x[1])
