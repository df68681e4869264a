"""Builds the Debian packages. Run: make deb (SUITE=bookworm|trixie, ARCH=amd64|arm64, VERSION=)

A package for another machine or another release is built here all the same: nothing is compiled.
Two builds of one commit with one signing key give the same bytes; `--twice` builds twice and looks.
What was built of a tree with changes that are in no commit says so: its version ends in `+dirty`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path

from copyright_file import write_copyright
from sbom import write_sboms
from signing import NoSigningKey, signing_key
from stage import PACKAGES, PROJECT, Stage, date_all
from suites import PLATFORMS, SUITES, Suite
from wheels import VendoringFailed

from firmware.match.manifest import sha256_of

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build/deb"
MAINTAINER = "Kazashi maintainers <maintainers@kazashi.example>"


class BuildFailed(Exception):
    """A step did not do its work; the message says which."""


@dataclass(frozen=True, slots=True)
class Build:
    """One set of packages."""

    suite: Suite
    arch: str
    release: str
    epoch: int
    dirty: bool
    """Whether it holds what no commit does, so that nobody could build it again."""

    @property
    def version(self) -> str:
        """As the programs say it."""
        return f"{self.release}+dirty" if self.dirty else self.release

    @property
    def debian_version(self) -> str:
        """A newer release of Debian counts as newer, so that apt goes along with it; the commit's
        own package counts as newer than one of changes to it."""
        return f"{self.release}{'~dirty' if self.dirty else ''}+deb{self.suite.debian}"

    @property
    def names(self) -> list[str]:
        """The files that come of it."""
        of_one_machine = ("kazashi-firmware", "kazashi-hostdriver")
        return [
            f"{name}_{self.debian_version}_{self.arch if name in of_one_machine else 'all'}.deb"
            for name in PACKAGES
        ]


def build(wanted: Build, out: Path) -> list[Path]:
    """Build the set into `out`; the paths of its packages."""
    work = OUT / "work" / f"{wanted.suite.name}-{wanted.arch}"
    shutil.rmtree(work, ignore_errors=True)
    for kind in (f"{wanted.arch}.deb", "all.deb", f"{wanted.arch}.cdx.json"):
        for old in out.glob(f"kazashi-*_{kind}"):
            old.unlink()  # whoever installs `kazashi-*.deb` must not be given two versions
    source = work / "kazashi"
    shutil.copytree(ROOT / "packaging/debian", source / "debian")
    shutil.copy(ROOT / "CHANGELOG.md", source)
    stage = Stage(source / "root", wanted.suite, wanted.arch, wanted.version)
    stage.fill(signing_key(OUT / "signing-key.pem"))
    write_copyright(stage, source / "debian")
    write_sboms(stage, out, wanted.epoch)
    (source / "debian/changelog").write_text(_changelog(wanted), encoding="utf-8")
    date_all(source, wanted.epoch)
    _dpkg_buildpackage(wanted, source)
    packages = [Path(shutil.move(work / name, out / name)) for name in wanted.names]
    shutil.rmtree(source)  # a gigabyte
    return packages


def compare(packages: list[Path], again: list[Path]) -> None:
    """Raises `BuildFailed` for the first package that came out differently."""
    for one, other in zip(packages, again, strict=True):
        if sha256_of(one) != sha256_of(other):
            raise BuildFailed(f"{one} and {other} were built alike and differ")


def _dpkg_buildpackage(wanted: Build, source: Path) -> None:
    substitutes = {
        "kazashi:Python": wanted.suite.python_dependency,
        "kazashi:PcscAccess": wanted.suite.pcsc_access,
    }
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(wanted.epoch),
        "KAZASHI_SUBSTVARS": " ".join(f'-V"{key}={text}"' for key, text in substitutes.items()),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    if shutil.which("dh") is None:
        raise BuildFailed("debhelper is missing: apt-get install debhelper dpkg-dev")
    log = source.parent / "log"
    with log.open("wb") as to:
        done = subprocess.run(
            ["dpkg-buildpackage", "-b", "-us", "-uc", "-d", f"-a{wanted.arch}"],
            cwd=source,
            env=environment,
            check=False,
            stdout=to,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        raise BuildFailed("\n".join(["dpkg-buildpackage refused:", *last]))


def _changelog(wanted: Build) -> str:
    when = dt.datetime.fromtimestamp(wanted.epoch, tz=dt.UTC)
    return (
        f"kazashi ({wanted.debian_version}) {wanted.suite.name}; urgency=medium\n\n"
        f"  * Kazashi {wanted.version}: changelog.gz beside this file says what is new.\n\n"
        f" -- {MAINTAINER}  {format_datetime(when)}\n"
    )


def _epoch() -> int:
    """When what is built was written: the last commit's time, or SOURCE_DATE_EPOCH."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    if not (ROOT / ".git").exists():
        raise BuildFailed("this is no git checkout: say when it was written by SOURCE_DATE_EPOCH")
    return int(_git(ROOT, "log", "-1", "--format=%ct"))


def is_dirty(root: Path) -> bool:
    """Whether files of a checkout differ from its commit; what is no checkout has none to differ
    from. Raises `BuildFailed`."""
    return (root / ".git").exists() and bool(_git(root, "status", "--porcelain"))


def _git(root: Path, *command: str) -> str:
    # Whoever builds as root, for a chroot, builds in somebody's checkout.
    asked = subprocess.run(
        ["git", "-c", f"safe.directory={root}", *command],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        raise BuildFailed(f"git {command[0]}: {asked.stderr.strip()}")
    return asked.stdout


def main() -> int:
    """Exit code 0: built; 1: not, and stderr says why."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    parser.add_argument("--arch", choices=PLATFORMS, default="amd64")
    parser.add_argument("--version", default=PROJECT["project"]["version"])
    parser.add_argument("--twice", action="store_true", help="build a second time and compare")
    parser.add_argument("--out", type=Path, help="default: build/deb/SUITE")
    arguments = parser.parse_args()
    suite = SUITES[arguments.suite]
    out: Path = arguments.out or OUT / suite.name
    try:
        dirty = is_dirty(ROOT)
        if dirty:
            print("deb: some files differ from the commit: the version says +dirty")
        wanted = Build(suite, arguments.arch, arguments.version, _epoch(), dirty)
        packages = build(wanted, out)
        if arguments.twice:
            compare(packages, build(wanted, OUT / "again" / suite.name))
    except (BuildFailed, NoSigningKey, VendoringFailed) as fault:
        print(f"deb: {fault}", file=sys.stderr)
        return 1
    for package in packages:
        print(f"{sha256_of(package)}  {package.stat().st_size / 1e6:6.1f} MB  {package}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
