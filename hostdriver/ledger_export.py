"""A ledger's file turned into an export, and both of them checked without the driver. [shell]"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hostdriver.chain import Head, Row, Walk
from hostdriver.export import FileReport, check, jwk_of, lines, public_key_of
from hostdriver.faults import LedgerUnavailable
from hostdriver.ledger_faults import unavailable
from hostdriver.ledger_file import (
    KEY,
    LEDGER,
    bounds,
    read_private_key,
    reading,
    rows_after,
    signed_head,
    stored_head,
    verify,
)

SQLITE = b"SQLite format 3\x00"


def export(folder: Path, since: datetime | None, until: datetime | None) -> Iterator[bytes]:
    """The rows from `since` to before `until` as the lines of an export.

    The whole ledger is walked, so that nothing is signed in a ledger that does not hold: then the
    last line never comes. Raises `LedgerUnavailable`, `ChainBroken`.
    """
    key = read_private_key(folder / KEY)
    walk = Walk()
    with reading(folder / LEDGER) as connection:
        before, last = bounds(connection, since, until)
        rows = _taken(rows_after(connection, 0), walk)
        for _ in islice(rows, before):
            pass

        def ledger_end() -> tuple[Head, bytes]:
            for _ in rows:
                pass
            walk.end_at(stored_head(connection, key.public_key()))
            return signed_head(connection)

        yield from lines(walk.head, islice(rows, last - before), ledger_end, key)


def check_file(path: Path, pinned: Ed25519PublicKey | None) -> FileReport:
    """What a ledger's file or an export is worth.

    Without a pinned key a ledger is checked by the key that lies beside it. Raises
    `LedgerUnavailable` when it cannot be read at all.
    """
    try:
        with path.open("rb") as content:
            if content.read(len(SQLITE)) != SQLITE:
                content.seek(0)
                return check(content, pinned)
    except OSError as cause:
        raise unavailable(path, cause) from cause
    key = pinned or read_private_key(path.with_name(KEY)).public_key()
    report = verify(path, key)
    return FileReport(
        ok=report.ok,
        rows=report.rows,
        first_bad=report.first_bad,
        reason=report.reason,
        gaps=report.gaps,
        first=1 if report.rows else None,
        last=report.rows or None,
        head=report.rows,
        key=jwk_of(key).thumbprint(),
        pinned=pinned is not None,
    )


def read_public_key(path: Path) -> Ed25519PublicKey:
    """A pinned key: a JWK, as `kazashi ledger key` prints it. Raises `LedgerUnavailable`."""
    try:
        jwk = json.loads(path.read_bytes())
        return public_key_of(jwk)
    except OSError as cause:
        raise unavailable(path, cause) from cause
    except (ValueError, TypeError) as cause:
        raise LedgerUnavailable(f"{path}: {cause}") from cause


def _taken(rows: Iterator[Row], walk: Walk) -> Iterator[Row]:
    for row in rows:
        walk.take(row)
        yield row
