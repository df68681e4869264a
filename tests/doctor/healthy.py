"""The facts of a device that nothing is wrong with, and the facts of each thing that can be."""

from __future__ import annotations

from typing import Final

import msgspec

from firmware.doctor import facts as f
from firmware.doctor.facts import CameraState, Facts, ReaderState
from firmware.doctor.judge import HOT_CELSIUS, LEAST_FREE_BYTES, LEAST_MEMORY_BYTES, Symptom
from firmware.words import ClockTrust

DISK: Final = f.DiskFact("/var/lib/kazashi", True, LEAST_FREE_BYTES, 32 * 10**9)
HEALTHY: Final = Facts(
    settings=f.SettingsFact(),
    firmware=f.FirmwareFact(runs=True),
    reader=f.ReaderFact(ReaderState.WELL, ("ACS ACR39U 00 00",)),
    face_camera=f.CameraFact(CameraState.WELL),
    tray_camera=f.CameraFact(CameraState.WELL),
    lights=f.LightsFact(there=True),
    sound=f.SoundFact(clips_missing=0, device=True),
    panel=f.PanelFact(answers=True),
    fonts=f.FontsFact(japanese=True),
    clock=f.ClockFact(ClockTrust.RTC),
    pairing=f.PairingFact(paired=True),
    models=f.ModelsFact(),
    ledger=f.LedgerFact(whole=True),
    disk=DISK,
    memory=f.MemoryFact(LEAST_MEMORY_BYTES),
    power=f.PowerFact(0),
    heat=f.HeatFact(HOT_CELSIUS - 0.1),
)
"""Each figure is the worst that is still well."""

ILL: Final[dict[Symptom, f.Fact]] = {
    Symptom.SETTINGS_WRONG: f.SettingsFact(("firmware.toml:3: unknown key",)),
    Symptom.FIRMWARE_STOPPED: f.FirmwareFact(runs=False),
    Symptom.FIRMWARE_SILENT: f.FirmwareFact(runs=True, why_not="no answer"),
    Symptom.CARD_SERVICE_MISSING: f.ReaderFact(ReaderState.NO_SERVICE),
    Symptom.CARD_SERVICE_REFUSED: f.ReaderFact(ReaderState.REFUSED),
    Symptom.READER_MISSING: f.ReaderFact(ReaderState.NONE),
    Symptom.READER_NOT_NAMED: f.ReaderFact(ReaderState.NONE_FITS, ("another",)),
    Symptom.READER_HELD: f.ReaderFact(ReaderState.HELD),
    Symptom.READER_HANGS: f.ReaderFact(ReaderState.HANGS),
    Symptom.CARD_SILENT: f.ReaderFact(ReaderState.CARD_SILENT),
    Symptom.FACE_CAMERA_MISSING: f.CameraFact(CameraState.ABSENT),
    Symptom.FACE_CAMERA_FROZEN: f.CameraFact(CameraState.FROZEN),
    Symptom.FACE_CAMERA_BLACK: f.CameraFact(CameraState.BLACK),
    Symptom.TRAY_CAMERA_MISSING: f.CameraFact(CameraState.ABSENT),
    Symptom.TRAY_CAMERA_FROZEN: f.CameraFact(CameraState.FROZEN),
    Symptom.TRAY_CAMERA_BLACK: f.CameraFact(CameraState.BLACK),
    Symptom.LIGHTS_MISSING: f.LightsFact(there=False),
    Symptom.SPEECH_MISSING: f.SoundFact(clips_missing=-1, device=True),
    Symptom.SOUND_DEVICE_MISSING: f.SoundFact(clips_missing=0, device=False),
    Symptom.PANEL_SILENT: f.PanelFact(answers=False),
    Symptom.FONT_MISSING: f.FontsFact(japanese=False),
    Symptom.CLOCK_UNTRUSTED: f.ClockFact(ClockTrust.NONE),
    Symptom.NOT_PAIRED: f.PairingFact(paired=False),
    Symptom.MODEL_MISSING: f.ModelsFact(missing=("a.onnx",)),
    Symptom.MODEL_WRONG: f.ModelsFact(wrong=("a.onnx",)),
    Symptom.MODELS_NOT_SIGNED: f.ModelsFact(not_signed="a.onnx is not in the manifest"),
    Symptom.LEDGER_BROKEN: f.LedgerFact(whole=False),
    Symptom.DISK_READ_ONLY: msgspec.structs.replace(DISK, writable=False),
    Symptom.DISK_NEARLY_FULL: msgspec.structs.replace(DISK, free_bytes=LEAST_FREE_BYTES - 1),
    Symptom.MEMORY_LOW: f.MemoryFact(LEAST_MEMORY_BYTES - 1),
    Symptom.UNDER_VOLTAGE: f.PowerFact(0x50005),
    Symptom.UNDER_VOLTAGE_BEFORE: f.PowerFact(0x50000),
    Symptom.SLOWED_DOWN: f.PowerFact(0x4),
    Symptom.OVERHEATED: f.HeatFact(HOT_CELSIUS),
    Symptom.OVERHEATED_BEFORE: f.PowerFact(0x80000),
}

CHECK_OF: Final = {
    symptom: next(
        check
        for check in reversed(f.CHECKS)
        if type(getattr(HEALTHY, check)) is type(fact)
        and (not isinstance(fact, f.CameraFact) or symptom.value.startswith(check))
    )
    for symptom, fact in ILL.items()
}


def ill_with(symptom: Symptom) -> Facts:
    """A device on which this alone is wrong."""
    return msgspec.structs.replace(HEALTHY, **{CHECK_OF[symptom]: ILL[symptom]})
