"""The units as they are installed, and as systemd's own tools judge them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "systemd"
"""Laid out as the root of an installed machine."""
UNITS = INSTALLED / "usr/lib/systemd/system"
DAEMONS = ("kazashi-firmware", "kazashi-hostdriver")
SERVICES = (*DAEMONS, "kazashi-kiosk", "kazashi-usb-gadget")

Settings = dict[str, list[str]]
"""Key of a unit file → its values, in order. Sections are dropped: no key stands in two."""


def read_unit(name: str) -> Settings:
    """The settings of one unit file."""
    settings: Settings = defaultdict(list)
    text = (UNITS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and line[0] not in "#;[":
            key, _, value = line.partition("=")
            settings[key].append(value.strip())
    return settings


def program_in_tree(installed: str) -> str:
    """Where the program of an installed machine is here."""
    inside = INSTALLED / installed.lstrip("/")
    return str(inside if inside.exists() else Path(sys.executable).parent / Path(installed).name)


def copy_units(folder: Path) -> list[Path]:
    """All units in `folder`, with their programs where they are here."""
    copies = []
    for unit in sorted(UNITS.iterdir()):
        text = re.sub(
            r"^(Exec\w+=)(\S+)",
            lambda found: found[1] + program_in_tree(found[2]),
            unit.read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
        copies.append(folder / unit.name)
        copies[-1].write_text(text, encoding="utf-8")
    return copies


def analyze(*arguments: str, units: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`systemd-analyze`, which needs no systemd to run; `units` come before Debian's."""
    paths = f"{units}:/usr/lib/systemd/system" if units else ""
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        env={**os.environ, "SYSTEMD_UNIT_PATH": paths} if paths else None,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
