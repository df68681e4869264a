"""Installs the packages on this machine's own kind of Debian, plays visits there, upgrades, purges.

    sudo .venv/bin/python tests/packaging/run_native.py --suite trixie  # make test-deb SUITE=trixie

The checks are those of the emulated arm64 machine, but for the ordinary tests, which CI runs on
this kind of machine anyway. Prints one row for each, and exits with 1 if one failed. Everything is
made in build/test-deb/SUITE; what the commands said stands in `log` there.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/arm64"), str(ROOT / "packaging")]

from installation import CHECKS, Installation  # noqa: E402
from run import arguments_of, play  # noqa: E402
from suites import SUITES  # noqa: E402

ARCH = "amd64"
NATIVE = tuple(check for check in CHECKS if check is not Installation.tests_pass)


def main() -> int:
    """Exit code 0: every check held; 1: not; 2: this machine cannot do it."""
    parser = arguments_of(__doc__)
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    given = parser.parse_args()
    place = ROOT / "build/test-deb" / given.suite
    debs, previous = given.debs or place / "debs", given.previous or place / "previous"
    installation = Installation(debs, previous, place, ARCH, time_scale=1.0)
    return play("test-deb", given, installation, given.suite, NATIVE)


if __name__ == "__main__":
    sys.exit(main())
