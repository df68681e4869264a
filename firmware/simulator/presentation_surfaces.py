"""What a body sends towards the lens: from the room's light, from the panel's, and of itself.

All of it in cd/m², linear, BGR. Light adds up, so a body is drawn once for each source, and a frame
is their sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels
from firmware.simulator.panel_shine import (
    EVERY_PX,
    coarse,
    fine,
    illuminance,
    lamp_mirrored,
    mirrored,
)
from firmware.simulator.portraits import Face, Portrait, PortraitOf, Reals, laid_out
from firmware.simulator.presentation_motion import moved, pose_at, turned
from firmware.simulator.presentation_shapes import (
    CANVAS,
    Canvas,
    canvas,
    head_heights,
    head_outline,
    normals,
    sheet_heights,
    sheet_outline,
)
from firmware.simulator.presentations import (
    Body,
    Colour,
    Display,
    Lens,
    Material,
    Motion,
    Panel,
    Paper,
    Picture,
    Plain,
    Recording,
    Room,
    Sheet,
    Skin,
    Surface,
)

_GLASS: Final = 0.012
"""What a display's glass sends back of light, besides what it mirrors."""
_EYES_MM: Final = ((-31.5, 0.0), (31.5, 0.0))


_BAND_PX: Final = 78
"""A body is drawn in bands of so many rows: what is worked with meanwhile is large."""
Halves = NDArray[np.float16]
"""What is kept: half a float tells a light's value to the twentieth part of a per cent."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A body at rest on its canvas; colours are multiplied by `cover`."""

    by_room: Halves
    """By the room's light, and what shines of itself and never changes."""
    by_panel: Halves
    """By a panel that is white all over."""
    cover: Reals
    """1 where the body hides what is behind it."""
    heights: Reals
    """How far each point comes before the body's front, in mm."""
    at: Canvas
    screen: Screen | None


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """A display of the body, as far as nothing lies before it."""

    display: Display
    shining: Reals
    """What it sends where it shows white, height × width."""
    still: Reals | None
    """What it shows all the time, 0 to 1; None: a video."""
    video: Recording | None


@dataclass(frozen=True, slots=True, eq=False)
class _Lit:
    """The light on a surface, at its few points (`panel_shine.coarse`)."""

    by_room: Reals
    by_panel: Reals
    room_gloss: Reals
    panel_gloss: Reals


def draw(body: Body, room: Room, panel: Panel, lens: Lens, portrait_of: PortraitOf) -> Drawn:
    """Draw all surfaces of a body, the nearer over the farther. Raises `SimulationNotPrepared`."""
    right, down, away = body.motion.rest[:3]
    painter = _Painter(body.motion, canvas(right, down, away, lens.focal_px), room, panel)
    for surface in body.surfaces:
        portrait = None
        if surface.shows is not None:
            shown = _picture_of(surface)
            portrait = as_shown(shown, portrait_of(shown.portrait))
        painter.lay(surface, portrait)
    return painter.drawn()


def _picture_of(surface: Surface) -> Picture:
    shows = surface.shows
    if shows is None:
        raise ValueError("the surface shows nobody")
    return shows.picture if isinstance(shows, Recording) else shows


class _Painter:
    """Lays one surface over the other."""

    def __init__(self, motion: Motion, at: Canvas, room: Room, panel: Panel) -> None:
        self._motion, self._at, self._room, self._panel = motion, at, room, panel
        self._pose = pose_at(motion, 0.0)
        shape = (CANVAS[1], CANVAS[0])
        self._by_room = np.zeros((*shape, 3), np.float16)
        self._by_panel = np.zeros((*shape, 3), np.float16)
        self._cover = np.zeros(shape, np.float32)
        self._heights: Reals | None = None
        self._screen: Screen | None = None

    def lay(self, surface: Surface, portrait: Portrait | None) -> None:
        """Over what lies there; `portrait` is what the surface shows."""
        face: Face | None = None
        pixels: Pixels | None = None
        if portrait is not None:
            shown = _picture_of(surface)
            face = laid_out(portrait, shown.eyes_mm)
            pixels = picture_on(shown, portrait, face, self._at)
        heights, cover = _shape(surface, face, self._at)
        lit = self._lit(surface.material, heights, pixels)
        for top in range(0, CANVAS[1], _BAND_PX):
            rows = slice(top, top + _BAND_PX)
            colour = np.ones((1, 1, 3), np.float32)
            if pixels is not None:
                colour = graded(linear_of(pixels[rows]), _picture_of(surface))
            sent = self._sent(surface.material, colour, lit, rows)
            over = cover[rows, :, None]
            for kept, new in zip((self._by_room, self._by_panel), sent, strict=True):
                under = kept[rows].astype(np.float32)
                kept[rows] = under + (new - under) * over
        self._cover += cover * (1 - self._cover)
        # The first one's shape goes on beyond its edge: nothing tears there.
        below = self._heights
        self._heights = heights if below is None else np.where(cover > 0.5, heights, below)
        if self._screen is not None:
            self._screen.shining[:] *= 1 - cover
        if isinstance(surface.material, Display):
            self._screen = _screen(surface, surface.material, cover, pixels)

    def drawn(self) -> Drawn:
        """The whole body."""
        heights = np.zeros_like(self._cover) if self._heights is None else self._heights
        return Drawn(
            by_room=self._by_room,
            by_panel=self._by_panel,
            cover=self._cover,
            heights=cv2.GaussianBlur(heights, (0, 0), 2.0),
            at=self._at,
            screen=self._screen,
        )

    def _lit(self, material: Material, heights: Reals, pixels: Pixels | None) -> _Lit:
        """The light on the surface, as the body rests."""
        at, room, panel = self._at, self._room, self._panel
        facing = normals(heights, at.px_per_mm, EVERY_PX) @ turned(self._pose).T
        points = moved(at.points(coarse(heights), EVERY_PX), self._motion, self._pose)
        by_panel = illuminance(points, facing, panel) / np.float32(np.pi)
        if isinstance(material, Skin) and pixels is not None:
            by_panel = by_panel / day_light(pixels)
        width = max(material.gloss_deg, 0.1)
        return _Lit(
            by_room=room_light(room, facing),
            by_panel=by_panel,
            room_gloss=lamp_mirrored(points, facing, room, width) * np.float32(material.gloss),
            panel_gloss=mirrored(points, facing, panel, width) * np.float32(material.gloss),
        )

    def _sent(
        self, material: Material, colour: Reals, lit: _Lit, rows: slice
    ) -> tuple[Reals, Reals]:
        """cd/m² of some rows by the room's light, and by the panel's."""
        match material:
            case Skin(tone=tone):
                albedo = colour * _eyes_shaded(material, self._at, rows) * np.float32(tone)
            case Paper():
                albedo = _printed(material, colour, self._at, rows)
            case Plain(albedo=rgb):
                albedo = bgr(rgb)
            case Display():
                albedo = np.full(3, _GLASS, np.float32)
        own = material.black_cd_m2 if isinstance(material, Display) else 0.0
        by_room = albedo * fine(lit.by_room, CANVAS, rows)
        by_panel = albedo * fine(lit.by_panel, CANVAS, rows)[..., None]
        return (
            by_room + fine(lit.room_gloss, CANVAS, rows)[..., None] + np.float32(own),
            by_panel + fine(lit.panel_gloss, CANVAS, rows)[..., None],
        )


def _screen(surface: Surface, display: Display, cover: Reals, pixels: Pixels | None) -> Screen:
    shining = cover * np.float32(display.white_cd_m2)
    if isinstance(surface.shows, Recording):
        return Screen(display, shining, None, surface.shows)
    if pixels is None:
        raise ValueError("a display shows somebody")
    colour = graded(linear_of(pixels), _picture_of(surface))
    still = np.power(colour, np.float32(display.gamma)) * bgr(display.white_point)
    return Screen(display, shining, still, None)


def _shape(surface: Surface, face: Face | None, at: Canvas) -> tuple[Reals, Reals]:
    if isinstance(surface.shape, Sheet):
        return sheet_heights(surface.shape, at), sheet_outline(surface.shape, face, at)
    if face is None:
        raise ValueError("a head shows somebody")
    return head_heights(surface.shape, face, at), head_outline(face, at)


def room_light(room: Room, facing: Reals) -> Reals:
    """cd/m² of a white surface in the room's light; height × width × 3."""
    share = 1 + np.float32(room.side) * facing[..., 0]
    return np.asarray(share[..., None] * bgr(room.tint) * np.float32(room.lux / np.pi), np.float32)


def bgr(colour: Colour) -> Reals:
    """The three channels in the order of a picture."""
    return np.array(colour[::-1], np.float32)


def linear_of(pixels: Pixels) -> Reals:
    """0 to 1, of a picture of 8 bits: the camera's tone is a square root."""
    part = pixels.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(part * part, np.float32)


# --- pictures
def as_shown(picture: Picture, portrait: Portrait) -> Portrait:
    """The portrait, mirrored where the picture is."""
    if not picture.mirrored:
        return portrait
    return Portrait(np.ascontiguousarray(portrait.pixels[:, ::-1]), portrait.framing.mirrored())


def picture_on(picture: Picture, portrait: Portrait, face: Face, at: Canvas) -> Pixels:
    """The picture in its place on the canvas, as it was given; height × width × 3."""
    placing = at.placing()
    placing[:, 2] += at.px_per_mm * np.array(picture.centre_mm, np.float32)
    to_mm = np.vstack([face.to_mm, [0, 0, 1]])
    matrix = placing @ to_mm.astype(np.float32)
    shrinks = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    pixels = portrait.pixels
    if shrinks < 0.7:
        pixels = cv2.GaussianBlur(pixels, (0, 0), 0.4 / shrinks)
    there = cv2.warpAffine(
        pixels, matrix, CANVAS, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if picture.softness_mm:
        there = cv2.GaussianBlur(there, (0, 0), max(0.3, picture.softness_mm * at.px_per_mm))
    return np.asarray(there, np.uint8)


def graded(colour: Reals, picture: Picture) -> Reals:
    """Brightness, contrast and saturation of a print."""
    if picture.contrast != 1.0:
        colour = np.power(colour, np.float32(picture.contrast))
    if picture.saturation != 1.0:
        grey = colour.mean(axis=2, keepdims=True)
        colour = grey + (colour - grey) * np.float32(picture.saturation)
    return np.asarray(np.clip(colour * np.float32(picture.brightness), 0, 1), np.float32)


def day_light(pixels: Pixels) -> Reals:
    """Half of the light of the portrait's day, at its few points: skin itself is without it."""
    few = linear_of(pixels[::EVERY_PX, ::EVERY_PX])
    grey = cv2.GaussianBlur(cv2.cvtColor(few, cv2.COLOR_BGR2GRAY), (0, 0), 14.0 / EVERY_PX)
    high, wide = grey.shape
    level = float(grey[high // 3 : 2 * high // 3, wide // 3 : 2 * wide // 3].mean())
    return np.asarray(np.sqrt(np.clip(grey / max(level, 0.02), 0.35, 1.8)), np.float32)


def _eyes_shaded(skin: Skin, at: Canvas, rows: slice) -> Reals:
    """Lenses before the eyes take some of the light."""
    if skin.eye_shade == 1.0:
        return np.ones((1, 1, 1), np.float32)
    inside = np.zeros((1, 1), np.float32)
    for x, y in _EYES_MM:
        rim = ((at.x - x) / 25) ** 4 + ((at.y[rows] - y - 3) / 19) ** 4
        inside = np.maximum(inside, np.clip((1 - rim) * 8 + 0.5, 0, 1))
        frame = np.exp(-(((rim - 1.1) / 0.35) ** 2))
        inside = np.maximum(inside, frame * 1.6)
    return np.asarray(np.clip(1 - (1 - skin.eye_shade) * inside, 0.05, 1)[..., None], np.float32)


def _printed(paper: Paper, colour: Reals, at: Canvas, rows: slice) -> Reals:
    white = bgr(paper.white)
    albedo = paper.black + colour * (white - paper.black)
    if paper.dots_per_mm and paper.dot_contrast:
        x, y = at.x * paper.dots_per_mm, at.y[rows] * paper.dots_per_mm
        across, down = 2 * np.pi * (x + y) * 0.707, 2 * np.pi * (x - y) * 0.707
        dots = 1 + paper.dot_contrast * np.sin(across) * np.sin(down)
        albedo = albedo * dots[..., None]
    return np.asarray(albedo, np.float32)
