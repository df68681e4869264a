"""Calibrates the quantisation of the embedder: on faces, and before its threshold is.

Run: python benchmarks/ranges.py --faces DIR

DIR holds sets of faces as for `kazashi-match evaluate`. A few hundred pictures are aligned as they
are at the desk and go through the network. For each activation that is quantised, the range that
four faces in five stay within is found (wider ones cost more than what is clipped: docs/adr/0013),
then the mean by which quantisation changes each output (bias correction). Both, and nothing of a
single face, are written to models/face-embedder/seen-on-faces.json. Then:
`python models/make_models.py --write-cards`, and benchmarks/calibrate.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from firmware.faults import EvaluationRefused, Fault
from firmware.match.align import aligned_face
from firmware.match.detect import find_faces, place_landmarks
from firmware.match.evaluation.card_photos import with_border
from firmware.match.evaluation.face_folders import FaceSet, read_faces
from firmware.match.evaluation.measuring import border_for, read_picture
from firmware.match.networks import Grey
from firmware.match.processor import this_processor
from firmware.match.runtime import EMBEDDER, OnnxNetworks, models_folder

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))
from graph import Pass  # noqa: E402  (models/ is a folder of programs)
from make_models import RECIPES, SEEN_ON_FACES, Recipe, changed  # noqa: E402
from packages import BuildRefused  # noqa: E402
from quantise import BiasCorrection, Ranges, before_quantising, quantised_form, ranged_tensors  # noqa: E402

WORK: Final = ROOT / "build" / "models"
PICTURES: Final = 300  # of each set, spread over its people
WITHIN: Final = 0.8  # of the faces
DIGITS: Final = 4  # as many as are stored


def aligned(networks: OnnxNetworks, faces: FaceSet) -> Iterator[Grey]:
    """Some of a set's faces, as they would be embedded."""
    border = border_for(networks, faces.pictures)
    for picture in faces.pictures[:: max(1, len(faces.pictures) // PICTURES)]:
        grey = read_picture(picture.path)
        if grey is None:
            continue
        frame = with_border(grey, border.share)
        for face in find_faces(networks, frame)[:1]:
            landmarks = place_landmarks(networks, frame, face)
            yield np.ascontiguousarray(aligned_face(frame, landmarks.five))


def outputs(
    recipe: Recipe, passes: tuple[Pass, ...], faces: Sequence[Grey], names: Sequence[str]
) -> Iterator[list[NDArray[np.float32]]]:
    """Some tensors of the network after these passes, for each face."""
    model = changed(recipe, passes, WORK)
    own = {each.name for each in model.graph.output}
    others = [onnx.helper.make_empty_tensor_value_info(name) for name in names if name not in own]
    model.graph.output.extend(others)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (entry,) = session.get_inputs()
    for face in faces:
        pixels = face * np.float32(recipe.scale) + np.float32(recipe.offset)
        batch = np.ascontiguousarray(np.broadcast_to(pixels, recipe.input_shape))
        yield session.run(list(names), {entry.name: batch})


def ranges_of(recipe: Recipe, faces: Sequence[Grey]) -> Ranges:
    """By a tensor's name, the least and the greatest value that most faces stay within."""
    passes = before_quantising(recipe.passes)
    graph = changed(recipe, passes, WORK).graph
    names = sorted(ranged_tensors(graph))
    spans = [
        [(float(each.min()), float(each.max())) for each in seen]
        for seen in outputs(recipe, passes, faces, names)
    ]
    low, high = np.moveaxis(np.asarray(spans), 2, 0)
    least, most = np.quantile(low, 1 - WITHIN, axis=0), np.quantile(high, WITHIN, axis=0)
    return {name: (_short(a), _short(b)) for name, a, b in zip(names, least, most, strict=True)}


def bias_correction_of(recipe: Recipe, faces: Sequence[Grey], ranges: Ranges) -> BiasCorrection:
    """What quantisation adds to each value of the output, in the mean."""
    names = [changed(recipe, recipe.passes, WORK).graph.output[0].name]
    forms = (before_quantising(recipe.passes), quantised_form(recipe.passes, ranges, {}))
    whole, quantised = (
        np.mean([seen[0][0] for seen in outputs(recipe, passes, faces, names)], axis=0)
        for passes in forms
    )
    return {names[0]: [_short(each) for each in quantised - whole]}


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True)
    arguments = parser.parse_args()
    if not this_processor().has_int8_dot_products:
        raise SystemExit("ranges: this processor has no dot products of int8, and may saturate")
    (recipe,) = (each for each in RECIPES if each.folder == EMBEDDER)
    networks = OnnxNetworks(models_folder())
    sets = read_faces(arguments.faces).sets
    faces = [face for each in sets for face in aligned(networks, each)]
    if not faces:
        raise EvaluationRefused("no face was found in these pictures")
    ranges = ranges_of(recipe, faces)
    found = {
        "command": "python benchmarks/ranges.py --faces DIR",
        "measured_on": f"{len(faces)} pictures of {', '.join(each.name for each in sets)}",
        "ranges": ranges,
        "bias_correction": bias_correction_of(recipe, faces, ranges),
    }
    content = msgspec.json.format(msgspec.json.encode(found), indent=2)
    (ROOT / "models" / EMBEDDER / SEEN_ON_FACES).write_bytes(content + b"\n")


if __name__ == "__main__":
    try:
        main()
    except (Fault, BuildRefused) as fault:
        sys.exit(str(fault))
