"""What the passive cue of presentation-attack detection tells of NUAA's live faces and prints.

People are left out one after the other: nobody's score comes from weights that saw that person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from regression import regression

from firmware.match.detect import find_faces, place_landmarks
from firmware.match.networks import FaceNetworks, grey_of
from firmware.match.pad_card import TextureWeights
from firmware.match.pad_texture import texture

BORDER = 0.26
"""Grey border given to a tight crop before detection, in its sides."""
FITTED_ON = "NUAA: live faces and photographed prints of seven people"


@dataclass(frozen=True, slots=True)
class Prints:
    """Measures of all pictures (n × 3), whether each is live, and whose it is."""

    rows: NDArray[np.float64]
    live: NDArray[np.bool_]
    person: NDArray[np.int_]


def read_prints(faces: Path, networks: FaceNetworks) -> Prints:
    """Measure NUAA's crops under `faces`/nuaa."""
    rows, live, person = [], [], []
    for kind in ("live", "print"):
        for path in sorted((faces / "nuaa" / kind).glob("*.jpg")):
            for row in _measured(path, networks):
                rows.append(row)
                live.append(kind == "live")
                person.append(int(path.name.split("_")[0]))
    return Prints(np.array(rows), np.array(live), np.array(person))


def fit(rows: NDArray[np.float64], live: NDArray[np.bool_]) -> TextureWeights:
    """The weights that tell these from those."""
    found = regression(rows, live)
    return TextureWeights(
        mean=_three(found.mean),
        spread=_three(found.spread),
        weight=_three(found.weight),
        constant=round(found.constant, 4),
        fitted_on=FITTED_ON,
    )


def scores(rows: NDArray[np.float64], weights: TextureWeights) -> NDArray[np.float64]:
    """Log-odds of each picture."""
    scaled = (rows - np.array(weights.mean)) / np.array(weights.spread)
    return np.asarray(scaled @ np.array(weights.weight) + weights.constant)


def left_out_scores(prints: Prints) -> NDArray[np.float64]:
    """The score of each picture by weights fitted on the other people."""
    result = np.zeros(len(prints.live))
    for person in np.unique(prints.person):
        theirs = prints.person == person
        weights = fit(prints.rows[~theirs], prints.live[~theirs])
        result[theirs] = scores(prints.rows[theirs], weights)
    return result


def _measured(path: Path, networks: FaceNetworks) -> Iterator[tuple[float, float, float]]:
    picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
    edge = round(BORDER * picture.shape[0])
    bordered = cv2.copyMakeBorder(
        picture, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(128, 128, 128)
    )
    grey = grey_of(np.asarray(bordered, np.uint8))
    for face in find_faces(networks, grey)[:1]:
        five = place_landmarks(networks, grey, face).five - np.float32(edge)
        yield texture(picture, five).row


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = (round(float(value), 4) for value in values)
    return first, second, third
