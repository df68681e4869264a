"""The ledger's readers: exports and files checked without a driver, and ways to spoil them."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hostdriver import cli
from hostdriver.chain import EMPTY, STATEMENT, Entry, Head, Row, next_row
from hostdriver.export import FileReport, check, lines
from hostdriver.ledger import Ledger
from hostdriver.ledger_file import read_private_key

KEY = Ed25519PrivateKey.generate()
PINNED = KEY.public_key()
Json = dict[str, Any]


def rows(number: int, after: Head = EMPTY) -> list[Row]:
    """A chain, one row a day from 2026-01-01, 09:00 in Japan."""
    made: list[Row] = []
    for day in range(number):
        entry = Entry(STATEMENT, {"device_id": "device-1", "counter": day + 1, "staff_id": "山田"})
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        made.append(next_row(after, entry, at))
        after = Head(made[-1].sequence, made[-1].hash)
    return made


def exported(chain: list[Row], after: Head = EMPTY) -> list[bytes]:
    last = Head(chain[-1].sequence, chain[-1].hash) if chain else after
    end = (last, KEY.sign(last.to_be_signed()))
    return list(lines(after, chain, lambda: end, KEY))


def kazashi(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli.main, list(arguments))
    return done.exit_code, done.stdout, done.stderr


# --- the format
def test_an_export_is_whole_by_the_pinned_key_and_by_its_own() -> None:
    report = check(exported(rows(5)), PINNED)
    assert (report.ok, report.rows, report.first, report.last, report.head) == (True, 5, 1, 5, 5)
    assert (report.pinned, check(exported(rows(5)), None).pinned) == (True, False)


def test_a_section_from_the_middle_is_whole_too() -> None:
    chain = rows(7)
    after = Head(chain[2].sequence, chain[2].hash)
    report = check(exported(chain[3:], after), PINNED)
    assert (report.ok, report.rows, report.first, report.last) == (True, 4, 4, 7)


def test_an_export_of_nothing_is_whole() -> None:
    assert check(exported([]), PINNED) == FileReport(
        True, 0, None, None, (), None, None, 0, check(exported([]), PINNED).key, True
    )


def edited(text: bytes, **changes: object) -> bytes:
    return json.dumps(json.loads(text) | changes, separators=(",", ":")).encode()


SPOILT: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "cut": (lambda text: text[:-1], "no end"),
    "empty": (lambda text: [], "no end"),
    "a row left out": (lambda text: text[:2] + text[3:], "missing"),
    "the last row left out": (lambda text: text[:-2] + text[-1:], "not that of the last row"),
    "two rows swapped": (lambda text: [text[0], text[2], text[1], *text[3:]], "missing"),
    "facts changed": (lambda text: [t.replace(b"device-1", b"device-2") for t in text], "written"),
    "a time changed": (lambda text: [t.replace(b"2026-01-02", b"2026-02-02") for t in text], "row"),
    "a later beginning": (lambda text: [edited(text[0], sequence=1), *text[1:]], "missing"),
    "another format": (lambda text: [edited(text[0], format=2), *text[1:]], "format 2"),
    "two beginnings": (lambda text: [text[0], *text], "one beginning"),
    "no beginning": (lambda text: text[1:], "one beginning"),
    "more after the end": (lambda text: [*text, text[1]], "follow"),
    "another head": (lambda text: [*text[:-1], edited(text[-1], head_sequence=9)], "head"),
    "an older head": (
        lambda text: [*text[:-1], *(exported(rows(2))[-1:])],
        "not that of the last row",
    ),
    "a key that is none": (lambda text: [*text[:-1], edited(text[-1], key={})], "no Ed25519 key"),
    "not JSON": (lambda text: [b"PK\x03\x04"], "no line"),
    "not UTF-8": (lambda text: [t.replace("山".encode(), b"\xff") for t in text], "no"),
}


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.values(), ids=SPOILT)
def test_what_was_done_to_an_export_is_found(
    spoil: Callable[[list[bytes]], list[bytes]], reason: str
) -> None:
    report = check(spoil(exported(rows(4))), None)
    assert not report.ok
    assert reason in (report.reason or "")


def test_an_export_of_another_key_is_not_this_drivers() -> None:
    report = check(exported(rows(3)), Ed25519PrivateKey.generate().public_key())
    assert (report.ok, report.reason) == (False, "the export is not signed by that key")


def test_the_end_of_a_section_is_no_head_of_a_ledger() -> None:
    """Else an export up to May would let somebody cut the ledger off in May."""
    *_, text = exported(rows(3))
    end = json.loads(text)
    moved = end | {"head_signature": end["signature"]}
    report = check([*exported(rows(3))[:-1], json.dumps(moved).encode()], PINNED)
    assert (report.ok, report.reason) == (False, "the ledger's head is not signed by that key")


def test_a_statement_that_is_not_there_shows_in_an_export() -> None:
    chain: list[Row] = []
    head = EMPTY
    for counter in (4, 6):
        entry = Entry(STATEMENT, {"device_id": "d", "counter": counter})
        chain.append(next_row(head, entry, datetime(2026, 1, 1, tzinfo=UTC)))
        head = Head(chain[-1].sequence, chain[-1].hash)
    (gap,) = check(exported(chain), PINNED).gaps
    assert (gap.expected, gap.found, gap.sequence) == (5, 6, 2)


ROW = json.loads(exported(rows(1))[1])
VALUES = st.none() | st.integers() | st.text(max_size=8) | st.dictionaries(st.text(), st.none())


@given(
    st.lists(
        st.binary(max_size=64)
        | st.sampled_from(exported(rows(2)))
        | st.builds(
            lambda field, value: json.dumps(ROW | {field: value}).encode("utf-8", "replace"),
            st.sampled_from(sorted(ROW)),
            VALUES,
        ),
        max_size=5,
    )
)
def test_whatever_stands_in_a_file_there_is_a_report(text: list[bytes]) -> None:
    report = check(text, None)
    assert report.ok == (text == exported(rows(2)))


# --- the commands on files
@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    ledger = await Ledger.open(tmp_path)
    for counter in range(1, 6):
        await ledger.append(Entry(STATEMENT, {"device_id": "device-1", "counter": counter}))
    await ledger.close()
    return tmp_path


def test_export_then_verify_by_the_key_that_was_kept_elsewhere(folder: Path) -> None:
    state, out, key = f"--state-dir={folder}", folder / "all.jsonl", folder / "key.json"
    assert kazashi("ledger", "export", state, "--out", str(out)) == (0, "", "")
    code, jwk, _ = kazashi("ledger", "key", state)
    key.write_text(jwk)
    code, told, _ = kazashi("ledger", "verify", str(out), "--key", str(key))
    assert code == 0
    assert "5 rows, whole\nrows 1 to 5 of a ledger of 5" in told
    assert "vouches" not in told
    code, told, _ = kazashi("ledger", "verify", str(out), "--json")
    assert (code, json.loads(told)["pinned"]) == (0, False)


def test_an_export_is_its_owners_alone_and_follows_no_link(folder: Path) -> None:
    out, elsewhere = folder / "all.jsonl", folder / "elsewhere"
    elsewhere.write_text("another's")
    for link in (out, folder / "all.jsonl.part"):
        link.symlink_to(elsewhere)
    before = set(folder.iterdir())
    assert kazashi("ledger", "export", f"--state-dir={folder}", "--out", str(out))[0] == 0
    assert (out.is_symlink(), stat.S_IMODE(out.stat().st_mode)) == (False, 0o600)
    assert elsewhere.read_text() == "another's"
    assert not [path for path in set(folder.iterdir()) - before if path.suffix == ".part"]


def test_a_ledgers_file_is_verified_where_it_lies(folder: Path) -> None:
    code, told, _ = kazashi("ledger", "verify", str(folder / "ledger.sqlite"))
    assert (code, told.startswith("5 rows, whole")) == (0, True)
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER rows_are_never_deleted")
        connection.execute("DELETE FROM rows WHERE sequence = 3")
    connection.close()
    code, told, _ = kazashi("ledger", "verify", str(folder / "ledger.sqlite"))
    assert (code, told) == (1, "2 rows hold; row 3: row 3 is missing\n" + told.partition("\n")[2])


def test_a_ledger_that_does_not_hold_is_not_signed_again(folder: Path) -> None:
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER rows_are_never_changed")
        connection.execute("UPDATE rows SET kind = 'x' WHERE sequence = 5")
    connection.close()
    out = folder / "all.jsonl"
    code, _, err = kazashi("ledger", "export", f"--state-dir={folder}", "--out", str(out))
    assert (code, out.exists()) == (1, False)
    assert "not the one that was written" in err


def test_days_choose_rows_by_japans_time(tmp_path: Path) -> None:
    """Rows stand at 09:00 of each day there."""
    write_chain(tmp_path, rows(6))
    state = f"--state-dir={tmp_path}"
    days = {
        ("--since=2026-01-03",): [3, 4, 5, 6],
        ("--until=2026-01-02",): [1, 2],
        ("--since=2026-01-02", "--until=2026-01-04"): [2, 3, 4],
        ("--since=2026-02-01",): [],
        ("--until=2025-12-31",): [],
    }
    backwards = kazashi("ledger", "export", state, "--since=2026-01-05", "--until=2026-01-01")
    assert backwards[:2] == (2, "")
    for chosen, sequences in days.items():
        code, text, err = kazashi("ledger", "export", state, *chosen)
        assert code == 0, err
        told = [json.loads(line) for line in text.splitlines()]
        assert [line["sequence"] for line in told if line["line"] == "row"] == sequences
        assert check([line.encode() for line in text.splitlines()], None).ok


def write_chain(folder: Path, chain: list[Row]) -> None:
    """A ledger with rows of chosen times, as the driver would have written them."""

    async def made() -> None:
        await (await Ledger.open(folder)).close()

    asyncio.run(made())
    head = Head(chain[-1].sequence, chain[-1].hash)
    signature = read_private_key(folder / "ledger.key").sign(head.to_be_signed())
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        for row in chain:
            connection.execute(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
                (row.sequence, row.at, row.kind, row.facts, row.hash),
            )
        connection.execute(
            "INSERT INTO head VALUES (1, ?, ?, ?)", (head.sequence, head.hash, signature)
        )
    connection.close()


def test_without_files_or_keys_there_is_a_clear_text(folder: Path, tmp_path: Path) -> None:
    code, _, err = kazashi("ledger", "export", f"--state-dir={tmp_path / 'none'}")
    assert (code, "ledger.key" in err) == (1, True)
    assert kazashi("ledger", "verify", str(tmp_path / "none"))[0] == 2
    assert kazashi("ledger", "verify", "--key", str(folder / "ledger.key"))[0] == 2
    shutil.copy(folder / "ledger.sqlite", tmp_path / "copy.sqlite")
    bad_key = tmp_path / "bad.json"
    bad_key.write_text("[]")
    for key in (bad_key, folder / "ledger.key"):
        code, _, err = kazashi("ledger", "verify", str(folder / "ledger.sqlite"), "--key", str(key))
        assert (code, key.name in err) == (1, True)
