"""The support bundle: what a stranger needs to help; no secret, person or record. [shell]

Nothing of the state folders goes in: no key, no ledger, no picture. Every text is masked.
"""

from __future__ import annotations

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import msgspec

from firmware.doctor.masking import GONE, masked, masked_settings
from firmware.doctor.report import Report
from firmware.match.processor import this_processor

FOLDER: Final = "kazashi-support"
LOG_LINES: Final = 1000
PROGRAM_WITHIN_S: Final = 30.0
HOST_SETTINGS: Final = Path("/etc/kazashi/hostdriver.toml")
UNITS: Final = (
    *("kazashi-firmware.service", "kazashi-hostdriver.service", "kazashi-hostdriver.socket"),
    *("kazashi-kiosk.service", "kazashi-usb-gadget.service", "pcscd.service", "pcscd.socket"),
)
SHOWN_OF_UNIT: Final = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus"
LIBRARIES: Final = (
    *("aiohttp", "click", "cryptography", "gpiozero", "joserfc", "msgspec", "numpy"),
    *("onnxruntime", "opencv-python-headless", "picamera2", "pyscard", "pyserial", "spake2"),
)
README: Final = """\
Kazashi のサポート用ファイルです。困りごとを伝えるときに添えてください。
送る前に中身を確かめられます。鍵、暗証番号、台帳、画像、患者や職員の名前は入っていません。

What was found on this device, for whoever helps you. Look into it before you send it: there is no
key, PIN, ledger, picture, and no name of a patient or of staff in it.

report.json    what the doctor found
versions.json  programs and machine
settings.json  the settings; text of unknown keys, passcodes and staff are taken out
health.json    what the host driver says, where it runs here
models.json    the face comparison's models, by the first half of their hashes
units.txt      how systemd's units stand
log.txt        the last lines of their logs, masked
"""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a bundle's content comes from."""

    settings_file: Path
    host_socket: str
    models: Path | None
    """None where the settings cannot be read."""
    host_settings: Path = HOST_SETTINGS


def write_bundle(path: Path, report: Report, sources: Sources) -> None:
    """Write the bundle, whole, for its owner alone. Raises `OSError`."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for name, content in bundle_files(report, sources):
                entry = tarfile.TarInfo(f"{FOLDER}/{name}")
                entry.size, entry.mode = len(content), 0o600
                tar.addfile(entry, io.BytesIO(content))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def bundle_files(report: Report, sources: Sources) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file."""
    known = _staff(sources.settings_file)
    settings = {
        "firmware": _settings(sources.settings_file, known),
        "hostdriver": _settings(sources.host_settings, known),
    }

    def as_masked(value: Any) -> bytes:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
        return masked(text, known).encode()

    yield "README.txt", README.encode()
    yield "report.json", as_masked(report)
    yield "versions.json", as_masked(_versions())
    # Masked already, value by value: its keys' names would be taken for secrets again.
    yield "settings.json", msgspec.json.format(msgspec.json.encode(settings), indent=2)
    yield "health.json", as_masked(_health(sources.host_socket))
    yield "models.json", msgspec.json.format(msgspec.json.encode(_models(sources.models)), indent=2)
    units = _said("systemctl", "show", f"--property={SHOWN_OF_UNIT}", *UNITS)
    yield "units.txt", masked(units, known).encode()
    chosen = [part for unit in UNITS for part in ("--unit", unit)]
    log = _said(
        *("journalctl", "--no-pager", "--no-hostname", "--output=short-iso"),
        *(f"--lines={LOG_LINES}", *chosen),
    )
    yield "log.txt", masked(log, known).encode()


def _versions() -> dict[str, Any]:
    return {
        "kazashi": version("kazashi"),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "int8_dot_products": this_processor().has_int8_dot_products,  # which networks it loads
        "model": _text(Path("/proc/device-tree/model")).strip("\0\n") or None,
        "system": dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', _text(Path("/etc/os-release")), re.M)),
        "libraries": {name: _version_of(name) for name in LIBRARIES},
    }


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _settings(path: Path, known: Collection[str]) -> dict[str, Any] | str:
    try:
        return masked_settings(tomllib.loads(path.read_text(encoding="utf-8")), known)
    except OSError as cause:
        return f"not read: {cause.strerror}"
    except ValueError:
        return "not read: it is no TOML"


def _staff(path: Path) -> tuple[str, ...]:
    """Who works here, as far as the settings say so."""
    try:
        staff = tomllib.loads(path.read_text(encoding="utf-8")).get("staff", [])
    except (OSError, ValueError):
        return ()
    names = [each.get("staff_id") for each in staff if isinstance(each, dict)]
    return tuple(name for name in names if isinstance(name, str) and name)


def _health(host_socket: str) -> Any:
    """What reception would be told, without the device's key."""
    said = _said("kazashi", "--socket", host_socket, "health", "--json")
    try:
        health = msgspec.json.decode(said, type=dict[str, Any])
    except msgspec.DecodeError:
        return "not asked: no host driver answers here"
    for reader in health.get("readers", []):
        if reader.get("device"):
            reader["device"]["device_key"] = GONE
    return health


def _models(folder: Path | None) -> dict[str, Any]:
    """Each model's id, and half of the hash that its card names."""
    from firmware.faults import ModelRejected
    from firmware.match.runtime import read_model_card

    models: dict[str, Any] = {}
    for card in sorted(folder.glob("*/card.toml")) if folder is not None else ():
        try:
            read = read_model_card(card.parent)
            models[card.parent.name] = {"id": read.model_id, "sha256": f"{read.sha256[:32]}…"}
        except ModelRejected:
            models[card.parent.name] = "its card cannot be read"
    return models


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _said(program: str, *arguments: str) -> str:
    """What a program prints; why not, where it is not there or takes too long."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(program) or shutil.which(program, path=beside)
    if found is None:
        return f"not asked: there is no {program} here\n"
    try:
        done = subprocess.run(
            [found, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROGRAM_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as cause:
        return f"not asked: {type(cause).__name__}\n"
    return (done.stdout or done.stderr).decode(errors="replace")
