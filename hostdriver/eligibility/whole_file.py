"""A file that appears in a shared folder whole or not at all. [shell]"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

PART: Final = ".part"  # no pattern of the terminal's names fits it


def put_whole(folder: Path, name: str, content: bytes) -> None:
    """Write under another name, have it on disk, rename. Raises `OSError` and leaves nothing.

    After a loss of power the file may be missing; it is never half there.
    """
    part = folder / f".{name}{PART}"
    try:
        with open(part, "xb", opener=_private_to_the_group) as file:  # never through a link
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _private_to_the_group(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)
