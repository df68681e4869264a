"""What a broken disk or database means for the ledger, and the way out. Pure: an exception in.

Nothing here mends anything: a ledger that cannot be trusted is kept as it is, for a person to see.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from hostdriver.faults import LedgerUnavailable

FULL: Final = "the disk is full: make room on it, and the next visit is recorded again"
CLOSED: Final = "it cannot be written there: check the folder's owner, its mode and the mount"
LOCKED: Final = "another process holds the database: close it (`fuser FILE` names it)"
DAMAGED: Final = (
    "the file is damaged and was left as it is: move the whole folder aside for inspection, put "
    "back a copy of it, or let a new ledger begin in an empty one"
)
FAILING: Final = "the disk fails: look at the system's log, and copy the folder while you can"

WAYS_OUT: Final[dict[str, str]] = {
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": CLOSED,
    "SQLITE_CANTOPEN": CLOSED,
    "SQLITE_PERM": CLOSED,
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_IOERR": FAILING,
    **{errno.errorcode[number]: FULL for number in (errno.ENOSPC, errno.EDQUOT)},
    **{errno.errorcode[number]: CLOSED for number in (errno.EACCES, errno.EPERM, errno.EROFS)},
    errno.errorcode[errno.EIO]: FAILING,
}
"""SQLite's or the system's name of an error → what to do. SQLite's finer names begin with these."""


def unavailable(path: Path, cause: Exception) -> LedgerUnavailable:
    """The fault to raise from what SQLite or the system said of that file."""
    way_out = _way_out(_name(cause))
    return LedgerUnavailable(f"{path}: {cause}" + (f"; {way_out}" if way_out else ""))


def is_damage(cause: Exception) -> bool:
    """Whether the file itself is broken, and not the way to it."""
    return _way_out(_name(cause)) == DAMAGED


def _way_out(name: str) -> str | None:
    return next((way for known, way in WAYS_OUT.items() if name.startswith(known)), None)


def _name(cause: Exception) -> str:
    if isinstance(cause, OSError):
        return errno.errorcode.get(cause.errno or 0, "")
    return str(getattr(cause, "sqlite_errorname", ""))
