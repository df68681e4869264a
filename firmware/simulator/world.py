"""Where the simulated world lies on disk, and how a file of it is written; not what is in it.

The world is made by `make setup` under `build/` and is never part of a package.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firmware.faults import SimulationNotPrepared

DEFAULT_ROOT: Final = Path("build/simulation")
HOW_TO_PREPARE: Final = "run `make setup`, or name the world that it made (--world)"
SECRET_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class World:
    """The folders of one simulated world."""

    root: Path = DEFAULT_ROOT

    @property
    def authorities(self) -> Path:
        """Keys and certificates of the test hierarchy."""
        return self.root / "authorities"

    @property
    def cards(self) -> Path:
        """One folder per virtual patient's card."""
        return self.root / "cards"

    @property
    def faces(self) -> Path:
        """Portraits, one PNG each."""
        return self.root / "faces"

    @property
    def driver(self) -> Path:
        """The unpacked vpcd driver."""
        return self.root / "vpcd"

    def portrait(self, portrait_id: str) -> Path:
        """Where the portrait `portrait_id` lies; it may be absent."""
        return self.faces / f"{portrait_id}.png"


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file that other processes see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_prepared(path: Path) -> bytes:
    """The bytes of a file that set-up makes; raises SimulationNotPrepared."""
    try:
        return path.read_bytes()
    except OSError as cause:
        raise SimulationNotPrepared(
            f"{path} cannot be read ({cause.strerror}): {HOW_TO_PREPARE}"
        ) from cause
