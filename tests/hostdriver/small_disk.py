"""A program: what happens to a site on a disk of its own, told as JSON. It needs that namespace:

unshare -rm sh -c 'mount -t tmpfs -o size=1m tmpfs DIR; exec python small_disk.py SCENE DIR'
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from front_desk import Desk, Site, fresh_nonce, open_site
from signing_device import WITHIN_S

from firmware.device import Device
from firmware.faults import StorageUnavailable
from firmware.link.messages import ConfirmationAnswer
from firmware.words import ClockTrust, Outcome
from hostdriver.chain import STATEMENT, Entry
from hostdriver.faults import LedgerUnavailable
from hostdriver.ledger import Ledger
from hostdriver.ledger_export import check_file, export
from hostdriver.ledger_file import LEDGER

Told = dict[str, Any]
ROWS = [Entry(STATEMENT, {"device_id": "device-1", "counter": counter}) for counter in range(10)]


def fill(path: Path) -> None:
    """Take every byte that is left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        while os.write(descriptor, bytes(1024)):
            pass
    except OSError:
        pass
    finally:
        os.close(descriptor)


async def result_of(desk: Desk, transaction_id: str) -> tuple[str, str, int]:
    result = await desk.must("transaction.result", transaction_id=transaction_id, wait_s=WITHIN_S)
    return result["outcome"], result["cause"], len(result["consents"])


async def verified(site: Site, desk: Desk, ref: str) -> tuple[str, str, int]:
    playing = asyncio.create_task(site.device.verify_one())
    begun = await desk.must("transaction.start", client_ref=ref, nonce=fresh_nonce())
    await playing
    return await result_of(desk, begun["transaction_id"])


async def full(folder: Path) -> Told:
    """The disk fills up in the midst of a visit, and is emptied again."""
    filler, told = folder / "filler", Told()
    async with open_site(folder) as site, site.client() as desk:
        told["before"] = await verified(site, desk, "a")
        accepting = asyncio.create_task(site.device.accept())
        begun = await desk.must("transaction.start", client_ref="b", nonce=fresh_nonce())
        start = await accepting
        fill(filler)
        evidence = await site.device.state_it(start)
        told["accepted"] = (await site.device.hear(ConfirmationAnswer)).accepted
        told["confirmed"] = len(site.gateway.confirmed)
        await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
        told["meanwhile"] = await result_of(desk, begun["transaction_id"])
        told["next"] = await desk.refused("transaction.start", client_ref="c", nonce=fresh_nonce())
        told["problems"] = (await desk.must("health"))["problems"]
        filler.unlink()
        told["problems after"] = (await desk.must("health"))["problems"]
        told["after"] = await verified(site, desk, "d")
        told["ledger"] = await desk.must("ledger.verify")
    return told


async def read_only(folder: Path) -> Told:
    """The disk is mounted again, and nothing can be written any more."""
    await (await Ledger.open(folder / "state")).close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    return await opened(folder)


async def read_only_copy(folder: Path) -> Told:
    """Copies of a ledger on a medium that cannot be written: of a stopped, of a running driver."""
    state, stopped, killed = (folder / name for name in ("state", "stopped", "killed"))
    ledger = await Ledger.open(state)
    await ledger.append(*ROWS[:5])
    await ledger.close()
    shutil.copytree(state, stopped)
    ledger = await Ledger.open(state)
    await ledger.append(*ROWS[5:])
    shutil.copytree(state, killed)  # as a driver that is killed leaves it
    await ledger.close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    return {
        copy.name: [
            looked_at(lambda copy=copy: check_file(copy / LEDGER, None).rows),
            looked_at(lambda copy=copy: len(list(export(copy, None, None)))),
        ]
        for copy in (stopped, killed)
    }


def looked_at(look: Callable[[], int]) -> int | str:
    try:
        return look()
    except LedgerUnavailable as fault:
        return str(fault)


async def full_at_start(folder: Path) -> Told:
    """There is no room for the first file; then there is."""
    fill(folder / "filler")
    told = await opened(folder)
    (folder / "filler").unlink()
    return told | {"after": await opened(folder)}


async def opened(folder: Path) -> Told:
    try:
        ledger = await Ledger.open(folder / "state")
    except LedgerUnavailable as fault:
        return {"fault": str(fault)}
    await ledger.close()
    return {"fault": None}


async def device_full(folder: Path) -> Told:
    """The reader's own disk fills up, and is emptied."""
    device, filler = Device("reader", folder / "device", ClockTrust.NTP), folder / "filler"
    device.count(uuid4())
    told: Told = {"before": [device.has_room, device.numbering.last]}
    fill(filler)
    told["full"] = device.has_room
    try:
        device.count(uuid4())
    except StorageUnavailable as fault:
        told["counted"] = fault.code
    filler.unlink()
    device.count(uuid4())
    told["after"] = [device.has_room, device.numbering.last]
    return told


SCENES = {
    "device-full": device_full,
    "full": full,
    "read-only": read_only,
    "read-only-copy": read_only_copy,
    "full-at-start": full_at_start,
}

if __name__ == "__main__":
    print(json.dumps(asyncio.run(SCENES[sys.argv[1]](Path(sys.argv[2])))))
