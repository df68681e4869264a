"""What stands in the ledger, read beside the running driver."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

STATE = Path("/var/lib/kazashi/hostdriver")


def read(query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    uri = f"file:{STATE / 'ledger.sqlite'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=30)) as ledger:
        return ledger.execute(query).fetchall()


def all_rows() -> list[tuple[Any, ...]]:
    """Whole, in their order."""
    return read("SELECT * FROM rows ORDER BY sequence")
