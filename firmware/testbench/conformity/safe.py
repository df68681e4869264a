"""ReadOnlyCommand: a command that can cost a card nothing, whatever the card makes of it. Pure.

The type is the promise: what runs against a stranger's card sends nothing else. It is a list of
what is allowed, never of what is forbidden, so a command that nobody thought of is refused. No
VERIFY with data or with a length, no change of a PIN or a file, no EXTERNAL AUTHENTICATE; and what
a private key is given says of itself that it is worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from firmware.card.apdu import INS_SIGN, INS_VERIFY, CommandApdu
from firmware.card.jpki import digest_info
from firmware.faults import MalformedCommand

BASIC_CHANNEL: Final = 0x00
PROPRIETARY: Final = 0x80
OTHER_CHANNELS: Final = (0x01, 0x02, 0x03)
FOREIGN_CLASS: Final = 0xA0  # GSM 11.11: SELECT is all that is ever sent with it
_DOMAIN: Final = b"kazashi-conformity-v1\x00"  # a signature over it can stand for nothing else
_CHALLENGES: Final = 4


def worthless_digest(number: int) -> bytes:
    """SHA-256 of the suite's own name and a small number."""
    return sha256(_DOMAIN + bytes((number,))).digest()


def worthless(number: int) -> bytes:
    """The DigestInfo of it: what a private key is asked to sign."""
    return digest_info(worthless_digest(number))


_WORTHLESS: Final = frozenset(map(worthless, range(_CHALLENGES)))


def _no_data(command: CommandApdu) -> bool:
    return not command.data


def _empty_verify(command: CommandApdu) -> bool:
    """Four bytes and no more: a length, even of nothing, might be taken for a try."""
    return not command.data and command.le is None


def _of_no_worth(command: CommandApdu) -> bool:
    return command.data in _WORTHLESS


def _any_data(_command: CommandApdu) -> bool:
    return True


# By class and instruction: what its data may be. Reading with an odd instruction is reading too
# (ISO/IEC 7816-4); 80 FC is known of one kind of phone and is refused by a card (one source).
_ALLOWED: Final[Mapping[tuple[int, int], Callable[[CommandApdu], bool]]] = {
    (BASIC_CHANNEL, 0xA4): _any_data,  # SELECT
    (BASIC_CHANNEL, 0xB0): _no_data,  # READ BINARY
    (BASIC_CHANNEL, 0xB1): _no_data,
    (BASIC_CHANNEL, 0xB2): _no_data,  # READ RECORD
    (BASIC_CHANNEL, 0xCA): _no_data,  # GET DATA
    (BASIC_CHANNEL, 0xCB): _any_data,
    (BASIC_CHANNEL, 0xC0): _no_data,  # GET RESPONSE
    (BASIC_CHANNEL, 0x84): _no_data,  # GET CHALLENGE
    (BASIC_CHANNEL, 0x88): _of_no_worth,  # INTERNAL AUTHENTICATE
    (BASIC_CHANNEL, INS_VERIFY): _empty_verify,
    (PROPRIETARY, INS_SIGN): _of_no_worth,  # COMPUTE DIGITAL SIGNATURE
    (PROPRIETARY, 0xFC): _empty_verify,
    (FOREIGN_CLASS, 0xA4): _any_data,
    **{(channel, 0xA4): _any_data for channel in OTHER_CHANNELS},
}


@dataclass(frozen=True, slots=True)
class ReadOnlyCommand:
    """A command that spends, changes and opens nothing; MalformedCommand for any other."""

    command: CommandApdu

    def __post_init__(self) -> None:
        allowed = _ALLOWED.get((self.command.cla, self.command.ins))
        if allowed is None or not allowed(self.command):
            raise MalformedCommand(f"{self.command!r} is not for a stranger's card")
