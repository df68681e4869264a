"""What the reader's own screen does to a surface before it: an area light below the lens.

Each point gets light from every patch of the screen by the cosines at both ends and the square of
the distance, so that relief answers otherwise than a plane. Pure: points and normals in, light out.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from firmware.simulator.portraits import Reals
from firmware.simulator.presentations import Panel, Room
from firmware.words import LIGHT_RGB, PanelLight

_PATCHES: Final = (4, 3)
_LAMP_WIDTH: Final = 0.12
"""In radians."""
EVERY_PX: Final = 4
"""Light changes slowly over a surface: it is computed so coarsely, and drawn smooth."""


def colour_of(light: PanelLight, panel: Panel) -> Reals:
    """What the page sends out as a part of its white, BGR: its lit part, and the rest of it."""
    lit = linear(LIGHT_RGB[light]) * panel.lit
    rest = linear(LIGHT_RGB[PanelLight.OFF]) * (1 - panel.lit) * 0.6  # the mirror and the words
    return np.asarray(lit + rest, np.float32)


def linear(rgb: tuple[int, int, int]) -> Reals:
    """BGR, 0 to 1, of an sRGB colour."""
    part = np.array(rgb[::-1], np.float32) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def coarse(values: Reals) -> Reals:
    """The few points of a picture at which light is computed."""
    return np.asarray(values[::EVERY_PX, ::EVERY_PX], np.float32)


def fine(values: Reals, size: tuple[int, int], rows: slice = slice(None)) -> Reals:
    """A picture of that width and height, or some rows of it, out of its few points."""
    # A point stands for its upper left corner: corners are laid on corners, not middles on middles.
    x = np.arange(size[0], dtype=np.float32) / EVERY_PX
    y = np.arange(size[1], dtype=np.float32)[rows] / EVERY_PX
    across, down = np.meshgrid(x, y)
    drawn = cv2.remap(values, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, np.float32)


def illuminance(points: Reals, normals: Reals, panel: Panel) -> Reals:
    """Lux at each point from a page that is white all over; height × width."""
    area_m2 = panel.size_mm[0] * panel.size_mm[1] * 1e-6 / (_PATCHES[0] * _PATCHES[1])
    total = np.zeros(points.shape[:2], np.float32)
    for patch in _patches(panel):
        way = patch - points
        square = np.maximum(_dot(way, way), np.float32(50.0**2))
        at_surface = np.maximum(_dot(way, normals), 0)
        at_panel = np.maximum(points[..., 2], 0)
        # Both cosines over the distance, and once more over its square: in m.
        total += at_surface * at_panel / (square * square) * np.float32(1e6)
    return np.asarray(total * np.float32(panel.cd_m2 * area_m2), np.float32)


def mirrored(points: Reals, normals: Reals, panel: Panel, width_deg: float) -> Reals:
    """cd/m² that a perfect mirror of that roughness shows of the white page; height × width."""
    out = _reflections(points, normals)
    total = np.zeros(points.shape[:2], np.float32)
    rough = np.float32(np.radians(width_deg)) ** 2
    for patch in _patches(panel):
        way = patch - points
        square = _dot(way, way)
        off = 2 - 2 * _dot(way, out) / np.sqrt(square)  # the square of a small angle
        half = np.float32(panel.size_mm[0] / _PATCHES[0] / 2) ** 2 / square
        total += np.exp(-off / (2 * (rough + half))) * half / (rough + half)
    return np.asarray(np.float32(panel.cd_m2) * np.minimum(total, 1.0), np.float32)


def lamp_mirrored(points: Reals, normals: Reals, room: Room, width_deg: float) -> Reals:
    """cd/m² that such a mirror shows of the room's lamp."""
    right, down = room.lamp
    towards = (right, down, -float(np.sqrt(max(0.05, 1 - right**2 - down**2))))
    lamp: Reals = np.array(towards, np.float32)
    off = 2 - 2 * _dot(_reflections(points, normals), lamp)
    wide = np.radians(width_deg) ** 2 + _LAMP_WIDTH**2
    peak = room.lamp_cd_m2 * _LAMP_WIDTH**2 / wide
    return np.asarray(peak * np.exp(-off / (2 * wide)), np.float32)


def _reflections(points: Reals, normals: Reals) -> Reals:
    """Where the look of the lens goes on from each point."""
    look = np.asarray(points / np.sqrt(_dot(points, points))[..., None], np.float32)
    return np.asarray(look - 2 * _dot(look, normals)[..., None] * normals, np.float32)


def _dot(one: Reals, other: Reals) -> Reals:
    """By parts: NumPy's own sum over three numbers is far slower (measured)."""
    return np.asarray(
        one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1] + one[..., 2] * other[..., 2],
        np.float32,
    )


def _patches(panel: Panel) -> Reals:
    """Middles of the screen's patches, in mm from the lens."""
    width, height = panel.size_mm
    across = ((np.arange(_PATCHES[0]) + 0.5) / _PATCHES[0] - 0.5) * width
    down = (np.arange(_PATCHES[1]) + 0.5) / _PATCHES[1] * height + panel.below_mm
    return np.array([(x, y, 0.0) for y in down for x in across], np.float32)
