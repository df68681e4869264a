"""The public faces that accuracy is measured on: their names, sessions, and borders.

Research data that is not ours to give away: a folder that the user has (`FACES=DIR`).

    DIR/lfw-grey/NAME_0001.jpg                     Labeled Faces in the Wild, tight grey crops
    DIR/nuaa/live/ID_glasses_place_SESSION_FRAME.jpg   NUAA, colour crops of several sessions
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from firmware.match.networks import Grey, grey_of

BORDER = 0.26  # of the height: the crops are too tight for a detector
BORDER_GREY = 127


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of one person; pictures of one session were taken together."""

    path: Path
    person: str
    session: str

    def read(self) -> Grey:
        """The crop in grey, as it is."""
        pixels = cv2.imread(str(self.path))
        if pixels is None:
            raise SystemExit(f"{self.path} is no picture")
        return grey_of(np.asarray(pixels, np.uint8))


def with_border(crop: Grey) -> Grey:
    """The crop with room around it, as a camera or a card photo would have."""
    width = round(BORDER * crop.shape[0])
    sides = (width, width, width, width)
    bordered = cv2.copyMakeBorder(crop, *sides, cv2.BORDER_CONSTANT, value=(BORDER_GREY,))
    return np.asarray(bordered, np.uint8)


def read_lfw(faces: Path, people: int) -> dict[str, list[Picture]]:
    """Pictures of each person by name; a few hundred people more or less, in alphabetical order.

    Each picture is a session of its own: they were taken at different events.
    """
    by_person: dict[str, list[Picture]] = defaultdict(list)
    for path in sorted((faces / "lfw-grey").glob("*.jpg")):
        person, number = path.stem.rsplit("_", 1)
        by_person[person].append(Picture(path, person, number))
    every = max(1, len(by_person) // max(1, people))
    return dict(list(by_person.items())[::every])


def read_nuaa(faces: Path) -> list[Picture]:
    """All live pictures."""
    paths = sorted((faces / "nuaa" / "live").glob("*.jpg"))
    parts = [(path, path.stem.split("_")) for path in paths]
    return [Picture(path, names[0], names[3]) for path, names in parts]
