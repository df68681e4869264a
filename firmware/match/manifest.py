"""Which files the models' folder holds, signed by whoever built the package. [shell]

A card says which bytes were measured; the manifest says which cards and bytes were shipped. The key
that it is checked with lies among the code: whoever can put files into the models' folder alone
changes nothing unnoticed, before this check or after it: what is loaded later is compared with
the hashes that it gives. A working copy has neither key nor manifest, and is unsigned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from firmware.faults import ModelsNotSigned
from firmware.match.model_card import Sha256

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
SHIPPED_KEY: Final = Path(__file__).with_name("models.pub")
"""Only an installed machine has it."""
_DOMAIN: Final = b"kazashi-models-v1\0"
_DECIDING: Final = frozenset({".onnx", ".toml"})
"""What decides about a face; a licence beside it does not."""


Signed: TypeAlias = Mapping[Path, Sha256]
"""Each file that decides, and the hash that was signed for it."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was shipped."""

    version: str
    """Of the package."""
    files: dict[str, Sha256]
    """Path below the folder → hash of the content."""


def check_models(folder: Path, key: Path | None = None) -> Signed | None:
    """The signed set that lies in the folder, or None where none is asked for.

    `key` is the PEM file of an Ed25519 public key; None: the one that the package ships. A
    signature is asked for wherever there is a key, or a manifest. Raises `ModelsNotSigned`.
    """
    trusted = key or (SHIPPED_KEY if SHIPPED_KEY.exists() else None)
    if trusted is None:
        if (folder / MANIFEST).exists():
            raise ModelsNotSigned(f"{folder / MANIFEST}: no key is here to check it with")
        return None
    content, signature = _read(folder / MANIFEST), _read(folder / SIGNATURE)
    try:
        _public_key(trusted).verify(signature, _DOMAIN + content)
        manifest = msgspec.json.decode(content, type=Manifest)
    except InvalidSignature as cause:
        raise ModelsNotSigned(f"{folder / MANIFEST} is not signed with {trusted}") from cause
    except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
        raise ModelsNotSigned(f"{folder / MANIFEST}: {cause}") from cause
    if linked := [path for path in folder.rglob("*") if path.is_symlink()]:
        raise ModelsNotSigned(f"{min(linked)} is a link, which could lead anywhere")
    if found := deciding_files(folder) - manifest.files.keys():
        raise ModelsNotSigned(f"{folder / min(found)} is not in the signed manifest")
    signed = {folder / name: sha256 for name, sha256 in manifest.files.items()}
    for path, sha256 in signed.items():
        if sha256_of(path) != sha256:
            raise ModelsNotSigned(f"{path} is not the file of the signed manifest")
    return signed


def sign_models(folder: Path, version: str, key: Ed25519PrivateKey) -> Manifest:
    """Write manifest and signature of all that decides in the folder: for who builds a package."""
    files = {name: sha256_of(folder / name) for name in sorted(deciding_files(folder))}
    manifest = Manifest(version, files)
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST).write_bytes(content)
    (folder / SIGNATURE).write_bytes(key.sign(_DOMAIN + content))
    return manifest


def deciding_files(folder: Path) -> set[str]:
    """Networks, cards and operating points below a folder, by their paths from there."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in _DECIDING
    }


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Raises `ModelsNotSigned` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as cause:
        raise ModelsNotSigned(f"{path}: {cause.strerror}") from cause


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise ModelsNotSigned(f"{path}: {cause.strerror}") from cause


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(_read(path))
    except ValueError as cause:
        raise ModelsNotSigned(f"{path} is no public key") from cause
    if not isinstance(key, Ed25519PublicKey):
        raise ModelsNotSigned(f"{path} is no Ed25519 key")
    return key
