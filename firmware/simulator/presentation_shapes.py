"""The shapes of what stands before the lens: how far each point comes forward, and its outline.

A head is an average one: a flattened ellipsoid with brow, nose, sockets, cheeks, lips and chin, as
far down as the portrait has them, on a neck and a torso. It fits nobody; what it has is depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from firmware.simulator.portraits import Face, Reals
from firmware.simulator.presentations import Head, Sheet

FRAME: Final = (640, 480)
MARGIN: Final = (96, 72)
"""A body is drawn larger than a frame, so that it can move."""
CANVAS: Final = (FRAME[0] + 2 * MARGIN[0], FRAME[1] + 2 * MARGIN[1])
_HEAD_MM: Final = (82.0, 121.0, 98.0)  # half of width and height, with hair; depth of the front
_FLAT: Final = 2.4
"""Exponent of the outline: 2 is an ellipse; a head is fuller."""


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Where a body is drawn at rest, in mm about the body's middle."""

    x: Reals
    """1 × width."""
    y: Reals
    """Height × 1."""
    px_per_mm: float
    right_mm: float
    down_mm: float
    away_mm: float
    focal_px: float

    def placing(self) -> Reals:
        """2 × 3: from mm of the body to pixels of the canvas."""
        scale, (width, height) = self.px_per_mm, CANVAS
        return np.array(
            [
                [scale, 0, width / 2 + self.right_mm * scale],
                [0, scale, height / 2 + self.down_mm * scale],
            ],
            np.float32,
        )

    def points(self, heights: Reals, every_px: int = 1) -> Reals:
        """Height × width × 3: the points of the canvas in mm from the lens, all or few.

        The picture is what the lens sees at rest: whatever comes forward, comes along its ray.
        """
        away = np.float32(self.away_mm) - heights
        nearer = away / np.float32(self.away_mm)
        x = (self.x[:, ::every_px] + np.float32(self.right_mm)) * nearer
        y = (self.y[::every_px] + np.float32(self.down_mm)) * nearer
        return np.dstack([x, y, away]).astype(np.float32)


def canvas(right_mm: float, down_mm: float, away_mm: float, focal_px: float) -> Canvas:
    """The canvas of a body whose middle rests there."""
    scale = focal_px / away_mm
    x = (np.arange(CANVAS[0], dtype=np.float32) - CANVAS[0] / 2) / scale - right_mm
    y = (np.arange(CANVAS[1], dtype=np.float32) - CANVAS[1] / 2) / scale - down_mm
    return Canvas(
        x[None, :].astype(np.float32),
        y[:, None].astype(np.float32),
        scale,
        right_mm,
        down_mm,
        away_mm,
        focal_px,
    )


def normals(heights: Reals, px_per_mm: float, every_px: int = 1) -> Reals:
    """Unit normals towards the lens at all points or few; × 3, right, down and away."""
    smooth = cv2.GaussianBlur(heights, (0, 0), 1.2)
    few = slice(None, None, every_px)
    right = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=px_per_mm / 8)[few, few]
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=px_per_mm / 8)[few, few]
    length = np.sqrt(right * right + down * down + 1)
    return np.dstack([-right / length, -down / length, -1 / length]).astype(np.float32)


# --- a head
def head_heights(head: Head, face: Face, at: Canvas) -> Reals:
    """How far each point comes before the plane of the eyes, in mm: the torso lies far behind."""
    x, y = at.x, at.y
    nose_x, nose_y = face.nose
    rim = np.clip(_rim(x, y, face, 0.0), 0, 1)
    ball = _HEAD_MM[2] * (np.power(1 - rim, 1 / _FLAT) - 1)
    neck = -55 - 55 * (1 - np.sqrt(np.clip(1 - (x / 62) ** 2, 0, 1))) + 0 * y
    torso = -52 - 70 * np.clip(np.abs(x) / 230, 0, 1) ** 2 + 0 * y
    chest = y > face.chin[1] + 38
    base = np.maximum(ball, np.where(chest, torso, np.where(y > face.chin[1] - 30, neck, -98)))
    base = cv2.GaussianBlur(base.astype(np.float32), (0, 0), 5.0)
    along = np.clip(y / max(nose_y, 20.0), 0, 1.0)
    ridge = 21.0 * along**1.3 * np.exp(-(((x - nose_x * along) / (7.0 + 5.0 * along)) ** 2))
    under = 1 / (1 + np.exp(np.clip((y - nose_y - 4) / 2.5, -30, 30)))
    features = (
        ridge * under * (y > -12)
        + _bump(x, y, (0, -20), (46, 9), 5.0)
        + _bump(x, y, (-31.5, 2), (15, 11), -9.0)
        + _bump(x, y, (31.5, 2), (15, 11), -9.0)
        + _bump(x, y, (-40, nose_y - 4), (17, 15), 5.0)
        + _bump(x, y, (40, nose_y - 4), (17, 15), 5.0)
        + _bump(x, y, face.mouth, (20, 7), 5.5)
        + _bump(x, y, (face.chin[0], face.chin[1] - 14), (17, 12), 6.0)
    )
    return np.asarray(base + np.float32(head.relief) * features, np.float32)


def head_outline(face: Face, at: Canvas, outside_mm: float = 0.0, *, bust: bool = True) -> Reals:
    """1 inside, 0 outside, in between at the edge: a head, with its shoulders where it has any."""
    x, y = at.x, at.y
    soft = 3.0
    ball = (1 - np.power(_rim(x, y, face, outside_mm), 1 / _FLAT)) * _HEAD_MM[0] / soft
    if not bust:
        return np.asarray(np.clip(ball + 0.5, 0, 1), np.float32)
    middle = face.chin[0] / 2
    fall = np.clip((y - face.chin[1] - 18) / 60, 0, 1)
    half = 52 + 155 * np.sqrt(fall)
    shoulders = np.where(y > face.chin[1] - 40, (half - np.abs(x - middle)) / soft, -1.0)
    return np.asarray(np.clip(np.maximum(ball, shoulders) + 0.5, 0, 1), np.float32)


def _rim(x: Reals, y: Reals, face: Face, outside_mm: float) -> Reals:
    """0 in the middle of the head, 1 on its outline."""
    chin = face.chin[1] + 6
    top = chin - 2 * _HEAD_MM[1]
    middle = face.chin[0] / 2
    across = np.abs(x - middle) / (_HEAD_MM[0] + outside_mm)
    down = np.abs(y - (chin + top) / 2) / ((chin - top) / 2 + outside_mm)
    return np.asarray(across**_FLAT + down**_FLAT, np.float32)


def _bump(
    x: Reals, y: Reals, at: tuple[float, float], width: tuple[float, float], height: float
) -> Reals:
    across, down = (x - at[0]) / width[0], (y - at[1]) / width[1]
    return np.asarray(height * np.exp(-(across**2) - down**2), np.float32)


# --- a sheet
def sheet_heights(sheet: Sheet, at: Canvas) -> Reals:
    """Bent about an upright axis through its middle, its front at the body's."""
    flat = np.zeros((CANVAS[1], CANVAS[0]), np.float32) + np.float32(sheet.in_front_mm)
    if sheet.radius_mm == 0.0:
        return flat
    radius = abs(sheet.radius_mm)
    depth = radius - np.sqrt(np.clip(radius**2 - at.x**2, (0.15 * radius) ** 2, None))
    return np.asarray(flat - np.sign(sheet.radius_mm) * depth, np.float32)


def sheet_outline(sheet: Sheet, face: Face | None, at: Canvas) -> Reals:
    """1 on the sheet, 0 beside it and in its holes."""
    scale = at.px_per_mm
    half_width, half_height = sheet.size_mm[0] / 2, sheet.size_mm[1] / 2
    x, y = at.x - sheet.centre_mm[0], at.y - sheet.centre_mm[1]
    inside = np.minimum(half_width - np.abs(x), half_height - np.abs(y)) * scale
    whole = np.clip(inside + 0.5, 0, 1)
    if sheet.cut_mm is not None and face is not None:
        whole = np.minimum(whole, head_outline(face, at, sheet.cut_mm, bust=False))
    for hole in sheet.holes:
        across = (at.x - hole.centre_mm[0]) / hole.radii_mm[0]
        down = (at.y - hole.centre_mm[1]) / hole.radii_mm[1]
        beyond = (np.sqrt(across**2 + down**2) - 1) * min(hole.radii_mm) * scale
        whole = np.minimum(whole, np.clip(beyond + 0.5, 0, 1))
    return np.asarray(whole, np.float32)
