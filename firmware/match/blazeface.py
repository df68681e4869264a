"""How BlazeFace (MediaPipe, short range) says where faces are: 896 anchors, six points each.

Source: face_detection_short_range.tflite and the options of its anchors and decoding in MediaPipe's
modules/face_detection.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from firmware.match.networks import Candidates, DetectorOutputs, Reals

SIDE: Final = 128
STRIDES: Final = ((8, 2), (16, 6))  # size of a cell, anchors in it; all of one size, one cell's
LEAST_LOGIT: Final = 0.0  # a face as likely as not
# The order of the six: eyes, tip of the nose, middle of the mouth, ears; left as in the picture.
EYES_NOSE_MOUTH: Final = [0, 1, 2, 3, 3]


def candidates(outputs: DetectorOutputs) -> Candidates:
    """Every anchor that sees a face, in pixels of the 128 × 128 picture.

    Box and points are offsets from the anchor's centre in pixels. The corners of the mouth are its
    middle twice: nothing else is known of them.
    """
    logits = outputs["classificators"].reshape(-1)
    found = logits >= LEAST_LOGIT
    values = outputs["regressors"].reshape(-1, 8, 2)[found]
    centres = _anchors()[found]
    middle, half = values[:, 0] + centres, values[:, 1] / 2
    return Candidates(
        boxes=np.hstack([middle - half, middle + half]),
        scores=np.reciprocal(1 + np.exp(-logits[found])).astype(np.float32),
        points=values[:, 2:][:, EYES_NOSE_MOUTH] + centres[:, None],
    )


def _anchors() -> Reals:
    layers = []
    for stride, count in STRIDES:
        rows, columns = np.divmod(np.arange((SIDE // stride) ** 2), SIDE // stride)
        centres = (np.stack([columns, rows], axis=1) + 0.5) * stride
        layers.append(np.repeat(centres, count, axis=0))
    return np.concatenate(layers).astype(np.float32)
