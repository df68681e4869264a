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
        try:
            return self.pinned_file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as cause:
            raise BadSettings(f"{self.pinned_file}: {cause.strerror}") from cause

    def pin(self, certificate: bytes) -> None:
        """From now on this end and no other. Raises `BadSettings`."""
        try:
            self.pinned_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            put_private(self.pinned_file, certificate)
        except OSError as cause:
            raise BadSettings(f"{self.pinned_file}: {cause.strerror}") from cause


def put_private(path: Path, content: bytes) -> None:
    """All of it or nothing is on disk afterwards, and nobody else could ever read it.

    Raises `OSError`.
    """
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
