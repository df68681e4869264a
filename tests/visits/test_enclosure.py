"""A whole device in this process, with its button and its switch on simulated pins."""

from __future__ import annotations

import asyncio
import glob
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

from firmware.app import App
from firmware.link import messages as m
from firmware.link.transport import Link, open_link
from firmware.settings import CardSettings, PinSettings, Settings, StaffMember, VisionSettings
from firmware.simulator.appliance import MODELS
from firmware.simulator.pcsc_service import PcscService
from firmware.simulator.world import World
from firmware.staff import hash_passcode
from firmware.words import Cause, Outcome, Profile, Purpose, State

pytestmark = pytest.mark.stack

BUTTON, SWITCH = 23, 24
WITHIN_S = 30
Said = TypeVar("Said", bound=m.Message)


class Host:
    """The host driver's end of the link, and hands at the device."""

    def __init__(self, link: Link, app: App, card_reader: PcscService, pins: MockFactory) -> None:
        self.link, self.app, self.card_reader, self._pins = link, app, card_reader, pins

    async def hear(self, kind: type[Said], **facts: object) -> Said:
        """The next message of that kind with these facts."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                heard = await self.link.receive()
                if isinstance(heard, kind) and all(
                    getattr(heard, name) == fact for name, fact in facts.items()
                ):
                    return heard

    async def start(self) -> None:
        start = m.StartTransaction(
            transaction_id=uuid4(),
            requester="reception",
            requester_nonce=bytes(16),
            gateway_challenge=None,
            purpose=Purpose.VISIT,
            profile=Profile.CLINIC,
        )
        await self.link.send(start)

    async def press(self) -> None:
        button = self._pins.pin(BUTTON)
        await asyncio.to_thread(button.drive_low)
        await asyncio.to_thread(button.drive_high)

    async def open(self) -> None:
        await asyncio.to_thread(self._pins.pin(SWITCH).drive_high)

    async def shut(self) -> None:
        await asyncio.to_thread(self._pins.pin(SWITCH).drive_low)


@asynccontextmanager
async def device(world: World, folder: Path, pins: MockFactory) -> AsyncIterator[Host]:
    """A device that woke with its enclosure open, as its host sees it."""
    with PcscService(world.root) as card_reader:
        settings = Settings(
            state_dir=str(folder),
            runtime_dir=str(folder),
            panel_port=0,
            time_scale=4.0,  # this one process is the host as well, on however busy a machine
            staff=(StaffMember("staff-1", hash_passcode(b"2468")),),
            pins=PinSettings(staff_button=BUTTON, tamper_switch=SWITCH),
            card=CardSettings(
                reader=glob.escape(card_reader.reader_name),
                pcsc_socket=str(card_reader.socket_path),
            ),
            vision=VisionSettings(face_camera=f"images:{folder}", models=str(MODELS)),
        )
        app, ready = App(settings), asyncio.Event()

        async def be_ready() -> None:
            ready.set()

        running = asyncio.create_task(app.run(be_ready()))
        try:
            async with asyncio.timeout(WITHIN_S):
                await ready.wait()
            link = await open_link(settings.link, folder, lease_s=WITHIN_S)
            await link.send(m.HostHello(m.PROTOCOL, "test", datetime.now(UTC)))
            yield Host(link, app, card_reader, pins)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def host(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    pins = MockFactory(pin_class=MockPWMPin)
    monkeypatch.setattr(Device, "pin_factory", pins)
    async with device(world, tmp_path, pins) as host:
        yield host


async def test_no_visit_begins_or_goes_on_while_the_enclosure_is_open(host: Host) -> None:
    await host.hear(m.ReaderStatus, cause=Cause.TAMPERED)
    await host.start()
    assert (await host.hear(m.Refused)).symbol == Cause.TAMPERED

    await host.shut()
    await host.hear(m.ReaderStatus, cause=None)
    await asyncio.to_thread(host.card_reader.insert, "valid")
    await host.start()
    await host.hear(m.Progress, state=State.CHOOSING_METHOD)

    await host.open()
    ended = await host.hear(m.TransactionEnded)
    assert (ended.outcome, ended.cause) == (Outcome.FAILED, Cause.TAMPERED)
    assert ended.evidence is None
    await asyncio.to_thread(host.card_reader.remove)
    await host.hear(m.ReaderStatus, state=State.IDLE, cause=Cause.TAMPERED)
    await host.start()
    assert (await host.hear(m.Refused)).symbol == Cause.TAMPERED

    await host.shut()
    await host.hear(m.ReaderStatus, cause=None)
    await host.start()
    await host.hear(m.Progress, state=State.WAITING_FOR_CARD)


async def test_the_staff_button_chooses_the_staff_look_or_nothing(host: Host) -> None:
    await host.shut()
    await host.hear(m.ReaderStatus, cause=None)
    await host.press()  # nobody is there
    await host.start()
    await host.hear(m.Progress, state=State.WAITING_FOR_CARD)
    assert host.app.ignored[f"{State.IDLE}/MethodChosen"] == 1
    await asyncio.to_thread(host.card_reader.insert, "valid")
    await host.hear(m.Progress, state=State.CHOOSING_METHOD)
    await host.press()
    await host.hear(m.Progress, state=State.WAITING_FOR_STAFF)
