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
from collections.abc import Callable
from pathlib import Path
from typing import Final

from arm64_root import SUITE, Failed, let_kernel_emulate, make_tar, missing_packages
from deb_sets import PREVIOUS_VERSION, build
from installation import BUILD, CHECKS, LOG, PYTEST, ROOT, TAR, Check, Installation

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


def fetch_pytest() -> None:
    """What runs tests, from the lock's wheels for that machine. Raises `CalledProcessError`."""
    shutil.rmtree(BUILD / PYTEST, ignore_errors=True)
    BUILD.mkdir(parents=True, exist_ok=True)
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


def arguments_of(description: str | None) -> argparse.ArgumentParser:
    """What every such program can be told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--debs", type=Path, help="folder of the packages; else they are built")
    parser.add_argument("--previous", type=Path, help="folder of those to upgrade from; likewise")
    return parser


def play(
    program: str,
    given: argparse.Namespace,
    installation: Installation,
    suite: str,
    checks: tuple[Check, ...] = CHECKS,
    prepare: Callable[[], None] = lambda: None,
) -> int:
    """Build what was not given, and check; the exit code of such a program."""
    place = installation.build
    if os.geteuid() != 0:
        print(f"{program}: needs root, for the chroot", file=sys.stderr)
        return 2
    if missing := missing_packages():
        print(f"{program}: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    try:
        prepare()
        if not (place / TAR).is_file():
            print("building the root (minutes, kept for the next run)", flush=True)
            make_tar(place / TAR, installation.arch, suite)
        kind = (suite, installation.arch)
        if given.debs is None:
            build(installation.debs, *kind)
        if given.previous is None:
            build(installation.previous, *kind, "--version", PREVIOUS_VERSION)
    except subprocess.CalledProcessError as fault:
        print(f"{program}: {fault}", file=sys.stderr)
        return 2
    (place / LOG).unlink(missing_ok=True)
    return 0 if check_all(installation, checks) else 1


def main() -> int:
    """Exit code 0: every check held; 1: not; 2: this machine cannot do it."""
    given = arguments_of(__doc__).parse_args()
    installation = Installation(given.debs or BUILD / "debs", given.previous or BUILD / "previous")
    return play("test-arm64", given, installation, SUITE, prepare=for_emulation)


def for_emulation() -> None:
    """An emulator in the kernel, and pytest for the machine that it stands for."""
    let_kernel_emulate()
    fetch_pytest()


if __name__ == "__main__":
    sys.exit(main())
