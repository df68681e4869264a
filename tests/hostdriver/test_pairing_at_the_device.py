"""Pairing while the firmware runs: digits on its panel and its terminal, and never by the cable."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tomli_w
from signing_device import WITHIN_S

from firmware.bulletin import Bulletin
from firmware.checkup import Checkup
from firmware.control import ControlServer
from firmware.desk import HostDesk
from firmware.device import Device
from firmware.faults import BadSettings, LinkLost, PairingRefused
from firmware.link import messages as m
from firmware.link.pairing import TRIES, HostPairing, new_code
from firmware.link.pairing_line import Keep, pair_with_device
from firmware.link.transport import LEASE_S, Link, open_link
from firmware.link.trust import Trust
from firmware.pairing import HostLine
from firmware.panel.standing import Told
from firmware.settings import Settings
from firmware.simulator.cable import Cable
from firmware.staff import StaffGate
from firmware.transaction.visit import Visit
from firmware.words import ClockTrust, Language, Standing

SCALE = 5.0
HOST_LEASE_S = LEASE_S * SCALE


class Reader:
    """The part of a device that knows hosts, on one end of a cable; the test is at the other."""

    def __init__(self, folder: Path, cable: Cable) -> None:
        self.port = str(cable.ends[1])
        self.settings = Settings(
            state_dir=str(folder / "state"),
            runtime_dir=str(folder),
            link=f"serial:{cable.ends[0]}",
            time_scale=SCALE,
        )
        self.device = Device("reader", folder / "state", ClockTrust.NTP)
        self.host = Trust(folder / "host", "reader")
        self.told: Told | None = None
        self.idle = True
        self._stirred = asyncio.Event()
        bulletin = Bulletin(self._tell)
        self.desk = HostDesk(
            self.settings,
            self.device,
            lambda event: None,
            Visit,
            tuple(Language),
            staff_gate=StaffGate(),
            examine=Checkup(self.settings, self.device, lambda: True, lights=True).report,
            bulletin=bulletin,
        )
        self.desk.note_reader("Reader 00 00", None)
        self.line = HostLine(self.settings, self.device, self.desk, bulletin, lambda: self.idle)

    def _tell(self, told: Told | None) -> None:
        self.told = told
        self._stirred.set()

    async def until(self, standing: Standing | None) -> str | None:
        """Wait until the panel says this of the device; the digits, where some are shown."""
        async with asyncio.timeout(4 * WITHIN_S):
            while (self.told and self.told.standing) is not standing:
                self._stirred.clear()
                await self._stirred.wait()
        return self.told.code if self.told else None

    async def typed(self, code: str, host: Trust | None = None, keep: Keep | None = None) -> None:
        """`kazashi pair` at the host."""
        host = host or self.host
        pairing = HostPairing(code, host.certificate())
        await pair_with_device(self.port, pairing, keep or host.pin, HOST_LEASE_S)

    async def met(self, host: Trust | None = None, protocol: str = m.PROTOCOL) -> Link:
        """The host's link, as soon as the device serves one."""
        async with asyncio.timeout(4 * WITHIN_S):
            while True:
                with contextlib.suppress(LinkLost):
                    link = await open_link(
                        f"serial:{self.port}",
                        Path(),
                        lease_s=HOST_LEASE_S,
                        trust=host or self.host,
                    )
                    await link.send(m.HostHello(protocol, "test", datetime.now(UTC)))
                    return link


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture
async def reader(tmp_path: Path, cable: Cable) -> AsyncIterator[Reader]:
    reader = Reader(tmp_path, cable)
    await reader.line.open()
    yield reader
    await reader.line.close()


async def wrong(reader: Reader, code: str) -> None:
    guess = next(other for other in iter(new_code, None) if other != code)
    with pytest.raises(PairingRefused):
        await reader.typed(guess)


async def left(link: Link) -> None:
    link.close()
    await link.wait_closed()


async def test_a_new_device_shows_digits_by_itself_and_is_well_once_they_were_typed(
    reader: Reader,
) -> None:
    code = await reader.until(Standing.PAIRING)
    assert code is not None
    await reader.typed(code)
    await reader.until(Standing.NO_HOST)
    link = await reader.met()
    await reader.until(None)
    await left(link)
    await reader.until(Standing.NO_HOST)


async def test_after_three_wrong_codes_only_a_touch_brings_others(reader: Reader) -> None:
    first = await reader.until(Standing.PAIRING)
    assert first is not None
    for _ in range(TRIES):
        await wrong(reader, first)
    assert await reader.until(Standing.NOT_PAIRED) is None
    with pytest.raises(LinkLost, match="is being paired"):
        pairing = HostPairing(first, reader.host.certificate())
        await pair_with_device(reader.port, pairing, reader.host.pin, 0.1)
    assert reader.told == Told(Standing.NOT_PAIRED)
    reader.line.pair_again()
    second = await reader.until(Standing.PAIRING)
    assert second is not None
    await reader.typed(second)
    await reader.until(Standing.NO_HOST)


async def test_digits_that_nobody_types_go_away_and_the_line_is_served_again(
    tmp_path: Path,
) -> None:
    with Cable() as cable:
        reader = Reader(tmp_path, cable)
        bulletin = Bulletin(reader._tell)
        line = HostLine(
            reader.settings, reader.device, reader.desk, bulletin, lambda: True, open_s=0.2
        )
        await line.open()
        await reader.until(Standing.PAIRING)
        await reader.until(Standing.NOT_PAIRED)
        await line.close()


async def test_a_paired_device_pairs_anew_only_when_asked_there_and_keeps_the_old_until_then(
    reader: Reader, tmp_path: Path
) -> None:
    code = await reader.until(Standing.PAIRING)
    assert code is not None
    await reader.typed(code)
    await left(await reader.met())
    await reader.until(Standing.NO_HOST)

    stranger = Trust(tmp_path / "stranger", "reader")
    with pytest.raises((PairingRefused, LinkLost)):  # nothing at the cable opens it
        await reader.typed("000000", stranger)
    assert await reader.until(Standing.WRONG_HOST) is None

    again = reader.line.pair()
    assert await reader.until(Standing.PAIRING) == again
    for _ in range(TRIES):
        await wrong(reader, again)
    await reader.until(Standing.WRONG_HOST)  # who tried without being asked
    await left(await reader.met())  # the old one, as ever

    await reader.until(Standing.NO_HOST)
    await reader.typed(reader.line.pair(), stranger)
    await left(await reader.met(stranger))
    with pytest.raises(LinkLost):
        await open_link(f"serial:{reader.port}", Path(), lease_s=HOST_LEASE_S, trust=reader.host)
    await reader.until(Standing.WRONG_HOST)
    await left(await reader.met(stranger))


async def test_a_host_that_kept_the_device_and_could_not_say_so_is_met(
    reader: Reader, cable: Cable
) -> None:
    def keep(certificate: bytes) -> None:
        reader.host.pin(certificate)
        cable.pull()

    code = await reader.until(Standing.PAIRING)
    assert code is not None
    await reader.typed(code, keep=keep)
    await reader.until(Standing.NOT_PAIRED)  # as far as the device knows
    cable.plug()
    link = await reader.met()
    await reader.until(None)
    await left(link)
    await reader.until(Standing.NO_HOST)


async def test_a_host_that_cannot_keep_the_device_leaves_it_unpaired_until_other_digits(
    reader: Reader,
) -> None:
    def keep(certificate: bytes) -> None:
        raise BadSettings("the disk is full")

    code = await reader.until(Standing.PAIRING)
    assert code is not None
    with pytest.raises(BadSettings):
        await reader.typed(code, keep=keep)
    await reader.until(Standing.NOT_PAIRED)
    await reader.line.close()
    await reader.line.open()  # after a loss of power as well: nobody else is let in meanwhile
    await reader.until(Standing.NOT_PAIRED)
    await reader.typed(reader.line.pair())
    await left(await reader.met())
    await reader.until(Standing.NO_HOST)


async def test_a_port_that_comes_later_is_served_then(tmp_path: Path) -> None:
    with Cable() as cable:
        reader = Reader(tmp_path, cable)
        cable.pull()
        await reader.line.open()
        await reader.until(Standing.NO_HOST)
        cable.plug()
        assert await reader.until(Standing.PAIRING) is not None
        await reader.line.close()


async def test_no_pairing_begins_during_a_visit(reader: Reader) -> None:
    code = await reader.until(Standing.PAIRING)
    assert code is not None
    await reader.typed(code)
    await reader.until(Standing.NO_HOST)
    reader.idle = False
    with pytest.raises(PairingRefused, match="visit"):
        reader.line.pair()
    reader.line.pair_again()
    assert reader.told == Told(Standing.NO_HOST)


async def test_a_host_of_another_version_is_told_of(reader: Reader) -> None:
    code = await reader.until(Standing.PAIRING)
    assert code is not None
    await reader.typed(code)
    old = await reader.met(protocol="0.9")
    assert (await old.receive()) == m.Refused(None, "protocol", f"this is protocol {m.PROTOCOL}")
    await reader.until(Standing.HOST_VERSION)
    await left(old)
    await left(await reader.met())


async def test_the_command_at_the_device_asks_the_firmware_that_runs(
    reader: Reader, tmp_path: Path
) -> None:
    shown = await reader.until(Standing.PAIRING)
    assert shown is not None
    control = ControlServer(tmp_path, {"pair": reader.line.pair_for_caller})
    await control.start()
    written = tmp_path / "firmware.toml"
    written.write_text(
        tomli_w.dumps(
            {
                "state_dir": reader.settings.state_dir,
                "runtime_dir": reader.settings.runtime_dir,
                "link": reader.settings.link,
            }
        )
    )

    async def command() -> tuple[asyncio.subprocess.Process, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firmware", "--settings", str(written), "pair"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        return process, (await process.stdout.readline()).decode().strip()

    async with asyncio.timeout(16 * WITHIN_S):
        process, code = await command()
        assert code == shown  # the digits that the panel shows already
        await reader.typed(code)
        assert await process.wait() == 0

        process, code = await command()
        assert await reader.until(Standing.PAIRING) == code != shown
        process.kill()  # whoever began it went away
        await process.wait()
        await reader.until(Standing.NO_HOST)
        await left(await reader.met())

        reader.idle = False
        process, code = await command()
        assert (code, await process.wait()) == ("", 2)
    await control.stop()
