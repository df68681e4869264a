"""The driver is killed at any moment of a visit: what it acknowledged is on the disk, and it lives.

Moments lie uniformly over the visit's messages, on the socket and on the link, and between two of
them; the rows of the ledger are written in between. KAZASHI_KILLS and KAZASHI_SEED choose.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from front_desk import Desk, MoodyGateway, Site, fresh_nonce, settings
from signing_device import WITHIN_S, SigningDevice
from test_programs import daemon, last_line

from firmware.faults import LinkLost
from firmware.link.messages import ConfirmationAnswer, StartTransaction
from firmware.words import Outcome, State
from hostdriver.eligibility.records import seed

KILLS = int(os.environ.get("KAZASHI_KILLS", "20"))
SEED = int(os.environ.get("KAZASHI_SEED", "1"))
GONE = (EOFError, ConnectionError, LinkLost)
MOMENTS = 10
"""Of a whole visit."""


@dataclass
class Course:
    """One visit as both ends saw it: when each moment came, and which rows were promised by it."""

    passed_at_s: list[float] = field(default_factory=list)
    promised: set[str] = field(default_factory=set)
    transaction_id: str = ""
    fatal: int = -1
    """At this moment `end` is called, `after_s` later."""
    after_s: float = 0.0
    end: Callable[[], None] = lambda: None

    def passed(self, *rows: str) -> None:
        loop = asyncio.get_running_loop()
        if len(self.passed_at_s) == self.fatal:
            loop.call_later(self.after_s, self.end)
        self.passed_at_s.append(loop.time())
        self.promised.update(rows)


async def reception(desk: Desk, ref: str, course: Course) -> None:
    course.passed()
    begun = await desk.must("transaction.start", client_ref=ref, nonce=fresh_nonce())
    course.passed("visit_begun")
    await desk.next_event("finished")
    course.passed("visit_ended")
    of_it = {"transaction_id": begun["transaction_id"]}
    await desk.must("transaction.result", **of_it)
    course.passed()
    await desk.must("transaction.ack", **of_it)
    course.passed("result_taken")


async def device_end(device: SigningDevice, course: Course) -> None:
    start = await device.hear(StartTransaction)
    course.transaction_id = str(start.transaction_id)
    course.passed("visit_begun")
    await device.enter(start, State.WAITING_FOR_CARD)
    course.passed()
    await device.state_it(start)
    course.passed()
    answer = await device.hear(ConfirmationAnswer)
    course.passed("statement", "consent")
    await device.end(start, Outcome.REFUSED, answer.cause)
    course.passed()


async def hold(site: Site, desk: Desk, ref: str, course: Course) -> None:
    """A visit at both ends. Raises what each end hears of a driver that dies."""
    device = asyncio.create_task(device_end(site.device, course))
    try:
        await reception(desk, ref, course)
        await device
    finally:
        device.cancel()
        await asyncio.gather(device, return_exceptions=True)


def rows_of(database: Path, transaction_id: str) -> list[str]:
    """The kinds of a visit's rows, as a reader beside the driver sees them."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute("SELECT kind, facts FROM rows ORDER BY sequence").fetchall()
    return [
        kind for kind, facts in rows if json.loads(facts).get("transaction_id") == transaction_id
    ]


@asynccontextmanager
async def driver(
    folder: Path, device: SigningDevice
) -> AsyncIterator[tuple[Site, asyncio.subprocess.Process]]:
    """The real program on what the one before it left."""
    async with daemon("--settings", str(folder / "hostdriver.toml")) as process:
        address = (await last_line(process)).removeprefix("READY ")
        assert address.startswith("unix:"), address
        yield Site(address, MoodyGateway(), device, settings(folder)), process


async def whole_visit(site: Site, ref: str) -> list[float]:
    """A visit that nobody disturbs; the seconds between its moments."""
    course = Course()
    async with site.client() as desk:
        await hold(site, desk, ref, course)
        report = await desk.must("ledger.verify")
    assert len(course.passed_at_s) == MOMENTS
    # A statement that came while the driver died was acknowledged to nobody: the device says so.
    assert report["ok"], report
    ends_s = [*course.passed_at_s[1:], course.passed_at_s[-1] + 0.005]
    return [end - begin for begin, end in zip(course.passed_at_s, ends_s, strict=True)]


async def test_what_was_acknowledged_outlives_the_driver(
    tmp_path: Path, an_authority: bytes
) -> None:
    print(f"KAZASHI_SEED={SEED} KAZASHI_KILLS={KILLS}")
    chance = Random(SEED)
    (tmp_path / "state/trust").mkdir(parents=True)
    (tmp_path / "state/trust/ca.pem").write_bytes(an_authority)
    seed(tmp_path / "state/insurers.sqlite", ())
    (tmp_path / "run").mkdir()
    (tmp_path / "hostdriver.toml").write_text(
        f'state_dir="{tmp_path}/state"\nruntime_dir="{tmp_path}/run"\n[limits]\nreconnect_s=0.02\n'
    )
    async with SigningDevice(tmp_path / "run") as device:
        for number in range(KILLS):
            async with driver(tmp_path, device) as (site, process):
                gaps_s = await whole_visit(site, f"whole-{number}")
                fatal = chance.randrange(MOMENTS)
                course = Course(
                    fatal=fatal, after_s=chance.random() * gaps_s[fatal], end=process.kill
                )
                async with site.client() as desk:
                    with contextlib.suppress(*GONE):
                        await hold(site, desk, f"killed-{number}", course)
                await asyncio.wait_for(process.wait(), WITHIN_S)
            rows = rows_of(tmp_path / "state/ledger.sqlite", course.transaction_id)
            assert course.promised <= set(rows), f"kill {number}, at moment {fatal}"
            assert len(rows) == len(set(rows)), rows
        async with driver(tmp_path, device) as (site, _):
            await whole_visit(site, "last")
