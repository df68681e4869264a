"""Where one payload ends on the wire: lines on a stream that loses nothing, frames on a cable.

A frame is 00, COBS(payload, CRC-32 of it), 00: a zero never stands inside, so any byte lost or
added costs the frames it touched and no other. A decoder takes any slicing, keeps bounded memory,
and gives back each payload once.
"""

from __future__ import annotations

import zlib
from typing import Final

from firmware.faults import MalformedFrame

LINE_END: Final = b"\n"  # JSON never holds a raw one
DELIMITER: Final = b"\x00"
MAX_FRAME_BYTES: Final = 1100
"""Between two delimiters: `endpoint.py`'s header and 1024 bytes, as COBS leaves them."""

_CRC_BYTES: Final = 4
_LONGEST_BLOCK: Final = 254  # of COBS: more bytes than this without a zero take another code


class LineDecoder:
    """Bytes → the parts between delimiters, in any slicing.

    A part longer than `max_bytes` comes out cut to `max_bytes + 1`, so that whoever decodes it
    refuses it for its length; the rest of it is dropped up to its end.
    """

    def __init__(self, max_bytes: int, end: bytes = LINE_END) -> None:
        self._kept_bytes = max_bytes + 1
        self._end = end
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The parts that ended in `data`, without their ends."""
        *ends, tail = data.split(self._end)
        lines = []
        for end in ends:
            self._keep(end)
            lines.append(bytes(self._rest))
            self._rest.clear()
        self._keep(tail)
        return lines

    def _keep(self, part: bytes) -> None:
        self._rest += part[: self._kept_bytes - len(self._rest)]


class FrameDecoder:
    """Bytes of a bad cable → payloads whose CRC holds; everything else is dropped and counted."""

    def __init__(self) -> None:
        self._parts = LineDecoder(MAX_FRAME_BYTES, DELIMITER)
        self.dropped = 0
        """Parts between delimiters that were no frame."""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads of the frames that ended in `data`."""
        payloads = []
        for part in self._parts.feed(data):
            if part:  # two delimiters stand between two frames
                try:
                    payloads.append(unwrap(part))
                except MalformedFrame:
                    self.dropped += 1
        return payloads


def wrap(payload: bytes) -> bytes:
    """One frame, with both delimiters. `payload` is at most some 1000 bytes; see the constant."""
    checked = payload + zlib.crc32(payload).to_bytes(_CRC_BYTES, "little")
    return DELIMITER + cobs_encode(checked) + DELIMITER


def unwrap(part: bytes) -> bytes:
    """The payload of what stood between two delimiters. Raises `MalformedFrame`."""
    if len(part) > MAX_FRAME_BYTES:
        raise MalformedFrame("too long")
    checked = cobs_decode(part)
    payload, crc = checked[:-_CRC_BYTES], checked[-_CRC_BYTES:]
    if zlib.crc32(payload).to_bytes(_CRC_BYTES, "little") != crc:
        raise MalformedFrame("the CRC does not hold")
    return payload


def cobs_encode(content: bytes) -> bytes:
    """Consistent overhead byte stuffing (Cheshire and Baker, 1999): no zero is left."""
    encoded = bytearray()
    for block in content.split(DELIMITER):
        rest = block
        while len(rest) >= _LONGEST_BLOCK:
            encoded += b"\xff" + rest[:_LONGEST_BLOCK]
            rest = rest[_LONGEST_BLOCK:]
        encoded.append(len(rest) + 1)
        encoded += rest
    return bytes(encoded)


def cobs_decode(encoded: bytes) -> bytes:
    """What `cobs_encode` was given. Raises `MalformedFrame`."""
    content = bytearray()
    at = 0
    while at < len(encoded):
        code = encoded[at]
        block = encoded[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            raise MalformedFrame("no COBS")
        content += block
        at += code
        if code <= _LONGEST_BLOCK and at < len(encoded):
            content.append(0)
    return bytes(content)
