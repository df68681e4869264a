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
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, TypeVar, TypeVarTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hostdriver.api import LedgerGap, LedgerReport
from hostdriver.faults import LedgerUnavailable

Facts: TypeAlias = dict[str, str | int | bool | None]
Given = TypeVarTuple("Given")
Done = TypeVar("Done")

ROW_TAG = b"kazashi-ledger-row-v1\x00"
HEAD_TAG = b"kazashi-ledger-head-v1\x00"
REF_TAG = b"kazashi-ledger-ref-v1\x00"
STATEMENT = "statement"
GENESIS = bytes(32)
BUSY_TIMEOUT_S = 5.0

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
class Entry:
    """One event to record. Write facts that a court may read and a thief may not use."""

    kind: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends; sequence 0 is the empty ledger."""

    sequence: int
    hash: bytes

    def to_be_signed(self) -> bytes:
        """What the driver's key signs."""
        return HEAD_TAG + self.sequence.to_bytes(8, "big", signed=True) + self.hash


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
        self._head = Head(0, GENESIS)

    @classmethod
    async def open(cls, folder: Path) -> Ledger:
        """Open or create the ledger. Raises `LedgerUnavailable`."""
        ledger = cls(folder / "ledger.sqlite", _read_or_create_key(folder / "ledger.key"))
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
            self._head = _stored_head(connection, self._key.public_key())
        except (sqlite3.Error, OSError) as cause:
            raise LedgerUnavailable(f"{self._database}: {cause}") from cause
        self._connection = connection

    def _append(self, entries: Sequence[Entry], now: datetime) -> None:
        if self._connection is None:
            raise LedgerUnavailable("the ledger is closed")
        try:
            with self._connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                if _stored_head(connection, self._key.public_key()) != self._head:
                    raise LedgerUnavailable("the ledger is not as this driver left it")
                head = self._head
                for entry in entries:
                    head = _write_row(connection, head, entry, now)
                connection.execute(
                    "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)",
                    (head.sequence, head.hash, self._key.sign(head.to_be_signed())),
                )
        except sqlite3.Error as cause:
            raise LedgerUnavailable(f"{self._database}: {cause}") from cause
        self._head = head

    def _close(self) -> None:
        for connection in (self._connection, self._lock):
            if connection is not None:
                connection.close()
        self._connection = self._lock = None


def verify(database: Path, public_key: Ed25519PublicKey) -> LedgerReport:
    """Walk a ledger: every hash, the signed head, the counters. Raises `LedgerUnavailable`."""
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("BEGIN")  # one view of rows and head
            return _verify(connection, public_key)
        finally:
            connection.close()
    except sqlite3.Error as cause:
        raise LedgerUnavailable(f"{database}: {cause}") from cause


def _verify(connection: sqlite3.Connection, public_key: Ed25519PublicKey) -> LedgerReport:
    head = Head(0, GENESIS)
    counters: dict[str, int] = {}
    gaps: list[LedgerGap] = []
    for sequence, at, kind, facts, stored in connection.execute(
        "SELECT sequence, at, kind, facts, hash FROM rows ORDER BY sequence"
    ):
        due = Head(head.sequence + 1, _row_hash(head, at, kind, facts))
        if sequence != due.sequence:
            return _broken(head, due.sequence, f"row {due.sequence} is missing")
        if stored != due.hash:
            return _broken(head, sequence, "the row is not the one that was written here")
        head = due
        if kind == STATEMENT:
            gaps.extend(_gap(counters, sequence, facts))
    try:
        stored_head = _stored_head(connection, public_key)
    except LedgerUnavailable as fault:
        return _broken(head, max(head.sequence, 1), str(fault))
    if stored_head != head:
        return _broken(
            head,
            min(stored_head.sequence, head.sequence) + 1,
            f"the signed head is of row {stored_head.sequence}, the last row is {head.sequence}",
        )
    reason = "statements are missing" if gaps else None
    return LedgerReport(not gaps, head.sequence, None, reason, tuple(gaps))


def _gap(counters: dict[str, int], sequence: int, facts: str) -> Iterator[LedgerGap]:
    statement = msgspec.json.decode(facts, type=Facts)
    device_id, found = str(statement["device_id"]), statement["counter"]
    assert isinstance(found, int)
    expected = counters.get(device_id, found - 1) + 1
    counters[device_id] = found
    if found != expected:
        yield LedgerGap(device_id, expected, found, sequence)


def _broken(head: Head, first_bad: int, reason: str) -> LedgerReport:
    return LedgerReport(False, head.sequence, first_bad, reason, ())


def _write_row(connection: sqlite3.Connection, head: Head, entry: Entry, now: datetime) -> Head:
    at = now.isoformat(timespec="milliseconds")
    facts = msgspec.json.encode(entry.facts, order="deterministic").decode()
    written = Head(head.sequence + 1, _row_hash(head, at, entry.kind, facts))
    connection.execute(
        "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
        (written.sequence, at, entry.kind, facts, written.hash),
    )
    return written


def _row_hash(before: Head, at: str, kind: str, facts: str) -> bytes:
    digest = hashlib.sha256(ROW_TAG + before.hash + (before.sequence + 1).to_bytes(8, "big"))
    for part in (at, kind, facts):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.digest()


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
        raise LedgerUnavailable(f"another host driver writes to {path.parent}") from cause
    return connection


def _stored_head(connection: sqlite3.Connection, public_key: Ed25519PublicKey) -> Head:
    """The head as it stands in the file. Raises `LedgerUnavailable` when it is not signed by us."""
    row = connection.execute("SELECT sequence, hash, signature FROM head").fetchone()
    if row is None:
        if connection.execute("SELECT 1 FROM rows LIMIT 1").fetchone() is not None:
            raise LedgerUnavailable("the ledger has rows and no signed head")
        return Head(0, GENESIS)
    sequence, last_hash, signature = row
    head = Head(sequence, last_hash)
    try:
        public_key.verify(signature, head.to_be_signed())
    except InvalidSignature as cause:
        raise LedgerUnavailable("the head is not signed by this driver's key") from cause
    return head


def _read_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The driver's own key, PKCS #8 in PEM, readable by its owner alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_key(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as cause:
        raise LedgerUnavailable(f"{path}: {cause}") from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerUnavailable(f"{path} is not an Ed25519 key")
    return key


def _write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
