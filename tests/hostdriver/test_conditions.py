"""What keeps a reader from visits: told by its panel and by `health`, and gone with its cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from front_desk import Desk, MoodyGateway, settings
from signing_device import WITHIN_S
from test_ledger_bad_days import on_a_small_disk

from firmware.bulletin import Bulletin
from firmware.checkup import Checkup
from firmware.clock import MADE_AT
from firmware.desk import HostDesk
from firmware.device import Device
from firmware.faults import Fault
from firmware.link import messages as m
from firmware.link.transport import Link, LinkServer, open_link, serve_link
from firmware.link.trust import Trust
from firmware.panel.standing import Told
from firmware.settings import Settings as DeviceSettings
from firmware.simulator.cable import Cable
from firmware.staff import StaffGate
from firmware.transaction.visit import Visit
from firmware.words import Cause, ClockTrust, Language, Standing
from firmware.worker import START_WITHIN_S
from hostdriver.driver import running
from hostdriver.reader import LINK_FOLDER
from hostdriver.settings import ReaderSettings

READER = "kazashi-1"


@dataclass
class Site:
    """A device's desk and a driver that has met it, in one process."""

    folder: Path
    wall: datetime = field(default_factory=lambda: datetime.now(UTC))
    now_s: float = 0.0
    told: Told | None = None

    def __post_init__(self) -> None:
        self.stirred = asyncio.Event()
        site = DeviceSettings(state_dir=str(self.state), runtime_dir=str(self.folder))
        self.device = Device(READER, self.state, ClockTrust.NTP, wall=lambda: self.wall)
        self.desk = HostDesk(
            site,
            self.device,
            lambda event: None,
            Visit,
            tuple(Language),
            staff_gate=StaffGate(),
            examine=Checkup(site, self.device, lambda: True, lights=True).report,
            bulletin=Bulletin(self.tell),
            clock=lambda: self.now_s,
        )
        self.at_first = self.told
        self.desk.note_reader("Reader 00 00", None)
        self.desk.note_camera(ready=True)
        self.desk.look_at_device()

    @property
    def state(self) -> Path:
        return self.folder / "device"

    def tell(self, told: Told | None) -> None:
        self.told = told
        self.stirred.set()

    async def says(self, standing: Standing | None) -> None:
        """Wait until the panel does."""
        async with asyncio.timeout(WITHIN_S):
            while (self.told and self.told.standing) is not standing:
                self.stirred.clear()
                await self.stirred.wait()

    # --- what can go wrong, each with its end
    def set_clock(self, wall: datetime) -> None:
        self.wall = wall
        self.desk.look_at_device()

    def move_disk(self, source: Path, target: Path) -> None:
        source.rename(target)
        self.desk.look_at_device()


Act = Callable[[Site], None]
CONDITIONS: dict[str, tuple[Standing, Act, Act]] = {
    "reader_unavailable": (
        Standing.READER_UNAVAILABLE,
        lambda site: site.desk.note_reader(None, Cause.READER_UNAVAILABLE),
        lambda site: site.desk.note_reader("Reader 00 00", None),
    ),
    "card_service_unavailable": (
        Standing.CARD_SERVICE_UNAVAILABLE,
        lambda site: site.desk.note_reader(None, Cause.CARD_SERVICE_UNAVAILABLE),
        lambda site: site.desk.note_reader("Reader 00 00", None),
    ),
    "camera_unavailable": (
        Standing.CAMERA_UNAVAILABLE,
        lambda site: site.desk.note_camera(ready=False),
        lambda site: site.desk.note_camera(ready=True),
    ),
    "tampered": (
        Standing.TAMPERED,
        lambda site: site.desk.note_enclosure(opened=True),
        lambda site: site.desk.note_enclosure(opened=False),
    ),
    "storage_unavailable": (
        Standing.STORAGE_UNAVAILABLE,
        lambda site: site.move_disk(site.state, site.folder / "away"),
        lambda site: site.move_disk(site.folder / "away", site.state),
    ),
    "clock_untrusted": (
        Standing.CLOCK_UNTRUSTED,
        lambda site: site.set_clock(datetime(1970, 1, 1, tzinfo=UTC)),
        lambda site: site.set_clock(MADE_AT + timedelta(days=1)),
    ),
}
"""What `health` calls it: what the panel says, how it comes, how it goes."""


@asynccontextmanager
async def driver(folder: Path, link: str = "unix:link.sock") -> AsyncIterator[Desk]:
    """Reception at a driver whose reader is at `link`."""
    chosen = settings(folder, readers={READER: ReaderSettings(link)})
    async with running(chosen, MoodyGateway()) as address:
        path = address.removeprefix("unix:")
        desk = Desk(*await asyncio.open_unix_connection(path))
        await desk.must("hello", protocol="1.0", client="front desk")
        await desk.must("events.subscribe")
        yield desk
        desk.writer.close()


async def becomes(desk: Desk, *problems: str) -> None:
    """Wait until `health` names exactly these of the reader."""
    async with asyncio.timeout(WITHIN_S):
        while (await desk.must("health"))["problems"] != [f"{READER}: {one}" for one in problems]:
            await desk.next_event("reader_status")


@pytest.mark.parametrize("problem", CONDITIONS)
async def test_it_is_told_and_goes_away_with_its_cause(tmp_path: Path, problem: str) -> None:
    standing, come, go = CONDITIONS[problem]
    async with driver(tmp_path) as desk:
        site = Site(tmp_path)
        server = await serve_link("unix:link.sock", tmp_path / "run", site.desk.serve)
        await becomes(desk)
        await site.says(None)
        for _ in range(2):
            come(site)
            await becomes(desk, problem)
            await site.says(standing)
            go(site)
            await becomes(desk)
            await site.says(None)
        await server.close()


@pytest.mark.parametrize("problem", CONDITIONS)
async def test_it_is_told_of_a_device_that_wakes_up_with_it(tmp_path: Path, problem: str) -> None:
    standing, come, go = CONDITIONS[problem]
    async with driver(tmp_path) as desk:
        site = Site(tmp_path)
        come(site)
        server = await serve_link("unix:link.sock", tmp_path / "run", site.desk.serve)
        await becomes(desk, problem)
        await site.says(standing)
        go(site)
        await becomes(desk)
        await site.says(None)
        await server.close()


def test_a_reader_that_nothing_is_heard_of_is_none(tmp_path: Path) -> None:
    """The worker that watches it hangs while it starts: at first, or when it was replaced."""
    site = Site(tmp_path)
    assert site.at_first == Told(Standing.READER_UNAVAILABLE)
    site.desk.note_reader_lost()
    site.desk.look_at_device()
    assert site.told == Told(Standing.NO_HOST), "the next one is starting"
    for site.now_s in (START_WITHIN_S - 1.0, START_WITHIN_S + 1.0):
        assert site.told == Told(Standing.NO_HOST)
        site.desk.note_reader_lost()  # replaced once more, and as silent
        site.desk.look_at_device()
    assert site.told == Told(Standing.READER_UNAVAILABLE)
    site.desk.note_reader("Reader 00 00", None)
    site.now_s *= 2
    site.desk.look_at_device()
    assert site.told == Told(Standing.NO_HOST)


def test_a_full_disk_of_the_device_is_noticed_and_so_is_its_room(tmp_path: Path) -> None:
    told = on_a_small_disk("device-full", tmp_path)
    assert told["before"] == [True, 1]
    assert told["full"] is False
    assert told["counted"] == "storage_unavailable"
    assert told["after"] == [True, 2]  # the number that could not be kept was not used


async def test_without_room_no_visit_begins(tmp_path: Path) -> None:
    async with driver(tmp_path) as desk:
        site = Site(tmp_path)
        server = await serve_link("unix:link.sock", tmp_path / "run", site.desk.serve)
        await becomes(desk)
        CONDITIONS["storage_unavailable"][1](site)
        start = {"client_ref": "a-1", "nonce": "MDEyMzQ1Njc4OWFiY2RlZg=="}
        assert await desk.refused("transaction.start", **start) == "storage_unavailable"
        with pytest.raises(Fault, match="cannot be kept"):
            site.device.count(uuid4())
        await server.close()


# --- the other end is not what it should be
async def told_by(greeting: m.Message, folder: Path) -> LinkServer:
    """A device that answers every host so."""

    async def greet(link: Link) -> None:
        await link.receive()
        await link.send(greeting)
        await link.wait_closed()

    return await serve_link("unix:link.sock", folder / "run", greet)


def old_hello() -> m.DeviceHello:
    return m.DeviceHello("2.0", READER, UUID(int=1), {}, (), (), (), ClockTrust.NTP, "9.9.9")


@pytest.mark.parametrize(
    ("greeting", "problem"),
    [
        (m.Refused(None, "protocol", "this is protocol 2.0"), "reader_version"),
        (old_hello(), "reader_version"),
        (m.Refused(None, "reader_taken", "another host has this reader"), "reader_taken"),
        (m.Refused(None, "something_else", "no"), "reader_unavailable"),
        (m.Heartbeat(), "reader_unavailable"),
    ],
    ids=["refuses our version", "has another", "is taken", "refuses", "says nothing"],
)
async def test_health_says_why_a_device_does_not_serve(
    tmp_path: Path, greeting: m.Message, problem: str
) -> None:
    async with driver(tmp_path) as desk:
        server = await told_by(greeting, tmp_path)
        await becomes(desk, problem)
        await server.close()
        site = Site(tmp_path)
        server = await serve_link("unix:link.sock", tmp_path / "run", site.desk.serve)
        await becomes(desk)  # by itself
        await server.close()


async def test_a_second_host_is_told_that_the_reader_is_taken_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    server = await serve_link("unix:link.sock", tmp_path, site.desk.serve)
    first = await open_link("unix:link.sock", tmp_path)
    await first.send(m.HostHello(m.PROTOCOL, "first", datetime.now(UTC)))
    assert isinstance(await first.receive(), m.DeviceHello)
    async with driver(tmp_path, f"unix:{tmp_path / 'link.sock'}") as desk:
        await becomes(desk, "reader_taken")
        await site.says(None)  # nothing is wrong with the device
        first.close()
        await first.wait_closed()
        await becomes(desk)
    await server.close()


async def test_noise_on_the_cable_is_a_reader_that_is_not_there_until_it_is(tmp_path: Path) -> None:
    with Cable() as cable:
        site = Site(tmp_path)
        host = Trust(tmp_path / "state" / LINK_FOLDER, READER)
        host.pin(site.device.link_trust.certificate())
        site.device.link_trust.pin(host.certificate())
        async with driver(tmp_path, f"serial:{cable.ends[1]}") as desk:
            with cable.ends[0].open("wb", buffering=0) as noise:
                noise.write(bytes(range(256)) * 16)
                await becomes(desk, "reader_unavailable")
            server = await serve_link(
                f"serial:{cable.ends[0]}", tmp_path, site.desk.serve, trust=site.device.link_trust
            )
            await becomes(desk)
            await site.says(None)
            await server.close()
