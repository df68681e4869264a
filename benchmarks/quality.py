"""How small, blurred, dark or turned may a face be, and what do our choices bring? On NUAA.

The evidence for the limits of `firmware.match.quality`: the same picture made worse, its likeness
to itself as it was, and how many looks are refused. And what each choice of the pipeline is worth,
by leaving it out. Run: make bench-quality FACES=DIR; it writes benchmarks/results/quality.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware.faults import EvaluationRefused
from firmware.match.align import aligned_face
from firmware.match.compare import LookRule
from firmware.match.detect import find_faces, place_landmarks
from firmware.match.evaluation.card_photos import CardPhoto, read_back, with_border
from firmware.match.evaluation.face_folders import Picture, read_faces
from firmware.match.evaluation.measuring import BORDER, read_picture
from firmware.match.networks import FaceNetworks, Grey
from firmware.match.quality import Measures, QualityLimits, judge, measure
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.template import FaceTemplate, compare, embed, fuse

EVERY = 4  # pictures: the frames of a session are much alike
WANTED_FMR = 1e-3  # what 27 000 pairs of seven people can still tell


@dataclass(frozen=True, slots=True)
class Seen:
    """One look, whatever its quality."""

    measures: Measures
    template: FaceTemplate
    mirrored: FaceTemplate
    by_detector: FaceTemplate  # aligned to the detector's own five points


def read_nuaa(faces: Path) -> list[Picture]:
    """Its live pictures."""
    return [picture for each in read_faces(faces / "nuaa").sets for picture in each.pictures]


def live(picture: Picture) -> Grey:
    """As a camera would see the person."""
    return with_border(_pixels(picture), BORDER)


def on_card(picture: Picture) -> Grey:
    """As a chip would give the picture back."""
    return with_border(read_back(CardPhoto().store(_pixels(picture))), BORDER)


def _pixels(picture: Picture) -> Grey:
    grey = read_picture(picture.path)
    if grey is None:
        raise SystemExit(f"{picture.path} is no picture")
    return grey


def see(networks: FaceNetworks, grey: Grey) -> Seen | None:
    """Look as the device does, but refuse nothing."""
    faces = find_faces(networks, grey)
    if not faces:
        return None
    landmarks = place_landmarks(networks, grey, faces[0])
    face = aligned_face(grey, landmarks.five)
    return Seen(
        measures=measure(grey, faces[0], landmarks, face),
        template=embed(networks, face),
        mirrored=embed(networks, np.ascontiguousarray(face[:, ::-1])),
        by_detector=embed(networks, aligned_face(grey, faces[0].points)),
    )


def smaller(width: int) -> Callable[[Grey], Grey]:
    def change(grey: Grey) -> Grey:
        height = round(grey.shape[0] * width / grey.shape[1])
        return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    return change


def blurred(pixels: float) -> Callable[[Grey], Grey]:
    return lambda grey: np.asarray(cv2.GaussianBlur(grey, (0, 0), pixels), np.uint8)


def brighter(factor: float) -> Callable[[Grey], Grey]:
    return lambda grey: (grey * factor).clip(0, 255).astype(np.uint8)


WORSE: dict[str, Callable[[Grey], Grey]] = {
    "as it is": lambda grey: grey,
    **{f"{width} px wide": smaller(width) for width in (240, 160, 120, 90, 70, 50)},
    **{f"blurred by {pixels} px": blurred(pixels) for pixels in (1, 2, 3, 4, 6)},
    **{f"light × {factor}": brighter(factor) for factor in (0.1, 0.2, 0.35, 0.6, 1.6, 2.5, 4)},
}


def degradation(networks: FaceNetworks, pictures: list[Picture]) -> list[str]:
    """A table: the same pictures, made worse one way at a time."""
    limits = QualityLimits()
    originals = [live(picture) for picture in pictures]
    whole = [see(networks, grey) for grey in originals]
    # Nothing is said of pictures in which the detector finds no face: they count as refused.
    rows = [
        "| picture | eyes apart, px | sharpness | mean grey | likeness: median | 5 % | refused |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, change in WORSE.items():
        seen = [see(networks, change(grey)) for grey in originals]
        pairs = [(a, b) for a, b in zip(seen, whole, strict=True) if a and b]
        alike = [compare(a.template, b.template) for a, b in pairs]
        measures = [a.measures for a, _ in pairs]
        refused = len(seen) - sum(judge(each, limits).fit for each in measures)
        eyes, sharpness, mean = (
            np.median([getattr(each, what) for each in measures])
            for what in ("eyes_px", "sharpness", "mean")
        )
        rows.append(
            f"| {name} | {eyes:.0f} | {sharpness:.3f} | {mean:.0f} | {np.median(alike):.3f} "
            f"| {np.quantile(alike, 0.05):.3f} | {refused / len(seen):.0%} |"
        )
    return rows


def spread(networks: FaceNetworks, pictures: list[Picture]) -> list[str]:
    """A table: what is measured on pictures that are all recognised."""
    seen = [see(networks, live(picture)) for picture in pictures]
    measures = [each.measures for each in seen if each]
    rows = ["| measure | least | 5 % | median | 95 % | most |", "|---|---|---|---|---|---|"]
    for name in Measures.__slots__:
        values = [getattr(each, name) for each in measures]
        cells = (f"{value:.3g}" for value in np.quantile(values, (0, 0.05, 0.5, 0.95, 1)))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def choices(networks: FaceNetworks, pictures: list[Picture]) -> list[str]:
    """A table: FNMR across sessions with one part of the pipeline replaced."""
    live_looks = [see(networks, live(picture)) for picture in pictures]
    card = [see(networks, on_card(picture)) for picture in pictures]
    both = [(p, a, b) for p, a, b in zip(pictures, live_looks, card, strict=True) if a and b]
    ways: dict[str, Callable[[Seen], FaceTemplate]] = {
        "as shipped": lambda seen: seen.template,
        "aligned to the detector's five points": lambda seen: seen.by_detector,
        "mean of the face and its mirror image": lambda seen: fuse([seen.template, seen.mirrored]),
    }
    rows = ["| | FNMR, 1 frame | FNMR, 5 frames |", "|---|---|---|"]
    for name, way in ways.items():
        templates = [(way(a), way(b)) for _, a, b in both]
        owners = [picture for picture, _, _ in both]
        one = _fnmr(
            owners, [each for each, _ in templates], owners, [each for _, each in templates]
        )
        fused_owners, fused = _fused(owners, [each for each, _ in templates])
        five = _fnmr(fused_owners, fused, owners, [each for _, each in templates])
        rows.append(f"| {name} | {one:.2%} | {five:.2%} |")
    return rows


def _fused(
    owners: list[Picture], templates: list[FaceTemplate]
) -> tuple[list[Picture], list[FaceTemplate]]:
    random = np.random.default_rng(0)
    sessions: dict[tuple[str, str], list[int]] = {}
    for index, picture in enumerate(owners):
        sessions.setdefault((picture.person, picture.session), []).append(index)
    chosen = [
        (owners[members[0]], random.permutation(members)[: LookRule().at_most])
        for members in sessions.values()
        for _ in range(20)
    ]
    return [owner for owner, _ in chosen], [fuse([templates[i] for i in few]) for _, few in chosen]


def _fnmr(
    probe_owners: list[Picture],
    probes: list[FaceTemplate],
    card_owners: list[Picture],
    cards: list[FaceTemplate],
) -> float:
    def column(pictures: list[Picture], what: str) -> NDArray[np.str_]:
        return np.array([getattr(picture, what) for picture in pictures])

    scores = np.stack([t.values for t in probes]) @ np.stack([t.values for t in cards]).T
    same = column(probe_owners, "person")[:, None] == column(card_owners, "person")
    apart = column(probe_owners, "session")[:, None] != column(card_owners, "session")
    threshold = np.quantile(scores[~same], 1 - WANTED_FMR)
    return float((scores[same & apart] < threshold).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="folder with nuaa/")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    networks, pictures = OnnxNetworks(models_folder()), read_nuaa(arguments.faces)
    few = pictures[::EVERY]
    page = [
        "# What makes a look fit, and what our choices bring\n",
        f"Written by `make bench-quality`: {len(few)} of {len(pictures)} live pictures of seven "
        "people (NUAA), with a grey border. Likeness: cosine to the same picture as it was.\n",
        *degradation(networks, few),
        "\nMeasured on all of them as they are (limits that are assumed lie a little beyond):\n",
        *spread(networks, pictures),
        f"\nAcross sessions, reference from 5 kB of JPEG 2000, at FMR {WANTED_FMR:g} each:\n",
        *choices(networks, pictures),
    ]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "quality.md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except EvaluationRefused as fault:
        sys.exit(str(fault))
