"""The facility's passcodes: salted, stretched, compared in constant time; a gate before them. Pure.

A visit has its own three tries (`STAFF_TRIES`); the gate counts over all visits.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

from firmware.settings import StaffMember

_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
SALT_BYTES = 16

WRONG_TO_CLOSE: Final = 5
WRONG_WITHIN_S: Final = 600.0
CLOSED_FOR_S: Final = 300.0
"""Whoever guesses without pause gets some sixty of ten thousand codes an hour."""


class StaffGate:
    """Shut for a while when too many wrong passcodes came too soon. `now_s` is monotonic."""

    def __init__(
        self, time_scale: float = 1.0, *, wrong_before: int = 0, now_s: float = 0.0
    ) -> None:
        """`wrong_before`: what an earlier run of this device remembered; these tries count as made
        now, so that a restart never opens the gate sooner, and at most keeps it shut for longer."""
        self._within_s, self._closed_for_s = WRONG_WITHIN_S * time_scale, CLOSED_FOR_S * time_scale
        self._wrong_at_s: tuple[float, ...] = ()
        self._opens_at_s: float | None = None
        for _ in range(min(wrong_before, WRONG_TO_CLOSE)):
            self.note_wrong(now_s)

    def is_open(self, now_s: float) -> bool:
        """Whether a passcode may be looked at."""
        return self._opens_at_s is None or now_s >= self._opens_at_s

    def note_wrong(self, now_s: float) -> None:
        """A passcode was wrong. A right one takes none of them back."""
        self._wrong_at_s = (*self._counted(now_s), now_s)
        self._opens_at_s = None
        if len(self._wrong_at_s) >= WRONG_TO_CLOSE:
            self._opens_at_s = now_s + self._closed_for_s

    def remembered(self, now_s: float) -> int:
        """How many wrong tries a restart must not forget."""
        return len(self._counted(now_s))

    def _counted(self, now_s: float) -> tuple[float, ...]:
        if self._opens_at_s is not None:  # they have closed it; once it opens they are spent
            return self._wrong_at_s if now_s < self._opens_at_s else ()
        return tuple(at_s for at_s in self._wrong_at_s if now_s - at_s < self._within_s)


def hash_passcode(digits: bytes | bytearray, salt: bytes | None = None) -> str:
    """`salt$hash` in hex, as settings keep it. Four digits have no strength of their own: the
    hash only keeps them from being read over a shoulder, so the settings file is private too."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    return f"{salt.hex()}${hashlib.scrypt(digits, salt=salt, **_SCRYPT).hex()}"


def staff_with(passcode: bytes | bytearray, staff: Iterable[StaffMember]) -> str | None:
    """The id of the member of staff whose passcode this is. Takes long on purpose."""
    found = None
    for member in staff:
        salt, _, _ = member.passcode.partition("$")
        if hmac.compare_digest(hash_passcode(passcode, bytes.fromhex(salt)), member.passcode):
            found = found or member.staff_id
    return found
