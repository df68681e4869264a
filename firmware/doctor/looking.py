"""Looks at one part that may hang, break or hold memory, in a process of its own. [shell]

`python -m firmware.doctor.looking PART SETTINGS_JSON` prints one fact as JSON. A PC/SC call and a
camera's driver cannot be cancelled; this process can be killed (`firmware/doctor/children.py`).
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from firmware.doctor import facts as f
from firmware.doctor.facts import CameraState, ReaderState
from firmware.faults import (
    CameraBlack,
    CameraFrozen,
    CameraUnavailable,
    CardFault,
    CardRemoved,
    CardServiceRefused,
    CardServiceUnavailable,
    CardSilent,
    Fault,
    ModelRejected,
    ModelsNotSigned,
    ReaderHeld,
    ReaderUnavailable,
)
from firmware.settings import Settings, VisionSettings
from firmware.worker import die_with_parent

WATCHED_S: Final = 2.0
"""A camera that is well so long after its first picture is well."""
LOOK_EVERY_S: Final = 0.02
CAMERA_STATES: Final = {
    None: CameraState.WELL,
    CameraFrozen.code: CameraState.FROZEN,
    CameraBlack.code: CameraState.BLACK,
}
"""By the code of its fault; every other one is an absent camera."""


def camera_state(code: str | None) -> CameraState:
    """How a camera with this fault stands."""
    return CAMERA_STATES.get(code, CameraState.ABSENT)


# --- the card reader
def look_at_reader(settings: Settings) -> f.ReaderFact:
    """Connect to each reader that fits, as the firmware would, and leave what lies there alone."""
    from firmware.card.pcsc import Context

    try:
        context = Context.establish()
    except CardServiceRefused as fault:
        return f.ReaderFact(ReaderState.REFUSED, says=str(fault))
    except CardServiceUnavailable as fault:
        return f.ReaderFact(ReaderState.NO_SERVICE, says=str(fault))
    try:
        names = tuple(context.readers())
        if not names:
            return f.ReaderFact(ReaderState.NONE)
        states = [_state_of(name) for name in context.fitting(settings.card.readers)]
    except ReaderUnavailable as fault:
        return f.ReaderFact(ReaderState.NONE_FITS, names, str(fault))
    except CardServiceUnavailable as fault:
        return f.ReaderFact(ReaderState.NO_SERVICE, says=str(fault))
    finally:
        context.release()
    return next((fact for fact in states if fact.state is ReaderState.WELL), states[0])


def _state_of(name: str) -> f.ReaderFact:
    from firmware.card.pcsc import Connection

    says = ""
    try:
        Connection(name).leave()
        state = ReaderState.WELL
    except CardRemoved:
        state = ReaderState.WELL  # there is no card, and nothing else in the way
    except CardSilent:
        state = ReaderState.CARD_SILENT
    except ReaderHeld:
        state = ReaderState.HELD
    except CardServiceRefused as fault:
        state, says = ReaderState.REFUSED, str(fault)
    except CardFault as fault:
        state, says = ReaderState.NONE, str(fault)
    return f.ReaderFact(state, (name,), says)


# --- cameras
def look_at_face_camera(settings: Settings) -> f.CameraFact:
    """The face camera, while no firmware holds it."""
    return _look_through(settings.vision.face_camera)


def look_at_tray_camera(settings: Settings) -> f.CameraFact:
    """The tray camera, between visits."""
    return _look_through(settings.vision.tray_camera or "")


def _look_through(spec: str) -> f.CameraFact:
    from firmware.camera.opening import NamedCamera
    from firmware.camera.watch import WatchedCamera

    told: list[str | None] = []
    camera = WatchedCamera(NamedCamera(spec), told.append)
    try:
        camera.start(time.monotonic())
    except CameraUnavailable as fault:
        return f.CameraFact(CameraState.ABSENT, str(fault))
    well_at_s: float | None = None
    while not any(told):
        now_s = time.monotonic()
        camera.latest(now_s)
        if told and well_at_s is None:
            well_at_s = now_s
        if well_at_s is not None and now_s > well_at_s + WATCHED_S:
            break
        time.sleep(LOOK_EVERY_S)
    camera.stop()
    return f.CameraFact(camera_state(told[-1]))


# --- lights
def look_at_lights(_settings: Settings) -> f.LightsFact:
    """Open the header's chip, and take no pin of it."""
    from gpiozero.exc import GPIOZeroError

    from firmware.indicator.gpio import header

    try:
        header()
    except (GPIOZeroError, OSError) as cause:
        return f.LightsFact(there=False, says=str(cause))
    return f.LightsFact(there=True)


# --- models
def look_at_models(settings: Settings) -> f.ModelsFact:
    """Hash every file that the vision worker would load."""
    missing, wrong = [], []
    for file, sha256 in _model_files(settings):
        try:
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError:
            missing.append(str(file))
            continue
        if digest != sha256:
            wrong.append(str(file))
    return f.ModelsFact(tuple(missing), tuple(wrong), _not_signed(settings.vision))


def _not_signed(vision: VisionSettings) -> str:
    from firmware.match.manifest import check_models

    try:
        check_models(Path(vision.models), Path(vision.models_key) if vision.models_key else None)
    except ModelsNotSigned as fault:
        return str(fault)
    return ""


UNREADABLE: Final = "-"
"""No file has this hash: a card that is there and cannot be read is the wrong one."""


def _model_files(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Each file and its hash."""
    from firmware.match.processor import this_processor
    from firmware.match.runtime import (
        PAD,
        TEXT_READER,
        faster_form,
        read_model_card,
        read_pad_card,
        read_text_reader_card,
    )

    vision = settings.vision
    models = Path(vision.models)
    waiting = [vision.detector, vision.landmarks, vision.embedder]
    while waiting:
        folder = models / waiting.pop(0)
        try:
            card = read_model_card(folder)
        except ModelRejected:
            yield folder / "card.toml", UNREADABLE
            continue
        form = faster_form(folder, card, this_processor())
        yield folder / form.file, form.sha256
        if card.joined is not None:
            waiting.append(card.joined.folder)
    if vision.tray_camera is not None:
        try:
            text_reader = read_text_reader_card(models / TEXT_READER)
            yield models / TEXT_READER / text_reader.file, text_reader.sha256
        except ModelRejected:
            yield models / TEXT_READER / "card.toml", UNREADABLE
    if vision.liveness:
        try:
            read_pad_card(models / PAD)
        except ModelRejected:
            yield models / PAD / "pad.toml", UNREADABLE


PARTS: Final[dict[str, Callable[[Settings], f.Fact]]] = {
    "reader": look_at_reader,
    "face_camera": look_at_face_camera,
    "tray_camera": look_at_tray_camera,
    "lights": look_at_lights,
    "models": look_at_models,
}


def main(arguments: list[str]) -> None:
    """Look, and print what was seen."""
    die_with_parent()
    part, settings_json = arguments
    settings = msgspec.json.decode(settings_json, type=Settings)
    if settings.card.pcsc_socket is not None:
        os.environ["PCSCLITE_CSOCK_NAME"] = settings.card.pcsc_socket
    try:
        fact = PARTS[part](settings)
    except Fault as fault:
        sys.exit(str(fault))
    sys.stdout.buffer.write(msgspec.json.encode(fact))


if __name__ == "__main__":
    main(sys.argv[1:])
