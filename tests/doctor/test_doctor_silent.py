"""A firmware that runs and does not answer the doctor: slow, or silent, and neither is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
import tomli_w

from firmware.control import ControlServer
from firmware.doctor import facts as f
from firmware.doctor.command import facts_here
from firmware.doctor.facts import Facts, NotAsked, Unasked
from firmware.doctor.judge import Symptom, judge

CHOSEN = frozenset({"firmware", "disk", "face_camera"})
SLOW_S = 0.2


def settings_file(folder: Path, time_scale: float) -> Path:
    path = folder / "firmware.toml"
    settings = {"state_dir": str(folder), "runtime_dir": str(folder), "time_scale": time_scale}
    path.write_text(tomli_w.dumps(settings))
    return path


async def silent() -> AsyncGenerator[msgspec.Struct, None]:
    await asyncio.Event().wait()
    yield Facts()


async def slow() -> AsyncGenerator[msgspec.Struct, None]:
    answer = asyncio.Event()
    asyncio.get_running_loop().call_later(SLOW_S, answer.set)
    await answer.wait()
    yield Facts(face_camera=f.CameraFact(f.CameraState.WELL))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.doctor.command.ANSWERS_WITHIN_S", SLOW_S / 10)


async def test_a_firmware_that_does_not_answer_is_not_a_stopped_one(tmp_path: Path) -> None:
    """What it holds is left to it: from here its cameras would seem to be missing."""
    server = ControlServer(tmp_path, {"doctor": silent})
    await server.start()
    facts = await facts_here(settings_file(tmp_path, 1.0), CHOSEN, "/nowhere")
    await server.stop()
    assert facts.firmware == f.FirmwareFact(True, f"{tmp_path / 'control.sock'}: no answer")
    assert [found.symptom for found in judge(msgspec.structs.replace(facts, disk=f.UNCHOSEN))] == [
        Symptom.FIRMWARE_SILENT
    ]
    assert facts.face_camera == NotAsked(Unasked.CANNOT_TELL)
    assert isinstance(facts.disk, f.DiskFact)


async def test_a_slow_machine_is_waited_for_as_its_settings_say(tmp_path: Path) -> None:
    server = ControlServer(tmp_path, {"doctor": slow})
    await server.start()
    facts = await facts_here(settings_file(tmp_path, 10_000.0), CHOSEN, "/nowhere")
    await server.stop()
    assert facts.firmware == f.FirmwareFact(True)
    assert facts.face_camera == f.CameraFact(f.CameraState.WELL)
