"""Networks that are drawn, not trained: their outputs say what was drawn into them."""

from __future__ import annotations

import numpy as np

from firmware.match.detect import STRIDES
from firmware.match.networks import DETECTOR_SIDE, Grey, Layout, Reals

Outputs = dict[str, Reals]


def nothing_seen() -> Outputs:
    outputs: Outputs = {}
    for stride in STRIDES:
        cells = (DETECTOR_SIDE // stride) ** 2
        for name, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{name}_{stride}"] = np.zeros((1, cells, width), np.float32)
    return outputs


def draw(outputs: Outputs, stride: int, box: Reals, points: Reals, score: float) -> None:
    """Write one face as the network would: at the cell of its centre."""
    centre = (box[:2] + box[2:]) / 2 / stride
    column, row = (int(value) for value in centre)
    cell = row * (DETECTOR_SIDE // stride) + column
    outputs[f"cls_{stride}"][0, cell] = outputs[f"obj_{stride}"][0, cell] = score
    size = np.log((box[2:] - box[:2]) / stride)
    outputs[f"bbox_{stride}"][0, cell] = np.concatenate([centre - [column, row], size])
    outputs[f"kps_{stride}"][0, cell] = (points / stride - [column, row]).reshape(-1)


class BrightSpots:
    """Networks that see a face wherever there is a bright square, and its mesh on its pixels."""

    layout = Layout.YUNET

    def detect(self, canvas: Grey) -> Outputs:
        outputs = nothing_seen()
        rows, columns = np.nonzero(canvas > 200)
        if rows.size:
            box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            eyes = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
            points = box[:2] + eyes * (box[2:] - box[:2])
            draw(outputs, 16, box.astype(np.float32), points.astype(np.float32), 0.9)
        return outputs

    def landmarks(self, view: Grey) -> tuple[Reals, float]:
        rows, columns = np.nonzero(view > 200)
        middle = [columns.mean(), rows.mean(), 0.0]
        return np.tile(np.array(middle, np.float32), (468, 1)), float(rows.size / view.size)

    def embed(self, face: Grey) -> Reals:
        return np.resize(face.reshape(-1).astype(np.float32), 128)
