"""A presentation before the simulated face camera: one frame for a moment and a light of the panel.

Everything that stays is drawn once. A frame is what the room shows plus what the panel shows, moved
as the body moves, exposed and quantised as a camera does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.simulator.panel_shine import coarse, colour_of, fine, illuminance
from firmware.simulator.portraits import PortraitOf, Reals
from firmware.simulator.presentation_motion import Warp
from firmware.simulator.presentation_screen import Showing
from firmware.simulator.presentation_shapes import FRAME
from firmware.simulator.presentation_surfaces import Drawn, Halves, bgr, draw
from firmware.simulator.presentations import (
    NEUTRAL,
    Body,
    Colour,
    Lens,
    Panel,
    Presentation,
)
from firmware.words import PanelLight

_GRAIN_SPARE: Final = 64
_ARM_MM: Final = 230.0
_FULL: Final = 65535
_ALL: Final = slice(None)
Part = tuple[slice, slice]
"""Rows and columns of a frame."""
_BAND_PX: Final = 78
_DARKEST_MEAN: Final = 1e-3
METERED: Final = (slice(60, 400, 4), slice(170, 470, 4))
"""The middle of the frame, where faces are looked for."""
_BALANCED: Final = 0.8


class Stage:
    """Plays one presentation. Frames are asked for in the order of their time."""

    def __init__(self, presentation: Presentation, portrait_of: PortraitOf) -> None:
        """Raises `SimulationNotPrepared`."""
        self._presentation, self._lens = presentation, presentation.lens
        self._panel = presentation.panel
        self._exposure = Exposure(self._lens, presentation.room.tint)
        self._wall = draw_wall(presentation)
        self._light: PanelLight | None = None
        self._body: _Moving | None = None
        if presentation.body is not None:
            drawn = draw(presentation.body, presentation.room, self._panel, self._lens, portrait_of)
            self._body = _Moving(drawn, presentation.body, self._lens, portrait_of)
        random = np.random.default_rng((presentation.seed, 1))
        size = (FRAME[1] + _GRAIN_SPARE, FRAME[0] + _GRAIN_SPARE, 3)
        grain = random.standard_normal(size, np.float32)
        noise = self._lens.noise
        self._brighter = np.clip(grain * noise + 0.5, 0, 255).astype(np.uint8)
        self._darker = np.clip(grain * -noise + 0.5, 0, 255).astype(np.uint8)

    def frame(self, at_s: float, light: PanelLight = PanelLight.OFF) -> Pixels:
        """The picture taken at that time, in the light of the panel then; 640 × 480, BGR."""
        look = self._look(at_s, light)
        self._exposure.meter(look.seen(METERED), at_s)
        picture = np.empty((FRAME[1], FRAME[0], 3), np.uint8)
        for top in range(0, FRAME[1], _BAND_PX):
            rows = slice(top, top + _BAND_PX)
            picture[rows] = self._exposure.expose(look.seen((rows, _ALL)))
        if self._lens.blur_px:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self._lens.blur_px), np.uint8)
        return self._grained(picture, round(at_s * 1000))

    def radiance(self, at_s: float, light: PanelLight) -> Reals:
        """cd/m² at each pixel, height × width × 3."""
        return self._look(at_s, light).seen((_ALL, _ALL))

    def _look(self, at_s: float, light: PanelLight) -> _Look:
        if light is not self._light:
            # Light adds up: what a light shows is computed when it comes, and no more.
            self._light = light
            shine = colour_of(light, self._panel)
            by_room, by_panel = self._wall
            self._background = (by_room + by_panel * shine).astype(np.float16)
            if self._body is not None:
                self._body.turn_to(shine)
        if self._body is None:
            return _Look(self._background)
        return self._body.before(self._background, at_s)

    def _grained(self, picture: Pixels, number: int) -> Pixels:
        random = np.random.default_rng((self._presentation.seed, 2, abs(number)))
        places = random.integers(0, _GRAIN_SPARE, 4)
        brighter = _part(self._brighter, places[0], places[1])
        darker = _part(self._darker, places[2], places[3])
        return np.asarray(cv2.add(cv2.subtract(picture, darker), brighter), np.uint8)


class _Moving:
    """A body that was drawn, looked up anew for every frame."""

    def __init__(self, drawn: Drawn, body: Body, lens: Lens, portrait_of: PortraitOf) -> None:
        self._by_room, self._by_panel = drawn.by_room, drawn.by_panel
        self._warp = Warp(drawn.heights, drawn.at, body.motion, lens.focal_px)
        self._showing = Showing.of(drawn, portrait_of)
        brightest = float(drawn.by_room.max()) + 1.2 * float(drawn.by_panel.max())
        self._unit = max(brightest, 1.0) / _FULL
        self._lit = np.zeros((*drawn.cover.shape, 4), np.uint16)
        self._lit[..., 3] = drawn.cover * np.float32(_FULL)

    def turn_to(self, shine: Reals) -> None:
        """Compute what it sends in this light of the panel."""
        for top in range(0, len(self._lit), _BAND_PX):
            rows = slice(top, top + _BAND_PX)
            lit = self._by_room[rows] + self._by_panel[rows] * shine
            self._lit[rows, :, :3] = lit * np.float32(1 / self._unit) + np.float32(0.5)

    def before(self, background: Halves, at_s: float) -> _Look:
        """It before what is behind."""
        across, down = self._warp.maps(at_s)
        screen = None if self._showing is None else self._showing.seen(across, down, at_s)
        return _Look(background, _Before(self._lit, self._unit, across, down, screen))


@dataclass(frozen=True, slots=True, eq=False)
class _Before:
    """A body in a pose: its canvas, and where each pixel of the frame looks on it."""

    lit: NDArray[np.uint16]
    unit: float
    across: Reals
    down: Reals
    screen: Reals | None

    def over(self, behind: Reals, part: Part) -> Reals:
        """A part of the frame, over what is behind there."""
        places = self.across[part], self.down[part]
        body = cv2.remap(self.lit, *places, cv2.INTER_LINEAR).astype(np.float32)
        through = 1 - cv2.extractChannel(body, 3) * np.float32(1 / _FULL)
        seen = cv2.multiply(behind, cv2.merge([through] * 3))
        seen = cv2.scaleAdd(cv2.cvtColor(body, cv2.COLOR_BGRA2BGR), self.unit, seen)
        return np.asarray(seen if self.screen is None else seen + self.screen[part], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One moment, of which any part can be seen."""

    background: Halves
    body: _Before | None = None

    def seen(self, part: Part) -> Reals:
        """cd/m² at each pixel of that part."""
        behind = self.background[part].astype(np.float32)
        return behind if self.body is None else self.body.over(behind, part)


class Exposure:
    """Exposure and white balance: set at the first frame, then as far as they follow."""

    def __init__(self, lens: Lens, tint: Colour) -> None:
        """`tint` of the room's light, most of which a camera balances before anybody comes."""
        self._lens = lens
        self._balance = np.power(bgr(tint), np.float32(-_BALANCED))
        self._first: Reals | None = None
        self._gain = np.ones(3, np.float32)
        self._last_s = 0.0

    def meter(self, seen: Reals, at_s: float) -> None:
        """Follow what is seen in the middle, as far as it follows."""
        metered = np.maximum(cv2.mean(seen)[:3], _DARKEST_MEAN).astype(np.float32)
        if self._first is None:
            self._first, self._last_s = metered, at_s
            self._gain = self._balance * np.float32(self._lens.key / metered.mean())
        passed_s = max(0.0, at_s - self._last_s)
        self._last_s = at_s
        brighter = metered.mean() / self._first.mean()
        redder = metered / self._first / brighter
        lens = self._lens
        level = lens.key / self._first.mean() * brighter**-lens.exposure_follows
        balance = self._balance * np.power(redder, np.float32(-lens.balance_follows))
        wanted = balance * np.float32(level)
        share = np.float32(1 - np.exp(-passed_s / lens.follows_in_s))
        self._gain = self._gain + (wanted - self._gain) * share

    def expose(self, seen: Reals) -> Pixels:
        """The picture of what is seen, 8 bits; what is too bright is white."""
        tone = cv2.transform(seen, np.diag(self._gain))
        cv2.sqrt(tone, dst=tone)
        return np.asarray(cv2.convertScaleAbs(tone, alpha=255.0), np.uint8)


def draw_wall(presentation: Presentation) -> tuple[Halves, Halves]:
    """What is behind the body, by the room's light and by a white panel; height × width × 3."""
    room, lens = presentation.room, presentation.lens
    width, _ = FRAME
    random = np.random.default_rng((presentation.seed, 3))
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    rough = cv2.resize(random.normal(0, 0.02, (12, 16)).astype(np.float32), FRAME)
    share = 0.8 * (1 - 0.18 * across * (1 if room.side >= 0 else -1)) + rough
    albedo = share[..., None] * bgr(room.wall)
    door = round(width * random.uniform(0.80, 0.97))
    albedo[:, door:] *= np.array([0.50, 0.58, 0.64], np.float32)
    lit = _lit_plane(room.wall_mm, lens, presentation.panel)
    by_room = albedo * bgr(room.tint) * np.float32(room.lux / np.pi)
    by_panel = albedo * lit
    if room.someone_behind is not None and presentation.body is not None:
        _stand_behind(presentation, presentation.body, by_room, by_panel)
    return by_room.astype(np.float16), by_panel.astype(np.float16)


def _stand_behind(presentation: Presentation, body: Body, by_room: Reals, by_panel: Reals) -> None:
    """Somebody's shoulders and chest, an arm's length behind what is held."""
    room, lens = presentation.room, presentation.lens
    right, down, away = body.motion.rest[:3]
    far = away + _ARM_MM
    scale = lens.focal_px / far
    x = (np.arange(FRAME[0], dtype=np.float32)[None, :] - FRAME[0] / 2) / scale - right
    y = (np.arange(FRAME[1], dtype=np.float32)[:, None] - FRAME[1] / 2) / scale - down
    fall = np.clip((y - 60) / 90, 0, 1)
    inside = np.where(y > 20, (60 + 190 * np.sqrt(fall) - np.abs(x)) / 4, -1.0)
    cover = np.clip(inside + 0.5, 0, 1)[..., None].astype(np.float32)
    cloth = bgr(room.someone_behind or NEUTRAL)
    in_room = cloth * bgr(room.tint) * np.float32(0.8 * room.lux / np.pi)
    by_room += (in_room - by_room) * cover
    by_panel += (cloth * _lit_plane(far, lens, presentation.panel) - by_panel) * cover


def _lit_plane(away_mm: float, lens: Lens, panel: Panel) -> Reals:
    """cd/m² of something white that faces the lens at that distance, by a white panel."""
    x, y = (
        coarse(part)[..., None]
        for part in np.meshgrid(
            np.arange(FRAME[0], dtype=np.float32) - FRAME[0] / 2,
            np.arange(FRAME[1], dtype=np.float32) - FRAME[1] / 2,
        )
    )
    points = np.concatenate([x, y, np.full_like(x, lens.focal_px)], axis=2) * np.float32(
        away_mm / lens.focal_px
    )
    facing = np.zeros_like(points)
    facing[..., 2] = -1
    return fine(illuminance(points, facing, panel) / np.pi, FRAME)[..., None]


def _part(grain: Pixels, down: int, right: int) -> Pixels:
    return grain[down : down + FRAME[1], right : right + FRAME[0]]
