"""How long a command and its answer take on the wire between reader and card.

Lower bounds from the standards, for the line alone: no work of the chip, no waiting of the reader.
Contactless: ISO/IEC 14443-3 and -4 Type B, both ways at one rate, 256-byte frames without CID, the
guard times that hold unless reader and card agree on shorter ones. Contact: T=1 of ISO/IEC 7816-3,
blocks of 254 bytes, 11 bits a character. *Assumed*: readers agree on nothing better.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CARRIER_HZ: Final = 13.56e6
_SUBCARRIER_S: Final = 16 / CARRIER_HZ
_SLOWEST_BIT_S: Final = 128 / CARRIER_HZ  # 9.4 µs: the elementary time unit of 106 kbit/s
# Before a card's frame: TR0 and TR1, 64 and 80 periods of the subcarrier. After it: TR2, ten
# elementary units and 32 periods.
_GUARD_S: Final = (64 + 80 + 32) * _SUBCARRIER_S + 10 * _SLOWEST_BIT_S
_CONTACT_GUARD_BITS: Final = 22  # between the last character one way and the first the other way


class Line(StrEnum):
    """A wire and its rate: kbit/s without contact, bit/s with."""

    CONTACTLESS_106 = "contactless_106"
    CONTACTLESS_212 = "contactless_212"
    CONTACTLESS_424 = "contactless_424"
    CONTACTLESS_848 = "contactless_848"
    CONTACT_9600 = "contact_9600"
    CONTACT_38400 = "contact_38400"
    CONTACT_115200 = "contact_115200"


@dataclass(frozen=True, slots=True)
class Wire:
    """How bytes become bits, and bits become seconds."""

    bit_s: float
    byte_bits: int
    frame_bits: int  # beginning and end of a frame
    block_bytes: int  # of the protocol, around the payload
    payload_bytes: int  # at most, in one block
    guard_s: float  # for one block there and one back


def _contactless(times: int) -> Wire:
    """PCB and CRC around 253 bytes; start and end of frame 12 and 10 bits, a byte 10."""
    return Wire(_SLOWEST_BIT_S / times, 10, 22, 3, 253, _GUARD_S)


def _contact(bits_per_s: int) -> Wire:
    """NAD, PCB, LEN and LRC around 254 bytes; a character 11 bits."""
    return Wire(1 / bits_per_s, 11, 0, 4, 254, 2 * _CONTACT_GUARD_BITS / bits_per_s)


WIRES: Final = {
    Line.CONTACTLESS_106: _contactless(1),
    Line.CONTACTLESS_212: _contactless(2),
    Line.CONTACTLESS_424: _contactless(4),
    Line.CONTACTLESS_848: _contactless(8),
    Line.CONTACT_9600: _contact(9600),
    Line.CONTACT_38400: _contact(38400),
    Line.CONTACT_115200: _contact(115200),
}


def line_time_s(line: Line, command_bytes: int, answer_bytes: int) -> float:
    """Seconds for one command and its whole answer.

    What does not fit into a block is chained: each block but the last of a direction is
    acknowledged by an empty one, so both sides send equally many.
    """
    wire = WIRES[line]
    there = -(-command_bytes // wire.payload_bytes)
    back = -(-answer_bytes // wire.payload_bytes)
    pairs = there + back - 1  # the last block there is answered by the first back
    sent_bytes = command_bytes + answer_bytes + 2 * pairs * wire.block_bytes
    bits = sent_bytes * wire.byte_bits + 2 * pairs * wire.frame_bits
    return bits * wire.bit_s + pairs * wire.guard_s
