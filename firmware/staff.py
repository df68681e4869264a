"""The facility's passcodes: salted and stretched, compared in constant time. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from firmware.settings import StaffMember

_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
SALT_BYTES = 16


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
