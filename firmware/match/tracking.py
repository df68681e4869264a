"""Where a face is expected in the next frame, from where it was in the last: no detector needed.

The mesh sees a face anew in each look, and from its points follows where to look next. The detector
is asked again when the mesh doubts, and every third look at the latest: it alone sees somebody else
come into the picture, and an acceptance takes three looks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from firmware.match.align import similarity
from firmware.match.compare import Comparer, Look
from firmware.match.detect import Face
from firmware.match.networks import Grey, Reals

LOOKS_FOR_EACH_DETECTION: Final = 3
SURE: Final = 0.9
"""Presence of a mesh that may be followed. Assumed; a face in place has 0.99 and more."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Track:
    """A face as the detector saw it, and its five points then and now."""

    detected: Face
    five_then: Reals
    five_now: Reals
    looks: int
    """Since the detection, with that one."""

    def expected(self) -> Face:
        """The detector's box and points, moved, turned and scaled as the mesh was."""
        move = similarity(self.five_then, self.five_now)
        scale = float(np.hypot(move[0, 0], move[1, 0]))
        low, high = self.detected.box[:2], self.detected.box[2:]
        centre = move[:, :2] @ ((low + high) / 2) + move[:, 2]
        half = (high - low) / 2 * scale
        return Face(
            box=np.concatenate([centre - half, centre + half]).astype(np.float32),
            score=self.detected.score,
            points=(self.detected.points @ move[:, :2].T + move[:, 2]).astype(np.float32),
        )


class TrackedLooks:
    """The looks at one person after the other. It keeps no picture, and forgets when it is told."""

    def __init__(self, comparer: Comparer) -> None:
        self._comparer = comparer
        self._track: Track | None = None

    def look(self, frame: Grey, small: Grey | None = None) -> Look:
        """One live frame; `small` is the same view for the detector, if there is one."""
        track = self._track
        if track is not None and track.looks < LOOKS_FOR_EACH_DETECTION:
            look = self._comparer.look_at(frame, track.expected())
            if (landmarks := look.landmarks) is not None and landmarks.presence >= SURE:
                self._track = replace(track, five_now=landmarks.five, looks=track.looks + 1)
                return look
        look = self._comparer.look(frame, small)
        self._track = begun(look)
        return look

    def forget(self) -> None:
        """Somebody else may come."""
        self._track = None


def begun(look: Look) -> Track | None:
    """The track that a look with the detector begins; None where there is nothing to follow."""
    if look.face is None or look.landmarks is None or not look.landmarks.presence >= SURE:
        return None
    return Track(look.face, look.landmarks.five, look.landmarks.five, 1)
