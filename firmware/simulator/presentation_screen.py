"""What a display shows: a picture or a video, through its pixels and the bands of refreshing."""

from __future__ import annotations

from typing import Final, Self

import cv2
import numpy as np

from firmware.simulator.panel_shine import colour_of
from firmware.simulator.portraits import PortraitOf, Reals
from firmware.simulator.presentation_motion import Warp
from firmware.simulator.presentation_shapes import FRAME, Canvas
from firmware.simulator.presentation_surfaces import Drawn, Screen, bgr, draw
from firmware.simulator.presentations import (
    Body,
    Display,
    Head,
    Lens,
    Panel,
    Recording,
    Room,
    Skin,
    Surface,
)
from firmware.words import PanelLight

_STEPS: Final = 256
_WALL: Final = 0.45
_HEADROOM: Final = 1.6
"""A recording is exposed so much below its wall's white."""
_BESIDE: Final = -1e4
"""Beside the recorded picture there is nothing to be found."""


class Showing:
    """The light of one display, as the lens finds it."""

    def __init__(self, drawn: Drawn, screen: Screen, video: Video | None) -> None:
        display = screen.display
        self._display, self._video = display, video
        shows = bgr(display.white_point) if screen.still is None else screen.still
        self._picture = np.ascontiguousarray(shows * screen.shining[..., None])
        # The grid's phase, 0 to 255, turns with the place on the display: its pixels are too fine
        # for the frame, which is what makes the moiré.
        turns = np.arange(_STEPS, dtype=np.float32) / _STEPS * 2 * np.pi
        self._wave = (1 + display.grid_contrast * np.cos(turns)).astype(np.float32)
        points = drawn.at.points(drawn.heights)
        per_px = np.float32(_STEPS * display.pixels_per_mm)
        self._across = np.ascontiguousarray(points[..., 0] * per_px)
        self._down = np.ascontiguousarray(points[..., 1] * per_px)

    @classmethod
    def of(cls, drawn: Drawn, portrait_of: PortraitOf) -> Self | None:
        """None: no display is there."""
        screen = drawn.screen
        if screen is None:
            return None
        video = None
        if screen.video is not None:
            video = Video(drawn.at, screen.display, screen.video, portrait_of)
        return cls(drawn, screen, video)

    def seen(self, across: Reals, down: Reals, at_s: float) -> Reals:
        """cd/m² at each pixel of the frame, which looks at `across` and `down` of the canvas."""
        display = self._display
        seen = cv2.remap(self._picture, across, down, cv2.INTER_LINEAR)
        if self._video is not None:
            seen *= self._video.shown(across, down, at_s)
        if display.grid_contrast:
            seen *= self._grid(across, down)
        if display.flicker:
            rows = np.arange(FRAME[1], dtype=np.float32) / FRAME[1] * display.flicker_lines
            turns = 2 * np.pi * (rows + at_s * display.flicker_hz)
            seen *= (1 + display.flicker * np.sin(turns)).astype(np.float32)[:, None, None]
        return np.asarray(seen, np.float32)

    def _grid(self, across: Reals, down: Reals) -> Reals:
        """How the pixels under each pixel of the frame change its light; the colours lie apart."""
        columns = cv2.remap(self._across, across, down, cv2.INTER_LINEAR)
        rows = cv2.remap(self._down, across, down, cv2.INTER_LINEAR)
        by_row = self._wave[rows.astype(np.int32) & 255]
        column = columns.astype(np.int32)
        return np.dstack(
            [
                by_row * self._wave[(column + shift) & 255]
                for shift in (0, _STEPS // 3, -_STEPS // 3)
            ]
        )


class Video:
    """What a recording shows over time, where a lens finds it on the surface that shows it."""

    def __init__(
        self, at: Canvas, display: Display, recording: Recording, portrait_of: PortraitOf
    ) -> None:
        """`at`: where it is shown. Raises `SimulationNotPrepared`."""
        self._recording, self._panel = recording, Panel()
        lens, room = Lens(), Room(lux=recording.room_lux)
        head = Body((Surface(Head(), Skin(), recording.picture),), recording.motion)
        then = draw(head, room, self._panel, lens, portrait_of)
        self._warp = Warp(then.heights, then.at, recording.motion, lens.focal_px)
        wall = np.float32(_WALL * room.lux / np.pi)
        exposed = np.float32(1 / (wall * _HEADROOM))
        self._by_room = (then.by_room + (1 - then.cover[..., None]) * wall) * exposed
        self._by_panel = then.by_panel * exposed * np.float32(recording.shine)
        self._gamma = np.float32(display.gamma)
        self._light: PanelLight | None = None
        self._scale = np.float32(recording.width_mm / FRAME[0] * at.px_per_mm)
        self._middle = at.placing()[:, 2]

    def shown(self, across: Reals, down: Reals, at_s: float) -> Reals:
        """0 to 1 at each pixel of a frame, which looks at `across` and `down` of the canvas."""
        then_s = at_s + self._recording.begins_at_s
        self._turn_to(light_at(self._recording, then_s))
        x = (across - self._middle[0]) / self._scale + np.float32(FRAME[0] / 2)
        y = (down - self._middle[1]) / self._scale + np.float32(FRAME[1] / 2)
        then_across, then_down = (
            cv2.remap(each, x, y, cv2.INTER_LINEAR, borderValue=_BESIDE)
            for each in self._warp.maps(then_s)
        )
        shown = cv2.remap(self._lit, then_across, then_down, cv2.INTER_LINEAR)
        return np.asarray(shown, np.float32)

    def _turn_to(self, light: PanelLight) -> None:
        if light is self._light:
            return
        self._light = light
        lit = np.minimum(self._by_room + self._by_panel * colour_of(light, self._panel), 1)
        self._lit = lit if self._gamma == 1 else np.power(lit, self._gamma)


def light_at(recording: Recording, then_s: float) -> PanelLight:
    """The light of the reader that it was recorded before."""
    lit = [light for begins_s, light in recording.lights if begins_s <= then_s]
    return lit[-1] if lit else PanelLight.OFF
