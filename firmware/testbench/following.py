"""Which application and file a dialogue has reached, told from its commands and answers alone.

Nothing here asks the card. Where a dialogue cannot be followed for certain (a refused SELECT of an
application, a logical channel, a path), the place is unknown until the next certain SELECT.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from firmware.card import status_word as sw
from firmware.card.apdu import CURRENT_FILE, INS_SIGN, INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.files import (
    CARD_FACE_CHIP_KEY,
    CARD_TEXT_CHIP_KEY,
    COMMON_CHIP_KEY,
    EFS,
    SIGNATURE_KEY,
    USER_AUTHENTICATION_KEY,
    Aid,
    Ef,
    Key,
)
from firmware.faults import MalformedCommand
from firmware.testbench.trace import MaskedBytes

SELECT, READ_BINARY, READ_RECORD, GET_RESPONSE = 0xA4, 0xB0, 0xB2, 0xC0
BY_NAME, UNDER_APPLICATION = 0x04, 0x02  # P1 of SELECT
_BY_SHORT_ID: Final = 0x80  # P1 of READ BINARY; P2 of VERIFY and of a signature
_SHORT_ID: Final = 0x1F
_CLASSES: Final = (0x00, 0x80)  # of the basic logical channel

FILES: Final = {(ef.aid, ef.ef_id): ef for ef in EFS}
_KEYS: Final = {(key.aid, key.ef_id): key for key in Key}
_SIGNING_KEYS: Final = {
    (key.aid, key.ef_id): name
    for key, name in (
        (USER_AUTHENTICATION_KEY, "user authentication key"),
        (SIGNATURE_KEY, "signature key"),
        (CARD_FACE_CHIP_KEY, "chip's own key"),
        (CARD_TEXT_CHIP_KEY, "chip's own key"),
        (COMMON_CHIP_KEY, "chip's own key"),
    )
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data of a response comes from. None is "not known", and never "none"."""

    aid: Aid | None = None
    ef_id: int | None = None
    offset: int = 0

    @property
    def ef(self) -> Ef | None:
        """The elementary file, if it is one that we know."""
        if self.aid is None or self.ef_id is None:
            return None
        return FILES.get((self.aid, self.ef_id))

    @property
    def name(self) -> str:
        """Application and file for people."""
        if self.aid is None:
            return "unknown place"
        if self.ef_id is None:
            return self.aid.name
        at = (self.aid, self.ef_id)
        key = _KEYS.get(at)
        known = key.name if key else _SIGNING_KEYS.get(at)
        if at in FILES:
            known = FILES[at].name
        return f"{self.aid.name} {self.ef_id:04X}" + (f" {known}" if known else "")


@dataclass(frozen=True, slots=True, repr=False)
class Heard:
    """One exchange as it went over the reader; a person's secret in its command is gone already.

    `fresh`: the card was given power right before, or something is missing before it, so that
    nothing is known to be selected.
    """

    at_ms: int
    command: MaskedBytes
    response: ResponseApdu
    fresh: bool = False

    def __repr__(self) -> str:
        return f"Heard({self.command!r}, {self.response!r})"


Followed = tuple[Heard, CommandApdu | None, Place]
"""An exchange, its command (None for bytes that are none), and the place it was about."""


def followed(heard: Iterable[Heard]) -> Iterator[Followed]:
    """Each exchange of a dialogue with its command and the place it was about."""
    follower = Follower()
    for each in heard:
        command = decoded(each.command.content)
        if each.fresh or command is None:
            follower = Follower()
        yield each, command, follower.step(command, each.response) if command else Place()


def decoded(encoded: bytes) -> CommandApdu | None:
    """The command in some bytes, if they are one."""
    try:
        return CommandApdu.decode(encoded)
    except MalformedCommand:
        return None


class Follower:
    """Follows one dialogue from power-up on."""

    def __init__(self) -> None:
        self._place = Place()
        self._goes_on: Place | None = None  # where GET RESPONSE would

    def step(self, command: CommandApdu, response: ResponseApdu) -> Place:
        """Take one exchange; returns the place it was about."""
        goes_on, self._goes_on = self._goes_on, None
        if command.cla not in _CLASSES:
            self._place = Place()
            return self._place
        if command.ins == SELECT:
            self._place = self._selected(command, worked=_worked(response))
            return self._place
        if command.ins == GET_RESPONSE:
            about = goes_on or Place()
        else:
            about = replace(self._named(command, worked=_worked(response)), offset=_offset(command))
        if command.ins in (READ_BINARY, GET_RESPONSE):
            self._goes_on = replace(about, offset=about.offset + len(response.data))
        return about

    def _selected(self, command: CommandApdu, *, worked: bool) -> Place:
        if command.p1 == BY_NAME and worked:
            # A part of a name may stand for several applications.
            return Place(next((aid for aid in Aid if aid.value == command.data), None))
        if command.p1 == UNDER_APPLICATION and len(command.data) == 2:
            ef_id = int.from_bytes(command.data, "big") if worked else None
            return Place(self._place.aid, ef_id)
        return Place()

    def _named(self, command: CommandApdu, *, worked: bool) -> Place:
        """The place that a command names by a short id, or else the selected one."""
        if command.ins == INS_SIGN and command.p2 == 0x00:
            return Place(self._place.aid)  # the application's own key
        short_id = _short_id(command)
        if short_id is None:
            return self._place
        # A refused one may have left the card where it was, or not.
        self._place = Place(self._place.aid, short_id if worked else None)
        return Place(self._place.aid, short_id)


def _worked(response: ResponseApdu) -> bool:
    return (
        response.is_ok
        or response.status_word == sw.END_OF_FILE
        or sw.bytes_waiting(response.status_word) is not None
    )


def _short_id(command: CommandApdu) -> int | None:
    """The short EF id in a command's parameters; None where it means the selected file."""
    if command.ins == READ_BINARY and command.p1 & _BY_SHORT_ID:
        return command.p1 & _SHORT_ID
    if command.ins == READ_RECORD and command.p2 >> 3:
        return command.p2 >> 3
    of_a_key = command.ins in (INS_VERIFY, INS_SIGN) and command.p2 != CURRENT_FILE
    if of_a_key and command.p2 & _BY_SHORT_ID:
        return command.p2 & _SHORT_ID
    return None


def _offset(command: CommandApdu) -> int:
    """Where READ BINARY begins."""
    if command.ins != READ_BINARY:
        return 0
    return command.p2 if command.p1 & _BY_SHORT_ID else command.p1 << 8 | command.p2
