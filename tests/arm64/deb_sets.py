"""Sets of packages to try: this version's, and one to upgrade from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PREVIOUS_VERSION: Final = "0.0.9"


def build(out: Path, suite: str, arch: str, *more: str) -> Path:
    """A set of packages by `make deb`'s own program; packed quickly, since nobody is to fetch it.
    Raises `CalledProcessError`."""
    shutil.rmtree(out, ignore_errors=True)
    program = [sys.executable, str(ROOT / "packaging/deb.py"), "--suite", suite, "--arch", arch]
    quickly = {**os.environ, "KAZASHI_COMPRESSION": "-Zgzip -z1"}
    subprocess.run([*program, "--out", str(out), *more], env=quickly, check=True)
    return out
