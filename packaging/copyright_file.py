"""Writes debian/PACKAGE.copyright: our licence, and that of each vendored wheel as it states it."""

from __future__ import annotations

from pathlib import Path

from stage import FIRMWARE, HOSTDRIVER, KIOSK, MODELS, SIMULATOR, Stage
from wheels import wheels_in

HEAD = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: kazashi
Comment: The wheels below stand as their authors published them in {home}. Each one's
 full licence lies beside it, in the folder NAME-VERSION.dist-info.

Files: *
Copyright: 2026 the authors of Kazashi
License: Apache-2.0

License: Apache-2.0
 On Debian systems the full text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
"""
MODELS_TOO = f"""\

Files: {MODELS}/*
Copyright: those whom each model's card names
License: see-each-model
Comment: card.toml in each model's folder says whose the weights are, and LICENSE
 beside it under which terms.

License: see-each-model
 /{MODELS}/MODEL/LICENSE
"""


def write_copyright(stage: Stage, debian: Path) -> None:
    """One file for each package."""
    for package in (FIRMWARE, HOSTDRIVER, KIOSK, SIMULATOR):
        home = stage.modules(FIRMWARE if package == SIMULATOR else package)
        parts = [HEAD.format(home=home)]
        if package == FIRMWARE:
            parts.append(MODELS_TOO)
        folder = stage.root / package / str(home).lstrip("/")
        for wheel in wheels_in(folder):
            if wheel.name in {"kazashi", SIMULATOR}:
                continue
            lies = ", ".join(str(path.relative_to(folder)) for path in wheel.licence_files)
            parts.append(
                f"\nFiles: {str(home).lstrip('/')}/{wheel.name.replace('-', '_')}*\n"
                f"Copyright: the authors of {wheel.name} {wheel.version}\n"
                f"License: {wheel.name}\n"
                f" {wheel.licence}\n .\n"
                f" {lies or wheel.home or 'its metadata names no file'}\n"
            )
        (debian / f"{package}.copyright").write_text("".join(parts), encoding="utf-8")
