"""What a body sends towards the lens: from the room's light, from the panel's, and of itself.

All of it in cd/m², linear, BGR. Light adds up, so a body is drawn once for each source, and a frame
is their sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from firmware.simulator.panel_shine import coarse, fine, illuminance, lamp_mirrored, mirrored
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

_GLASS: Final = np.float32(0.012)
"""What a display's glass sends back of light, besides what it mirrors."""
_EYES_MM: Final = ((-31.5, 0.0), (31.5, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A body at rest on its canvas; colours are multiplied by `cover`."""

    by_room: Reals
    """By the room's light, and what shines of itself and never changes."""
    by_panel: Reals
    """By a panel that is white all over."""
    cover: Reals
    """1 where the body hides what is behind it."""
    points: Reals
    """Of every pixel, in mm from the lens."""
    shining: Reals
    """What a display sends where it shows white, height × width; 0 elsewhere."""
    at: Canvas
    display: Display | None
    still: Reals | None
    """What a display shows all the time, 0 to 1."""
    video: Recording | None


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
        self._by_room = np.zeros((*shape, 3), np.float32)
        self._by_panel = np.zeros((*shape, 3), np.float32)
        self._cover = np.zeros(shape, np.float32)
        self._shining = np.zeros(shape, np.float32)
        self._heights: Reals | None = None
        self._display: Display | None = None
        self._still: Reals | None = None
        self._video: Recording | None = None

    def lay(self, surface: Surface, portrait: Portrait | None) -> None:
        """Over what lies there; `portrait` is what the surface shows."""
        at, face = self._at, None
        colour = np.ones((1, 1, 3), np.float32)
        if portrait is not None:
            shown = _picture_of(surface)
            face = laid_out(portrait, shown.eyes_mm)
            colour = picture_on(shown, portrait, face, at)
        heights, cover = _shape(surface, face, at)
        by_room, by_panel = self._sent(surface.material, colour, heights)
        over = cover[..., None]
        self._by_room += (by_room - self._by_room) * over
        self._by_panel += (by_panel - self._by_panel) * over
        self._cover += cover * (1 - self._cover)
        self._shining *= 1 - cover
        # The first one's shape goes on beyond its edge: nothing tears there.
        under = self._heights
        self._heights = heights if under is None else np.where(cover > 0.5, heights, under)
        if isinstance(surface.material, Display):
            self._light_up(surface, surface.material, cover, colour)

    def drawn(self) -> Drawn:
        """The whole body."""
        heights = np.zeros_like(self._cover) if self._heights is None else self._heights
        return Drawn(
            by_room=self._by_room,
            by_panel=self._by_panel,
            cover=self._cover,
            points=self._at.points(cv2.GaussianBlur(heights, (0, 0), 2.0)),
            shining=self._shining,
            at=self._at,
            display=self._display,
            still=self._still,
            video=self._video,
        )

    def _light_up(self, surface: Surface, display: Display, cover: Reals, colour: Reals) -> None:
        self._display, self._shining = display, cover * np.float32(display.white_cd_m2)
        if isinstance(surface.shows, Recording):
            self._video = surface.shows
        else:
            self._still = np.power(colour, np.float32(display.gamma)) * bgr(display.white_point)

    def _sent(self, material: Material, colour: Reals, heights: Reals) -> tuple[Reals, Reals]:
        """cd/m² by the room's light, and by the panel's."""
        facing = coarse(normals(heights, self._at.px_per_mm)) @ turned(self._pose).T
        points = moved(coarse(self._at.points(heights)), self._motion, self._pose)
        room, panel = self._room, self._panel
        by_room = fine(room_light(room, facing), CANVAS)
        by_panel = fine(illuminance(points, facing, panel) / np.pi, CANVAS)[..., None]
        match material:
            case Skin(tone=tone):
                shade = _eyes_shaded(material, self._at) * np.float32(tone)
                sent = colour * by_room * shade, _evened(colour) * by_panel * shade
            case Paper():
                albedo = _printed(material, colour, self._at)
                sent = albedo * by_room, albedo * by_panel
            case Plain(albedo=rgb):
                sent = bgr(rgb) * by_room, bgr(rgb) * by_panel
            case Display(black_cd_m2=black):
                sent = _GLASS * by_room + black, _GLASS * by_panel
        if not material.gloss:
            return sent
        lamp = lamp_mirrored(points, facing, room, material.gloss_deg)
        page = mirrored(points, facing, panel, material.gloss_deg)
        return (
            sent[0] + fine(lamp * material.gloss, CANVAS)[..., None],
            sent[1] + fine(page * material.gloss, CANVAS)[..., None],
        )


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


def linear_of(pixels: np.ndarray) -> Reals:
    """0 to 1, of a picture of 8 bits: the camera's tone is a square root."""
    part = pixels.astype(np.float32) * np.float32(1 / 255)
    return np.asarray(part * part, np.float32)


# --- pictures
def as_shown(picture: Picture, portrait: Portrait) -> Portrait:
    """The portrait, mirrored where the picture is."""
    if not picture.mirrored:
        return portrait
    return Portrait(np.ascontiguousarray(portrait.pixels[:, ::-1]), portrait.framing.mirrored())


def picture_on(picture: Picture, portrait: Portrait, face: Face, at: Canvas) -> Reals:
    """The picture in its place on the canvas: linear, 0 to 1; height × width × 3."""
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
    return graded(linear_of(there), picture)


def graded(colour: Reals, picture: Picture) -> Reals:
    """Brightness, contrast and saturation of a print."""
    if picture.contrast != 1.0:
        colour = np.power(colour, np.float32(picture.contrast))
    if picture.saturation != 1.0:
        grey = colour.mean(axis=2, keepdims=True)
        colour = grey + (colour - grey) * np.float32(picture.saturation)
    return np.asarray(np.clip(colour * np.float32(picture.brightness), 0, 1), np.float32)


def _evened(colour: Reals) -> Reals:
    """What the skin itself is like, with half of the light of the portrait's day taken away."""
    grey = cv2.GaussianBlur(colour.mean(axis=2), (0, 0), 14.0)
    level = float(grey[grey.shape[0] // 3 : 2 * grey.shape[0] // 3, 300:530].mean())
    shade = np.sqrt(np.clip(grey / max(level, 0.02), 0.35, 1.8))
    return np.asarray(colour / shade[..., None], np.float32)


def _eyes_shaded(skin: Skin, at: Canvas) -> Reals:
    """Lenses before the eyes take some of the light."""
    if skin.eye_shade == 1.0:
        return np.ones((1, 1, 1), np.float32)
    inside = np.zeros((CANVAS[1], CANVAS[0]), np.float32)
    for x, y in _EYES_MM:
        rim = ((at.x - x) / 25) ** 4 + ((at.y - y - 3) / 19) ** 4
        inside = np.maximum(inside, np.clip((1 - rim) * 8 + 0.5, 0, 1))
        frame = np.exp(-(((rim - 1.1) / 0.35) ** 2))
        inside = np.maximum(inside, frame * 1.6)
    return np.asarray(np.clip(1 - (1 - skin.eye_shade) * inside, 0.05, 1)[..., None], np.float32)


def _printed(paper: Paper, colour: Reals, at: Canvas) -> Reals:
    white = bgr(paper.white)
    albedo = paper.black + colour * (white - paper.black)
    if paper.dots_per_mm and paper.dot_contrast:
        x, y = at.x * paper.dots_per_mm, at.y * paper.dots_per_mm
        across, down = 2 * np.pi * (x + y) * 0.707, 2 * np.pi * (x - y) * 0.707
        dots = 1 + paper.dot_contrast * np.sin(across) * np.sin(down)
        albedo = albedo * dots[..., None]
    return np.asarray(albedo, np.float32)
