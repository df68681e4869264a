"""Where a face is expected in the next frame, from how it looked in the last: no detector needed.

A small patch of the face is searched for near its place. The detector is asked again when nothing
there is like the patch, when the mesh doubts, and every third look at the latest: it alone sees
somebody else come into the picture, and an acceptance takes three looks.

The mesh's own points do not tell where a face went: they stay near the middle of the view that they
were found in. Followed by them, one look in twenty of people who moved was embedded as another
person would be (cosine 0.80 to the same look with the detector; with the patch 0.97).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from firmware.match.compare import Comparer, Look
from firmware.match.detect import Face
from firmware.match.networks import Grey

LOOKS_FOR_EACH_DETECTION: Final = 3
PATCH_SIDE, WINDOW_SIDE = 32, 56
"""Pixels. A face may move by 30 % of its size between two detections."""
PATCH_SHARE: Final = 0.8
"""Of the face's size: there is little of what is behind it."""
ALIKE: Final = 0.9
"""Correlation. Measured: above it the cosine of a followed look to a detected one was 0.97 in 19 of
20, and never below 0.92; a settled person stays above it, one who turns does not."""
SURE: Final = 0.9
"""Presence of a mesh that may be followed. Assumed; a face in place has 0.99 and more."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Track:
    """A face as the detector saw it, a patch of it, and how many looks were at it since."""

    face: Face
    patch: Grey
    looks: int

    def found_in(self, frame: Grey) -> Face | None:
        """The same face, moved to where the frame is most like its patch; None if nothing is."""
        window = _view(frame, self.face, WINDOW_SIDE)
        if window is None:
            return None
        likeness = cv2.matchTemplate(window, self.patch, cv2.TM_CCOEFF_NORMED)
        _, best, _, place = cv2.minMaxLoc(likeness)
        if not best >= ALIKE:
            return None
        steps = np.array(place) - (WINDOW_SIDE - PATCH_SIDE) / 2
        shift = (steps * self.face.size * PATCH_SHARE / PATCH_SIDE).astype(np.float32)
        return Face(self.face.box + np.tile(shift, 2), self.face.score, self.face.points + shift)


class TrackedLooks:
    """The looks at one person after the other. It forgets the patch when it is told."""

    def __init__(self, comparer: Comparer) -> None:
        self._comparer = comparer
        self._track: Track | None = None

    def look(self, frame: Grey, small: Grey | None = None) -> Look:
        """One live frame; `small` is the same view for the detector, if there is one."""
        track = self._track
        if track is not None and track.looks < LOOKS_FOR_EACH_DETECTION:
            face = track.found_in(frame)
            if face is not None and _is_sure(look := self._comparer.look_at(frame, face)):
                self._track = replace(track, looks=track.looks + 1)
                return look
        look = self._comparer.look(frame, small)
        self._track = _begun(frame, look)
        return look

    def forget(self) -> None:
        """Somebody else may come."""
        self._track = None


def _begun(frame: Grey, look: Look) -> Track | None:
    if look.face is None or not _is_sure(look):
        return None
    patch = _view(frame, look.face, PATCH_SIDE)
    return None if patch is None else Track(look.face, patch, 1)


def _is_sure(look: Look) -> bool:
    return look.landmarks is not None and look.landmarks.presence >= SURE


def _view(frame: Grey, face: Face, side: int) -> Grey | None:
    """A square around a face, in the scale of its patch; None where it leaves the picture."""
    centre = (face.box[:2] + face.box[2:]) / 2
    half = max(face.size * PATCH_SHARE * side / PATCH_SIDE / 2, 1.0)
    left, top = (round(float(place)) for place in centre - half)
    right, bottom = (round(float(place)) for place in centre + half)
    height, width = frame.shape
    if min(left, top) < 0 or right > width or bottom > height:
        return None
    square = frame[top:bottom, left:right]
    return np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
