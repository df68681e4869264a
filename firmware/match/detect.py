"""Where the faces are in a picture, and where on a face its points are.

Alignment decides more than the embedder: with the face mesh's points in place of the detector's,
FNMR fell from 12.4 % to 1.7 % (benchmarks/results/quality.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.match import blazeface
from firmware.match.align import warp
from firmware.match.networks import (
    DETECTOR_SIDE,
    MESH_SIDE,
    Candidates,
    DetectorOutputs,
    FaceNetworks,
    Grey,
    Layout,
    Reals,
)

STRIDES = (8, 16, 32)  # YuNet looks in cells of these sizes
LEAST_SCORE = 0.6
GREATEST_OVERLAP = 0.3  # intersection over union, beyond which two boxes are one face
MESH_MARGIN = 1.5  # measured: 1.25 is clearly worse
LARGEST_LOG_SIZE = 6.0  # e⁶ cells are more than the picture; keeps exp() from overflowing
FARTHEST = 10.0  # sides of a network's picture: a face that lies beyond is rubbish

# Points of the 468-point mesh; left and right as seen in the picture.
LEFT_EYE, RIGHT_EYE = [33, 133, 159, 145], [362, 263, 386, 374]
NOSE_TIP = [1, 4]
LEFT_MOUTH, RIGHT_MOUTH = [61, 78], [291, 308]
LEFT_EDGE, RIGHT_EDGE, FOREHEAD, CHIN = 234, 454, 10, 152  # where the face ends


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A detected face: `box` x0, y0, x1, y1 and `points` 5 × 2, in pixels of the picture."""

    box: Reals
    score: float
    points: Reals  # eyes, nose, corners of the mouth, as the detector sees them

    @property
    def size(self) -> float:
        """The longer side of the box in pixels."""
        return float(max(self.box[2] - self.box[0], self.box[3] - self.box[1]))

    def scaled(self, ratio: float) -> Face:
        """The same face in a picture so many times larger."""
        scale = np.float32(ratio)
        return Face(self.box * scale, self.score, self.points * scale)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Landmarks:
    """The mesh of one face: 468 × 3 in pixels of the picture; z grows away from the camera."""

    points: Reals
    presence: float  # 0 … 1: how surely the mesh saw a face

    def __repr__(self) -> str:
        return f"Landmarks({len(self.points)} points)"

    @property
    def five(self) -> Reals:
        """The five points of alignment, 5 × 2."""
        groups = (LEFT_EYE, RIGHT_EYE, NOSE_TIP, LEFT_MOUTH, RIGHT_MOUTH)
        return np.stack([self.points[group, :2].mean(axis=0) for group in groups])


def letterbox(grey: Grey, side: int = DETECTOR_SIDE) -> tuple[Grey, float]:
    """The picture in the upper left corner of a black square, and the ratio it was scaled by."""
    ratio = side / max(grey.shape)
    height, width = (max(1, round(length * ratio)) for length in grey.shape)
    way = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((side, side), np.uint8)
    canvas[:height, :width] = cv2.resize(grey, (width, height), interpolation=way)
    return canvas, ratio


def yunet_candidates(outputs: DetectorOutputs) -> Candidates:
    """What YuNet saw, in pixels of its picture.

    In each cell: the score is √(cls·obj); the box's centre is the cell plus an offset, its size an
    exponential, both in strides; the five points are offsets from the cell.
    """
    boxes, scores, points = [], [], []
    for stride in STRIDES:
        cells = _cells(DETECTOR_SIDE // stride)
        cls, obj = outputs[f"cls_{stride}"].reshape(-1), outputs[f"obj_{stride}"].reshape(-1)
        score = np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1))
        found = score >= LEAST_SCORE
        raw = outputs[f"bbox_{stride}"].reshape(-1, 4)[found]
        centre = (cells[found] + raw[:, :2]) * stride
        half = np.exp(np.minimum(raw[:, 2:], LARGEST_LOG_SIZE)) * stride / 2
        offsets = outputs[f"kps_{stride}"].reshape(-1, 5, 2)[found]
        boxes.append(np.hstack([centre - half, centre + half]))
        points.append((offsets + cells[found][:, None]) * stride)
        scores.append(score[found])
    return Candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(points))


HEADS: Final[Mapping[Layout, tuple[int, Callable[[DetectorOutputs], Candidates]]]] = {
    Layout.YUNET: (DETECTOR_SIDE, yunet_candidates),
    Layout.BLAZEFACE: (blazeface.SIDE, blazeface.candidates),
}


def decode_faces(
    outputs: DetectorOutputs, ratio: float, layout: Layout = Layout.YUNET
) -> list[Face]:
    """Faces in a detector's raw outputs, the largest first; `ratio` leads back to the picture."""
    side, candidates = HEADS[layout]
    boxes, scores, points = candidates(outputs)
    farthest = np.abs(np.hstack([boxes, points.reshape(-1, 10)])).max(axis=1, initial=0)
    seen = farthest <= FARTHEST * side  # what is no number is nowhere
    boxes, scores, points = boxes[seen], scores[seen], points[seen]
    kept = _without_overlaps(boxes, scores)
    faces = [Face(boxes[i] / ratio, float(scores[i]), points[i] / ratio) for i in kept]
    return sorted(faces, key=lambda face: face.size, reverse=True)


def find_faces(networks: FaceNetworks, grey: Grey) -> list[Face]:
    """All faces in a picture, the largest first."""
    side, _ = HEADS[networks.layout]
    canvas, ratio = letterbox(grey, side)
    return decode_faces(networks.detect(canvas), ratio, networks.layout)


def place_landmarks(networks: FaceNetworks, grey: Grey, face: Face) -> Landmarks:
    """The mesh of a detected face, looked at in a square that is level with its eyes."""
    matrix = mesh_view(face)
    points, presence = networks.landmarks(warp(grey, matrix, MESH_SIDE))
    back = cv2.invertAffineTransform(matrix)
    in_picture = points[:, :2] @ back[:, :2].T + back[:, 2]
    depth = points[:, 2:] * float(np.hypot(back[0, 0], back[1, 0]))
    if not (np.abs(points) <= FARTHEST * MESH_SIDE).all():
        return Landmarks(np.zeros_like(points), 0.0)  # a mesh of no numbers has seen no face
    return Landmarks(np.hstack([in_picture, depth]).astype(np.float32), presence)


def mesh_view(face: Face) -> Reals:
    """The 2 × 3 matrix from the picture to the mesh's view of this face."""
    centre = (face.box[:2] + face.box[2:]) / 2
    scale = MESH_SIDE / max(MESH_MARGIN * face.size, 1.0)
    across = face.points[1] - face.points[0]
    roll = np.arctan2(across[1], across[0])
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.hstack([turn, (MESH_SIDE / 2 - turn @ centre)[:, None]]).astype(np.float32)


def _cells(across: int) -> Reals:
    rows, columns = np.divmod(np.arange(across * across), across)
    return np.stack([columns, rows], axis=1).astype(np.float32)


def _without_overlaps(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> list[int]:
    """Indices of the best-scored box of each face (greedy non-maximum suppression)."""
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left = np.argsort(-scores, kind="stable")
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        left = left[shared <= GREATEST_OVERLAP * (areas[best] + areas[left] - shared)]
    return kept
