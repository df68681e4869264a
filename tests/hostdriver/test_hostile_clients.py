"""Clients in their hundreds, killed clients, nonces that come back: the driver lives on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_desk import NONCE, Desk, Json, Site, fresh_nonce, open_site
from signing_device import WITHIN_S

from firmware.link.messages import ConfirmationAnswer, StartTransaction
from firmware.words import Cause, Method, Outcome, State
from hostdriver.settings import LimitSettings
from hostdriver.visits import PAST_NO_RETURN

KILLED = "killed"
HELLO = (
    b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":"1.0","client":"patient"}}\n'
)


async def start_of(desk: Desk, ref: str) -> Json:
    return await desk.must("transaction.start", client_ref=ref, nonce=NONCE)


async def whole_visit(site: Site, name: str) -> None:
    """Somebody else's visit goes as if nothing had been."""
    async with site.client(name) as desk:
        playing = asyncio.create_task(site.device.verify_one())
        begun = await desk.must(
            "transaction.start", client_ref=f"whole-{name}", nonce=fresh_nonce()
        )
        await playing
        of_it = {"transaction_id": begun["transaction_id"]}
        result = await desk.must("transaction.result", **of_it, wait_s=WITHIN_S)
        assert result["outcome"] == "verified"
        await desk.must("transaction.ack", **of_it)


# --- many
@pytest.fixture
def descriptors() -> Iterator[None]:
    """A thousand connections have two thousand ends in this one process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("descriptors")
async def test_a_thousand_connections_are_bounded_and_a_patient_client_is_served(
    tmp_path: Path,
) -> None:
    limits = LimitSettings(hello_within_s=600, reconnect_s=0.02)
    async with open_site(tmp_path, limits=limits) as site, asyncio.timeout(12 * WITHIN_S):
        path = site.address.removeprefix("unix:")
        async with site.client("who was there first") as first:
            crowd = [await asyncio.open_unix_connection(path) for _ in range(1000)]
            for reader, _ in crowd[limits.connections - 1 :]:
                assert json.loads(await reader.readline())["error"]["code"] == 1006
            assert (await first.must("health"))["ok"] is True
            assert not await is_served(path)
            for _, writer in crowd:
                writer.transport.abort()
        while not await is_served(path):
            pass
        await whole_visit(site, "patient")


async def is_served(path: str) -> bool:
    desk = Desk(*await asyncio.open_unix_connection(path))
    try:
        with contextlib.suppress(ConnectionError, EOFError):
            return "result" in await desk.exchange(HELLO)
        return False
    finally:
        desk.hang_up()


# --- killed
async def enter(site: Site, start: StartTransaction, *states: State) -> None:
    for state in states:
        await site.device.enter(start, state, method=Method.PIN)


BEFORE = [
    *(State.WAITING_FOR_CARD, State.IDENTIFYING_CARD, State.CHOOSING_METHOD, State.ASKING_PIN),
    *(State.VERIFYING_PIN, State.IDENTITY_PROVEN, State.ASKING_CONSENT, State.ASKING_QUESTIONS),
    State.SIGNING,
]


@pytest.mark.parametrize("point", BEFORE)
async def test_killed_before_the_point_of_no_return_the_visit_is_cancelled(
    site: Site, point: State
) -> None:
    assert point not in PAST_NO_RETURN
    async with site.client() as desk:
        accepting = asyncio.create_task(site.device.accept())
        begun = await start_of(desk, KILLED)
        start = await accepting
        await enter(site, start, *BEFORE[1 : BEFORE.index(point) + 1])
        while (await desk.next_event("progress"))["state"] != point:
            pass
        desk.hang_up()
    assert (await site.device.stop_one(start)).cause is Cause.CANCELLED_BY_RECEPTION
    async with site.client() as back:
        of_it = {"transaction_id": begun["transaction_id"], "wait_s": WITHIN_S}
        result = await back.must("transaction.result", **of_it)
        assert (result["outcome"], result["cause"]) == ("cancelled", "cancelled_by_reception")
    await whole_visit(site, "next")


async def end_it(site: Site, start: StartTransaction) -> None:
    """What the device does after its statement."""
    assert (await site.device.hear(ConfirmationAnswer)).accepted
    await site.device.end(start, Outcome.VERIFIED)


@pytest.mark.parametrize("point", ["stated", "ended", "fetched"])
async def test_killed_after_it_the_result_is_kept(site: Site, point: str) -> None:
    async with site.client() as desk:
        accepting = asyncio.create_task(site.device.accept())
        begun = await start_of(desk, KILLED)
        start = await accepting
        of_it = {"transaction_id": begun["transaction_id"], "wait_s": WITHIN_S}
        await site.device.state_it(start)
        while (await desk.next_event("progress"))["state"] != State.CONFIRMING:
            pass
        if point != "stated":
            await end_it(site, start)
            await desk.next_event("finished")
        if point == "fetched":
            await desk.must("transaction.result", **of_it)
        desk.hang_up()
    if point == "stated":
        await end_it(site, start)
    async with site.client("stranger") as stranger:
        assert await stranger.refused("transaction.result", **of_it) == "already_taken"
    async with site.client() as back:
        assert (await back.must("transaction.result", **of_it))["outcome"] == "verified"
        again = await back.must("transaction.start", client_ref=KILLED, nonce=fresh_nonce())
        assert (again["taken_over"], again["nonce"]) == (True, NONCE)
        await back.must("transaction.ack", **of_it)
    await whole_visit(site, "next")


async def test_killed_before_its_start_was_answered_the_visit_is_cancelled(site: Site) -> None:
    async with site.client() as desk:
        request = {"client_ref": KILLED, "nonce": NONCE}
        said = {"jsonrpc": "2.0", "id": 9, "method": "transaction.start", "params": request}
        await desk.send(json.dumps(said).encode() + b"\n")
        start = await site.device.accept()
        desk.hang_up()
    await site.device.stop_one(start)
    await whole_visit(site, "next")


# --- nonces
async def test_a_nonce_counts_for_one_visit(site: Site) -> None:
    async with site.client() as desk:
        accepting = asyncio.create_task(site.device.accept())
        begun = await start_of(desk, "a")
        start = await accepting
        await site.device.end(start, Outcome.FAILED, Cause.CARD_REMOVED)
        of_it = {"transaction_id": begun["transaction_id"]}
        await desk.must("transaction.result", **of_it, wait_s=WITHIN_S)
        assert (await start_of(desk, "a"))["taken_over"] is True  # given back: nothing begins
        await desk.must("transaction.ack", **of_it)
        for ref in ("a", "b"):
            replayed = desk.refused("transaction.start", client_ref=ref, nonce=NONCE)
            assert await replayed == "nonce_reused"
    await whole_visit(site, "next")


async def test_a_visit_that_did_not_begin_spends_no_nonce(site: Site) -> None:
    async with site.client() as desk:
        site.gateway.up = False
        refused = desk.refused("transaction.start", client_ref="a", nonce=NONCE)
        assert await refused == "upstream_unavailable"
        site.gateway.up = True
        accepting = asyncio.create_task(site.device.accept())
        assert (await start_of(desk, "a"))["taken_over"] is False
        await accepting
