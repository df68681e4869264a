"""What makes a row of the ledger belong where it stands: hashes, heads, counters. Pure.

A row's hash covers the row before it; a head is the last row's sequence number and hash, signed
with the driver's own key. A section is a part of the chain between two heads, signed for an export:
its tag differs, so that no section can pass as the head of a ledger that was cut short.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hostdriver.api import LedgerGap
from hostdriver.faults import ChainBroken

Known = TypeVar("Known", bound=msgspec.Struct)
Facts: TypeAlias = dict[str, str | int | bool | None]

ROW_TAG: Final = b"kazashi-ledger-row-v1\x00"
HEAD_TAG: Final = b"kazashi-ledger-head-v1\x00"
SECTION_TAG: Final = b"kazashi-ledger-section-v1\x00"
VISIT_BEGUN: Final = "visit_begun"
STATEMENT: Final = "statement"
UNANSWERED: Final = "statement_unanswered"


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
        return HEAD_TAG + self.packed()

    def packed(self) -> bytes:
        """Its bytes within a signature."""
        return self.sequence.to_bytes(8, "big", signed=True) + self.hash


EMPTY: Final = Head(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file. `facts` is the JSON text that the hash covers."""

    sequence: int
    at: str
    kind: str
    facts: str
    hash: bytes


def next_row(head: Head, entry: Entry, now: datetime) -> Row:
    """The row that records `entry` after `head`."""
    at = now.isoformat(timespec="milliseconds")
    facts = msgspec.json.encode(entry.facts, order="deterministic").decode()
    return Row(head.sequence + 1, at, entry.kind, facts, _hash(head, at, entry.kind, facts))


def section_to_be_signed(after: Head, last: Head) -> bytes:
    """What the driver's key signs of an export: the rows behind `after`, up to `last`."""
    return SECTION_TAG + after.packed() + last.packed()


def signed_by(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether that key made that signature."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


class Walk:
    """Rows taken one after the other from a head that is trusted.

    `head` is the last row that held; `gaps` are the statements that the rows should hold and do
    not. One that the device itself calls unanswered is none, if the rows tell of its visit: whoever
    takes a statement away takes its visit as well.
    """

    def __init__(self, start: Head = EMPTY) -> None:
        self.head = start
        self.gaps: list[LedgerGap] = []
        self._counters: dict[str, int] = {}
        self._not_stated: set[str] = set()
        """Visits."""

    def take(self, row: Row) -> None:
        """The next row. Raises `ChainBroken` when it does not belong there."""
        due = self.head.sequence + 1
        if row.sequence != due:
            raise ChainBroken(due, f"row {due} is missing")
        if row.hash != _hash(self.head, row.at, row.kind, row.facts):
            raise ChainBroken(due, "the row is not the one that was written here")
        if row.kind == VISIT_BEGUN:
            self._not_stated.add(_facts(row, _OfVisit).transaction_id)
        elif row.kind == STATEMENT:
            self.gaps.extend(self._gap(row))
        elif row.kind == UNANSWERED:
            self._explain(row)
        self.head = Head(row.sequence, row.hash)

    def end_at(self, stored: Head) -> None:
        """The rows are over. Raises `ChainBroken` when the signed head is of other ones."""
        if stored != self.head:
            raise ChainBroken(
                min(stored.sequence, self.head.sequence) + 1,
                f"the signed head is of row {stored.sequence}, the last row is "
                f"{self.head.sequence}",
            )

    def _gap(self, row: Row) -> Iterator[LedgerGap]:
        stated = _facts(row, _Counted)
        self._not_stated.discard(stated.transaction_id)
        expected = self._counters.get(stated.device_id, stated.counter - 1) + 1
        self._counters[stated.device_id] = stated.counter
        if stated.counter != expected:
            yield LedgerGap(stated.device_id, expected, stated.counter, row.sequence)

    def _explain(self, row: Row) -> None:
        stated = _facts(row, _Counted)
        is_next = self._counters.get(stated.device_id) == stated.counter - 1
        if is_next and stated.transaction_id in self._not_stated:
            self._counters[stated.device_id] = stated.counter


class _OfVisit(msgspec.Struct, frozen=True):
    transaction_id: str = ""


class _Counted(_OfVisit, frozen=True, kw_only=True):
    device_id: str
    counter: int


def _facts(row: Row, of: type[Known]) -> Known:
    try:
        return msgspec.json.decode(row.facts, type=of)
    except msgspec.MsgspecError as cause:
        raise ChainBroken(row.sequence, f"the row of a {row.kind} lacks facts: {cause}") from cause


def _hash(before: Head, at: str, kind: str, facts: str) -> bytes:
    digest = hashlib.sha256(ROW_TAG + before.hash + (before.sequence + 1).to_bytes(8, "big"))
    for part in (at, kind, facts):
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.digest()
