"""A file that appears under its name whole or not at all. [shell]

After a loss of power it may be missing, or be what it was before; it is never half there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

PRIVATE: Final = 0o600
PRIVATE_TO_THE_GROUP: Final = 0o640
PART: Final = r"\.[0-9a-f]{16}\.part"
"""Follows a dot and the file's name while it is written; a killed driver leaves that behind."""
NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""Never through a link, never another's; without O_BINARY, Windows would write other line ends."""


@contextmanager
def written_whole(path: Path, mode: int) -> Iterator[IO[bytes]]:
    """Write under a name that nobody has, have it on disk, rename; a link there is replaced.

    Raises `OSError`. Whatever is raised, nothing is left, and no file but its own is touched.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    # The mode from the first moment; a folder that another system shares may refuse a later one.
    descriptor = os.open(part, NEW, mode)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def put_whole(path: Path, content: bytes, mode: int) -> None:
    """Write all of it, as `written_whole` does. Raises `OSError`."""
    with written_whole(path, mode) as file:
        file.write(content)
