"""The device's examination for reception: one at a time at either end, and no rival of a visit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from front_desk import Site
from signing_device import WITHIN_S

from firmware.bulletin import Bulletin
from firmware.checkup import Checkup
from firmware.desk import HostDesk
from firmware.device import Device
from firmware.doctor.facts import Facts, NotAsked, Unasked
from firmware.link import messages as m
from firmware.link.transport import Link, open_link, serve_link
from firmware.settings import Settings, VisionSettings
from firmware.staff import StaffGate
from firmware.transaction import events as e
from firmware.transaction.visit import Visit
from firmware.words import Cause, ClockTrust, Language

ADDRESS = "unix:link.sock"
REPORT = m.DoctorReported((m.DoctorCheck("disk", m.BothLanguages("円盤", "disk"), True, None),), ())


# --- the host driver
async def test_a_second_client_is_told_that_one_is_under_way(site: Site) -> None:
    async with site.client() as first, site.client() as second:
        asked = asyncio.create_task(first.must("reader.doctor"))
        await site.device.hear(m.DoctorRequested)
        assert await second.refused("reader.doctor") == "doctor_busy"
        await site.device.say(REPORT)
        assert (await asked)["ok"]
        asked = asyncio.create_task(second.must("reader.doctor"))
        await site.device.hear(m.DoctorRequested)
        await site.device.say(REPORT)
        assert (await asked)["ok"]


async def test_a_device_that_is_busy_with_one_says_so(site: Site) -> None:
    """The one before it was given up here, and goes on there."""
    async with site.client() as desk:
        asked = asyncio.create_task(desk.refused("reader.doctor"))
        await site.device.hear(m.DoctorRequested)
        await site.device.say(m.Refused(None, "doctor_busy", "one examination is under way"))
        assert await asked == "doctor_busy"


# --- the device
@dataclass
class Patience:
    """An examination that takes as long as the test says, and what the desk posted."""

    may_end: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    breaks: Exception | None = None
    times: int = 0
    posted: asyncio.Queue[e.Event] = field(default_factory=asyncio.Queue)

    async def examine(self) -> m.DoctorReported:
        self.times += 1
        await self.may_end.acquire()
        if self.breaks is not None:
            raise self.breaks
        return REPORT


@asynccontextmanager
async def device(folder: Path, patience: Patience) -> AsyncIterator[Link]:
    """A host's end of the link to a device that examines itself so."""
    desk = HostDesk(
        Settings(str(folder / "state"), str(folder)),
        Device("kazashi-1", folder / "state", ClockTrust.NTP),
        patience.posted.put_nowait,
        Visit,
        tuple(Language),
        staff_gate=StaffGate(),
        examine=patience.examine,
        bulletin=Bulletin(lambda told: None),
    )
    server = await serve_link(ADDRESS, folder, desk.serve)
    link = await open_link(ADDRESS, folder)
    try:
        await link.send(m.HostHello(m.PROTOCOL, "test", datetime.now(UTC)))
        yield link
    finally:
        link.close()
        await server.close()


async def heard(link: Link) -> m.Message:
    """The next word about an examination."""
    async with asyncio.timeout(WITHIN_S):
        while not isinstance(message := await link.receive(), m.DoctorReported | m.Refused):
            pass
    return message


async def test_however_often_it_is_asked_one_examination_is_under_way(tmp_path: Path) -> None:
    patience = Patience()
    async with device(tmp_path, patience) as link:
        for _ in range(20):
            await link.send(m.DoctorRequested())
        for _ in range(19):
            message = await heard(link)
            assert isinstance(message, m.Refused)
            assert (message.transaction_id, message.symbol) == (None, "doctor_busy")
        assert patience.times == 1
        patience.may_end.release()
        assert await heard(link) == REPORT
        patience.may_end.release()
        await link.send(m.DoctorRequested())
        assert await heard(link) == REPORT


async def test_an_examination_that_breaks_is_heard_of_and_the_next_is_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    patience = Patience(breaks=RuntimeError("a part that nobody thought of"))
    async with device(tmp_path, patience) as link:
        await link.send(m.DoctorRequested())
        patience.may_end.release()
        with caplog.at_level(logging.CRITICAL):
            assert await asyncio.wait_for(patience.posted.get(), WITHIN_S) == e.CardFailed(
                Cause.DEVICE_FAULT
            )
        assert "a part that nobody thought of" in caplog.text
        patience.breaks = None
        patience.may_end.release()
        await link.send(m.DoctorRequested())
        assert await heard(link) == REPORT


# --- a visit that begins meanwhile
def looking() -> list[int]:
    """Children of this process that look through the tray's camera."""
    found = []
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text().split():
            with contextlib.suppress(OSError):
                if b"\0tray_camera\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


async def test_a_visit_gets_the_tray_camera_whatever_the_doctor_does_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The camera is one whose first picture never comes."""
    monkeypatch.setattr("firmware.doctor.children.LOOK_WITHIN_S", 600.0)
    os.mkfifo(tmp_path / "camera")
    vision = VisionSettings(tray_camera=f"video:{tmp_path / 'camera'}", models=str(tmp_path))
    settings = Settings(str(tmp_path / "state"), str(tmp_path), vision=vision)
    its_device = Device("kazashi-1", tmp_path / "state", ClockTrust.NTP)
    checkup = Checkup(settings, its_device, lambda: True, lights=True)
    examining = asyncio.create_task(checkup.facts())
    async with asyncio.timeout(WITHIN_S):
        while not looking():
            await asyncio.sleep(0.01)
        checkup.give_way()
        while looking():
            await asyncio.sleep(0.01)
    async with asyncio.timeout(4 * WITHIN_S):  # the other checks go on
        facts: Facts = await examining
    assert facts.tray_camera == NotAsked(Unasked.VISIT_UNDER_WAY)
