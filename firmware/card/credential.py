"""Pin and CollationNumberB: secrets that print as sizes and live no longer than their use.

One mutable buffer holds the digits, so that `wipe` really overwrites them. A command that carries
them is a copy of its own, which Python cannot overwrite: the card worker ends after each visit
with a PIN.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, NoReturn, SupportsIndex, TypeVar

from firmware.card import collation
from firmware.card.files import FIRST_GENERATION, Key
from firmware.faults import MalformedCredential

Self = TypeVar("Self", bound="Credential")


class Credential:
    """Digits for one VERIFY. Equal only to itself, never hashed, never pickled."""

    __slots__ = ("_digits",)
    opens: ClassVar[frozenset[Key]] = frozenset()

    def __init__(self, digits: bytearray) -> None:
        self._digits = digits

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._digits)} digits)"

    __str__ = __repr__
    # A hash would let the value be looked up in a table of all PINs.
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{type(self).__name__} does not travel by pickle")

    def reveal(self) -> bytes:
        """A copy of the ASCII digits, for the one command; MalformedCredential once wiped."""
        if not self._digits:
            raise MalformedCredential(f"{type(self).__name__} has been wiped")
        return bytes(self._digits)

    def wipe(self) -> None:
        """Overwrite the digits and let them go. May be called again."""
        for index in range(len(self._digits)):
            self._digits[index] = 0
        self._digits.clear()


class Pin(Credential):
    """利用者証明用暗証番号: the four digits of the user authentication key."""

    __slots__ = ()
    opens = frozenset({Key.USER_AUTHENTICATION_PIN})

    @classmethod
    def parse(cls, digits: str | bytes | bytearray) -> Pin:
        """Exactly four ASCII digits, else MalformedCredential. A caller's buffer is its own."""
        buffer = _digits(digits)
        if len(buffer) != FIRST_GENERATION.pin_digits:
            raise MalformedCredential("a PIN has four digits")
        return cls(buffer)


class CollationNumberB(Credential):
    """照合番号B: fourteen digits from the printed face. `collation` knows its arithmetic."""

    __slots__ = ()
    opens = frozenset({Key.COLLATION_NUMBER_B, Key.TEXT_COLLATION_NUMBER_B})

    @classmethod
    def parse(cls, digits: str | bytes | bytearray, today: date | None = None) -> CollationNumberB:
        """Fourteen plausible ASCII digits, else MalformedCredential.

        `today` only from a trusted clock; see `collation.plausible`.
        """
        buffer = _digits(digits)
        if not collation.plausible(buffer.decode("ascii"), today):
            raise MalformedCredential("these digits are no collation number B")
        return cls(buffer)


def _digits(digits: str | bytes | bytearray) -> bytearray:
    text = digits if isinstance(digits, str) else digits.decode("ascii", "replace")
    if not (text.isascii() and text.isdigit()):
        raise MalformedCredential("only digits are allowed")  # which other ones, is not said
    return bytearray(text, "ascii")
