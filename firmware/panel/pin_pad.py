"""Where the keys of a pad lie, and the one buffer that digits are typed into.

The page sends positions; only this module knows which digit lies where. The pad's picture is drawn
here too, so that no digit is a text of the page.

The keys of a keypad have their digits printed on them and cannot be laid anew. What they are called
can: each pad has a key sheet, which numbers them at random. The page reads it like the picture,
over HTTP, and sends those numbers; the line never carries the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

KEYS = 10
KEYPAD_ROWS = ("Numpad", "Digit")
"""`KeyboardEvent.code` of the ten keys is one of these and the digit that is printed on the key."""
ORDERED = b"1234567890"
"""Position → digit, row by row, three in a row; the tenth key lies below the middle one."""


class PadKind(StrEnum):
    """What is being typed."""

    PIN = "pin"  # 暗証番号
    STAFF = "staff"  # the staff passcode, never the card's PIN
    PRINT = "print"  # 照合番号B as it is printed: birth date, year of expiry, security code


@dataclass(frozen=True, slots=True)
class PadShape:
    """How many digits a pad takes, in the groups they are shown in."""

    groups: tuple[int, ...]

    @property
    def length(self) -> int:
        return sum(self.groups)


SHAPES: dict[PadKind, PadShape] = {
    PadKind.PIN: PadShape((4,)),
    PadKind.STAFF: PadShape((4,)),
    PadKind.PRINT: PadShape((6, 4, 4)),
}


def shuffled(random: Random) -> bytes:
    """A layout that an onlooker cannot read from the movement of a hand."""
    return bytes(random.sample(ORDERED, KEYS))


class PinPad:
    """Digits being typed. They are never shown, compared or printed; `take` gives them once."""

    __slots__ = ("_buffer", "_count", "_keypad", "_keys")

    def __init__(self, length: int, keys: bytes = ORDERED, keypad: bytes = ORDERED) -> None:
        """`keys` is the layout on the screen, `keypad` the order of the key sheet's numbers."""
        # The buffer has its size from the start: growing would leave copies behind.
        self._buffer = bytearray(length)
        self._count = 0
        self._keys = keys
        self._keypad = keypad

    def __repr__(self) -> str:
        return f"PinPad({self._count} of {len(self._buffer)} digits)"

    @property
    def count(self) -> int:
        """How many digits have been typed."""
        return self._count

    @property
    def full(self) -> bool:
        return self._count == len(self._buffer)

    def press(self, position: int) -> bool:
        """Type the digit at a position. False: no such key, or the pad is full."""
        return self._type(self._keys, position)

    def press_on_keypad(self, number: int) -> bool:
        """Type the digit that the key sheet numbers so. False as for `press`."""
        return self._type(self._keypad, number)

    def _type(self, keys: bytes, place: int) -> bool:
        if self.full or not 0 <= place < KEYS:
            return False
        self._buffer[self._count] = keys[place]
        self._count += 1
        return True

    def delete(self) -> bool:
        """Take back the last digit. False if there is none."""
        if self._count == 0:
            return False
        self._count -= 1
        self._buffer[self._count] = 0
        return True

    def take(self) -> bytearray:
        """The ASCII digits, in a buffer that belongs to the caller; the pad is empty after it."""
        digits = self._buffer[: self._count]
        self.wipe()
        return digits

    def wipe(self) -> None:
        """Overwrite what was typed. May be called again."""
        wipe(self._buffer)
        self._count = 0

    def drawn(self) -> str:
        """The keys as an SVG picture: four rows of three cells, in whatever size it is shown."""
        return _picture([chr(key) for key in self._keys])

    def key_sheet(self) -> dict[str, int]:
        """Every key of a keypad by its code, and its number on this pad."""
        return {
            f"{row}{chr(digit)}": number
            for row in KEYPAD_ROWS
            for number, digit in enumerate(self._keypad)
        }


def wipe(digits: bytearray) -> None:
    """Overwrite a buffer in place."""
    for index in range(len(digits)):
        digits[index] = 0


INSET_X, INSET_Y = 1.7, 1.7
CELL_X, CELL_Y = 100 / 3, 25.0
"""In per cent: the picture takes the shape of the keys that lie over it."""


def _picture(labels: Sequence[str]) -> str:
    keys = "".join(_key(label, *_cell(position)) for position, label in enumerate(labels))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%" '
        'font-family="Noto Sans CJK JP, Noto Sans, sans-serif" font-size="12vmin" '
        f'font-weight="500" text-anchor="middle">{keys}</svg>'
    )


def _cell(position: int) -> tuple[float, float]:
    row, column = divmod(position, 3) if position < KEYS - 1 else (3, 1)
    return column * CELL_X, row * CELL_Y


def _key(label: str, left: float, top: float) -> str:
    width, height = CELL_X - 2 * INSET_X, CELL_Y - 2 * INSET_Y
    return (
        f'<rect x="{left + INSET_X:.2f}%" y="{top + INSET_Y:.2f}%" '
        f'width="{width:.2f}%" height="{height:.2f}%" rx="11" '
        'fill="#fff" stroke="#7d8f9b" stroke-width="2"/>'
        f'<text x="{left + CELL_X / 2:.2f}%" y="{top + CELL_Y / 2:.2f}%" '
        f'dominant-baseline="central" fill="#14232e">{label}</text>'
    )
