"""What goes where: fills root/PACKAGE with the files of each package, as they are installed.

A program lives in an environment of its own under /usr/lib, in the form of Python's venv: the
system's Python, the vendored wheels and our code, and behind them the modules of the system
(picamera2, pyscard, lgpio). So its workers find the same modules, however they are started.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import dataclass
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signing import public_pem
from suites import Suite
from wheels import vendor

from firmware.match.manifest import SHIPPED_KEY, sign_models

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FIRMWARE, HOSTDRIVER = "kazashi-firmware", "kazashi-hostdriver"
KIOSK, SIMULATOR = "kazashi-kiosk", "kazashi-simulator"
PACKAGES = (FIRMWARE, HOSTDRIVER, KIOSK, SIMULATOR)
NOT_SHIPPED = ("simulator", "testbench")
PROGRAMS = {
    FIRMWARE: ("kazashi-firmware", "kazashi-match"),
    HOSTDRIVER: ("kazashi", "kazashi-hostdriver"),
    SIMULATOR: ("kazashi-simulator", "kazashi-testbench"),
}
# A word in the path of a file under systemd/ → the package that it belongs to, first match first.
BELONGS = (
    ("kiosk", KIOSK),
    ("hostdriver", HOSTDRIVER),
    ("", FIRMWARE),
)
NOT_INSTALLED = ("README.md",)
MODELS = "usr/share/kazashi/models"
SPEECH = "usr/share/kazashi/speech"


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder that takes all packages of one build."""

    root: Path
    suite: Suite
    arch: str
    version: str

    def home(self, package: str) -> Path:
        """Where a package's programs live once it is installed."""
        return Path("/usr/lib", package)

    def modules(self, package: str) -> Path:
        """Where they find their modules."""
        return self.home(package) / f"lib/python{self.suite.python_version}/site-packages"

    def into(self, package: str, installed: Path | str) -> Path:
        """The place under `root` of an installed path; its folder is there."""
        path = self.root / package / str(installed).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def fill(self, key: Ed25519PrivateKey) -> None:
        """Put everything there: models, which `key` signs, and speech must have been built."""
        for package in PACKAGES:
            (self.root / package).mkdir(parents=True)
        for package, lock in ((FIRMWARE, "firmware"), (HOSTDRIVER, "hostdriver")):
            self._environment(package)
            vendor(
                PACKAGING / f"{lock}.lock",
                self.into(package, self.modules(package)),
                self.suite,
                self.arch,
            )
        self._code(FIRMWARE, firmware_files(), "kazashi", "")
        self._code(HOSTDRIVER, hostdriver_files(), "kazashi", "")
        self._simulator()
        self._programs()
        self._models(key)
        shutil.copytree(ROOT / "build/speech", self.into(FIRMWARE, SPEECH), dirs_exist_ok=True)
        for path in files_under(ROOT / "systemd"):
            installed = path.relative_to(ROOT / "systemd")
            if installed.name not in NOT_INSTALLED:
                shutil.copy(path, self.into(package_of(installed), installed))

    def _environment(self, package: str) -> None:
        """What makes a folder a virtual environment of the system's Python."""
        home = self.home(package)
        self.into(package, home / "pyvenv.cfg").write_text(
            "home = /usr/bin\ninclude-system-site-packages = true\n", encoding="ascii"
        )
        link = self.into(package, home / "bin/python3")
        link.symlink_to(f"/usr/bin/python{self.suite.python_version}")

    def _code(self, package: str, files: list[Path], name: str, entry_points: str) -> None:
        modules = self.modules(FIRMWARE if package == SIMULATOR else package)
        for path in files:
            shutil.copy(path, self.into(package, modules / path.relative_to(ROOT)))
        note = modules / f"{name.replace('-', '_')}-{self.version}.dist-info"
        self.into(package, note / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {name}\nVersion: {self.version}\n"
            f"Summary: {PROJECT['project']['description']}\n"
            f"License-Expression: {PROJECT['project']['license']}\n",
            encoding="utf-8",
        )
        if entry_points:
            self.into(package, note / "entry_points.txt").write_text(entry_points, encoding="ascii")

    def _simulator(self) -> None:
        """It lives among the firmware's modules, and sees the host driver's."""
        modules = self.modules(FIRMWARE)
        vendor(PACKAGING / "simulator.lock", self.into(SIMULATOR, modules), self.suite, self.arch)
        groups = PROJECT["project"]["entry-points"]
        entry_points = "".join(
            f"[{group}]\n" + "".join(f"{name} = {entry}\n" for name, entry in entries.items())
            for group, entries in sorted(groups.items())
        )
        self._code(SIMULATOR, simulator_files(), SIMULATOR, entry_points)
        self.into(SIMULATOR, modules / f"{SIMULATOR}.pth").write_text(
            f"{self.modules(HOSTDRIVER)}\n", encoding="ascii"
        )

    def _programs(self) -> None:
        for package, names in PROGRAMS.items():
            home = self.home(FIRMWARE if package == SIMULATOR else package)
            for name in names:
                module, function = PROJECT["project"]["scripts"][name].split(":")
                program = self.into(package, f"/usr/bin/{name}")
                program.write_text(
                    f"#!{home}/bin/python3 -IB\n"
                    "import sys\n\n"
                    f"from {module} import {function}\n\n"
                    f"sys.exit({function}())\n",
                    encoding="ascii",
                )
                program.chmod(0o755)

    def _models(self, key: Ed25519PrivateKey) -> None:
        """Beside the code, where programs look for them, there is a link."""
        beside = self.into(FIRMWARE, self.modules(FIRMWARE) / "models")
        beside.symlink_to(os.path.relpath(f"/{MODELS}", self.modules(FIRMWARE)))
        for path in model_files(self.arch):
            shutil.copy(path, self.into(FIRMWARE, Path(MODELS, path.relative_to(ROOT / "models"))))
        sign_models(self.root / FIRMWARE / MODELS, self.version, key)
        shipped = SHIPPED_KEY.relative_to(ROOT)
        self.into(FIRMWARE, self.modules(FIRMWARE) / shipped).write_bytes(public_pem(key))


def package_of(installed: Path) -> str:
    """Whose a file of systemd/ is."""
    return next(package for word, package in BELONGS if word in str(installed))


def files_under(folder: Path) -> list[Path]:
    """All files, in order, but what Python and editors leave."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]


def model_files(arch: str) -> list[Path]:
    """The networks with their cards and licences, in the forms that such a machine runs."""
    return [
        path
        for path in files_under(ROOT / "models")
        if path.suffix in {".toml", ".onnx"} or path.name == "LICENSE"
        if arch == "amd64" or not path.name.endswith("-blocked.onnx")  # models/prelu.py
    ]


def firmware_files() -> list[Path]:
    """Package `firmware` as it ships."""
    return [
        path for path in _package_files() if path.parts[-2] not in NOT_SHIPPED and not _tests(path)
    ]


def simulator_files() -> list[Path]:
    """What of package `firmware` is for testers only."""
    return [path for path in _package_files() if _tests(path)]


def _tests(path: Path) -> bool:
    return path.relative_to(ROOT / "firmware").parts[0] in NOT_SHIPPED


def _package_files() -> list[Path]:
    """As pyproject.toml chooses them: modules, and the data of [tool.setuptools.package-data]."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["firmware"]
    data = {path for pattern in patterns for path in (ROOT / "firmware").glob(pattern)}
    return sorted({*(ROOT / "firmware").rglob("*.py"), *data})


def hostdriver_files() -> list[Path]:
    """Package `hostdriver`, and of `firmware` the modules that it imports, theirs, and so on."""
    finder = ModuleFinder(path=[str(ROOT)])
    for path in sorted((ROOT / "hostdriver").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        finder.import_hook(".".join(part for part in parts if part != "__init__"))
    files = (vars(module)["__file__"] for module in finder.modules.values())
    return sorted(Path(file) for file in files if file)


def date_all(root: Path, epoch: int) -> None:
    """Give every file and folder one time, so that a package does not tell when it was built."""
    for path in root.rglob("*"):
        os.utime(path, (epoch, epoch), follow_symlinks=False)
