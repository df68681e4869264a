"""Installs the packages on Debian of arm64, plays visits there, upgrades, purges; tells what held.

    sudo .venv/bin/python tests/arm64/run.py            # make test-arm64
    sudo .venv/bin/python tests/arm64/run.py --debs NEW --previous OLD

Prints one row for each check, and exits with 1 if one failed: what comes after it is not tried. The
root is built once (build/arm64/root.tar); everything that a run makes lies in build/arm64, its
words in build/arm64/log.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from arm64_root import Failed, let_kernel_emulate, make_tar, missing_packages
from installation import BUILD, CHECKS, LOG, PYTEST, ROOT, TAR, Check, Installation

PREVIOUS_VERSION: Final = "0.0.9"
UV: Final = ROOT / ".venv/bin/uv"
PYTEST_NEEDS: Final = re.compile(
    r"^(?:attrs|hypothesis|iniconfig|packaging|pluggy|pygments|pytest|pytest-asyncio"
    r"|pytest-rerunfailures|sortedcontainers|typing-extensions)==.*(?:\n +--hash.*)*",
    re.MULTILINE,
)
"""Of the lock, for another machine."""


def check_all(installation: Installation, checks: tuple[Check, ...] = CHECKS) -> bool:
    """Run them until one fails, a row for each; whether all held."""
    failure = ""
    for check in checks:
        name = check.__name__.replace("_", " ")
        if failure:
            print(f"not run          {name}", flush=True)
            continue
        began_s = time.monotonic()
        try:
            found = check(installation)
        except Failed as fault:
            failure, found = str(fault), "see below"
        took_s = time.monotonic() - began_s
        print(f"{'FAILED ' if failure else 'ok     '} {took_s:6.0f} s {name}: {found}", flush=True)
    if failure:
        print(f"\n{failure}", file=sys.stderr)
    return not failure


def build(out: Path, *more: str) -> Path:
    """The set of packages for arm64, by `make deb`'s own program; packed quickly, since nobody is
    to fetch it. Raises `CalledProcessError`."""
    shutil.rmtree(out, ignore_errors=True)
    words = [sys.executable, str(ROOT / "packaging/deb.py"), "--arch", "arm64", "--out", str(out)]
    quickly = {**os.environ, "KAZASHI_COMPRESSION": "-Zgzip -z1"}
    subprocess.run([*words, *more], env=quickly, check=True)
    return out


def fetch_pytest() -> None:
    """What runs tests, from the lock's wheels for that machine. Raises `CalledProcessError`."""
    shutil.rmtree(BUILD / PYTEST, ignore_errors=True)
    lock = BUILD / "pytest.lock"
    wanted = PYTEST_NEEDS.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    lock.write_text("\n".join(wanted), encoding="utf-8")
    subprocess.run(
        [
            *(str(UV), "pip", "install", "--quiet", "--system-certs", "--link-mode", "copy"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--python-version", "3.11", "--python-platform", "aarch64-manylinux_2_28"),
            *("--target", str(BUILD / PYTEST), "--requirement", str(lock)),
        ],
        check=True,
    )


def main() -> int:
    """Exit code 0: every check held; 1: not; 2: this machine cannot do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--debs", type=Path, help="folder of the packages; else they are built")
    parser.add_argument("--previous", type=Path, help="folder of those to upgrade from; likewise")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("test-arm64: needs root, for the chroot", file=sys.stderr)
        return 2
    if missing := missing_packages():
        print(f"test-arm64: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    try:
        let_kernel_emulate()
        if not (BUILD / TAR).is_file():
            print("building the root (4 minutes, kept for the next run)", flush=True)
            make_tar(BUILD / TAR)
        fetch_pytest()
        debs = arguments.debs or build(BUILD / "debs")
        previous = arguments.previous or build(BUILD / "previous", "--version", PREVIOUS_VERSION)
    except subprocess.CalledProcessError as fault:
        print(f"test-arm64: {fault}", file=sys.stderr)
        return 2
    (BUILD / LOG).unlink(missing_ok=True)
    return 0 if check_all(Installation(debs, previous)) else 1


if __name__ == "__main__":
    sys.exit(main())
