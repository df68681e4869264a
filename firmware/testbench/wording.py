"""One exchange in words: what was asked of which file, how much came, how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from firmware.card import status_word as sw
from firmware.card.apdu import INS_SIGN, INS_VERIFY, CommandApdu, ResponseApdu
from firmware.card.files import Aid
from firmware.testbench.following import (
    GET_RESPONSE,
    READ_BINARY,
    READ_RECORD,
    SELECT,
    Heard,
    Place,
    followed,
)
from firmware.testbench.trace import Exchange, Trace

_APPLICATIONS: Final = {aid.value: aid.name for aid in Aid}
_INSTRUCTIONS: Final = {
    INS_VERIFY: "VERIFY",
    0x24: "CHANGE REFERENCE DATA",
    0x2C: "RESET RETRY COUNTER",
    INS_SIGN: "SIGN",
    0x82: "EXTERNAL AUTHENTICATE",
    0x84: "GET CHALLENGE",
    0x88: "INTERNAL AUTHENTICATE",
    0xA2: "TERMINAL CERTIFICATE",
    SELECT: "SELECT",
    READ_BINARY: "READ BINARY",
    READ_RECORD: "READ RECORD",
    GET_RESPONSE: "GET RESPONSE",
    0xCA: "GET DATA",
    0xCB: "GET DATA",
    0xD6: "UPDATE BINARY",
}


class Told(msgspec.Struct, frozen=True):
    """An exchange as a row of a table."""

    asked: str
    """The command's name; `TRIES OF` is a VERIFY without data."""
    place: str
    """Application and file by name."""
    sent: int
    """Bytes of data in the command."""
    came: int
    """Bytes of data in the response."""
    offset: int | None
    """Of a read."""
    status_word: str
    meaning: str

    def __str__(self) -> str:
        came = f", {self.came} bytes" if self.came else ""
        came += f" from {self.offset}" if self.came and self.offset is not None else ""
        return f"{self.asked} {self.place}{came}: {self.meaning}"


def tell(command: CommandApdu | None, response: ResponseApdu, place: Place) -> Told:
    """One exchange about a place, as `Follower.step` returned it; None is no command at all."""
    if command is None:
        return _told("no command", place.name, 0, response, None)
    asked, where = _INSTRUCTIONS.get(command.ins, f"INS {command.ins:02X}"), place.name
    if command.ins == SELECT and not place.ef_id:
        where = _APPLICATIONS.get(command.data) or command.data.hex().upper() or "-"
    if command.ins == INS_VERIFY and not command.data:
        asked = "TRIES OF"
    offset = place.offset if command.ins in (READ_BINARY, GET_RESPONSE) else None
    return _told(asked, where, len(command.data), response, offset)


def _told(asked: str, place: str, sent: int, response: ResponseApdu, offset: int | None) -> Told:
    return Told(
        asked=asked,
        place=place,
        sent=sent,
        came=len(response.data),
        offset=offset,
        status_word=f"{response.status_word:04X}",
        meaning=sw.describe(response.status_word),
    )


def told(trace: Trace) -> Iterator[tuple[Exchange, Told]]:
    """Every exchange of a trace, told from its bytes: what a file calls them is not believed."""
    heard = (
        Heard(each.at_ms, each.command, ResponseApdu.decode(each.response.content), each.fresh)
        for each in trace.exchanges
    )
    for each, (said, command, place) in zip(trace.exchanges, followed(heard), strict=True):
        yield each, tell(command, said.response, place)
