"""Whole pipelines, ours and its peers: how long a frame takes, how long the embedding alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from contest.decisions import COSINE, DISTANCE, ErrorRow, Found, error_rows
from contest.engine_race import FACES
from contest.environment import Environment, released
from contest.galleries import card_photos, face_sets
from contest.gathering import gathered
from contest.goals import IN_FP32, SAME_WEIGHTS, SHIPPED
from contest.pictures import colour_picture, frame_with_face
from contest.ring import OURS, ROOT, Contestant, Entry, contestants, race
from contest.standings import Ratio, Standing, cpu_ratio_of, ratio_of, standings
from firmware.match.runtime import models_folder

STAGE = "contest.pipelines:Stage"
US, OPENCV, OPENCV4, DLIB = "ours", "OpenCV", "OpenCV 4", "dlib"
CALLS = 3
BORDERS = {US: 0.26, OPENCV: 0.26, DLIB: 0.0}
"""Grey around the tight public crops, in parts of their height: what each does better with.

Measured: with it dlib's detector loses faces that it finds without. OpenCV's loses some too (2.3 %
against 0.4 % of LFW-grey), and yet errs less with it: 5.1 % and 2.0 % against 6.4 % and 4.5 % on
NUAA with one frame and with five."""
PARTS = {
    "whole frame": ("whole", (US, OPENCV, OPENCV4, DLIB)),
    "embedding, all that a face is embedded with": ("embed", (US, OPENCV, OPENCV4, DLIB)),
    f"{SAME_WEIGHTS}, {SHIPPED}": ("embed_same_weights", (US, OPENCV, OPENCV4)),
    f"{SAME_WEIGHTS}, {IN_FP32}": ("embed_in_fp32", (US, OPENCV, OPENCV4)),
}
TEMPLATE_MODULES = ("align", "compare", "detect", "networks", "quality", "runtime", "template")
PACKAGES = {OPENCV: "opencv-python-headless", DLIB: "dlib-bin"}
SCORINGS = {US: COSINE, OPENCV: COSINE, DLIB: DISTANCE}


@dataclass(frozen=True, slots=True)
class PipelineTable:
    """One part of the work, on one thread each."""

    part: str
    rounds: int
    standings: list[Standing]
    ours_to_each: dict[str, Ratio]
    """Our time as a share of each peer's, in the same rounds."""
    ours_to_each_cpu: dict[str, Ratio]
    absent: dict[str, str]


def pipeline_entries(environment: Environment) -> list[Entry]:
    """Who takes part. OpenCV gets the very files that we ship (the published SFace file, weights
    quantised in blocks, is one that its FaceRecognizerSF 5.0 does not load)."""
    models = models_folder()
    ours = {"pipeline": "contest.ours:Ours", "models": str(models)}
    return [
        Entry(US, OURS, STAGE, ours),
        opencv_entry(OPENCV, environment),
        Entry(DLIB, environment.python, STAGE, {"pipeline": "contest.pipelines:Dlib"}),
    ]


def opencv_entry(name: str, environment: Environment) -> Entry:
    """OpenCV's face modules, of the release that this environment has."""
    models = models_folder()
    arguments = {
        "pipeline": "contest.pipelines:OpenCv",
        "detector": str(models / "face-detector" / "yunet.onnx"),
        "recogniser": str(models / "face-embedder" / "sface.onnx"),
    }
    return Entry(name, environment.python, STAGE, arguments)


def portrait() -> Path:
    """The face of the timed frame: of the six portraits that the simulation is built with."""
    return FACES / "person_a_2.png"


def pipeline_tables(
    environment: Environment, opencv4: Environment, rounds: int, work: Path
) -> Iterator[PipelineTable]:
    """A whole frame (480 × 640, one face), the embedding alone, and that on the same weights."""
    work.mkdir(parents=True, exist_ok=True)
    frame = work / "frame.png"
    cv2.imwrite(str(frame), frame_with_face(colour_picture(portrait())))
    entries = [*pipeline_entries(environment), opencv_entry(OPENCV4, opencv4)]
    with contestants(entries, 1) as (present, absent):
        for contestant in present:
            contestant.call("stage", path=str(frame))
        for part, (method, names) in PARTS.items():
            running = [each for each in present if each.name in names]
            found = race(running, method, rounds, CALLS)
            peers = [each.name for each in running if each.name != US]
            yield PipelineTable(
                part,
                rounds,
                standings(found),
                {peer: ratio_of(found, US, peer) for peer in peers},
                {peer: cpu_ratio_of(found, US, peer) for peer in peers},
                absent,
            )


def pipeline_errors(
    environment: Environment, faces: Path, people: int, work: Path
) -> Iterator[ErrorRow]:
    """Error rates of all pipelines on the user's faces."""
    for chosen in face_sets(faces, people):
        print(f"{chosen.name}: {len(chosen.pictures)} pictures of {len(chosen.people)} people")
        photos = list(card_photos(chosen.pictures, work / "photos" / chosen.folder.name))
        live = [picture.path for picture in chosen.pictures]
        found = {}
        with contestants(pipeline_entries(environment), 1) as (present, _):
            for each in present:
                found[each.name] = (
                    _templates(each, live, "probe", work),
                    _templates(each, photos, "reference", work),
                )
        yield from error_rows(chosen, found, SCORINGS)


def _templates(contestant: Contestant, paths: list[Path], role: str, work: Path) -> Found:
    name = contestant.name
    kept = work / "templates" / f"{name}-{_version(name)}-{role}.npz"
    return gathered(contestant, paths, role, BORDERS[name], kept)


def _version(name: str) -> str:
    """What a template hangs on: of ours code and cards, of a peer its release (and our weights)."""
    if name == US:
        files = [ROOT / "firmware" / "match" / f"{module}.py" for module in TEMPLATE_MODULES]
        files += sorted((ROOT / "models").glob("*/card.toml"))
        content = b"".join(path.read_bytes() for path in files)
        return hashlib.sha256(content).hexdigest()[:12]
    return released(PACKAGES[name])
