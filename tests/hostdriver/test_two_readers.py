"""Two readers on one driver: by name, at once, one visit each, and one of them may come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from front_desk import Desk, Json, MoodyGateway, Site, fresh_nonce, result_of, settings
from joserfc.jwk import OKPKey
from signing_device import SigningDevice

from firmware.link.messages import ConfirmationAnswer, StartTransaction
from firmware.words import Outcome, State
from hostdriver.driver import running
from hostdriver.settings import ReaderSettings

NAMES = ("front", "back")


@dataclass
class House:
    """A driver, and the device of each reader."""

    site: Site
    devices: dict[str, SigningDevice]

    async def begin(self, desk: Desk, reader: str) -> tuple[StartTransaction, str]:
        accepting = asyncio.create_task(self.devices[reader].accept())
        begun = await desk.must(
            "transaction.start", client_ref=f"at-{reader}", nonce=fresh_nonce(), reader=reader
        )
        assert begun["reader"] == reader
        return await accepting, begun["transaction_id"]

    async def verify(self, reader: str, start: StartTransaction) -> None:
        device = self.devices[reader]
        evidence = await device.state_it(start, device.key)
        assert (await device.hear(ConfirmationAnswer)).accepted
        await device.end(start, Outcome.VERIFIED, evidence=evidence)


def device(folder: Path, name: str) -> SigningDevice:
    key = OKPKey.generate_key("Ed25519")
    return SigningDevice(folder / "run", key, device_id=f"id-{name}", address=f"unix:{name}.sock")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    readers = {name: ReaderSettings(f"unix:{name}.sock") for name in NAMES}
    chosen, gateway = settings(tmp_path, readers=readers), MoodyGateway()
    front, back = (device(tmp_path, name) for name in NAMES)
    async with front, back, running(chosen, gateway) as address:
        yield House(Site(address, gateway, front, chosen), {"front": front, "back": back})


async def ready(desk: Desk, reader: str) -> Json:
    """Wait until a reader is there."""
    while (seen := await desk.must("reader.status", reader=reader))["state"] is None:
        await desk.next_event("reader_status")
    return seen


async def test_each_has_a_visit_of_its_own_at_the_same_time(house: House) -> None:
    async with house.site.client() as desk:
        for name in NAMES:
            seen = await ready(desk, name)
            assert (seen["name"], seen["device"]["device_id"]) == (name, f"id-{name}")
        listed = (await desk.must("reader.list"))["readers"]
        assert [reader["name"] for reader in listed] == list(NAMES)
        starts = {name: await house.begin(desk, name) for name in NAMES}
        for name in NAMES:
            busy = desk.refused(
                "transaction.start", client_ref="third", nonce=fresh_nonce(), reader=name
            )
            assert await busy == "reader_busy"
        for name in reversed(NAMES):  # the one that began last ends first
            start, transaction_id = starts[name]
            await house.verify(name, start)
            result = await result_of(desk, transaction_id)
            assert result["outcome"] == "verified"
            kid = house.devices[name].key.thumbprint()
            assert result["device_key"]["kid"] == kid
        assert (await desk.must("ledger.verify"))["ok"] is True  # each device counts for itself
        unknown = desk.refused("transaction.start", client_ref="a", nonce="A" * 24, reader="attic")
        assert await unknown == "reader_unknown"


async def test_one_may_go_and_come_back_while_the_other_works(house: House) -> None:
    async with house.site.client() as desk:
        for name in NAMES:
            await ready(desk, name)
        at_front, front_visit = await house.begin(desk, "front")
        _, back_visit = await house.begin(desk, "back")
        await house.devices["back"].__aexit__()
        lost = await result_of(desk, back_visit)
        assert (lost["outcome"], lost["cause"]) == ("failed", "reader_unavailable")
        assert (await desk.must("health"))["problems"] == ["back: reader_unavailable"]
        status = await desk.must("transaction.status", transaction_id=front_visit)
        assert status["state"] == State.WAITING_FOR_CARD
        await house.verify("front", at_front)
        assert (await result_of(desk, front_visit))["outcome"] == "verified"
        await desk.must("transaction.ack", transaction_id=back_visit)
        async with house.devices["back"]:
            await ready(desk, "back")
            start, again = await house.begin(desk, "back")
            await house.verify("back", start)
            assert (await result_of(desk, again))["outcome"] == "verified"


async def test_a_device_on_the_other_ones_cable_is_not_used(house: House) -> None:
    async with house.site.client() as desk:
        for name in NAMES:
            await ready(desk, name)
        back = house.devices["back"]
        await back.__aexit__()
        back.key = house.devices["front"].key
        async with back:
            while (await desk.must("reader.status", reader="back"))["problem"] != (
                "device_not_trusted"
            ):
                await desk.next_event("reader_status")
            refused = desk.refused(
                "transaction.start", client_ref="a", nonce=fresh_nonce(), reader="back"
            )
            assert await refused == "device_not_trusted"
