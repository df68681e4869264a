"""The real networks on the portraits: who is who, what is refused, and what the command says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from photos import jp2
from points import point_at

from firmware.faults import MalformedPhoto, ModelRejected
from firmware.match.align import aligned_face
from firmware.match.command import main
from firmware.match.compare import Comparer
from firmware.match.detect import find_faces, place_landmarks
from firmware.match.networks import Grey, grey_of
from firmware.match.processor import Processor, this_processor
from firmware.match.runtime import (
    DETECTOR,
    EMBEDDER,
    LANDMARKS,
    ModelChoice,
    OnnxNetworks,
    faster_form,
    load_network,
    models_folder,
    read_model_card,
)
from firmware.match.template import FaceTemplate
from firmware.words import Hint, MatchDecision

pytestmark = pytest.mark.stack
WITH_VNNI = Processor("x86_64", frozenset({"avx512_vnni"}))
PI_5 = Processor("aarch64", frozenset({"asimd", "asimddp"}))
NAMES = ("person_a_1", "person_a_2", "person_b_1", "person_b_2", "person_c_1", "person_d_1")


@pytest.fixture(scope="module")
def networks() -> OnnxNetworks:
    return OnnxNetworks(models_folder())


@pytest.fixture(scope="module")
def comparer(networks: OnnxNetworks) -> Comparer:
    return Comparer(networks, networks.model_id, networks.operating_point)


@pytest.fixture(scope="module")
def faces(build_dir: Path) -> dict[str, Grey]:
    folder = build_dir / "simulation" / "faces"
    pictures = {name: cv2.imread(str(folder / f"{name}.png")) for name in NAMES}
    return {name: grey_of(np.asarray(pixels)) for name, pixels in pictures.items()}


def moments(comparer: Comparer, face: Grey) -> list[FaceTemplate]:
    """Three looks at one person who comes a little nearer each time."""
    probes = []
    for size in (1.0, 0.9, 0.8):
        frame = cv2.resize(face, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
        look = comparer.look(np.asarray(frame, np.uint8))
        assert look.template is not None, look.quality.hint
        probes.append(look.template)
    return probes


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2)))
def test_two_portraits_match_only_if_they_show_one_person(
    comparer: Comparer, faces: dict[str, Grey], one: str, other: str
) -> None:
    reference = comparer.reference(faces[one])
    comparison = comparer.compare(reference, moments(comparer, faces[other]))
    same = one[:8] == other[:8]
    # Strangers are so unlike each other that three frames are enough to say so.
    wanted = MatchDecision.SAME_PERSON if same else MatchDecision.NOT_SAME_PERSON
    assert comparison.decision is wanted


@pytest.mark.parametrize(
    "chosen",
    [
        ModelChoice(detector="face-detector-blazeface"),
        ModelChoice(embedder="face-embedder-mobilefacenet"),
    ],
    ids=["the second detector", "the second embedder"],
)
def test_a_visit_is_decided_with_either_model(faces: dict[str, Grey], chosen: ModelChoice) -> None:
    comparer = Comparer(OnnxNetworks(models_folder(), 1, chosen), "chosen", point_at(0.5))
    reference = comparer.reference(faces["person_b_1"])
    same = comparer.compare(reference, moments(comparer, faces["person_b_2"]))
    other = comparer.compare(reference, moments(comparer, faces["person_c_1"]))
    assert same.decision is MatchDecision.SAME_PERSON
    assert other.decision is MatchDecision.TRY_AGAIN


def test_a_network_that_finds_no_faces_is_no_detector() -> None:
    with pytest.raises(ModelRejected, match="no detector"):
        OnnxNetworks(models_folder(), 1, ModelChoice(detector=LANDMARKS))


def test_two_people_before_the_camera(comparer: Comparer, faces: dict[str, Grey]) -> None:
    both = [cv2.resize(faces[name], (300, 380)) for name in ("person_b_1", "person_c_1")]
    assert comparer.look(np.hstack(both)).quality.hint is Hint.ONE_PERSON_ONLY


def test_a_far_a_dark_and_a_blurred_face_get_their_hints(
    comparer: Comparer, faces: dict[str, Grey]
) -> None:
    face = faces["person_b_2"]
    far = np.full((480, 640), 127, np.uint8)
    far[150:270, 250:342] = cv2.resize(face, (92, 120), interpolation=cv2.INTER_AREA)
    assert comparer.look(far).quality.hint is Hint.CLOSER
    assert comparer.look((face * 0.15).astype(np.uint8)).quality.hint is Hint.MORE_LIGHT
    blurred = np.asarray(cv2.GaussianBlur(face, (0, 0), 16), np.uint8)
    assert comparer.look(blurred).quality.hint is Hint.HOLD_STILL


def test_a_photo_of_nobody_or_of_two_is_no_reference(
    comparer: Comparer, faces: dict[str, Grey]
) -> None:
    with pytest.raises(MalformedPhoto):
        comparer.reference(np.full((320, 240), 127, np.uint8))
    with pytest.raises(MalformedPhoto):
        comparer.reference(np.hstack([cv2.resize(faces[name], (240, 320)) for name in NAMES[:2]]))


@pytest.fixture
def copied_models(tmp_path: Path) -> Path:
    folder = tmp_path / EMBEDDER
    shutil.copytree(models_folder() / EMBEDDER, folder)
    return folder


def form_here(folder: Path) -> Path:
    """The file that is loaded on this machine."""
    return folder / faster_form(folder, read_model_card(folder), this_processor()).file


def test_one_changed_byte_and_the_model_is_refused(copied_models: Path) -> None:
    path = form_here(copied_models)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelRejected, match="not the file"):
        load_network(copied_models)


def test_a_model_that_is_not_there_is_refused(copied_models: Path) -> None:
    for path in copied_models.glob("*.onnx"):
        path.unlink()
    with pytest.raises(ModelRejected, match="make models"):
        load_network(copied_models)


@pytest.mark.parametrize("folder", [EMBEDDER, LANDMARKS])
def test_each_processor_gets_its_form_and_both_see_the_same(folder: str) -> None:
    """Without another form's file every processor takes the first."""
    there = models_folder() / folder
    card = read_model_card(there)
    assert card.blocked is not None
    assert faster_form(there, card, Processor("x86_64")) == card.blocked
    assert faster_form(there, card, Processor("aarch64")) == card
    for known in (WITH_VNNI, PI_5):
        assert faster_form(models_folder() / DETECTOR, card, known) == card
    assert faster_form(there, card, WITH_VNNI) == (card.quantised or card.blocked)
    assert faster_form(there, card, PI_5) == (card.quantised or card)
    assert (card.quantised is not None) is (folder == EMBEDDER)
    plain, blocked = (
        onnxruntime.InferenceSession(
            (there / form.file).read_bytes(), providers=["CPUExecutionProvider"]
        )
        for form in (card, card.blocked)
    )
    (entry,) = plain.get_inputs()
    noise = np.random.default_rng(0).random(card.input.shape, np.float32)
    batch = noise * np.float32(255 * card.input.scale)
    for wanted, got in zip(
        plain.run(None, {entry.name: batch}), blocked.run(None, {entry.name: batch}), strict=True
    ):
        np.testing.assert_allclose(got, wanted, atol=1e-4 * max(1.0, np.abs(wanted).max()))


@pytest.mark.skipif(
    not this_processor().has_int8_dot_products, reason="no quantised form runs on this processor"
)
def test_the_quantised_form_sees_faces_nearly_as_its_source_does(
    networks: OnnxNetworks, faces: dict[str, Grey]
) -> None:
    folder = models_folder() / EMBEDDER
    whole, quantised = (
        load_network(folder, processor=processor) for processor in (Processor(""), this_processor())
    )
    assert (whole.form, quantised.form) == (whole.card, quantised.card.quantised)
    for frame in faces.values():
        (face, *_) = find_faces(networks, frame)
        aligned = aligned_face(frame, place_landmarks(networks, frame, face).five)
        wanted, got = (network.run(aligned)[0].reshape(-1) for network in (whole, quantised))
        lengths = float(np.linalg.norm(wanted)), float(np.linalg.norm(got))
        assert 0.9999 > float(wanted @ got) / (lengths[0] * lengths[1]) > 0.99
        assert lengths[1] == pytest.approx(lengths[0], rel=0.05)


def test_a_network_computes_what_its_file_says_and_keeps_nothing_open() -> None:
    folder = models_folder() / EMBEDDER
    before = set(os.listdir("/proc/self/fd"))
    network = load_network(folder)
    assert set(os.listdir("/proc/self/fd")) <= before
    of_bytes = onnxruntime.InferenceSession(
        form_here(folder).read_bytes(), providers=["CPUExecutionProvider"]
    )
    face = np.random.default_rng(0).integers(0, 256, (112, 112), np.uint8)
    batch = np.broadcast_to(face.astype(np.float32), (1, 3, 112, 112))
    (expected,) = of_bytes.run(None, {network.entry: np.ascontiguousarray(batch)})
    assert np.array_equal(network.run(face)[0], expected)
    assert not network.batch.any()  # the picture is not kept


def test_a_run_that_fails_keeps_no_picture_either() -> None:
    network = replace(load_network(models_folder() / EMBEDDER), entry="no such entry")
    with pytest.raises(ValueError, match="input"):
        network.run(np.full((112, 112), 200, np.uint8))
    assert not network.batch.any()


LOAD_AND_TELL_WHAT_IT_TOOK = """
import sys
from dataclasses import replace
from pathlib import Path
from firmware.match.runtime import load_network

def private_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

load_network(Path(sys.argv[1]))
before_kb = private_kb()
network = load_network(Path(sys.argv[2]))
print(private_kb() - before_kb)
"""


def test_a_networks_weights_are_in_memory_once() -> None:
    """The small network goes first: what the runtime itself takes is no part of the large one."""
    small, large = models_folder() / DETECTOR, models_folder() / EMBEDDER
    done = subprocess.run(
        [sys.executable, "-c", LOAD_AND_TELL_WHAT_IT_TOOK, small, large],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    # Of the file's size: one copy took 1.2 to 1.7 in twenty runs, two copies took 2.6 in each.
    assert int(done.stdout) * 1024 < 2.1 * form_here(large).stat().st_size


def compare(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["compare", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_command_tells_one_person_from_another(
    build_dir: Path, faces: dict[str, Grey], tmp_path: Path
) -> None:
    folder = build_dir / "simulation" / "faces"
    photo = tmp_path / "photo.jp2"
    photo.write_bytes(jp2(np.asarray(cv2.resize(faces["person_b_1"], (240, 300)), np.uint8)))
    code, said = compare("--json", photo, folder / "person_b_2.png")
    report = json.loads(said)
    assert (code, report["decision"], report["frames"]) == (0, "same_person", 1)
    assert report["score"] >= report["threshold"]
    assert report["pad"] == "not_done"
    code, said = compare(photo, folder / "person_c_1.png")
    assert code == 1
    assert "not_same_person" in said


def test_the_command_says_what_it_cannot_use(build_dir: Path, tmp_path: Path) -> None:
    portrait = build_dir / "simulation" / "faces" / "person_a_2.png"
    nothing = tmp_path / "nothing.png"
    nothing.write_bytes(b"")
    assert compare(nothing, portrait)[0] == 2
    assert compare(portrait)[0] == 2
    assert compare(portrait, tmp_path / "absent.png")[0] == 2
    code, said = compare("--models", tmp_path, portrait, portrait)
    assert code == 2
    assert "card.toml" in said
