"""[shell] The driver of virtual readers: fetched from Debian's archive, unpacked, never installed.

vpcd listens on every interface of the machine it runs on. Installed, it would do so with the
system's own PC/SC daemon; here it lies in the build folder and runs only in a private network.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from firmware.faults import SimulationNotPrepared
from firmware.simulator.world import HOW_TO_PREPARE, PUBLIC_MODE, write_whole

PACKAGE: Final = "vsmartcard-vpcd"
LIBRARY: Final = "libifdvpcd.so"
LICENCE: Final = Path("usr/share/doc") / PACKAGE / "copyright"
DOWNLOAD_LIMIT_S: Final = 120


def driver_library(folder: Path) -> Path:
    """The unpacked driver, as an absolute path; raises SimulationNotPrepared."""
    library = (folder / LIBRARY).resolve()
    if not library.is_file():
        raise SimulationNotPrepared(f"{library} is missing: {HOW_TO_PREPARE}")
    return library


def unpack_driver(folder: Path) -> Path:
    """Fetch and unpack the driver unless it is there; returns the library.

    Raises SimulationNotPrepared when apt or dpkg fail, with their own words.
    """
    if not (folder / LIBRARY).is_file():
        with tempfile.TemporaryDirectory(prefix="kazashi-") as name:
            work = Path(name)
            _run(work, "apt-get", "download", PACKAGE)
            packages = sorted(work.glob(f"{PACKAGE}_*.deb"))
            if not packages:
                raise SimulationNotPrepared(f"apt-get downloaded no {PACKAGE}")
            _run(work, "dpkg", "-x", packages[0].name, "unpacked")
            _keep(work / "unpacked", folder)
    return driver_library(folder)


def _keep(unpacked: Path, folder: Path) -> None:
    """Keep the library and its licence; last the library, which says that all is done."""
    libraries = [
        path for path in unpacked.rglob(f"{LIBRARY}*") if path.is_file() and not path.is_symlink()
    ]
    if not libraries:
        raise SimulationNotPrepared(f"there is no {LIBRARY} in {PACKAGE}")
    write_whole(folder / "copyright", (unpacked / LICENCE).read_bytes(), PUBLIC_MODE)
    write_whole(folder / LIBRARY, libraries[0].read_bytes(), PUBLIC_MODE)


def _run(folder: Path, *command: str) -> None:
    try:
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.CalledProcessError as cause:
        raise SimulationNotPrepared(
            f"`{' '.join(command)}` failed: {cause.stderr.strip()}"
        ) from cause
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise SimulationNotPrepared(f"`{' '.join(command)}` failed: {cause}") from cause
