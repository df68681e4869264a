"""How much one READ BINARY may ask of a reader: everything at once, until the reader refuses.

Real cards answer extended Le (one source read whole files with it); whether a reader passes it, and
passes a long answer back, no list tells. So it is tried where nothing can be lost by it, and what
came of it outlives the worker, which is replaced after each visit with a PIN.
"""

from __future__ import annotations

from firmware.card.apdu import EXTENDED_LE_MAX, SHORT_LE_MAX


class BlockSize:
    """One reader's; scripts that read files ask it, and note in it what they meet."""

    __slots__ = ("_le", "_longest", "_under_way")

    def __init__(self, le: int = EXTENDED_LE_MAX, longest: int = 0) -> None:
        """`le` in bytes, 256..65536: where to begin; at 256 there is nothing to find out.
        `longest`: the longest answer that is known to have come."""
        self._le, self._longest, self._under_way = le, longest, False

    def __repr__(self) -> str:
        return f"BlockSize({self._le} bytes, {self._longest} seen)"

    @property
    def le(self) -> int:
        """The Le to ask for, in bytes."""
        return self._le

    @property
    def longest(self) -> int:
        """The longest answer to a long Le so far, in bytes; 0 before the first."""
        return self._longest

    @property
    def is_tried(self) -> bool:
        """Whether the reader has answered a long Le, or none is in question."""
        return self._le <= SHORT_LE_MAX or self._longest > 0

    def note_asked(self) -> None:
        """A long Le is under way."""
        self._under_way = True

    def note_passed(self, length: int) -> None:
        """It was answered, with so many bytes."""
        self._under_way, self._longest = False, max(self._longest, length)

    def note_cut(self, length: int) -> None:
        """Only so many bytes came of a file that goes on. A card can make it 256 and no less."""
        self._le = min(self._le, max(length, SHORT_LE_MAX))

    def note_refused(self) -> None:
        """It was refused, and a short one went through."""
        self._under_way, self._le = False, min(self._le, SHORT_LE_MAX)

    def note_card_lost(self) -> None:
        """The card was lost: over a long Le, if none brought a long answer on this reader yet."""
        if self._under_way and self._longest <= SHORT_LE_MAX:
            self._le = min(self._le, SHORT_LE_MAX)
        self._under_way = False
