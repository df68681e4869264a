"""Boots a virtual Debian, installs our packages in it, and judges what happens there.

    python tests/vm/run.py [--suite bookworm] [--debs FOLDER] [--report FILE]
    python tests/vm/run.py --only "install,moved in,pin visit"
    python tests/vm/run.py --again --only "watchdog"     on the disk as the last run left it

Needs root (for the image) and what `packages` below names. Exit code 0: every check was seen.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests/arm64")]

from checks import CHECKS, Said, heard, table, verdict  # noqa: E402
from deb_sets import PREVIOUS_VERSION, build  # noqa: E402
from machine import Disks, Machine, MachineSilent, fresh_disk  # noqa: E402

WORK = ROOT / "build/vm"
PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
}
SILENT_S = 3600.0
"""The longest that the machine may be silent; emulated on a busy machine, it is slow."""
MATERIAL = (("build/simulation", "world"), ("tests/vm/inside", "inside"))


def image(suite: str) -> Path:
    """The folder of the image for this list of packages, built if it is not there."""
    key = hashlib.sha256((HERE / "image.sh").read_bytes()).hexdigest()[:12]
    folder = WORK / f"{suite}-{key}"
    if not (folder / "disk.img").exists():
        tell(f"building the image of {suite} (2 minutes)")
        subprocess.run((HERE / "image.sh", suite, folder), check=True)
    return folder


def material(debs: Path, previous: Path) -> Path:
    """A disk with what is tested and what tests it."""
    folder, disk = WORK / "material", WORK / "material.img"
    shutil.rmtree(folder, ignore_errors=True)
    for source, name in MATERIAL:
        shutil.copytree(ROOT / source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for source, name in ((debs, "debs"), (previous, "previous")):
        (folder / name).mkdir()
        for path in source.glob("kazashi-*.deb"):
            shutil.copy(path, folder / name)
    disk.unlink(missing_ok=True)
    size = 64 + 2 * sum(path.stat().st_size for path in folder.rglob("*")) // 2**20
    subprocess.run(("mke2fs", "-q", "-t", "ext4", "-d", folder, disk, f"{size}M"), check=True)
    return disk


def boot(disks: Disks, name: str, said: dict[str, Said]) -> bool:
    """One boot, until the machine turns itself off (False) or its power is cut, as it asks."""
    tell(f"boot: {name}")
    logs = WORK / "logs"
    logs.mkdir(exist_ok=True)
    with Machine(disks, name, logs / f"{name}.log") as machine:
        for line in machine.lines(SILENT_S):
            told = heard(line)
            if told is not None:
                check, one = told
                said[check] = one
                tell(f"{'ok  ' if one.ok else 'FAIL'} {check} ({one.took_s:.0f} s): {one.saw}")
            if '"cut": true' in line:
                tell("pulling the plug")
                return True
    return False


def tell(text: str) -> None:
    """Progress, with the time since the start."""
    print(f"{time.monotonic() - BEGAN_S:6.0f} s  {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Boot twice, judge, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="bookworm", choices=("bookworm", "trixie"))
    parser.add_argument("--debs", type=Path, help="default: build/deb/SUITE")
    parser.add_argument("--previous", type=Path, help="to upgrade from; default: built")
    parser.add_argument("--only", help="Only these checks, with commas between them.")
    parser.add_argument("--again", action="store_true", help="On the disk as it is now.")
    parser.add_argument("--report", type=Path, help="Write the table there too.")
    arguments = parser.parse_args()
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        print(f"test-vm: install these Debian packages: {' '.join(missing)}", file=sys.stderr)
        return 2
    WORK.mkdir(parents=True, exist_ok=True)
    folder = image(arguments.suite)
    system = WORK / "system.qcow2"
    if not arguments.again:
        fresh_disk(folder, system)
    debs = arguments.debs or ROOT / "build/deb" / arguments.suite
    if not any(debs.glob("kazashi-*.deb")):
        print(f"test-vm: there are no packages in {debs}: run make deb", file=sys.stderr)
        return 2
    previous = arguments.previous
    if previous is None:
        tell(f"building version {PREVIOUS_VERSION}, to upgrade from")
        previous = build(WORK / "previous", arguments.suite, "amd64", "--version", PREVIOUS_VERSION)
    disks = Disks(folder, system, material(debs, previous))
    boots = (arguments.only.replace(" ", "-"),) if arguments.only else ("first", "second")
    wanted = arguments.only.split(",") if arguments.only else tuple(CHECKS)
    said: dict[str, Said] = {}
    try:
        for name in boots:
            if not boot(disks, name, said):
                break  # nobody cut its power: there is nothing to come back from
    except MachineSilent as fault:
        tell(f"FAIL {fault}")
    written = table(said, wanted)
    print(written)
    if arguments.report is not None:
        arguments.report.write_text(written + "\n", encoding="utf-8")
    failed = verdict(said, wanted)
    tell(
        f"{len(wanted) - len(failed)} of {len(wanted)} checks seen"
        + (f"; not: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


BEGAN_S = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
