"""The environments of the peers, build/peers…: made from benchmarks/peers….lock, apart from ours.

OpenCV 4 has one of its own, since OpenCV 5 takes part as well.

What has no wheel for this platform is left out and named; the others still take part.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "benchmarks" / "peers.lock"
BOOTSTRAP = ROOT / "packaging" / "bootstrap.lock"
OPENCV4_LOCK = ROOT / "benchmarks" / "peers-opencv4.lock"
SOURCES = ("face-recognition-models",)  # data alone, and only to be had as an archive


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python that has the peers' libraries, and what could not be installed: name → reason."""

    python: Path
    left_out: dict[str, str]

    @property
    def site_packages(self) -> Path:
        """Where its libraries lie."""
        (folder,) = self.python.parents[1].glob("lib/python*/site-packages")
        return folder


def prepared(lock: Path = LOCK) -> Environment:
    """The environment as a lock says it, build/ and the lock's name; made if it is not there."""
    folder = ROOT / "build" / lock.stem
    python, stamp = folder / "bin" / "python", folder / "left-out.json"
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file():
        made = json.loads(stamp.read_text(encoding="utf-8"))
        if made["key"] == key:
            return Environment(python, made["left_out"])
    print(f"installing the peers into {folder}, each checked by its hash", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    # What comes as an archive is built with the setuptools of bootstrap.lock.
    _run(_install(python, BOOTSTRAP), "the installer")
    left_out: dict[str, str] = {}
    if subprocess.run(_install(python, lock), check=False, capture_output=True).returncode:
        left_out = dict(_one_by_one(python, lock))
    stamp.write_text(json.dumps({"key": key, "left_out": left_out}), encoding="utf-8")
    return Environment(python, left_out)


def requirements(lock: str) -> dict[str, str]:
    """The parts of a lock by name; of two versions of one package, both in one part."""
    parts: dict[str, str] = {}
    name = ""
    for line in lock.splitlines():
        if line and not line.startswith((" ", "#")):
            name = line.partition("==")[0]
        if name and not line.lstrip().startswith("#"):
            parts[name] = f"{parts.get(name, '')}{line}\n"
    return parts


def released(package: str) -> str:
    """Which release of a package the lock names."""
    part = requirements(LOCK.read_text(encoding="utf-8"))[package]
    return part.partition("==")[2].split()[0]


def _install(python: Path, lock: Path) -> list[str]:
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"]
    command += ["--python", str(python), "--system-certs", "--link-mode", "copy"]
    command += ["--no-deps", "--require-hashes", "--no-build-isolation", "--only-binary", ":all:"]
    for source in SOURCES:
        command += ["--no-binary", source]
    return [*command, "--requirement", str(lock)]


def _run(command: list[str], what: str) -> None:
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"{what} could not be installed (the reason stands above)")


def _one_by_one(python: Path, lock: Path) -> Iterator[tuple[str, str]]:
    for name, part in requirements(lock.read_text(encoding="utf-8")).items():
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as alone:
            alone.write(part)
            alone.flush()
            done = subprocess.run(
                _install(python, Path(alone.name)), check=False, capture_output=True, text=True
            )
        if done.returncode:
            reason = " ".join(done.stderr.split())[:200]
            print(f"left out: {name} ({reason})", file=sys.stderr)
            yield name, reason
