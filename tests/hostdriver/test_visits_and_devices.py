"""What becomes of a visit when its device refuses, breaks, falls silent, or is another one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from front_desk import (
    NONCE,
    MoodyGateway,
    Site,
    begin,
    open_site,
    result_of,
    settings,
)
from joserfc.jwk import OKPKey
from signing_device import SigningDevice

from firmware.link.messages import (
    Cancel,
    Refused,
    StartTransaction,
)
from firmware.words import Cause, Outcome, State
from hostdriver.driver import running
from hostdriver.settings import LimitSettings


async def test_the_devices_refusal_is_the_answer_to_the_start(site: Site) -> None:
    async def refuse() -> None:
        start = await site.device.hear(StartTransaction)
        await site.device.say(Refused(start.transaction_id, "reader_busy", "a card is there"))

    async with site.client() as desk:
        refusing = asyncio.create_task(refuse())
        assert await desk.refused("transaction.start", client_ref="a", nonce=NONCE) == "reader_busy"
        await refusing
        await begin(site, desk, "a")


async def test_a_device_that_is_broken_says_so_in_its_own_words(site: Site) -> None:
    async def refuse() -> None:
        start = await site.device.hear(StartTransaction)
        refused = Refused(start.transaction_id, Cause.CARD_SERVICE_UNAVAILABLE, "no pcscd")
        await site.device.say(refused)

    async with site.client() as desk:
        refusing = asyncio.create_task(refuse())
        error = (await desk.ask("transaction.start", client_ref="a", nonce=NONCE))["error"]
        await refusing
    assert error["data"]["symbol"] == "reader_unavailable"
    assert "card_service_unavailable, no pcscd" in error["message"]


async def test_progress_goes_on_after_the_end_until_the_card_is_taken(site: Site) -> None:
    async with site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await site.device.end(start, Outcome.FAILED, Cause.CARD_UNREADABLE)
        await desk.next_event("finished")
        await site.device.enter(start, State.TAKE_CARD)
        event = await desk.next_event("progress")
        assert (event["state"], event["sequence"]) == ("take_card", 3)
        assert (await desk.must("reader.status"))["state"] == "take_card"
        status = await desk.must("transaction.status", transaction_id=transaction_id)
        assert (status["state"], status["outcome"]) == ("take_card", "failed")


async def test_what_the_device_does_not_offer_is_refused_here(site: Site) -> None:
    asked = {
        "profile_not_allowed": {"profile": "emergency"},
        "method_not_allowed": {"methods": ["phone"]},
        "language_not_available": {"language": "pt"},
        "reader_unknown": {"reader": "another"},
    }
    async with site.client() as desk:
        for symbol, options in asked.items():
            started = desk.refused("transaction.start", client_ref="a", nonce=NONCE, **options)
            assert await started == symbol


async def test_a_lost_device_fails_the_visit_and_comes_back(site: Site) -> None:
    async with site.client() as desk:
        _, transaction_id = await begin(site, desk)
        assert site.device.link is not None
        site.device.link.close()
        result = await result_of(desk, transaction_id)
        assert (result["outcome"], result["cause"]) == ("failed", "reader_unavailable")
        await site.ready(desk)
        await begin(site, desk, "next")


async def test_a_silent_device_cannot_hold_a_cancelled_visit(tmp_path: Path) -> None:
    limits = LimitSettings(device_answers_within_s=2.0, reconnect_s=0.02)
    async with open_site(tmp_path, limits=limits) as site, site.client() as desk:
        start, transaction_id = await begin(site, desk)
        await desk.must("transaction.cancel", transaction_id=transaction_id)
        await site.device.hear(Cancel)
        result = await result_of(desk, transaction_id)
        assert result["outcome"] == "cancelled"
        await site.device.end(start, Outcome.VERIFIED)  # too late
        assert await result_of(desk, transaction_id) == result


async def test_a_device_with_another_key_is_not_used(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site, site.client() as desk:
        pinned = (await desk.must("reader.list"))["readers"][0]["device"]["device_key"]
    assert (tmp_path / "state/devices/kazashi-1.jwk").exists()
    chosen = settings(tmp_path)
    other = SigningDevice(Path(chosen.runtime_dir), key=OKPKey.generate_key("Ed25519"))
    async with other, running(chosen, MoodyGateway()) as address:
        site = Site(address, MoodyGateway(), other, chosen)
        async with site.client(hello=False) as desk:
            await desk.must("hello", protocol="1.0", client="front desk")
            await desk.must("events.subscribe")
            reader = await desk.must("reader.status")
            while reader["problem"] != "device_not_trusted":
                reader = (await desk.next_event("reader_status"))["reader"]
            assert reader["device"] is None
            started = desk.refused("transaction.start", client_ref="a", nonce=NONCE)
            assert await started == "device_not_trusted"
    assert pinned["kid"] != other.key.thumbprint()
