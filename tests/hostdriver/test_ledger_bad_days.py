"""The ledger on bad days: full, locked, damaged, read-only. Real disks, locks and bytes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hostdriver.chain import STATEMENT, Entry
from hostdriver.faults import LedgerUnavailable
from hostdriver.ledger import Ledger

HERE = Path(__file__).parent
ON_A_DISK_OF_ITS_OWN = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$0" "$3" "$2" "$1"'


def statement(counter: int) -> Entry:
    return Entry(STATEMENT, {"device_id": "device-1", "counter": counter})


def on_a_small_disk(scene: str, folder: Path) -> dict[str, Any]:
    """What `small_disk.py` tells of a scene, played on one megabyte."""
    done = subprocess.run(
        [
            *("unshare", "-rm", "sh", "-c", ON_A_DISK_OF_ITS_OWN),
            *(sys.executable, str(folder), scene, str(HERE / "small_disk.py")),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("no namespaces of its own are allowed here")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_on_a_full_disk_no_consent_is_taken_and_with_room_the_next_visit_works(
    tmp_path: Path,
) -> None:
    told = on_a_small_disk("full", tmp_path)
    assert told["before"] == ["verified", None, 1]
    assert (told["accepted"], told["confirmed"]) == (False, 1)
    assert told["meanwhile"] == ["failed", "ledger_unavailable", 0]
    assert told["next"] == "ledger_unavailable"
    assert told["problems"] == ["ledger_unavailable"]
    assert told["problems after"] == []
    assert told["after"] == ["verified", None, 1]
    assert (told["ledger"]["first_bad"], told["ledger"]["reason"]) == (
        None,
        "statements are missing",  # the one that the disk would not take: the counter says so
    )
    assert [gap["found"] - gap["expected"] for gap in told["ledger"]["gaps"]] == [1]


def test_a_disk_that_is_full_at_the_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    told = on_a_small_disk("full-at-start", tmp_path)
    assert "the disk is full: make room" in told["fault"]
    assert told["after"] == {"fault": None}


def test_a_folder_that_cannot_be_written_names_the_way_out(tmp_path: Path) -> None:
    told = on_a_small_disk("read-only", tmp_path)
    assert "check the folder's owner, its mode and the mount" in told["fault"]


def test_a_copy_with_its_log_beside_it_is_not_called_whole_without_it(tmp_path: Path) -> None:
    """As an auditor may have it, on a medium that cannot be written."""
    told = on_a_small_disk("read-only-copy", tmp_path)
    assert told["stopped"] == [5, 7]
    for fault in told["killed"]:
        assert "copy the whole folder to where it can be" in fault


async def test_what_was_lost_is_a_row_when_rows_can_be_written_again(tmp_path: Path) -> None:
    ledger = await Ledger.open(tmp_path)
    await ledger.append(statement(1))
    holder = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="another process holds the database"):
        await ledger.append(statement(2))
    assert ledger.failing_since is not None
    holder.execute("ROLLBACK")
    await ledger.try_again()
    assert ledger.failing_since is None
    await ledger.append(statement(3))
    rows = holder.execute("SELECT kind, facts FROM rows ORDER BY sequence").fetchall()
    holder.close()
    report = await ledger.verify()
    await ledger.close()
    assert [kind for kind, _ in rows] == [STATEMENT, "ledger_resumed", STATEMENT]
    assert json.loads(rows[1][1])["lost"] == 1
    assert [gap.expected for gap in report.gaps] == [2]


async def filled(folder: Path) -> Path:
    """A ledger of many pages, closed, so that all of it lies in one file."""
    ledger = await Ledger.open(folder)
    await ledger.append(*(statement(counter) for counter in range(1, 301)))
    await ledger.close()
    return folder / "ledger.sqlite"


def flip(database: Path, offset: int, length: int) -> bytes:
    """Damage some bytes; returns what the file holds then."""
    content = bytearray(database.read_bytes())
    for place in range(offset, offset + length):
        content[place] ^= 0xFF
    database.write_bytes(content)
    return bytes(content)


PAGE = 4096
DAMAGES = {
    "the format's name": (0, 16),
    "the size of a page": (16, 2),
    "the table of tables": (100, 400),
    "the first page": (0, PAGE),
}


@pytest.mark.parametrize(("offset", "length"), DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_ledger_stops_the_start_and_is_left_as_it_is(
    tmp_path: Path, offset: int, length: int
) -> None:
    database = await filled(tmp_path)
    damaged = flip(database, offset, length)
    with pytest.raises(LedgerUnavailable, match="move the whole folder aside"):
        await Ledger.open(tmp_path)
    assert database.read_bytes() == damaged


async def test_a_ledger_without_its_last_row_is_not_continued(tmp_path: Path) -> None:
    database = await filled(tmp_path)
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TRIGGER rows_are_never_deleted")
        connection.execute("DELETE FROM rows WHERE sequence = 300")
    connection.close()
    with pytest.raises(LedgerUnavailable, match="not that of the last row"):
        await Ledger.open(tmp_path)


@pytest.mark.parametrize("page", [4, 5, 8])
async def test_damage_within_is_found_by_verify_and_no_export_is_signed(
    tmp_path: Path, page: int
) -> None:
    database = await filled(tmp_path)
    ledger = await Ledger.open(tmp_path)
    flip(database, page * PAGE, PAGE)
    report = await ledger.verify()
    await ledger.close()
    assert not report.ok
    assert report.first_bad is not None
    assert report.rows == report.first_bad - 1
