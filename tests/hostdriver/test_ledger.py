"""The ledger: what it holds, what it must never hold, and every way to tamper with it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from front_desk import NAME, NONCE, fresh_nonce, open_site
from signing_device import WITHIN_S

from firmware.link.messages import ConfirmationAnswer
from firmware.words import Outcome
from hostdriver.chain import STATEMENT, Entry
from hostdriver.faults import LedgerUnavailable
from hostdriver.ledger import Ledger


def statement(counter: int, device_id: str = "device-1") -> Entry:
    return Entry(STATEMENT, {"device_id": device_id, "counter": counter})


async def write(folder: Path, *entries: Entry) -> None:
    ledger = await Ledger.open(folder)
    for entry in entries:
        await ledger.append(entry)
    await ledger.close()


def tamper(folder: Path, *statements: str) -> None:
    """What somebody with the file, and without the key, can do to it."""
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER rows_are_never_changed")
        connection.execute("DROP TRIGGER rows_are_never_deleted")
        for statement_ in statements:
            connection.execute(statement_)
    connection.close()


SWAP = (
    "UPDATE rows SET sequence = 100 WHERE sequence = 2",
    "UPDATE rows SET sequence = 2 WHERE sequence = 3",
    "UPDATE rows SET sequence = 3 WHERE sequence = 100",
)
TAMPERINGS: dict[str, tuple[tuple[str, ...], int]] = {
    "edited facts": (("UPDATE rows SET facts = replace(facts, '3', '9') WHERE sequence = 3",), 3),
    "another time": (("UPDATE rows SET at = '2020-01-01T00:00:00+00:00' WHERE sequence = 2",), 2),
    "another kind": (("UPDATE rows SET kind = 'consent' WHERE sequence = 1",), 1),
    "another hash": (("UPDATE rows SET hash = zeroblob(32) WHERE sequence = 4",), 4),
    "a row deleted": (("DELETE FROM rows WHERE sequence = 2",), 2),
    "the first row deleted": (("DELETE FROM rows WHERE sequence = 1",), 1),
    "two rows swapped": (SWAP, 2),
    "a row inserted": (
        ("INSERT INTO rows SELECT 6, at, kind, facts, hash FROM rows WHERE sequence = 5",),
        6,
    ),
    "the tail cut": (("DELETE FROM rows WHERE sequence > 3",), 4),
    "all rows deleted": (("DELETE FROM rows",), 1),
    "the tail and the head cut": (
        (
            "DELETE FROM rows WHERE sequence > 3",
            "UPDATE head SET sequence = 3, hash = (SELECT hash FROM rows WHERE sequence = 3)",
        ),
        3,
    ),
    "the head deleted": (("DELETE FROM head",), 5),
    "a negative head": (("UPDATE head SET sequence = -1",), 5),
}


@pytest.mark.parametrize(("statements", "first_bad"), TAMPERINGS.values(), ids=TAMPERINGS)
async def test_tampering_is_found(
    tmp_path: Path, statements: tuple[str, ...], first_bad: int
) -> None:
    ledger = await Ledger.open(tmp_path)
    for counter in range(1, 6):
        await ledger.append(statement(counter))
    assert (await ledger.verify()).ok
    tamper(tmp_path, *statements)
    report = await ledger.verify()
    assert (report.ok, report.first_bad) == (False, first_bad)
    assert report.reason
    await ledger.close()


async def test_the_file_itself_refuses_changes(tmp_path: Path) -> None:
    await write(tmp_path, statement(1))
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    for change in ("UPDATE rows SET kind = 'x'", "DELETE FROM rows"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
    connection.close()


async def test_an_older_copy_is_betrayed_by_the_next_counter(tmp_path: Path) -> None:
    """With its own head an older copy is whole in itself; the device's counter tells."""
    await write(tmp_path, statement(1), statement(2))
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path, copy)
    await write(tmp_path, statement(3), statement(4))
    ledger = await Ledger.open(copy)
    assert (await ledger.verify()).ok
    await ledger.append(statement(5))
    report = await ledger.verify()
    await ledger.close()
    assert (report.ok, report.first_bad) == (False, None)
    (gap,) = report.gaps
    assert (gap.device_id, gap.expected, gap.found, gap.sequence) == ("device-1", 3, 5, 3)


async def test_each_device_counts_for_itself(tmp_path: Path) -> None:
    rows = [statement(7), statement(1, "device-2"), statement(8), statement(2, "device-2")]
    ledger = await Ledger.open(tmp_path)
    await ledger.append(*rows)
    assert (await ledger.verify()).ok
    await ledger.append(statement(8))  # a counter that comes twice is no better than a gap
    assert [gap.found for gap in (await ledger.verify()).gaps] == [8]
    await ledger.close()


async def test_entries_are_written_all_or_none_and_in_order(tmp_path: Path) -> None:
    ledger = await Ledger.open(tmp_path)
    await asyncio.gather(*(ledger.append(statement(n), Entry("x", {})) for n in range(1, 21)))
    report = await ledger.verify()
    await ledger.close()
    assert (report.ok, report.rows) == (True, 40)


async def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    await write(tmp_path, statement(1))
    await write(tmp_path, statement(2))
    ledger = await Ledger.open(tmp_path)
    report = await ledger.verify()
    await ledger.close()
    assert (report.ok, report.rows) == (True, 2)


async def test_key_and_file_are_their_owners_alone(tmp_path: Path) -> None:
    await write(tmp_path, statement(1))
    for name in ("ledger.key", "ledger.sqlite"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_a_ledger_of_another_key_is_not_continued(tmp_path: Path) -> None:
    await write(tmp_path, statement(1))
    (tmp_path / "ledger.key").unlink()
    with pytest.raises(LedgerUnavailable, match="not signed by this driver"):
        await Ledger.open(tmp_path)


async def test_two_writers_cannot_fork_the_chain(tmp_path: Path) -> None:
    first = await Ledger.open(tmp_path)
    with pytest.raises(LedgerUnavailable, match="another host driver"):
        await Ledger.open(tmp_path)
    await first.append(statement(1))
    await first.close()
    await write(tmp_path, statement(2))  # and the lock goes with its holder


async def test_a_ledger_that_was_rolled_back_is_not_continued(tmp_path: Path) -> None:
    ledger = await Ledger.open(tmp_path)
    await ledger.append(statement(1))
    tamper(tmp_path, "DELETE FROM rows", "DELETE FROM head")
    with pytest.raises(LedgerUnavailable, match="not as this driver left it"):
        await ledger.append(statement(2))
    await ledger.close()


@pytest.mark.parametrize("content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\n"])
async def test_a_bad_key_file_is_a_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ledger.key").write_bytes(content)
    with pytest.raises(LedgerUnavailable):
        await Ledger.open(tmp_path)


async def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(LedgerUnavailable):
        await Ledger.open(tmp_path)


# --- in a visit
def rows_of(folder: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(folder / "state/ledger.sqlite")
    rows = connection.execute("SELECT kind, facts FROM rows ORDER BY sequence").fetchall()
    connection.close()
    return rows


async def test_a_visit_is_recorded_without_names_and_numbers(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site, site.client() as desk:
        playing = asyncio.create_task(site.device.verify_one())
        begun = await desk.must("transaction.start", client_ref="chart-00417", nonce=NONCE)
        await playing
        of_it = {"transaction_id": begun["transaction_id"]}
        result = await desk.must("transaction.result", wait_s=WITHIN_S, **of_it)
        await desk.must("transaction.ack", **of_it)
        assert (await desk.must("ledger.verify"))["ok"] is True
        rows = rows_of(tmp_path)
    assert result["outcome"] == Outcome.VERIFIED
    assert [kind for kind, _ in rows] == [
        "driver_started",
        "device_met",
        "visit_begun",
        "statement",
        "consent",
        "visit_ended",
        "result_taken",
    ]
    for kept in (tmp_path / "state").rglob("*"):
        content = kept.read_bytes() if kept.is_file() else b""
        for secret in (b"chart-00417", NAME.encode(), b"000001"):
            assert secret not in content, kept


@pytest.fixture
def breakable() -> Callable[[Path], None]:
    """Makes every further write fail, as a full disk would."""

    def break_it(folder: Path) -> None:
        connection = sqlite3.connect(folder / "state/ledger.sqlite")
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON rows BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        connection.close()

    return break_it


async def test_nothing_is_verified_that_cannot_be_recorded(
    tmp_path: Path, breakable: Callable[[Path], None]
) -> None:
    async with open_site(tmp_path) as site, site.client() as desk:
        accepting = asyncio.create_task(site.device.accept())
        begun = await desk.must("transaction.start", client_ref="a", nonce=NONCE)
        start = await accepting
        breakable(tmp_path)
        evidence = await site.device.state_it(start)
        assert not (await site.device.hear(ConfirmationAnswer)).accepted
        assert site.gateway.confirmed == []
        await site.device.end(start, Outcome.VERIFIED, evidence=evidence)
        result = await desk.must(
            "transaction.result", transaction_id=begun["transaction_id"], wait_s=WITHIN_S
        )
        assert (result["outcome"], result["cause"]) == ("failed", "ledger_unavailable")
        assert (result["consents"], result["evidence"]) == ([], None)
        assert (
            await desk.refused("transaction.start", client_ref="b", nonce=fresh_nonce())
            == "ledger_unavailable"
        )
        assert "ledger_unavailable" in (await desk.must("health"))["problems"]
