"""A ledger as it lies on the disk, for whoever reads it: the driver, an auditor, an export. [shell]

No row is changed here, beside a running driver either, and a reader takes up where its cursor
stands. In a folder that can be written SQLite leaves its lock and an empty log (`-shm`, `-wal`).
What is written is `ledger.py`'s business.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hostdriver.api import LedgerReport
from hostdriver.chain import EMPTY, Head, Row, Walk, signed_by
from hostdriver.faults import ChainBroken, LedgerUnavailable
from hostdriver.ledger_faults import is_damage, unavailable

LEDGER: Final = "ledger.sqlite"
KEY: Final = "ledger.key"


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """One view of the rows and their head, whatever is written meanwhile.

    Raises `LedgerUnavailable`.
    """
    mode = "mode=ro"
    if not os.access(database.parent, os.W_OK):
        # SQLite finds no place for its lock there and needs none; but then it passes over the log.
        if _holds_anything(database.with_name(f"{database.name}-wal")):
            raise LedgerUnavailable(
                f"{database}: its newest rows are in the log beside it, which can be read only in "
                "a folder that can be written: copy the whole folder to where it can be"
            )
        mode = "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?{mode}", uri=True)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as cause:
        raise unavailable(database, cause) from cause


def _holds_anything(log: Path) -> bool:
    try:
        return log.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as cause:
        raise unavailable(log, cause) from cause


def rows_after(connection: sqlite3.Connection, sequence: int) -> Iterator[Row]:
    """Every row behind a cursor, in order. Raises `ChainBroken` where the file is damaged."""
    last = sequence
    try:
        for found in connection.execute(
            "SELECT sequence, at, kind, facts, hash FROM rows WHERE sequence > ? ORDER BY sequence",
            (sequence,),
        ):
            row = Row(*found)
            yield row
            last = row.sequence
    except sqlite3.DatabaseError as cause:
        if not is_damage(cause):
            raise
        raise ChainBroken(last + 1, f"the file is damaged there: {cause}") from cause


def stored_head(connection: sqlite3.Connection, public_key: Ed25519PublicKey) -> Head:
    """The head as it stands in the file. Raises `LedgerUnavailable` when it is not signed by us."""
    head, signature = signed_head(connection)
    if head != EMPTY and not signed_by(public_key, signature, head.to_be_signed()):
        raise LedgerUnavailable("the head is not signed by this driver's key")
    return head


def signed_head(connection: sqlite3.Connection) -> tuple[Head, bytes]:
    """The head and its signature, unchecked. Raises `LedgerUnavailable` where rows have none."""
    found = connection.execute("SELECT sequence, hash, signature FROM head").fetchone()
    if found is not None:
        sequence, last_hash, signature = found
        return Head(sequence, last_hash), signature
    if connection.execute("SELECT 1 FROM rows LIMIT 1").fetchone() is not None:
        raise LedgerUnavailable("the ledger has rows and no signed head")
    return EMPTY, b""


def bounds(
    connection: sqlite3.Connection, since: datetime | None, until: datetime | None
) -> tuple[int, int]:
    """The sequence numbers before the first row and of the last row from `since` to `until`.

    Times are the driver's, and a clock may have been set back: what lies between the two rows
    belongs to the section, whatever its time. Both moments carry a time zone.
    """
    newest = "SELECT coalesce(max(sequence), 0) FROM rows"
    (last,) = connection.execute(newest).fetchone()
    if until is not None:
        (last,) = connection.execute(f"{newest} WHERE at < ?", (_text(until),)).fetchone()
    if since is None:
        return 0, last
    (first,) = connection.execute(
        "SELECT min(sequence) FROM rows WHERE at >= ?", (_text(since),)
    ).fetchone()
    return min(last if first is None else first - 1, last), last


def _text(moment: datetime) -> str:
    """A moment as rows write it, so that texts compare as times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def verify(database: Path, public_key: Ed25519PublicKey) -> LedgerReport:
    """Walk a ledger: every hash, the signed head, the counters. Raises `LedgerUnavailable`."""
    walk = Walk()
    with reading(database) as connection:
        try:
            walked(walk, connection, public_key)
        except ChainBroken as broken:
            return LedgerReport(False, walk.head.sequence, broken.first_bad, str(broken), ())
    reason = "statements are missing" if walk.gaps else None
    return LedgerReport(not walk.gaps, walk.head.sequence, None, reason, tuple(walk.gaps))


def walked(walk: Walk, connection: sqlite3.Connection, public_key: Ed25519PublicKey) -> None:
    """Take every row, up to the signed head. Raises `ChainBroken`."""
    for row in rows_after(connection, 0):
        walk.take(row)
    try:
        head = stored_head(connection, public_key)
    except LedgerUnavailable as fault:
        raise ChainBroken(max(walk.head.sequence, 1), str(fault)) from fault
    walk.end_at(head)


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """The driver's own key. Raises `LedgerUnavailable`."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as cause:
        raise unavailable(path, cause) from cause
    except ValueError as cause:
        raise LedgerUnavailable(f"{path}: {cause}") from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerUnavailable(f"{path} is not an Ed25519 key")
    return key
