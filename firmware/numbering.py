"""The numbers of a device's statements, and which of these were never answered. Pure.

A number that is missing in the host's ledger betrays a row that somebody took away. A statement can
also get lost with the link or with the host; so the device names those of which no answer came.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from firmware.statement import MOST_UNANSWERED, Unanswered

Number = Annotated[int, msgspec.Meta(ge=0)]


class Numbering(msgspec.Struct, frozen=True):
    """What a device must not forget of its statements."""

    last: Number = 0
    unanswered: tuple[Unanswered, ...] = ()

    @property
    def next(self) -> int:
        """The number of the statement that is not made yet."""
        return self.last + 1

    def made(self, transaction_id: UUID) -> Numbering:
        """After that visit's statement took the next number."""
        unanswered = (*self.unanswered, Unanswered(self.next, transaction_id))
        return Numbering(self.next, unanswered[-MOST_UNANSWERED:])

    def before(self, transaction_id: UUID) -> tuple[Unanswered, ...]:
        """Those of other visits that were never answered."""
        return tuple(one for one in self.unanswered if one.transaction_id != transaction_id)

    def answered(self) -> Numbering:
        """After the host answered to a statement, with which all earlier ones were named."""
        return Numbering(self.last)


def numbering_of(text: str) -> Numbering:
    """What stands in a device's file: this, or as an older version wrote it, the last number.

    Raises `ValueError`.
    """
    try:
        kept = msgspec.json.decode(text, type=Numbering | Number)
    except msgspec.MsgspecError as cause:
        raise ValueError(f"no numbering: {cause}") from cause
    return kept if isinstance(kept, Numbering) else Numbering(kept)
