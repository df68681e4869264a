"""How a body moves before the lens, and how its picture moves with it. Pure.

A picture drawn at rest is looked up again for every frame: each point is moved in space and thrown
onto the picture anew, so that what is nearer moves farther.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from firmware.simulator.portraits import Reals
from firmware.simulator.presentation_shapes import CANVAS, FRAME, MARGIN, Canvas
from firmware.simulator.presentations import Motion, Six

_EVERY_PX: Final = 8
_ROUNDS: Final = 3


def pose_at(motion: Motion, at_s: float) -> Six:
    """Where the body is, and how it is turned."""
    pose = np.array(motion.rest, np.float64)
    for sway in motion.sways:
        turn = 2 * np.pi * at_s / sway.period_s + sway.phase
        pose += np.array(sway.swing) * np.sin(turn)
    right, down, away, nod, turned_by, roll = pose.tolist()
    return right, down, away, nod, turned_by, roll


def turned(pose: Six) -> Reals:
    """3 × 3: the rotation of a pose; a nod is about the axis to the right, a turn about down's."""
    nod, turn, roll = np.radians(pose[3:])
    about_x = np.array([[1, 0, 0], [0, np.cos(nod), -np.sin(nod)], [0, np.sin(nod), np.cos(nod)]])
    about_y = np.array(
        [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    )
    about_z = np.array(
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    return np.asarray(about_z @ about_y @ about_x, np.float32)


def moved(points: Reals, motion: Motion, pose: Six) -> Reals:
    """Points drawn at the rest's place, unturned, as they are in a pose."""
    rest = np.array(motion.rest[:3], np.float32)
    pivot = rest + np.array(motion.pivot, np.float32)
    shift = np.array(pose[:3], np.float32) - rest
    return np.asarray((points - pivot) @ turned(pose).T + pivot + shift, np.float32)


class Warp:
    """Looks a body's picture up as it is in a pose."""

    def __init__(self, heights: Reals, at: Canvas, motion: Motion, focal_px: float) -> None:
        """`heights` of every pixel of the canvas, at rest."""
        self._points = at.points(heights[::_EVERY_PX, ::_EVERY_PX], _EVERY_PX)
        self._motion, self._focal_px = motion, focal_px
        x = np.arange(0, FRAME[0] + _EVERY_PX, _EVERY_PX, dtype=np.float32)
        y = np.arange(0, FRAME[1] + _EVERY_PX, _EVERY_PX, dtype=np.float32)
        self._x, self._y = np.meshgrid(x, y)
        self._fine = np.meshgrid(
            np.arange(FRAME[0], dtype=np.float32) / _EVERY_PX,
            np.arange(FRAME[1], dtype=np.float32) / _EVERY_PX,
        )

    def maps(self, at_s: float) -> tuple[Reals, Reals]:
        """Where in the canvas each pixel of the frame is found, across and down."""
        pose = pose_at(self._motion, at_s)
        # Moving a point and looking where it lands is easy; the way back is walked in a few steps.
        x, y = self._x + MARGIN[0], self._y + MARGIN[1]
        for _ in range(_ROUNDS):
            here = cv2.remap(
                self._points,
                x / _EVERY_PX,
                y / _EVERY_PX,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            there = moved(here, self._motion, pose)
            away = np.maximum(there[..., 2], 60.0)
            lands_x = there[..., 0] * self._focal_px / away + FRAME[0] / 2
            lands_y = there[..., 1] * self._focal_px / away + FRAME[1] / 2
            x = np.clip(x + self._x - lands_x, 0, CANVAS[0] - 1).astype(np.float32)
            y = np.clip(y + self._y - lands_y, 0, CANVAS[1] - 1).astype(np.float32)
        across, down = (cv2.remap(each, *self._fine, cv2.INTER_LINEAR) for each in (x, y))
        return across, down
