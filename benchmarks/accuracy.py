"""How often is a stranger accepted, a patient refused? Run: make bench-accuracy FACES=DIR

The shipped pipeline, end to end: a reference from a grey JPEG 2000 of 5 kB as on a chip, live
pictures in grey, quality limits, fusion and the sequential rule of `firmware.match.compare`. It
writes benchmarks/results/accuracy.{md,json,png}, and with `--write-card` the operating point into
models/face-embedder (card.toml and evaluation.md).
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from error_rates import Rates, Trials, rates_at, threshold_for
from face_sets import Picture, read_lfw, read_nuaa, with_border
from numpy.typing import NDArray
from PIL import Image
from report import write_card_and_evaluation, write_report

from firmware.faults import MalformedPhoto
from firmware.match.compare import Comparer, LookRule, fused_in_turn
from firmware.match.jpeg2000 import photo_size
from firmware.match.model_card import OperatingPoint
from firmware.match.networks import Grey
from firmware.match.photo_child import decode
from firmware.match.runtime import OnnxNetworks, models_folder
from firmware.match.template import FaceTemplate

PHOTO_BYTES, PHOTO_WIDTH = 5000, 240
WANTED_FMR = 1e-4
MARGIN = 0.02  # of cosine, on top of the strictest threshold: other faces than these will come
SERIES_OF_A_SESSION = 20
PROGRESS_EVERY = 500


@dataclass
class Looks:
    """Templates of pictures, and what became of the pictures that gave none."""

    pictures: list[Picture] = field(default_factory=list)
    templates: list[FaceTemplate] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def matrix(self) -> NDArray[np.float32]:
        return np.stack([template.values for template in self.templates])


def card_photo(crop: Grey) -> Grey:
    """The picture as a chip would give it back: 240 pixels wide, JPEG 2000 of about 5 kB."""
    height = round(crop.shape[0] * PHOTO_WIDTH / crop.shape[1])
    small = Image.fromarray(
        cv2.resize(crop, (PHOTO_WIDTH, height), interpolation=cv2.INTER_AREA), "L"
    )
    file = io.BytesIO()
    rate = [PHOTO_WIDTH * height / PHOTO_BYTES]
    small.save(file, "JPEG2000", quality_mode="rates", quality_layers=rate, irreversible=True)
    size = photo_size(file.getvalue())
    pixels = decode(file.getvalue())
    return np.frombuffer(pixels, np.uint8).reshape(size.height, size.width)


def references(comparer: Comparer, pictures: list[Picture]) -> Looks:
    """Enrol each picture as the photo of a card."""
    looks = Looks()
    for picture in _with_progress(pictures, "references"):
        try:
            template = comparer.reference(with_border(card_photo(picture.read())))
        except MalformedPhoto:
            looks.refused["no_reference"] += 1
            continue
        looks.pictures.append(picture)
        looks.templates.append(template)
    return looks


def probes(comparer: Comparer, pictures: list[Picture]) -> Looks:
    """Look at each picture as at a frame of the camera."""
    looks = Looks()
    for picture in _with_progress(pictures, "probes"):
        look = comparer.look(with_border(picture.read()))
        if look.template is None:
            looks.refused[str(look.quality.hint)] += 1
            continue
        looks.pictures.append(picture)
        looks.templates.append(look.template)
    return looks


def single_frames(name: str, live: Looks, cards: Looks) -> Trials:
    """Every fit frame by itself against every reference."""
    return _trials(name, [[each] for each in live.matrix()], live.pictures, cards)


def series(name: str, live: Looks, cards: Looks, per_session: int) -> Trials:
    """Whole looks by the sequential rule: a pair's score is the best that the rule would see.

    `per_session` 0: one series of each person, over all pictures that are not the reference's.
    """
    rule = LookRule()
    random = np.random.default_rng(0)
    groups: dict[tuple[str, str], list[int]] = {}
    enrolled = {picture.path for picture in cards.pictures}
    for index, picture in enumerate(live.pictures):
        if per_session:
            groups.setdefault((picture.person, picture.session), []).append(index)
        elif picture.path not in enrolled:
            groups.setdefault((picture.person, ""), []).append(index)
    tries, owners = [], []
    for members in groups.values():
        for _ in range(max(1, per_session)):
            order = random.permutation(members)[: rule.at_most] if per_session else members
            fused = fused_in_turn([live.templates[index] for index in order], rule)
            values = [template.values for _, template in fused]
            if values:
                tries.append(values)
                owners.append(live.pictures[members[0]])
    return _trials(name, tries, owners, cards, sessions=bool(per_session))


def _trials(
    name: str,
    tries: list[list[NDArray[np.float32]]],
    owners: list[Picture],
    cards: Looks,
    sessions: bool = True,
) -> Trials:
    gallery = cards.matrix().T
    scores = np.stack([np.max(np.stack(values) @ gallery, axis=0) for values in tries])
    everybody = sorted({p.person for p in (*owners, *cards.pictures)})
    number = {person: index for index, person in enumerate(everybody)}
    mine = np.array([number[p.person] for p in owners])
    theirs = np.array([number[p.person] for p in cards.pictures])
    same = mine[:, None] == theirs[None]
    my_session = np.array([p.session for p in owners])
    their_session = np.array([p.session for p in cards.pictures])
    apart = my_session[:, None] != their_session[None] if sessions else np.True_
    return Trials(name, scores, same & apart, ~same, mine, theirs)


def _with_progress(pictures: list[Picture], what: str) -> list[Picture]:
    print(f"{time.strftime('%X')} {len(pictures)} {what}", file=sys.stderr, flush=True)
    return pictures


def measure_all(
    comparer: Comparer, faces: Path, people: int
) -> tuple[list[Trials], dict[str, object]]:
    """The four experiments, and how many pictures gave no template (failure to acquire)."""
    nuaa = read_nuaa(faces)
    nuaa_cards, nuaa_live = references(comparer, nuaa), probes(comparer, nuaa)
    lfw = read_lfw(faces, people)
    lfw_cards = references(comparer, [pictures[0] for pictures in lfw.values()])
    everyone = [picture for pictures in lfw.values() for picture in pictures]
    lfw_live = probes(comparer, everyone)
    trials = [
        single_frames("NUAA cross-session, 1 frame", nuaa_live, nuaa_cards),
        series("NUAA cross-session, 3–5 frames", nuaa_live, nuaa_cards, SERIES_OF_A_SESSION),
        single_frames("LFW-grey, 1 picture", lfw_live, lfw_cards),
        series("LFW-grey, 3–5 pictures", lfw_live, lfw_cards, 0),
    ]
    acquired: dict[str, object] = {}
    for name, looks, total in (
        ("NUAA references", nuaa_cards, len(nuaa)),
        ("NUAA frames", nuaa_live, len(nuaa)),
        ("LFW-grey references", lfw_cards, len(lfw)),
        ("LFW-grey pictures", lfw_live, len(everyone)),
    ):
        acquired[name] = {"pictures": total, "refused": dict(looks.refused)}
    return trials, acquired


def operating_point(threshold: float, rates: list[Rates], rule: LookRule) -> OperatingPoint:
    """The card's words: of the experiments with whole looks the worse one, rate by rate."""
    looks = [rate for rate in rates if "3–5" in rate.name]
    by_fmr = max(looks, key=lambda rate: (rate.fmr, rate.impostor_pairs))
    by_fnmr = max(looks, key=lambda rate: rate.fnmr)
    return OperatingPoint(
        id=f"grey-{rule.at_least}to{rule.at_most}-{threshold:.3f}",
        threshold=threshold,
        frames=rule.at_most,
        fmr=float(f"{by_fmr.fmr:.3g}"),
        fmr_upper_95=float(f"{by_fmr.fmr_upper_95:.3g}"),
        fnmr=float(f"{by_fnmr.fnmr:.3g}"),
        fnmr_upper_95=float(f"{by_fnmr.fnmr_upper_95:.3g}"),
        impostor_pairs=by_fmr.impostor_pairs,
        genuine_pairs=by_fnmr.genuine_pairs,
        measured_on=f"FMR: {by_fmr.name}; FNMR: {by_fnmr.name}",
        report="models/face-embedder/evaluation.md",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="folder with lfw-grey/ and nuaa/")
    parser.add_argument("--people", type=int, default=10_000, help="of LFW, at most about so many")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--write-card", action="store_true", help="this becomes the threshold")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    networks = OnnxNetworks(models_folder())
    # The threshold is what this looks for: templates do not depend on it.
    unset = OperatingPoint("unset", 0.999, 1, 0, 0, 0, 0, 0, 0, "", "")
    comparer = Comparer(networks, networks.embedder_card.model_id, unset)
    trials, acquired = measure_all(comparer, arguments.faces, arguments.people)
    found = {each.name: threshold_for(each, WANTED_FMR) for each in trials}
    threshold = round(max(found.values()) + MARGIN, 3)
    rates = [rates_at(each, threshold) for each in trials]
    point = operating_point(threshold, rates, comparer.rule)
    result = {
        "model_id": networks.embedder_card.model_id,
        "model_sha256": networks.embedder_card.sha256,
        "threshold": threshold,
        "margin": MARGIN,
        "wanted_fmr": WANTED_FMR,
        "threshold_at_wanted_fmr": {name: round(value, 4) for name, value in found.items()},
        "rates": [asdict(rate) for rate in rates],
        "acquired": acquired,
        "operating_point": {name: getattr(point, name) for name in point.__struct_fields__},
    }
    write_report(arguments.out, result, trials)
    print(json.dumps(result["operating_point"], indent=2))
    if arguments.write_card:
        write_card_and_evaluation(result)


if __name__ == "__main__":
    main()
