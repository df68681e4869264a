"""Pairing as both daemons do it: digits at the device, `reader.pair` at the driver, a cable."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from front_desk import Desk, MoodyGateway, Site, settings
from signing_device import WITHIN_S, SigningDevice, device_key

from firmware.device import LINK_FOLDER, Device
from firmware.link.messages import Message
from firmware.link.trust import Trust
from firmware.pairing import let_a_host_pair
from firmware.settings import Settings as DeviceSettings
from firmware.simulator.cable import Cable
from firmware.words import ClockTrust
from hostdriver import cli
from hostdriver.driver import running
from hostdriver.faults import Refusal
from hostdriver.reader import ReaderLink
from hostdriver.settings import ReaderSettings


@dataclass
class Counter:
    """A driver with a serial reader, and the folder of the device at the cable's other end."""

    site: Site
    device: DeviceSettings

    @property
    def trust(self) -> Trust:
        return Trust(Path(self.device.state_dir) / LINK_FOLDER, "host")

    @asynccontextmanager
    async def pairing(self) -> AsyncIterator[tuple[str, asyncio.Task[bool]]]:
        """`kazashi-firmware pair`: what it shows, and what it comes to."""
        shown = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(let_a_host_pair(self.device, shown.set_result))
        try:
            yield await shown, task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    with Cable() as cable:
        near, far = (f"serial:{end}" for end in cable.ends)
        folder = tmp_path / "device"
        device = DeviceSettings(state_dir=str(folder), runtime_dir=str(folder), link=near)
        chosen = settings(tmp_path, readers={"counter": ReaderSettings(far)}, time_scale=5.0)
        gateway = MoodyGateway()
        signing = SigningDevice(tmp_path, address=near, trust=Trust(folder / LINK_FOLDER, "host"))
        async with running(chosen, gateway) as address:
            yield Counter(Site(address, gateway, signing, chosen), device)


@asynccontextmanager
async def reception(counter: Counter) -> AsyncIterator[Desk]:
    async with counter.site.client(hello=False) as desk:
        await desk.must("hello", protocol="1.0", client="front desk")
        yield desk


async def wrong(desk: Desk, code: str) -> str:
    other = f"{(int(code) + 1) % 1_000_000:06}"
    return await desk.refused("reader.pair", code=other)


async def test_a_reader_is_paired_and_met(counter: Counter) -> None:
    async with reception(counter) as desk, asyncio.timeout(4 * WITHIN_S):
        assert (await desk.must("reader.status"))["problem"] == "device_not_trusted"
        async with counter.pairing() as (code, paired):
            assert await desk.must("reader.pair", code=code) == {"reader": "counter"}
            assert await paired
        async with counter.site.device:
            await counter.site.ready(desk)
            met = await desk.must("reader.status")
            assert (met["problem"], met["device"]["device_id"]) == (None, "device-1")
            assert min(met["line"][name] for name in ("sent", "heard", "round_trip_ms")) > 0
            assert await desk.refused("reader.pair", code=code) == "pairing_not_possible"


async def test_the_two_commands_that_people_type(counter: Counter, tmp_path: Path) -> None:
    written = tmp_path / "firmware.toml"
    written.write_text(
        f'state_dir = "{counter.device.state_dir}"\n'
        f'runtime_dir = "{counter.device.runtime_dir}"\n'
        f'link = "{counter.device.link}"\n'
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware", "--settings", str(written), "pair"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(8 * WITHIN_S):
            assert process.stdout is not None
            code = (await process.stdout.readline()).decode().strip()
            typed = ["--socket", counter.site.address, "pair", "--reader", "counter"]
            done = await asyncio.to_thread(CliRunner().invoke, cli.main, typed, input=f"{code}\n")
            assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "counter is paired")
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    assert counter.trust.pinned() is not None


async def test_three_wrong_codes_end_it_and_nobody_is_paired(counter: Counter) -> None:
    async with reception(counter) as desk, asyncio.timeout(8 * WITHIN_S):
        async with counter.pairing() as (code, paired):
            for _ in range(3):
                assert await wrong(desk, code) == "pairing_refused"
            assert not await paired
        assert counter.trust.pinned() is None
        assert (await desk.must("reader.status"))["problem"] == "device_not_trusted"


async def test_a_new_device_is_paired_in_the_old_ones_place(counter: Counter) -> None:
    async with reception(counter) as desk, asyncio.timeout(8 * WITHIN_S):
        for _ in range(2):
            async with counter.pairing() as (code, paired):
                await desk.must("reader.pair", code=code)
                assert await paired
            counter.site.device.key = device_key()
            async with counter.site.device:
                await counter.site.ready(desk)
                assert (await desk.must("reader.status"))["problem"] is None
            while (await desk.must("reader.status"))["problem"] is None:
                await desk.next_event("reader_status")
            for path in Path(counter.device.state_dir, LINK_FOLDER).iterdir():
                path.unlink()  # another machine from now on


async def test_a_damaged_pin_is_told_and_its_repair_helps(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    host = Trust(Path(counter.site.settings.state_dir) / LINK_FOLDER, "counter")
    async with reception(counter) as desk, asyncio.timeout(4 * WITHIN_S):
        await desk.must("events.subscribe")
        host.pin(b"")
        while (await desk.must("reader.status"))["problem"] == "device_not_trusted":
            await desk.next_event("reader_status")
        assert "counter.der" in caplog.text
        counter.trust.pin(host.certificate())
        host.pin(counter.trust.certificate())
        async with counter.site.device:
            await counter.site.ready(desk)


class Nobody:
    """Listens to a reader for no visit."""

    def reader_met(self, reader: ReaderLink) -> None: ...

    def hear(self, reader: ReaderLink, message: Message) -> None: ...

    def reader_changed(self, reader: ReaderLink) -> None: ...

    def reader_lost(self, reader: ReaderLink) -> None: ...


async def test_who_asks_to_pair_while_the_reader_is_being_met_is_refused(tmp_path: Path) -> None:
    with Cable() as cable:
        near, far = (f"serial:{end}" for end in cable.ends)
        chosen = settings(tmp_path, readers={"counter": ReaderSettings(far)}, time_scale=5.0)
        host = Trust(Path(chosen.state_dir) / LINK_FOLDER, "counter")
        trust = Trust(tmp_path / "device", "host")
        trust.pin(host.certificate())
        host.pin(trust.certificate())
        reader = ReaderLink("counter", chosen, Nobody())
        running = asyncio.create_task(reader.run())
        asked = asyncio.create_task(reader.pair("123456"))  # when the line is being opened
        try:
            async with (
                SigningDevice(tmp_path, address=near, trust=trust),
                asyncio.timeout(WITHIN_S),
            ):
                with pytest.raises(Refusal, match="is connected"):
                    await asked
                assert reader.met()[0].device_id == "device-1"
        finally:
            for task in (asked, running):
                task.cancel()
            await asyncio.gather(asked, running, return_exceptions=True)


async def test_a_reader_on_a_socket_is_not_paired(site: Site) -> None:
    async with site.client() as desk:
        assert await desk.refused("reader.pair", code="123456") == "pairing_not_possible"
        for code in ("12345", "1234567", "12345a", "１２３４５６"):
            assert await desk.refused("reader.pair", code=code) == "invalid_params"


def test_a_paired_hosts_time_counts_while_there_is_no_other(tmp_path: Path) -> None:
    ticks = iter([100.0, 160.0, 160.0])
    device = Device("reader", tmp_path, ClockTrust.NONE, lambda: next(ticks))
    assert device.now().trust is ClockTrust.NONE
    device.hear_host_time(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    assert device.now().trust is ClockTrust.NONE
    device.hear_host_time(dt.datetime.max.replace(tzinfo=dt.UTC))
    assert device.now().trust is ClockTrust.NONE
    said = dt.datetime(2027, 1, 5, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    device.hear_host_time(said)
    now = device.now()
    assert (now.wall, now.trust) == (said + dt.timedelta(seconds=60), ClockTrust.HOST)
    assert now.wall.tzinfo is dt.UTC
    assert device.clock_trust is ClockTrust.HOST
    trusted = Device("reader", tmp_path, ClockTrust.RTC)
    trusted.hear_host_time(said)
    assert trusted.now().trust is ClockTrust.RTC
