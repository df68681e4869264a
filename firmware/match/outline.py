"""Where a card's four edges are in a frame of the tray: first roughly, then edge by edge.

A tray is dark and a card's rim is light. A lamp's halo on the tray is light as well, so the rough
outline is only where each edge is looked for: the edge itself is where the light rises fastest.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.camera.frame import Pixels

CARD_WIDTH_MM: Final = 85.6  # ISO/IEC 7810 ID-1
CARD_HEIGHT_MM: Final = 53.98
SMALLEST_PART_OF_FRAME: Final = 0.12
ASPECT_TOLERANCE: Final = 0.15
SMALL_WIDTH: Final = 480
"""Looked at in a picture this wide: print is too fine there to break the edge."""
REACH: Final = 40
"""How far on either side of the rough outline its edge is looked for, in the small picture."""
STEEP: Final = 0.6
"""An edge is the outermost rise of this part of the steepest: a halo rises slowly, print inside."""
NEAR: Final = 1.5
"""Pixels of the small picture that a probe may lie beside the edge it belongs to."""
PROBES: Final = np.linspace(0.08, 0.92, 24, dtype=np.float32)
"""Where along an edge: corners are round."""

Corners = NDArray[np.float32]
"""Four points, x and y: upper left first, then clockwise."""


def find_corners(grey: Pixels) -> Corners | None:
    """The card's corners in a grey frame; None when no card-shaped outline stands out."""
    scale = SMALL_WIDTH / grey.shape[1]
    small = cv2.GaussianBlur(
        cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), (5, 5), 0
    )
    rough = _rough_outline(small)
    if rough is None:
        return None
    fine = _refined(small, rough)
    for corners in (fine, rough):
        if corners is not None and _has_card_shape(corners):
            return corners / np.float32(scale)
    return None


def _rough_outline(small: Pixels) -> Corners | None:
    _, bright = cv2.threshold(small, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # The photo is a hole that the closing fills.
    whole = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    outlines, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return None
    largest = cv2.convexHull(max(outlines, key=cv2.contourArea))
    if cv2.contourArea(largest) < SMALLEST_PART_OF_FRAME * small.size:
        return None
    rim = cv2.approxPolyDP(largest, 0.03 * cv2.arcLength(largest, closed=True), closed=True)
    if len(rim) != 4:
        rim = cv2.boxPoints(cv2.minAreaRect(largest))
    return _clockwise(rim.reshape(4, 2).astype(np.float32))


def _refined(small: Pixels, rough: Corners) -> Corners | None:
    lines = [_edge(small, rough[side], rough[(side + 1) % 4]) for side in range(4)]
    crossings = [_crossing(lines[side - 1], lines[side]) for side in range(4)]
    if any(crossing is None for crossing in crossings):
        return None
    return np.array(crossings, np.float32)


def _edge(small: Pixels, start: Corners, end: Corners) -> NDArray[np.float32]:
    """The line (direction, point) along which the light rises fastest, from outside to inside."""
    along = end - start
    inwards = np.array((-along[1], along[0]), np.float32) / max(float(np.hypot(*along)), 1e-6)
    depths = np.arange(-REACH, REACH + 1, dtype=np.float32)
    feet = start + PROBES[:, None] * along
    places = feet[:, None, :] + depths[None, :, None] * inwards
    profiles = cv2.remap(
        small, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    rises = profiles[:, 2:] - profiles[:, :-2]
    outermost = np.argmax(rises >= STEEP * rises.max(axis=1, keepdims=True), axis=1)
    # From where it is steep to where it is steepest.
    close = np.clip(outermost[:, None] + np.arange(5), 0, rises.shape[1] - 1)
    steepest = outermost + np.argmax(np.take_along_axis(rises, close, axis=1), axis=1)
    points = feet + depths[np.minimum(steepest, rises.shape[1] - 1) + 1][:, None] * inwards
    line = cv2.fitLine(_on_one_line(points), cv2.DIST_L2, 0, 0.01, 0.01)
    return np.asarray(line, np.float32).ravel()


def _on_one_line(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Those of the points that lie on the line through two of them that most lie on."""
    one, other = (points[indices] for indices in np.triu_indices(len(points), k=1))
    along = other - one
    lengths = np.maximum(np.hypot(along[:, 0], along[:, 1]), np.float32(1e-6))
    beside = points[None, :, :] - one[:, None, :]
    off = np.abs(along[:, None, 0] * beside[..., 1] - along[:, None, 1] * beside[..., 0])
    near = off <= NEAR * lengths[:, None]
    return np.asarray(points[near[np.argmax(near.sum(axis=1))]], np.float32)


def _crossing(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float] | None:
    (ax, ay, px, py), (bx, by, qx, qy) = (line.astype(float) for line in (one, other))
    turn = ax * by - ay * bx
    if abs(turn) < 0.3:  # less than 18°: no corner of a card
        return None
    far = ((qx - px) * by - (qy - py) * bx) / turn
    return px + far * ax, py + far * ay


def _clockwise(corners: Corners) -> Corners:
    around = corners - corners.mean(axis=0)
    turned = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    # A card lies across the frame, not upright: of the two long edges the upper one comes first.
    edges = np.roll(turned, -1, axis=0) - turned
    first = int(np.argmax(edges[:, 0] - np.abs(edges[:, 1])))
    return np.roll(turned, -first, axis=0)


def _has_card_shape(corners: Corners) -> bool:
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    top, right, bottom, left = (float(side) for side in sides)
    if min(sides) <= 0:
        return False
    aspect = (top + bottom) / (right + left)
    wanted = CARD_WIDTH_MM / CARD_HEIGHT_MM
    return abs(aspect / wanted - 1.0) <= ASPECT_TOLERANCE
