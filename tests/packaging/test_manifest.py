"""The models' folder is the one that was signed, or the device compares no face."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware.faults import ModelRejected, ModelsNotSigned
from firmware.match.manifest import (
    MANIFEST,
    SIGNATURE,
    Manifest,
    Signed,
    check_models,
    sign_models,
)
from firmware.match.runtime import (
    DETECTOR,
    EMBEDDER,
    PAD,
    TEXT_READER,
    OnnxNetworks,
    models_folder,
    read_pad_card,
)
from firmware.match.text_reader import PpOcrReader

VERSION = "1.2.3"
FILES = {
    "face-embedder/card.toml": b"model_id = 'a'",
    "face-embedder/net.onnx": b"\x00" * 4096,
    "face-embedder/LICENSE": b"Apache",
    "pad/pad.toml": b"model_id = 'light'",
}


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder that nobody has signed."""
    folder = tmp_path / "models"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def key(models: Path, tmp_path: Path) -> Path:
    """The key that `models` is signed with from here on."""
    private = Ed25519PrivateKey.generate()
    sign_models(models, VERSION, private)
    path = tmp_path / "models.pub"
    path.write_bytes(public_pem(private))
    return path


def test_a_working_copy_is_unsigned(models: Path) -> None:
    assert check_models(models) is None


def test_what_was_signed_is_accepted_with_its_hashes(models: Path, key: Path) -> None:
    assert check_models(models, key) == {
        models / name: hashlib.sha256(content).hexdigest()
        for name, content in FILES.items()
        if not name.endswith("LICENSE")
    }


def test_licences_are_not_signed_and_may_be_edited(models: Path, key: Path) -> None:
    (models / "face-embedder/LICENSE").write_text("another")
    assert check_models(models, key) is not None


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _add_file(models: Path) -> None:
    (models / "mine").mkdir()
    (models / "mine/card.toml").write_text("model_id = 'mine'")


def _forge(models: Path) -> None:
    """A whole new set, signed by somebody."""
    (models / "face-embedder/net.onnx").write_bytes(b"\x01" * 4096)
    sign_models(models, VERSION, Ed25519PrivateKey.generate())


def _older(models: Path) -> None:
    """A right hash under another version, as it would stand in another manifest."""
    manifest = msgspec.json.decode((models / MANIFEST).read_bytes(), type=Manifest)
    other = msgspec.structs.replace(manifest, version="1.2.2")
    (models / MANIFEST).write_bytes(msgspec.json.encode(other))


MISHAPS: dict[str, Callable[[Path], object]] = {
    "one bit of a network": lambda models: _flip(models / "face-embedder/net.onnx"),
    "one bit of a card": lambda models: _flip(models / "face-embedder/card.toml"),
    "one bit of an operating point": lambda models: _flip(models / "pad/pad.toml"),
    "one bit of the manifest": lambda models: _flip(models / MANIFEST),
    "one bit of the signature": lambda models: _flip(models / SIGNATURE),
    "a network missing": lambda models: (models / "face-embedder/net.onnx").unlink(),
    "no manifest": lambda models: (models / MANIFEST).unlink(),
    "no signature": lambda models: (models / SIGNATURE).unlink(),
    "an empty signature": lambda models: (models / SIGNATURE).write_bytes(b""),
    "one file too many": _add_file,
    "signed by a stranger": _forge,
    "another version": _older,
    "no folder": shutil.rmtree,
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_anything_else_is_refused(mishap: str, models: Path, key: Path) -> None:
    MISHAPS[mishap](models)
    with pytest.raises(ModelsNotSigned):
        check_models(models, key)


def test_every_bit_of_the_signature_counts(models: Path, key: Path) -> None:
    signature = (models / SIGNATURE).read_bytes()
    for bit in range(0, len(signature) * 8, 7):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        (models / SIGNATURE).write_bytes(changed)
        with pytest.raises(ModelsNotSigned):
            check_models(models, key)


def test_a_manifest_that_no_key_is_here_for_is_refused(models: Path, key: Path) -> None:
    """Otherwise to remove the key would be to remove the check."""
    with pytest.raises(ModelsNotSigned, match="no key"):
        check_models(models)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        ec_key(SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "nonsense", "another kind"],
)
def test_what_is_no_key_accepts_nothing(content: bytes, models: Path, key: Path) -> None:
    key.write_bytes(content)
    with pytest.raises(ModelsNotSigned):
        check_models(models, key)


def test_a_key_that_is_not_there_accepts_nothing(models: Path, key: Path) -> None:
    key.unlink()
    with pytest.raises(ModelsNotSigned):
        check_models(models, key)


def test_whoever_handles_a_rejected_model_handles_an_unsigned_one() -> None:
    assert issubclass(ModelsNotSigned, ModelRejected)
    assert ModelsNotSigned.code == "models_not_signed"


def test_a_link_in_the_folder_is_refused_wherever_it_leads(
    models: Path, key: Path, tmp_path: Path
) -> None:
    """Else a folder from elsewhere could stand among the signed ones, and be chosen."""
    (tmp_path / "other").mkdir()
    (models / "other").symlink_to(tmp_path / "other")
    with pytest.raises(ModelsNotSigned, match="is a link"):
        check_models(models, key)


# --- what is loaded is what was checked
SHIPPED = models_folder()


def _another_network(models: Path) -> None:
    """A whole other model in the folder of one that was signed: its card names its own network."""
    shutil.copytree(models / "face-detector-blazeface", models / DETECTOR, dirs_exist_ok=True)


def _another_threshold(models: Path) -> None:
    card = models / EMBEDDER / "card.toml"
    card.write_text(re.sub(r"(?m)^threshold = .*", "threshold = 0.01", card.read_text()))


def _another_line(models: Path, name: str) -> None:
    with (models / name).open("a") as file:
        file.write("# edited\n")


LOADERS: dict[str, Callable[[Path, Signed | None], object]] = {
    "networks": lambda models, signed: OnnxNetworks(models, signed=signed),
    "liveness": lambda models, signed: read_pad_card(models / PAD, signed),
    "text reader": lambda models, signed: PpOcrReader(1, models, signed),
}
LATER: dict[str, tuple[str, Callable[[Path], object]]] = {
    "another network": ("networks", _another_network),
    "another threshold": ("networks", _another_threshold),
    "another liveness": ("liveness", lambda models: _another_line(models, f"{PAD}/pad.toml")),
    "another reader": (
        "text reader",
        lambda models: _another_line(models, f"{TEXT_READER}/card.toml"),
    ),
}


@pytest.mark.stack
@pytest.mark.parametrize("change", LATER)
def test_what_is_put_there_after_the_check_is_not_loaded(change: str, tmp_path: Path) -> None:
    models = shutil.copytree(SHIPPED, tmp_path / "models")
    private = Ed25519PrivateKey.generate()
    sign_models(models, VERSION, private)
    (tmp_path / "models.pub").write_bytes(public_pem(private))
    signed = check_models(models, tmp_path / "models.pub")
    loader, alter = LATER[change]
    LOADERS[loader](models, signed)
    alter(models)
    LOADERS[loader](models, None)  # by its own card, nothing is wrong with it
    with pytest.raises(ModelsNotSigned, match="not the card that was signed"):
        LOADERS[loader](models, signed)
