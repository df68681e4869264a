"""Installs the packages on this machine's own kind of Debian, plays visits there, upgrades, purges.

    sudo .venv/bin/python tests/packaging/run_native.py --suite trixie  # make test-deb SUITE=trixie

The checks are those of the emulated arm64 machine, but for the ordinary tests, which CI runs on
this kind of machine anyway. Prints one row for each, and exits with 1 if one failed. Everything is
made in build/test-deb/SUITE; what the commands said stands in `log` there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/arm64"), str(ROOT / "packaging")]

from arm64_root import make_tar, missing_packages  # noqa: E402
from installation import CHECKS, LOG, TAR, Installation  # noqa: E402
from run import PREVIOUS_VERSION, check_all  # noqa: E402
from suites import SUITES  # noqa: E402

ARCH = "amd64"
NATIVE = tuple(check for check in CHECKS if check is not Installation.tests_pass)
QUICKLY_PACKED = {"KAZASHI_COMPRESSION": "-Zgzip -z1"}


def build(suite: str, out: Path, *more: str) -> Path:
    """A set of packages, packed quickly: nobody fetches it. Raises `CalledProcessError`."""
    program = [sys.executable, str(ROOT / "packaging/deb.py"), "--suite", suite, "--arch", ARCH]
    subprocess.run(
        [*program, "--out", str(out), *more], env={**os.environ, **QUICKLY_PACKED}, check=True
    )
    return out


def main() -> int:
    """Exit code 0: every check held; 1: not; 2: this machine cannot do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    parser.add_argument("--debs", type=Path, help="folder of the packages; else they are built")
    parser.add_argument("--previous", type=Path, help="folder of those to upgrade from; likewise")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("test-deb: needs root, for the chroot", file=sys.stderr)
        return 2
    if missing := missing_packages():
        print(f"test-deb: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    place = ROOT / "build/test-deb" / arguments.suite
    try:
        if not (place / TAR).is_file():
            make_tar(place / TAR, ARCH, arguments.suite)
        debs = arguments.debs or build(arguments.suite, place / "debs")
        previous = arguments.previous or build(
            arguments.suite, place / "previous", "--version", PREVIOUS_VERSION
        )
    except subprocess.CalledProcessError as fault:
        print(f"test-deb: {fault}", file=sys.stderr)
        return 2
    (place / LOG).unlink(missing_ok=True)
    installation = Installation(debs, previous, place, ARCH, time_scale=1.0)
    return 0 if check_all(installation, NATIVE) else 1


if __name__ == "__main__":
    sys.exit(main())
