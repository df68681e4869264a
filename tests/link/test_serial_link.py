"""The link over real serial ports: two pseudo-terminals, and a cable that the test holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from firmware.faults import LinkLost
from firmware.link.messages import Cancel, Refused
from firmware.link.transport import Link, LinkServer, open_link, serve_link
from firmware.link.trust import Trust

LEASE_S = 2.0
NOWHERE = Path("/nonexistent")


@dataclass(frozen=True)
class Ends:
    """Two ends that were paired."""

    host: Trust
    device: Trust


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    ends = Ends(Trust(tmp_path / "host", "device"), Trust(tmp_path / "device", "host"))
    ends.host.pin(ends.device.certificate())
    ends.device.pin(ends.host.certificate())
    return ends


class Cable:
    """Joins two pseudo-terminals, byte by byte if asked to lose some; it can be pulled out."""

    def __init__(self, flips: float = 0.0) -> None:
        self._source, self._flips = Random(5), flips
        self._masters, self._slaves = [], []
        for _ in range(2):
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)
        self.ports = [f"serial:{os.ttyname(slave)}" for slave in self._slaves]
        self._loop = asyncio.get_running_loop()
        for here, there in (self._masters, self._masters[::-1]):
            self._loop.add_reader(here, self._carry, here, there)

    def _carry(self, here: int, there: int) -> None:
        data = bytearray(os.read(here, 4096))
        for at in range(len(data)):
            if self._source.random() < self._flips:
                data[at] ^= 1 << self._source.randrange(8)
        with contextlib.suppress(BlockingIOError):  # nobody reads there: lost, as on a cable
            os.write(there, data)

    def pull(self) -> None:
        """Unplug both ends."""
        for master in self._masters:
            self._loop.remove_reader(master)
            os.close(master)
        for slave in self._slaves:
            os.close(slave)
        self._masters, self._slaves = [], []


class Handler:
    """Hands its links to the test."""

    def __init__(self) -> None:
        self.links: asyncio.Queue[Link] = asyncio.Queue()

    async def __call__(self, link: Link) -> None:
        await self.links.put(link)
        await link.wait_closed()


@asynccontextmanager
async def joined(
    ends: Ends, flips: float = 0.0
) -> AsyncIterator[tuple[Link, Link, Cable, LinkServer]]:
    cable = Cable(flips)
    handler = Handler()
    server = await serve_link(cable.ports[0], NOWHERE, handler, lease_s=LEASE_S, trust=ends.device)
    link = await open_link(cable.ports[1], NOWHERE, lease_s=LEASE_S, trust=ends.host)
    try:
        yield link, await handler.links.get(), cable, server
    finally:
        link.close()
        await link.wait_closed()
        await server.close()
        cable.pull()


def numbered(number: int, length: int = 0) -> Refused:
    return Refused(UUID(int=7), symbol=str(number), reason="x" * length)


@pytest.mark.parametrize("flips", [0.0, 0.0003], ids=["good cable", "bad cable"])
async def test_messages_go_both_ways_over_a_cable(ends: Ends, flips: float) -> None:
    async with joined(ends, flips) as (host, device, _, _):

        async def talk(link: Link) -> None:
            for number in range(40):
                await link.send(numbered(number, 37 * number))

        async with asyncio.timeout(60):
            talking = asyncio.gather(talk(host), talk(device))
            for link in (host, device):
                heard = [await link.receive() for _ in range(40)]
                assert heard == [numbered(number, 37 * number) for number in range(40)]
            await talking


async def test_the_longest_message_passes(ends: Ends) -> None:
    async with joined(ends) as (host, device, _, _):
        await host.send(numbered(1, 60_000))
        assert await device.receive() == numbered(1, 60_000)


async def test_unplugging_loses_the_link_at_both_ends(ends: Ends) -> None:
    async with joined(ends) as (host, device, cable, _):
        await host.send(numbered(1))
        assert await device.receive() == numbered(1)
        cable.pull()
        for link in (host, device):
            async with asyncio.timeout(60):
                with pytest.raises(LinkLost):
                    await link.receive()
                with pytest.raises(LinkLost):
                    await link.send(numbered(2))


async def test_closing_says_goodbye_after_everything_was_sent_and_the_port_serves_again(
    ends: Ends,
) -> None:
    cable, handler = Cable(), Handler()
    server = await serve_link(cable.ports[0], NOWHERE, handler, lease_s=LEASE_S, trust=ends.device)
    for _ in range(2):
        host = await open_link(cable.ports[1], NOWHERE, lease_s=LEASE_S, trust=ends.host)
        device = await handler.links.get()
        for number in range(20):
            await host.send(Cancel(UUID(int=number)))
        host.close()
        heard = [await device.receive() for _ in range(20)]
        assert heard == [Cancel(UUID(int=number)) for number in range(20)]
        with pytest.raises(LinkLost, match="closed the link"):
            await device.receive()
        await host.wait_closed()
    await server.close()
    cable.pull()


async def test_a_port_has_one_owner(ends: Ends) -> None:
    cable = Cable()
    server = await serve_link(
        cable.ports[0], NOWHERE, Handler(), lease_s=LEASE_S, trust=ends.device
    )
    with pytest.raises(LinkLost, match="cannot be opened"):
        await serve_link(cable.ports[0], NOWHERE, Handler(), lease_s=LEASE_S, trust=ends.device)
    await server.close()
    cable.pull()


async def test_a_pin_damaged_while_serving_is_told_once_and_its_repair_helps(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    cable, handler = Cable(), Handler()
    server = await serve_link(cable.ports[0], NOWHERE, handler, lease_s=LEASE_S, trust=ends.device)
    host = await open_link(cable.ports[1], NOWHERE, lease_s=LEASE_S, trust=ends.host)
    device = await handler.links.get()
    right = ends.device.pinned()
    assert right is not None
    ends.device.pin(b"")
    host.close()
    await host.wait_closed()
    await device.wait_closed()
    with pytest.raises(LinkLost, match="nobody answers"):
        await open_link(cable.ports[1], NOWHERE, lease_s=LEASE_S / 4, trust=ends.host)
    ends.device.pin(right)
    host = await open_link(cable.ports[1], NOWHERE, lease_s=LEASE_S, trust=ends.host)
    host.close()
    await host.wait_closed()
    await server.close()
    cable.pull()
    told = [each for each in caplog.records if each.name == "firmware.link.serial_link"]
    assert len(told) == 1


async def test_nobody_at_the_other_end_and_no_port_at_all(ends: Ends) -> None:
    cable = Cable()
    with pytest.raises(LinkLost, match="nobody answers"):
        await open_link(cable.ports[1], NOWHERE, lease_s=0.1, trust=ends.host)
    cable.pull()
    with pytest.raises(LinkLost, match="cannot be opened"):
        await open_link("serial:/nonexistent/ttyGS0", NOWHERE, trust=ends.host)


async def test_a_message_waits_at_the_sender_while_nobody_receives(ends: Ends) -> None:
    async with joined(ends) as (host, device, _, _):

        async def send_all() -> None:
            for number in range(150):
                await host.send(numbered(number, 2000))

        sending = asyncio.create_task(send_all())
        await asyncio.wait({sending}, timeout=2 * LEASE_S)
        assert not sending.done(), "the sender was not held back"
        async with asyncio.timeout(60):
            heard = [await device.receive() for _ in range(150)]
            await sending
        assert heard == [numbered(number, 2000) for number in range(150)]
