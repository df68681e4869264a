"""Puts the wheels of a lock into a folder, for another machine's Python; lists what they are.

Only wheels, only by the hashes of the lock: nothing is compiled and no package's code runs here.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from suites import PLATFORMS, Suite

ROOT = Path(__file__).resolve().parents[1]
UV = ROOT / ".venv/bin/uv"
# What an installer notes for itself, and would differ from one build to the next.
INSTALLER_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")


class VendoringFailed(Exception):
    """A wheel of the lock could not be had; the message names the lock."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package as its own metadata describes it."""

    name: str
    version: str
    licence: str
    home: str
    licence_files: tuple[Path, ...]


def vendor(lock: Path, into: Path, suite: Suite, arch: str) -> None:
    """Install the lock's wheels into `into`, without programs and without their own tests."""
    command = [
        *(str(UV), "pip", "install", "--quiet", "--system-certs", "--link-mode", "copy"),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python-version", suite.python_version, "--python-platform", PLATFORMS[arch]),
        *("--target", str(into), "--requirement", str(lock)),
    ]
    if subprocess.run(command, check=False).returncode != 0:
        raise VendoringFailed(f"a wheel of {lock} could not be fetched")
    shutil.rmtree(into / "bin", ignore_errors=True)
    (into / ".lock").unlink(missing_ok=True)
    for note in (path for name in INSTALLER_NOTES for path in into.glob(f"*.dist-info/{name}")):
        note.unlink()
    for tests in sorted(into.rglob("tests")):
        if tests.is_dir():
            shutil.rmtree(tests)


def wheels_in(folder: Path) -> list[Wheel]:
    """What is installed in a folder, by name."""
    return sorted(
        (_described(path) for path in folder.glob("*.dist-info/METADATA")),
        key=lambda wheel: wheel.name.lower(),
    )


def _described(metadata: Path) -> Wheel:
    head = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
    files = (
        path
        for path in sorted(metadata.parent.rglob("*"))
        if path.is_file() and path.name.upper().startswith(("LICEN", "COPYING", "NOTICE"))
    )
    return Wheel(head["Name"], head["Version"], _licence(head), _home(head), tuple(files))


def _licence(head: Message) -> str:
    """The SPDX expression, or what older metadata says in its stead, in one line."""
    if expression := head["License-Expression"]:
        return str(expression)
    stated = [
        entry.rsplit(" :: ", 1)[-1]
        for entry in head.get_all("Classifier", [])
        if entry.startswith("License :: ") and entry != "License :: OSI Approved"
    ]
    if stated:
        return " and ".join(stated)
    said = (head["License"] or "").strip().splitlines()
    return said[0].strip() if said else "not stated"


def _home(head: Message) -> str:
    urls = dict(entry.split(", ", 1) for entry in head.get_all("Project-URL", []))
    for name in ("Homepage", "homepage", "Source", "Source Code", "Repository"):
        if name in urls:
            return str(urls[name])
    return str(head["Home-page"] or next(iter(urls.values()), ""))
