"""The faces that error rates are counted on: the user's own folder, and its pictures as cards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from contest.pictures import colour_picture
from firmware.match.evaluation.card_photos import CardPhoto, read_back
from firmware.match.evaluation.face_folders import FaceSet, Picture, read_faces
from firmware.match.networks import grey_of

STORED = CardPhoto()


def face_sets(faces: Path, people: int) -> Iterator[FaceSet]:
    """Every set in the folder, of each about so many people at most, evenly over the alphabet."""
    for whole in read_faces(faces).sets:
        everybody = sorted(whole.people)
        every = max(1, len(everybody) // people)
        yield whole.only(frozenset(everybody[::every]))


def card_photos(pictures: tuple[Picture, ...], folder: Path) -> Iterator[Path]:
    """Each picture as the chip would give it back, a PNG in `folder`; those there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        path = folder / f"{picture.path.stem}.png"
        if not path.exists():
            grey = grey_of(colour_picture(picture.path))
            cv2.imwrite(str(path), read_back(STORED.store(grey)))
        yield path
