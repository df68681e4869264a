"""Is a look at a face fit to compare, and if not, what could the person do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from firmware.match.detect import CHIN, FOREHEAD, LEFT_EDGE, RIGHT_EDGE, Face, Landmarks
from firmware.match.networks import Grey, Reals
from firmware.words import Hint

# Points of the mesh. Of each eye: upper lid, lower lid, and its two corners.
LIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
# The part of the aligned 112 × 112 face where there is face, and no hair, wall or border.
INNER = (slice(28, 100), slice(22, 90))
# There, each eye and the cheek below it.
EYES_AND_CHEEKS = (
    ((slice(47, 58), slice(28, 49)), (slice(69, 80), slice(30, 47))),
    ((slice(47, 58), slice(64, 85)), (slice(69, 80), slice(66, 83))),
)
DARK, BRIGHT = 16, 250  # greys that hold no detail any more


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Where a look stops being fit. Measured: benchmarks/results/quality.md, where likeness is the
    cosine of a picture made worse to the same picture as it was."""

    eyes_px: float = 24.0  # measured: likeness 0.95, the worst twentieth 0.92; at 19 px 0.88
    # Assumed. This mesh follows lids loosely: of LFW-grey it saw shut eyes at 0.18, and narrow open
    # ones from 0.18 on, NUAA's from 0.24. So only what is surely shut is unfit: a blink may pass
    # (one of several frames), a narrow eye must.
    eyes_open: float = 0.16
    # Measured on LFW-grey: below 0.4 lie dark glasses, shut eyes and the shadows of caps, 1.5 % of
    # the pictures; without them FNMR at FMR 10⁻⁴ fell from 3.1 % to 2.7 %. NUAA begins at 0.6.
    eyes_light: float = 0.4
    sharpness: float = 0.025  # measured: between a blur that leaves 0.94 and one that leaves 0.87
    face_share: float = 0.85  # assumed: of the shorter side; beyond it the chin leaves the picture
    second_face: float = 0.6  # assumed: somebody behind is smaller than this part of the first
    presence: float = 0.5  # assumed: the mesh itself doubts that this is a face
    # Assumed, a little beyond what was measured: faces that turned by up to 16° and nodded by
    # -10° … +21° (the mesh sees a level face at about 4°) were recognised.
    yaw_deg: float = 25.0
    level_pitch_deg: float = 4.0
    pitch_deg: float = 25.0
    roll_deg: float = 30.0  # assumed: alignment takes the roll away, sitting people are level
    # Measured: darkened to a mean of 28 likeness is 0.94, to 19 it is 0.89. The noise of a camera
    # in the dark was not part of that.
    darkest_mean: float = 28.0
    dark_share: float = 0.4  # assumed
    # Measured: faces with up to 0.44 burnt out, or a mean of 224, were recognised; brighter ones
    # keep a likeness of 0.4 … 0.6 only.
    bright_share: float = 0.45
    brightest_mean: float = 228.0
    least_deviation: float = 12.0  # assumed, a little under what was recognised (14)


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured on one look; angles in degrees, light in grey values."""

    eyes_px: float
    eyes_open: float  # of the wider eye: gap between the lids over its length
    eyes_light: float  # of the lighter eye: its mean grey over that of the cheek below
    face_share: float
    presence: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    sharpness: float  # variance of the Laplacian over variance of the face: contrast cancels
    mean: float
    deviation: float
    dark_share: float
    bright_share: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Fit, or the one thing to say to the person."""

    hint: Hint | None

    @property
    def fit(self) -> bool:
        return self.hint is None


def measure(grey: Grey, face: Face, landmarks: Landmarks, aligned: Grey) -> Measures:
    """Measure one face of a picture; `aligned` is its 112 × 112 crop."""
    five = landmarks.five
    across = landmarks.points[RIGHT_EDGE] - landmarks.points[LEFT_EDGE]
    down = landmarks.points[CHIN] - landmarks.points[FOREHEAD]
    eyes = five[1] - five[0]
    inner = aligned[INNER].astype(np.float32)
    variance = float(inner.var())
    edges = cv2.Laplacian(aligned, cv2.CV_32F)[INNER]
    return Measures(
        eyes_px=float(np.hypot(*eyes)),
        eyes_open=max(_open(landmarks.points, *eye) for eye in LIDS),
        eyes_light=eyes_light(aligned),
        face_share=face.size / min(grey.shape),
        presence=landmarks.presence,
        yaw_deg=_out_of_plane_deg(across),
        pitch_deg=_out_of_plane_deg(down),
        roll_deg=float(np.degrees(np.arctan2(eyes[1], eyes[0]))),
        sharpness=float(edges.var()) / max(variance, 1.0),
        mean=float(inner.mean()),
        deviation=variance**0.5,
        dark_share=float((inner < DARK).mean()),
        bright_share=float((inner > BRIGHT).mean()),
    )


def eyes_light(aligned: Grey) -> float:
    """How light the lighter eye of an aligned face is, beside the cheek below it."""
    return max(
        float(aligned[eye].mean()) / max(float(aligned[cheek].mean()), 1.0)
        for eye, cheek in EYES_AND_CHEEKS
    )


def judge_faces(faces: Sequence[Face], limits: QualityLimits) -> Quality:
    """Is there one face, or one that is clearly the nearest? `faces` come the largest first."""
    if not faces:
        return Quality(Hint.NO_FACE)
    if len(faces) > 1 and faces[1].size > limits.second_face * faces[0].size:
        return Quality(Hint.ONE_PERSON_ONLY)
    return Quality(None)


def judge(measures: Measures, limits: QualityLimits) -> Quality:
    """The first thing that is wrong with a look; what is not a number is wrong too."""
    pitch = measures.pitch_deg - limits.level_pitch_deg
    rows = (
        (Hint.NO_FACE, measures.presence >= limits.presence),
        (Hint.CLOSER, measures.eyes_px >= limits.eyes_px),
        (Hint.FARTHER, measures.face_share <= limits.face_share),
        (Hint.MORE_LIGHT, measures.mean >= limits.darkest_mean),
        (Hint.MORE_LIGHT, measures.dark_share <= limits.dark_share),
        (Hint.LESS_LIGHT, measures.mean <= limits.brightest_mean),
        (Hint.LESS_LIGHT, measures.bright_share <= limits.bright_share),
        (Hint.MORE_LIGHT, measures.deviation >= limits.least_deviation),
        (Hint.LOOK_HERE, abs(measures.yaw_deg) <= limits.yaw_deg),
        (Hint.LOOK_HERE, abs(pitch) <= limits.pitch_deg),
        (Hint.LOOK_HERE, abs(measures.roll_deg) <= limits.roll_deg),
        (Hint.LOOK_HERE, measures.eyes_open >= limits.eyes_open),
        (Hint.LOOK_HERE, measures.eyes_light >= limits.eyes_light),
        (Hint.HOLD_STILL, measures.sharpness >= limits.sharpness),
    )
    return Quality(next((hint for hint, well in rows if not well), None))


def _out_of_plane_deg(line: Reals) -> float:
    return float(np.degrees(np.arctan2(line[2], np.hypot(line[0], line[1]))))


def _open(points: Reals, upper: int, lower: int, left: int, right: int) -> float:
    gap = float(np.linalg.norm(points[upper] - points[lower]))
    return gap / max(float(np.linalg.norm(points[left] - points[right])), 1e-6)
