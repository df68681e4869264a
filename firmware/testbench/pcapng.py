"""A trace as a pcapng file that Wireshark and tshark decode. Pure.

Each command and each response is an exported PDU (link type 252) for the dissector `iso7816`, with
its direction. Three kinds of blocks are all that needs; the libraries that write pcapng know no
exported PDUs, so that the part which can go wrong would be ours with them as well. A hidden byte is
exported as what a trace plays it as, and every packet says how many there are. (Wireshark takes a
response that begins with 3B or 3F for an answer to reset; that is its own.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from firmware.testbench.trace import MaskedBytes, Trace
from firmware.testbench.wording import told

# draft-ietf-opsawg-pcapng: blocks, options
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_LENGTH_UNKNOWN: Final = -1
_COMMENT, _USER_APPLICATION, _INTERFACE_NAME = 1, 4, 2
# Wireshark, epan/exported_pdu.h: the link type and the tags before each PDU
_EXPORTED_PDU: Final = 252
_DISSECTOR, _DIRECTION, _END_OF_TAGS = 12, 35, 0
_SENT, _RECEIVED = 0, 1
_SNAPSHOT_BYTES: Final = 1 << 18


def export(trace: Trace) -> bytes:
    """The file's bytes; the packets of an exchange bear the time of its response."""
    header = trace.header
    holder = "the card is nobody's" if header.synthetic_holder else "a person's data is masked"
    about = f"{header.card_kind}, ATR {header.atr}; {holder}"
    blocks = [
        _block(
            _SECTION,
            struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _LENGTH_UNKNOWN),
            _option(_COMMENT, about),
            _option(_USER_APPLICATION, header.tool),
        ),
        _block(
            _INTERFACE,
            struct.pack("<HHI", _EXPORTED_PDU, 0, _SNAPSHOT_BYTES),
            _option(_INTERFACE_NAME, header.reader),
        ),
        *_packets(trace),
    ]
    return b"".join(blocks)


def _packets(trace: Trace) -> Iterator[bytes]:
    began_us = int(trace.header.recorded_at.timestamp()) * 1_000_000
    for each, words in told(trace):
        at_us = began_us + each.at_ms * 1000
        yield _packet(each.command, _SENT, at_us, f"{words.asked} {words.place}")
        yield _packet(each.response, _RECEIVED, at_us, words.meaning)


def _packet(content: MaskedBytes, direction: int, at_us: int, comment: str) -> bytes:
    if content.hidden:
        comment += f"; {len(content.hidden)} bytes are hidden"
    pdu = (
        _tag(_DISSECTOR, b"iso7816")
        + _tag(_DIRECTION, direction.to_bytes(4, "big"))
        + _tag(_END_OF_TAGS, b"")
        + content.content
    )
    at = (at_us >> 32 & 0xFFFFFFFF, at_us & 0xFFFFFFFF)
    head = struct.pack("<IIIII", 0, *at, len(pdu), len(pdu))
    return _block(_PACKET, head + _padded(pdu), _option(_COMMENT, comment))


def _tag(number: int, value: bytes) -> bytes:
    """Before a PDU, in network order."""
    value = _padded(value)
    return struct.pack(">HH", number, len(value)) + value


def _option(number: int, text: str) -> bytes:
    value = text.encode()[:0xFFFF]
    return struct.pack("<HH", number, len(value)) + _padded(value)


def _block(kind: int, body: bytes, *options: bytes) -> bytes:
    """Its length stands at both ends; an option of number 0 ends the options."""
    content = body + b"".join(options) + (bytes(4) if options else b"")
    size = struct.pack("<I", len(content) + 12)
    return struct.pack("<I", kind) + size + content + size


def _padded(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
