"""Signs the models of a package: which files, and that it was whoever holds the key.

The key is the file that KAZASHI_SIGNING_KEY names (Ed25519, PEM). Without one a working copy makes
its own, keeps it in build/deb and says so: good for a try, and for nobody else to trust.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

VARIABLE = "KAZASHI_SIGNING_KEY"


class NoSigningKey(Exception):
    """The file that should hold the key does not."""


def signing_key(own: Path) -> Ed25519PrivateKey:
    """The key of `KAZASHI_SIGNING_KEY`, or the one in `own`, made when it is not there yet."""
    named = os.environ.get(VARIABLE)
    if named == "":
        raise NoSigningKey(f"{VARIABLE} is empty: name a key's file, or unset it")
    if named is None:
        print(
            f"deb: {VARIABLE} names no key: signing with {own}, a key of this copy", file=sys.stderr
        )
        if not own.exists():
            _make(own)
    path = Path(named) if named else own
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as cause:
        raise NoSigningKey(f"{path}: {cause}") from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise NoSigningKey(f"{path} is no Ed25519 key")
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """What the package carries."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
