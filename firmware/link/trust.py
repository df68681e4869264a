"""Who we are on a serial line, and who may be at its other end: two files in a folder. [shell]

Both are made at pairing: our own key with a certificate that it signed itself, and the other end's
certificate, the only one that will do. No authority signs them, and their dates mean nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from firmware.faults import BadSettings
from firmware.link.certificate import new_identity

IDENTITY_FILE: Final = "identity.pem"


class Trust:
    """Our identity in `folder`, and the certificate pinned there under the name of the peer."""

    def __init__(self, folder: Path, peer: str) -> None:
        self.identity_file = folder / IDENTITY_FILE
        self.pinned_file = folder / f"{peer}.der"
        self._candidate_file = folder / f"{peer}.candidate.der"

    def certificate(self) -> bytes:
        """Our own certificate, DER; made together with its key where there is none yet.

        Raises `BadSettings` when the folder cannot be used.
        """
        try:
            if not self.identity_file.exists():
                self.identity_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                put_private(self.identity_file, new_identity())
            certificate = x509.load_pem_x509_certificate(self.identity_file.read_bytes())
        except (OSError, ValueError) as cause:
            raise BadSettings(f"{self.identity_file} cannot be used: {cause}") from cause
        return certificate.public_bytes(Encoding.DER)

    def pinned(self) -> bytes | None:
        """The other end's certificate, DER; None before pairing. Raises `BadSettings`."""
        return _read(self.pinned_file)

    def accepted(self) -> tuple[bytes, ...]:
        """The pinned end and the candidate, as far as there are any. Raises `BadSettings`."""
        both = _read(self.pinned_file), _read(self._candidate_file)
        return tuple(certificate for certificate in both if certificate is not None)

    def propose(self, certificate: bytes) -> None:
        """Let this end in as well, and pin it as soon as it is met. Raises `BadSettings`.

        It has proven itself, but may never have heard that we did: until it is met, whoever was
        pinned before stays so.
        """
        _write(self._candidate_file, certificate)

    def meet(self, certificate: bytes) -> None:
        """This end came and was let in; the candidate is pinned then. Raises `BadSettings`."""
        if certificate == _read(self._candidate_file):
            self.pin(certificate)

    def pin(self, certificate: bytes) -> None:
        """From now on this end and no other. Raises `BadSettings`."""
        _write(self.pinned_file, certificate)
        try:
            self._candidate_file.unlink(missing_ok=True)
        except OSError as cause:
            raise BadSettings(f"{self._candidate_file}: {cause.strerror}") from cause


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause


def _write(path: Path, certificate: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_private(path, certificate)
    except OSError as cause:
        raise BadSettings(f"{path}: {cause.strerror}") from cause


def put_private(path: Path, content: bytes) -> None:
    """It is on disk afterwards, after a loss of power too, and nobody else could ever read it.

    Raises `OSError`: then all of it or nothing is there.
    """
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    if directory := getattr(os, "O_DIRECTORY", 0):  # else a system that keeps names by itself
        folder = os.open(path.parent, directory)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
