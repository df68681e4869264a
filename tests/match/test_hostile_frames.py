"""Frames that show the right person wrongly, or nobody: the real networks never accept one.

Each is shown five times over, which is more than anybody could do to be taken for somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from firmware.match.compare import Comparer
from firmware.match.detect import find_faces
from firmware.match.networks import Grey, grey_of
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.template import FaceTemplate
from firmware.words import MatchDecision

pytestmark = pytest.mark.stack

HEIGHT, WIDTH, WALL = 960, 1280, 120
PEOPLE = ("person_a", "person_b")


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """Someone's reference, and another picture of the same person, cut to the face."""

    reference: FaceTemplate
    face: Grey


@pytest.fixture(scope="module")
def comparer() -> Comparer:
    networks = OnnxNetworks(models_folder())
    return Comparer(networks, networks.embedder_card.model_id, networks.operating_point)


@pytest.fixture(scope="module")
def portraits(comparer: Comparer, build_dir: Path) -> dict[str, Portrait]:
    networks = OnnxNetworks(models_folder())

    def picture(name: str) -> Grey:
        path = build_dir / "simulation" / "faces" / f"{name}.png"
        return grey_of(np.asarray(cv2.imread(str(path)), np.uint8))

    def cut(grey: Grey) -> Grey:
        left, top, right, bottom = find_faces(networks, grey)[0].box.round().astype(int)
        return grey[max(0, top) : bottom, max(0, left) : right]

    return {
        person: Portrait(comparer.reference(picture(f"{person}_1")), cut(picture(f"{person}_2")))
        for person in PEOPLE
    }


def shown(face: Grey, height: int = 320, x: float = 0.5, y: float = 0.5) -> Grey:
    """A face before a wall, its centre at these shares of the picture; it may reach beyond."""
    width = round(face.shape[1] * height / face.shape[0])
    small = cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA)
    canvas = np.full((HEIGHT + 2 * height, WIDTH + 2 * width), WALL, np.uint8)
    top, left = round(y * HEIGHT + height / 2), round(x * WIDTH + width / 2)
    canvas[top : top + height, left : left + width] = small
    return canvas[height : height + HEIGHT, width : width + WIDTH]


def beside_each_other(faces: list[Grey]) -> Grey:
    return np.hstack([np.asarray(cv2.resize(face, (220, 300)), np.uint8) for face in faces])


def half(face: Grey) -> Grey:
    """The left half of a face; the other is as the wall."""
    covered = face.copy()
    covered[:, face.shape[1] // 2 :] = WALL
    return covered


def frames_of(face: Grey) -> dict[str, Grey]:
    light = shown(face).astype(np.float32)
    return {
        "no face": shown(np.full((8, 8), WALL, np.uint8)),
        "five faces": beside_each_other([face] * 5),
        "half beyond the left edge": shown(face, x=0.0),
        "half beyond the right edge": shown(face, x=1.0),
        "half beyond the upper edge": shown(face, y=0.0),
        "half beyond the lower edge": shown(face, y=1.0),
        "half covered": shown(half(face)),
        "upside down": shown(face[::-1, ::-1]),
        "lying": shown(np.rot90(face)),
        "20 pixels": shown(face, height=20),
        "40 pixels": shown(face, height=40),
        "black": np.zeros((HEIGHT, WIDTH), np.uint8),
        "nearly black": (light * 0.04).astype(np.uint8),
        "white": np.full((HEIGHT, WIDTH), 255, np.uint8),
        "burnt out": np.clip(light * 6, 0, 255).astype(np.uint8),
        "inverted": 255 - shown(face),
        "noise": np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH), np.uint8),
        "a line": np.full((1, 4000), WALL, np.uint8),
        "a pixel": np.full((1, 1), WALL, np.uint8),
    }


FRAMES = tuple(frames_of(np.full((320, 240), WALL, np.uint8)))


def decision(comparer: Comparer, reference: FaceTemplate, frame: Grey) -> MatchDecision:
    look = comparer.look(frame)
    probes = [] if look.template is None else [look.template] * comparer.rule.at_most
    return comparer.compare(reference, probes).decision


@pytest.mark.parametrize("person", PEOPLE)
def test_shown_well_the_person_is_accepted(
    comparer: Comparer, portraits: dict[str, Portrait], person: str
) -> None:
    """Otherwise the frames below would say nothing."""
    portrait = portraits[person]
    made = decision(comparer, portrait.reference, shown(portrait.face))
    assert made is MatchDecision.SAME_PERSON


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", FRAMES)
def test_shown_wrongly_nobody_is_accepted(
    comparer: Comparer, portraits: dict[str, Portrait], person: str, name: str
) -> None:
    portrait = portraits[person]
    made = decision(comparer, portrait.reference, frames_of(portrait.face)[name])
    assert made is not MatchDecision.SAME_PERSON
