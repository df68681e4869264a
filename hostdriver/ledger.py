"""The append-only record of visits, statements and consents. [shell]

It holds transaction ids, decisions, times, text versions and staff ids; no names, no numbers, no
biometrics, and a client's own reference only as a keyed hash. One thread writes. Each row's hash
covers the row before it; the head (last sequence number and hash) is signed with the driver's own
key, so rows cannot be changed, reordered or cut off without that key. Whoever restores an older
file together with its older head is betrayed by the counter of the device's next statement.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hostdriver.api import LedgerReport
from hostdriver.chain import EMPTY, Entry, Head, next_row
from hostdriver.entries import ledger_resumed
from hostdriver.faults import LedgerUnavailable
from hostdriver.ledger_faults import unavailable
from hostdriver.ledger_file import KEY, LEDGER, read_private_key, stored_head, verify
from hostdriver.whole_file import PRIVATE, put_whole

log = logging.getLogger(__name__)

Given = TypeVarTuple("Given")
Done = TypeVar("Done")

REF_TAG = b"kazashi-ledger-ref-v1\x00"
BUSY_TIMEOUT_S = 2.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    facts TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS head (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS rows_are_never_changed BEFORE UPDATE ON rows
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS rows_are_never_deleted BEFORE DELETE ON rows
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """Nothing can be written: since when, and how many rows that cost so far."""

    since: datetime
    lost: int


class Ledger:
    """The ledger in one folder: `ledger.sqlite`, the driver's key `ledger.key`, and a lock.

    Open it with `Ledger.open`, which one process at a time can. `append` returns when the rows are
    on the disk.
    """

    def __init__(self, database: Path, key: Ed25519PrivateKey) -> None:
        self._database = database
        self._key = key
        self._ref_key = hashlib.sha256(REF_TAG + key.private_bytes_raw()).digest()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None
        self._lock: sqlite3.Connection | None = None
        self._head = EMPTY
        self._failure: Failure | None = None

    @classmethod
    async def open(cls, folder: Path) -> Ledger:
        """Open or create the ledger. Raises `LedgerUnavailable`."""
        ledger = cls(folder / LEDGER, _read_or_create_key(folder / KEY))
        try:
            await ledger._on_writer(ledger._open)
        except LedgerUnavailable:
            await ledger.close()
            raise
        return ledger

    async def append(self, *entries: Entry) -> None:
        """Record entries in order, all or none. Raises `LedgerUnavailable`."""
        now = datetime.now(UTC)
        # The rows are written whatever happens to the one who asked: a half-recorded visit would
        # be worse than one that nobody waited for.
        await asyncio.shield(self._on_writer(self._append, entries, now))

    @property
    def failing_since(self) -> datetime | None:
        """Since when nothing could be written; None while all is well."""
        return None if self._failure is None else self._failure.since

    async def try_again(self) -> None:
        """After a failure, find out whether rows can be written again."""
        if self._failure is not None:
            with suppress(LedgerUnavailable):
                await self.append()

    async def answers(self) -> None:
        """Returns when the writer's thread is free, whether or not it can write."""
        await self._on_writer(int)

    async def verify(self) -> LedgerReport:
        """Walk the whole chain, away from the event loop. Raises `LedgerUnavailable`."""
        return await asyncio.to_thread(verify, self._database, self._key.public_key())

    async def close(self) -> None:
        """Finish what is being written, then close."""
        await self._on_writer(self._close)
        self._writer.shutdown()

    def hashed(self, client_ref: str) -> str:
        """A client's reference as the ledger may hold it: nobody without the key can guess it."""
        return hmac.digest(self._ref_key, client_ref.encode(), "sha256").hex()

    # --- on the writer's thread ------------------------------------------------------------------
    def _on_writer(self, work: Callable[[*Given], Done], *given: *Given) -> asyncio.Future[Done]:
        return asyncio.get_running_loop().run_in_executor(self._writer, work, *given)

    def _open(self) -> None:
        try:
            self._lock = _lock(self._database.with_suffix(".lock"))
            self._database.touch(mode=0o600)
            connection = sqlite3.connect(
                self._database, timeout=BUSY_TIMEOUT_S, isolation_level=None
            )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
            self._head = _head_of_last_row(connection, self._key.public_key())
        except (sqlite3.Error, OSError) as cause:
            raise unavailable(self._database, cause) from cause
        self._connection = connection

    def _append(self, entries: Sequence[Entry], now: datetime) -> None:
        """Write the entries; what was lost before them is a row of its own."""
        before = self._failure
        resumed = [ledger_resumed(before.since, before.lost)] if before else []
        try:
            self._write([*resumed, *entries], now)
        except LedgerUnavailable as fault:
            since, lost = (before.since, before.lost) if before else (now, 0)
            self._failure = Failure(since, lost + len(entries))
            if before is None:
                log.critical("no visit can be recorded: %s", fault)
            raise
        if before is not None:
            log.warning("rows are recorded again; %d were lost since %s", before.lost, before.since)
        self._failure = None

    def _write(self, entries: Sequence[Entry], now: datetime) -> None:
        if self._connection is None:
            raise LedgerUnavailable("the ledger is closed")
        try:
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                if stored_head(connection, self._key.public_key()) != self._head:
                    raise LedgerUnavailable("the ledger is not as this driver left it")
                head = self._head
                for entry in entries:
                    row = next_row(head, entry, now)
                    connection.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", astuple(row))
                    head = Head(row.sequence, row.hash)
                connection.execute(
                    "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)",
                    (head.sequence, head.hash, self._key.sign(head.to_be_signed())),
                )
        except sqlite3.Error as cause:
            raise unavailable(self._database, cause) from cause
        self._head = head

    def _close(self) -> None:
        for connection in (self._connection, self._lock):
            if connection is not None:
                connection.close()
        self._connection = self._lock = None


def _head_of_last_row(connection: sqlite3.Connection, public_key: Ed25519PublicKey) -> Head:
    """The signed head, which must be the last row's. Raises `LedgerUnavailable`."""
    head = stored_head(connection, public_key)
    found = connection.execute(
        "SELECT sequence, hash FROM rows ORDER BY sequence DESC LIMIT 1"
    ).fetchone()
    if head != (EMPTY if found is None else Head(*found)):
        raise LedgerUnavailable("the signed head is not that of the last row")
    return head


def _lock(path: Path) -> sqlite3.Connection:
    """Held until it is closed or the process dies: SQLite's own lock, on every system.

    Raises `LedgerUnavailable` while another process holds it.
    """
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as cause:
        connection.close()
        if cause.sqlite_errorname == "SQLITE_BUSY":
            raise LedgerUnavailable(f"another host driver writes to {path.parent}") from cause
        raise
    return connection


def _read_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The driver's own key, PKCS #8 in PEM, readable by its owner alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_key(path)
    except OSError as cause:
        raise unavailable(path, cause) from cause
    return read_private_key(path)


def _write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    put_whole(path, pem, PRIVATE)  # a disk that is full in the midst of it leaves no half a key
