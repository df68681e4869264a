"""A man in the middle of a pseudo-terminal; `make link-attacks` tries a thousand times each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from link_attacks import ATTACKS, LEASE_S, NOWHERE, Attempt, Ends, Heard, Wire, control, counted

from firmware.faults import LinkLost, NotPaired, PairingRefused, PeerNotTrusted
from firmware.link.pairing import HostPairing, PairingWindow
from firmware.link.pairing_line import pair_with_device, pair_with_host
from firmware.link.serial_port import open_port
from firmware.link.transport import open_link, serve_link
from firmware.link.trust import Trust

ATTEMPTS = 4


async def test_the_paired_host_always_gets_through() -> None:
    assert await counted(control, ATTEMPTS) == ATTEMPTS


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_nobody_else_ever_does(attack: Attempt) -> None:
    assert await counted(attack, ATTEMPTS) == 0


async def test_a_stranger_at_either_end_is_told_so(tmp_path: Path) -> None:
    ends = Ends(tmp_path)
    impostor = Trust(tmp_path / "stranger", "host")
    impostor.pin(ends.host.certificate())
    for host, device in ((ends.stranger, ends.device), (ends.host, impostor)):
        wire = Wire()
        server = await serve_link(
            f"serial:{wire.device}", NOWHERE, Heard(), lease_s=LEASE_S, trust=device
        )
        with pytest.raises(PeerNotTrusted):
            await open_link(f"serial:{wire.host}", NOWHERE, lease_s=LEASE_S, trust=host)
        await server.close()
        wire.close()


async def test_nobody_at_the_other_end_is_paired(tmp_path: Path) -> None:
    wire, host = Wire(), Ends(tmp_path).host
    pairing = HostPairing("123456", host.certificate())
    with pytest.raises(LinkLost, match="is being paired"):
        await pair_with_device(wire.host, pairing, host.pin, 0.1)
    wire.close()


async def test_digits_that_nobody_types_count_for_a_time_only(tmp_path: Path) -> None:
    wire, ends = Wire(), Ends(tmp_path)
    window = PairingWindow(ends.device.certificate())
    async with asyncio.timeout(60):
        with pytest.raises(PairingRefused, match="nobody was paired"):
            await pair_with_host(wire.device, window, ends.device, LEASE_S, open_s=0.6)
    open_port(wire.device).close()  # nobody holds it any more
    wire.close()


async def test_before_pairing_the_port_is_left_alone(tmp_path: Path) -> None:
    ends, wire, heard = Ends(tmp_path), Wire(), Heard()
    nobody = Trust(tmp_path / "new", "host")
    server = await serve_link(
        f"serial:{wire.device}", NOWHERE, heard, lease_s=LEASE_S, trust=nobody
    )
    with pytest.raises(NotPaired):
        await open_link(f"serial:{wire.host}", NOWHERE, trust=Trust(tmp_path / "newer", "device"))
    ends.host.pin(nobody.certificate())
    nobody.pin(ends.host.certificate())  # from now on it serves
    async with asyncio.timeout(60):
        link = await open_link(f"serial:{wire.host}", NOWHERE, lease_s=LEASE_S, trust=ends.host)
    assert link.transport_info("paired") is True
    link.close()
    await link.wait_closed()
    await server.close()
    wire.close()
