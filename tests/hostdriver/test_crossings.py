"""Words that cross on their way: a cancel and a confirmation, a client that leaves while we ask."""

from __future__ import annotations

import asyncio
from pathlib import Path

from front_desk import NONCE, fresh_nonce, open_site
from signing_device import card_key

from firmware.link.messages import Cancel, ConfirmationAnswer, StartTransaction
from firmware.words import Outcome
from hostdriver.settings import LimitSettings

LIMITS = LimitSettings(grace_s=0.05, reconnect_s=0.02, device_answers_within_s=2.0)


async def test_a_cancel_that_crosses_the_signature_loses_no_confirmation(tmp_path: Path) -> None:
    async with open_site(tmp_path, limits=LIMITS) as site:
        site.gateway.confirms = asyncio.Event()
        async with site.client() as desk:
            accepting = asyncio.create_task(site.device.accept())
            begun = await desk.must(
                "transaction.start", client_ref="crossing", nonce=NONCE, purpose="visit"
            )
            start = await accepting
            card_key()  # made now: the device has no time for it below
            await desk.must("transaction.cancel", transaction_id=begun["transaction_id"])
            await site.device.hear(Cancel)
            # The card had signed already: the device goes on, and the gateway takes its time.
            evidence = await site.device.state_it(start)
            await asyncio.sleep(1.1 * LIMITS.device_answers_within_s)
            site.gateway.confirms.set()
            await site.device.hear(ConfirmationAnswer)
            await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
            result = await desk.must(
                "transaction.result", transaction_id=begun["transaction_id"], wait_s=5
            )
            assert (result["outcome"], result["cause"]) == ("verified", None)


async def test_a_client_that_leaves_while_the_service_is_asked_starts_no_visit(
    tmp_path: Path,
) -> None:
    async with open_site(tmp_path, limits=LIMITS) as site:
        answers = asyncio.Event()
        challenge = site.gateway.challenge

        async def slow(transaction_id: object) -> bytes | None:
            await answers.wait()
            return await challenge(transaction_id)  # type: ignore[arg-type]

        site.gateway.challenge = slow  # type: ignore[method-assign]
        async with site.client() as leaving:
            asking = asyncio.create_task(
                leaving.ask("transaction.start", client_ref="gone", nonce=NONCE, purpose="visit")
            )
            await asyncio.wait({asking}, timeout=0.1)
            leaving.hang_up()
            asking.cancel()
        await site.device.hear(Cancel)
        # Without a device's word for it the visit ends after the time it has for one.
        await asyncio.sleep(2 * LIMITS.device_answers_within_s)
        answers.set()
        site.gateway.challenge = challenge  # type: ignore[method-assign]
        async with site.client("next") as desk:
            accepting = asyncio.create_task(site.device.hear(StartTransaction))
            starting = asyncio.create_task(
                desk.must(
                    "transaction.start", client_ref="next", nonce=fresh_nonce(), purpose="visit"
                )
            )
            heard = await accepting
            assert heard.requester == "next"
            starting.cancel()
