"""Facts → what is wrong with a device. Pure: one function per check, in one table.

What to do about each symptom stands in texts.toml, and so does how grave it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from firmware.doctor import facts as f
from firmware.doctor.facts import CHECKS, CameraState, Facts, NotAsked, ReaderState
from firmware.words import ClockTrust

LEAST_FREE_BYTES: Final = 200 * 1024**2
"""Assumed: the ledger of years, and room for the journal and an update."""
LEAST_MEMORY_BYTES: Final = 100 * 1024**2
"""Assumed: a visit's own peak beside what already runs (docs/BENCHMARKS.md)."""
HOT_CELSIUS: Final = 80.0
"""The Raspberry Pi slows down by itself from 80 °C (its documentation, "Frequency management")."""

# The bits of get_throttled, as Raspberry Pi's documentation of vcgencmd lists them.
UNDER_VOLTAGE_NOW: Final = 1 << 0
SLOWED_NOW: Final = 1 << 1 | 1 << 2
HOT_NOW: Final = 1 << 3
UNDER_VOLTAGE_BEFORE: Final = 1 << 16
HOT_BEFORE: Final = 1 << 19


class Symptom(StrEnum):
    """One thing that can be wrong. The words are those of `--json`: never change one."""

    SETTINGS_WRONG = "settings_wrong"
    FIRMWARE_STOPPED = "firmware_stopped"
    FIRMWARE_SILENT = "firmware_silent"
    CARD_SERVICE_MISSING = "card_service_missing"
    CARD_SERVICE_REFUSED = "card_service_refused"
    READER_MISSING = "reader_missing"
    READER_NOT_NAMED = "reader_not_named"
    READER_HELD = "reader_held"
    READER_HANGS = "reader_hangs"
    CARD_SILENT = "card_silent"
    FACE_CAMERA_MISSING = "face_camera_missing"
    FACE_CAMERA_FROZEN = "face_camera_frozen"
    FACE_CAMERA_BLACK = "face_camera_black"
    TRAY_CAMERA_MISSING = "tray_camera_missing"
    TRAY_CAMERA_FROZEN = "tray_camera_frozen"
    TRAY_CAMERA_BLACK = "tray_camera_black"
    LIGHTS_MISSING = "lights_missing"
    SPEECH_MISSING = "speech_missing"
    SOUND_DEVICE_MISSING = "sound_device_missing"
    PANEL_SILENT = "panel_silent"
    FONT_MISSING = "font_missing"
    CLOCK_UNTRUSTED = "clock_untrusted"
    NOT_PAIRED = "not_paired"
    MODEL_MISSING = "model_missing"
    MODEL_WRONG = "model_wrong"
    MODELS_NOT_SIGNED = "models_not_signed"
    LEDGER_BROKEN = "ledger_broken"
    DISK_READ_ONLY = "disk_read_only"
    DISK_NEARLY_FULL = "disk_nearly_full"
    MEMORY_LOW = "memory_low"
    UNDER_VOLTAGE = "under_voltage"
    UNDER_VOLTAGE_BEFORE = "under_voltage_before"
    SLOWED_DOWN = "slowed_down"
    OVERHEATED = "overheated"
    OVERHEATED_BEFORE = "overheated_before"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong. `detail` is what was measured, in no language."""

    check: str
    symptom: Symptom
    detail: str = ""


Judged = Iterator[tuple[Symptom, str]]


def judge(facts: Facts) -> tuple[Found, ...]:
    """Everything that is wrong, in the order of the checks; empty for a healthy device."""
    return tuple(
        Found(check, symptom, detail)
        for check in CHECKS
        if not isinstance(fact := getattr(facts, check), NotAsked)
        for symptom, detail in JUDGES[check](fact)
    )


def _settings(fact: f.SettingsFact) -> Judged:
    for complaint in fact.complaints:
        yield Symptom.SETTINGS_WRONG, complaint


def _firmware(fact: f.FirmwareFact) -> Judged:
    if not fact.runs:
        yield Symptom.FIRMWARE_STOPPED, fact.why_not
    elif fact.why_not:
        yield Symptom.FIRMWARE_SILENT, fact.why_not


OF_READER: Final = {
    ReaderState.NO_SERVICE: Symptom.CARD_SERVICE_MISSING,
    ReaderState.REFUSED: Symptom.CARD_SERVICE_REFUSED,
    ReaderState.NONE: Symptom.READER_MISSING,
    ReaderState.NONE_FITS: Symptom.READER_NOT_NAMED,
    ReaderState.HELD: Symptom.READER_HELD,
    ReaderState.CARD_SILENT: Symptom.CARD_SILENT,
    ReaderState.HANGS: Symptom.READER_HANGS,
}


def _reader(fact: f.ReaderFact) -> Judged:
    if fact.state is not ReaderState.WELL:
        yield OF_READER[fact.state], fact.says or ", ".join(fact.readers)


OF_FACE_CAMERA: Final = {
    CameraState.ABSENT: Symptom.FACE_CAMERA_MISSING,
    CameraState.FROZEN: Symptom.FACE_CAMERA_FROZEN,
    CameraState.BLACK: Symptom.FACE_CAMERA_BLACK,
}
OF_TRAY_CAMERA: Final = {
    CameraState.ABSENT: Symptom.TRAY_CAMERA_MISSING,
    CameraState.FROZEN: Symptom.TRAY_CAMERA_FROZEN,
    CameraState.BLACK: Symptom.TRAY_CAMERA_BLACK,
}


def _face_camera(fact: f.CameraFact) -> Judged:
    if fact.state is not CameraState.WELL:
        yield OF_FACE_CAMERA[fact.state], fact.says


def _tray_camera(fact: f.CameraFact) -> Judged:
    if fact.state is not CameraState.WELL:
        yield OF_TRAY_CAMERA[fact.state], fact.says


def _lights(fact: f.LightsFact) -> Judged:
    if not fact.there:
        yield Symptom.LIGHTS_MISSING, fact.says


def _sound(fact: f.SoundFact) -> Judged:
    if fact.clips_missing:
        yield Symptom.SPEECH_MISSING, str(fact.clips_missing) if fact.clips_missing > 0 else ""
    if not fact.device:
        yield Symptom.SOUND_DEVICE_MISSING, ""


def _panel(fact: f.PanelFact) -> Judged:
    if not fact.answers:
        yield Symptom.PANEL_SILENT, fact.says


def _fonts(fact: f.FontsFact) -> Judged:
    if not fact.japanese:
        yield Symptom.FONT_MISSING, ""


def _clock(fact: f.ClockFact) -> Judged:
    if fact.trust is ClockTrust.NONE:
        yield Symptom.CLOCK_UNTRUSTED, ""


def _pairing(fact: f.PairingFact) -> Judged:
    if not fact.paired:
        yield Symptom.NOT_PAIRED, ""


def _models(fact: f.ModelsFact) -> Judged:
    for file in fact.missing:
        yield Symptom.MODEL_MISSING, file
    for file in fact.wrong:
        yield Symptom.MODEL_WRONG, file
    if fact.not_signed and not (fact.missing or fact.wrong):  # which would say it again
        yield Symptom.MODELS_NOT_SIGNED, fact.not_signed


def _ledger(fact: f.LedgerFact) -> Judged:
    if not fact.whole:
        yield Symptom.LEDGER_BROKEN, fact.says


def _disk(fact: f.DiskFact) -> Judged:
    if not fact.writable:
        yield Symptom.DISK_READ_ONLY, fact.folder
    if fact.free_bytes < LEAST_FREE_BYTES:
        left = f"{_megabytes(fact.free_bytes)} / {_megabytes(fact.total_bytes)}"
        yield Symptom.DISK_NEARLY_FULL, f"{fact.folder}: {left}"


def _memory(fact: f.MemoryFact) -> Judged:
    if fact.available_bytes < LEAST_MEMORY_BYTES:
        yield Symptom.MEMORY_LOW, _megabytes(fact.available_bytes)


def _power(fact: f.PowerFact) -> Judged:
    """What holds now is told, and what held before only where it has ended."""
    flags, told = fact.flags, f"get_throttled={fact.flags:#x}"
    if flags & UNDER_VOLTAGE_NOW:
        yield Symptom.UNDER_VOLTAGE, told
    elif flags & UNDER_VOLTAGE_BEFORE:
        yield Symptom.UNDER_VOLTAGE_BEFORE, told
    if flags & HOT_NOW:
        yield Symptom.OVERHEATED, told
    elif flags & SLOWED_NOW and not flags & UNDER_VOLTAGE_NOW:
        yield Symptom.SLOWED_DOWN, told
    elif flags & HOT_BEFORE:
        yield Symptom.OVERHEATED_BEFORE, told


def _heat(fact: f.HeatFact) -> Judged:
    if fact.celsius >= HOT_CELSIUS:
        yield Symptom.OVERHEATED, f"{fact.celsius:.0f} °C"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


JUDGES: Final[dict[str, Callable[[Any], Judged]]] = {
    "settings": _settings,
    "firmware": _firmware,
    "reader": _reader,
    "face_camera": _face_camera,
    "tray_camera": _tray_camera,
    "lights": _lights,
    "sound": _sound,
    "panel": _panel,
    "fonts": _fonts,
    "clock": _clock,
    "pairing": _pairing,
    "models": _models,
    "ledger": _ledger,
    "disk": _disk,
    "memory": _memory,
    "power": _power,
    "heat": _heat,
}
