"""The digits of one visit: a pad for one entry of one state, and confirmed digits until taken.

Digits have one way out: `take`, once, in the state that uses them.
"""

from __future__ import annotations

import secrets
from random import Random

from firmware.panel.pin_pad import ORDERED, SHAPES, PinPad, shuffled, wipe
from firmware.panel.screens import SCREENS
from firmware.panel.touch import Touch
from firmware.transaction.visit import Visit
from firmware.words import State as S

USES_DIGITS = frozenset({S.VERIFYING_PIN, S.CHECKING_STAFF, S.READING_CARD_FACE})


class PinDesk:
    """Follows the visit; holds at most one pad and one set of confirmed digits."""

    def __init__(self, random: Random, *, shuffle_keys: bool) -> None:
        self._random, self._shuffle_keys = random, shuffle_keys
        self._entry = 0
        self._entered: tuple[int, bytearray] | None = None
        """The entry that digits were confirmed in, and the digits until they are taken."""
        self.pad: PinPad | None = None
        self.name = ""
        """What this pad's picture and key sheet are called. Not to be guessed: they are served to
        whoever knows the name."""

    def follow(self, visit: Visit) -> None:
        """A new entry ends the old pad; confirmed digits last for the next entry only."""
        if self._entered is not None:
            keyed_in = self._entered[0]
            used_now = visit.entry == keyed_in + 1 and visit.state in USES_DIGITS
            if visit.entry != keyed_in and not used_now:
                self._wipe_entered()
        if visit.entry == self._entry:
            return
        self._entry = visit.entry
        if self.pad is not None:
            self.pad.wipe()
        self.pad, self.name = None, ""
        kind = SCREENS[visit.state].pad
        if kind is not None:
            keys = shuffled(self._random) if self._shuffle_keys else ORDERED
            self.pad = PinPad(SHAPES[kind].length, keys, shuffled(self._random))
            self.name = secrets.token_urlsafe(12)

    def type(self, touch: Touch) -> int | None:
        """Type or delete. The count of digits after it; None if nothing changed."""
        if self.pad is None:
            return None
        if touch.key is not None:
            changed = self.pad.press(touch.key)
        elif touch.typed is not None:
            changed = self.pad.press_on_keypad(touch.typed)
        else:
            changed = self.pad.delete()
        return self.pad.count if changed else None

    def confirm(self) -> bool:
        """Put the digits of a full pad aside. False: there are none, they were a moment ago."""
        if self.pad is None or not self.pad.full:
            return False
        self._wipe_entered()
        self._entered = self._entry, self.pad.take()
        return True

    def take(self) -> bytearray | None:
        """The digits that were confirmed, once; they belong to the caller, who wipes them."""
        entered, self._entered = self._entered, None
        return entered[1] if entered else None

    def forget(self) -> None:
        """Wipe whatever was typed."""
        if self.pad is not None:
            self.pad.wipe()
        self._wipe_entered()

    def _wipe_entered(self) -> None:
        if self._entered is not None:
            wipe(self._entered[1])
            self._entered = None
